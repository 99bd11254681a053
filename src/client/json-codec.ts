/**
 * Values as JSON, and checked by a schema if there is one.
 *
 *     json<Cart>()      believes the type
 *     json(CartSchema)  checks it: zod, valibot, arktype, and whoever else speaks Standard Schema
 *
 * A schema is asked in both directions. On the way in, what is stored is what the schema let
 * through, with its defaults filled in; on the way out, bytes that somebody else wrote are checked
 * before they get a type. So a schema must accept its own output as its input, which all do that do
 * not change the type.
 */
import type { Codec } from "./codec.ts";
import { CodecRefusal, kindOf, textOf } from "./codec.ts";
import { GrammeError } from "./gramme-error.ts";

/** The part of Standard Schema, version 1, that is used here. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** What a value is after this schema has let it through. */
export type OutputOf<Schema extends StandardSchema> = NonNullable<
  Schema["~standard"]["types"]
>["output"];

const ENCODER = new TextEncoder();
const PATHS_SHOWN_MAX = 3;

export function json<V = unknown>(): Codec<V>;
export function json<Schema extends StandardSchema>(schema: Schema): Codec<OutputOf<Schema>>;
export function json(schema?: StandardSchema): Codec<unknown> {
  if (schema === undefined) return PLAIN;
  const standard = (schema as Partial<StandardSchema> | null)?.["~standard"];
  if (typeof standard?.validate !== "function") {
    const hint = "Pass a schema that has a ~standard property, or json<Type>() for none";
    throw new GrammeError("INVALID_ARGUMENT", "json was given no Standard Schema", { hint });
  }
  return {
    name: `json (${standard.vendor})`,
    encode: (value) => PLAIN.encode(checked(standard, value)),
    decode: (stored) => checked(standard, PLAIN.decode(stored)),
  };
}

const PLAIN: Codec<unknown> = {
  name: "json",
  encode: (value) => {
    // undefined, a function and a symbol have no JSON: the typings of stringify leave that out.
    const written = JSON.stringify(value) as string | undefined;
    if (written === undefined) throw new CodecRefusal(`has no JSON for ${kindOf(value)}`);
    return ENCODER.encode(written);
  },
  decode: (stored) => {
    const written = textOf(stored);
    try {
      return JSON.parse(written) as unknown;
    } catch {
      // The parser's own message quotes the value.
      throw new CodecRefusal(`found ${stored.length} bytes that are not JSON`);
    }
  },
};

function checked(standard: StandardSchema["~standard"], value: unknown): unknown {
  const result = standard.validate(value);
  if (result instanceof Promise) {
    // Whatever becomes of it is nobody's to handle any more.
    result.catch(() => undefined);
    throw new GrammeError("INVALID_ARGUMENT", `the ${standard.vendor} schema validates later`, {
      hint: "Use a schema without asynchronous checks: a codec answers at once",
    });
  }
  if (result.issues === undefined) return result.value;
  throw new CodecRefusal(`has a schema that refuses the value${placesOf(result.issues)}`);
}

/** Where the issues are, without their messages: those may quote the value. */
function placesOf(issues: readonly SchemaIssue[]): string {
  const paths = issues.map(({ path = [] }) =>
    path.map((step) => String(typeof step === "object" ? step.key : step)).join("."),
  );
  const named = [...new Set(paths.filter((path) => path !== ""))];
  if (named.length === 0) return "";
  const more = named.length > PATHS_SHOWN_MAX ? ` and ${named.length - PATHS_SHOWN_MAX} more` : "";
  return ` at ${named.slice(0, PATHS_SHOWN_MAX).join(", ")}${more}`;
}
