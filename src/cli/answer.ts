/**
 * An outcome as the command line prints it with `--json`: stable fields, all of them always there.
 *
 * Values are text where they are UTF-8. If one of a key's values is not, all of them are base64 and
 * `encoding` says so: a script that decodes by it never guesses.
 */
import type { Done } from "../client/call.ts";
import { Context } from "../client/context.ts";
import { utf8Decode } from "../core/base/utf8.ts";
import type { Receipt } from "../core/outcomes.ts";
import type { ClientRequest } from "../core/requests.ts";
import type { Layout } from "../core/ring/layout.ts";
import type { NodeId } from "../core/ring/node-id.ts";

export interface ReceiptDocument {
  readonly coordinator: NodeId;
  readonly epoch: number;
  readonly needed: number;
  /** Owners that answered in time, by id. */
  readonly answered: readonly string[];
  /** Owners that hold the write, or exactly what was read. */
  readonly held: readonly string[];
  /** Owners that could not be reached, and for which another node holds it until they can. */
  readonly hinted: readonly string[];
}

export interface ValuesDocument {
  readonly encoding: "utf8" | "base64";
  readonly values: readonly string[];
}

/** The receipt with names: its masks are positions in the key's preference list. */
export function receiptDocument(
  receipt: Receipt,
  request: ClientRequest,
  layout: Layout,
): ReceiptDocument {
  // Of a layout that this client has not heard of yet only the positions are known.
  const owners = layout.epoch === receipt.epoch ? layout.ownersOf(request.key) : [];
  return {
    coordinator: receipt.coordinator,
    epoch: receipt.epoch,
    needed: receipt.needed,
    answered: namesIn(receipt.answered, owners),
    held: namesIn(receipt.held, owners),
    hinted: namesIn(receipt.hinted, owners),
  };
}

export function valuesDocument(done: Done): ValuesDocument {
  const values = done.kind === "found" ? done.siblings.map(({ value }) => value) : [];
  const texts = values.map((value) => utf8Decode(value));
  if (texts.every((text) => text !== undefined)) return { encoding: "utf8", values: texts };
  return {
    encoding: "base64",
    values: values.map((value) => Buffer.from(value).toString("base64")),
  };
}

export function contextText(done: Done): string {
  return new Context(done.context).toString();
}

function namesIn(mask: number, owners: readonly NodeId[]): readonly string[] {
  const names: string[] = [];
  for (let index = 0; mask >>> index !== 0; index++) {
    if ((mask & (1 << index)) !== 0) names.push(owners[index] ?? `owner-${index}`);
  }
  return names;
}
