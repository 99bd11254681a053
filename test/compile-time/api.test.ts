/**
 * What the compiler promises to users of the API. The checks are the types; that this file compiles
 * is the test, and every `@ts-expect-error` must find its error.
 */
import { test } from "node:test";
import { expectTypeOf } from "expect-type";
import { Context, GrammeError, bytes, json, open, resolver, text } from "gramme";
import type {
  BatchResult,
  Bucket,
  Codec,
  ErrorCode,
  HostFact,
  LayoutView,
  NodeStatus,
  Receipt,
  Siblings,
  StandardSchema,
  Store,
  Stored,
} from "gramme";
import * as client from "gramme/client";

interface User {
  readonly name: string;
  readonly age: number;
}

declare const db: Store;
declare const users: Bucket<User>;
declare const userSchema: StandardSchema<{ name: string; age?: number }, User>;
declare const anyOutput: StandardSchema<string, Date>;

/** Compiled, never called. */
function promises(..._checks: readonly (() => unknown)[]): void {}

test("values have the type of their codec", () => {
  expectTypeOf(json<User>()).toEqualTypeOf<Codec<User>>();
  expectTypeOf(json()).toEqualTypeOf<Codec<unknown>>();
  expectTypeOf(text).toEqualTypeOf<Codec<string>>();
  expectTypeOf(bytes).toEqualTypeOf<Codec<Uint8Array>>();
  promises(() => {
    expectTypeOf(json(userSchema)).toEqualTypeOf<Codec<User>>();
    expectTypeOf(json(anyOutput)).toEqualTypeOf<Codec<Date>>();
    expectTypeOf(db.bucket("users", json(userSchema))).toEqualTypeOf<Bucket<User>>();
    expectTypeOf(db.bucket("notes", text)).toEqualTypeOf<Bucket<string>>();
    expectTypeOf(db.bucket<User>("users")).toEqualTypeOf<Bucket<User>>();
    expectTypeOf(db.bucket("any")).toEqualTypeOf<Bucket<unknown>>();
    const rule = resolver("either", (siblings: readonly User[]) => siblings[0]!);
    expectTypeOf(db.bucket("users", json<User>(), { merge: rule })).toEqualTypeOf<Bucket<User>>();
  });
});

test("what may be missing is undefined", () => {
  promises(async () => {
    expectTypeOf(await users.get("ada")).toEqualTypeOf<User | undefined>();
    expectTypeOf(await db.get("motto")).toEqualTypeOf<unknown>();
    expectTypeOf(await users.getSiblings("ada")).toEqualTypeOf<Siblings<User>>();
    expectTypeOf(await users.put("ada", { name: "Ada", age: 36 })).toEqualTypeOf<Stored>();
    expectTypeOf(await users.delete("ada")).toEqualTypeOf<boolean>();
    expectTypeOf(await users.update("ada", (user) => user)).toEqualTypeOf<User | undefined>();
    expectTypeOf(await users.batch([])).toEqualTypeOf<BatchResult[]>();
    expectTypeOf(db.layout()).toEqualTypeOf<LayoutView>();
    expectTypeOf(await db.status()).toEqualTypeOf<readonly NodeStatus[]>();
    const { context, receipt } = await users.getSiblings("ada");
    expectTypeOf(context).toEqualTypeOf<Context>();
    expectTypeOf(receipt).toEqualTypeOf<Receipt>();
  });
});

test("getMany has as many values as it was given keys", () => {
  promises(async () => {
    const [first, second] = await users.getMany(["ada", new Uint8Array(3)]);
    expectTypeOf(first).toEqualTypeOf<User | undefined>();
    expectTypeOf(second).toEqualTypeOf<User | undefined>();
    // @ts-expect-error there is no third
    await users.getMany(["ada", "bob"]).then((values) => values[2]);
    expectTypeOf(await users.getMany([] as string[])).toEqualTypeOf<(User | undefined)[]>();
  });
});

test("an update sees what get shows, and all siblings", () => {
  promises(
    () =>
      users.update("ada", (user, siblings) => {
        expectTypeOf(user).toEqualTypeOf<User | undefined>();
        expectTypeOf(siblings).toEqualTypeOf<readonly User[]>();
        return undefined;
      }),
    // @ts-expect-error a change answers at once
    () => users.update("ada", async () => ({ name: "Ada", age: 36 })),
    // @ts-expect-error a change returns a whole value
    () => users.update("ada", () => ({ name: "Ada" })),
  );
});

test("a value of another type does not compile", () => {
  promises(
    // @ts-expect-error no age
    () => users.put("ada", { name: "Ada" }),
    // @ts-expect-error undefined is not a value
    () => users.put("ada", undefined),
    // @ts-expect-error a number is not a key
    () => users.get(7),
    // @ts-expect-error no value
    () => users.batch([{ type: "put", key: "ada" }]),
    // @ts-expect-error not a type of item
    () => users.batch([{ type: "move", key: "ada" }]),
    // @ts-expect-error text is not bytes
    () => db.bucket("blobs", bytes).put("k", "v"),
  );
});

test("options are exact", () => {
  const { signal } = new AbortController();
  const maybe = undefined as AbortSignal | undefined;
  promises(
    () =>
      users.get("ada", { signal, timeoutMs: 5, retries: 0, consistency: "all", r: 2, pr: "one" }),
    () => users.get("ada", { signal: maybe }),
    () => users.put("ada", { name: "Ada", age: 36 }, { w: "quorum", pw: 1 }),
    () => users.delete("ada", { r: 1, w: 1 }),
    // @ts-expect-error unknown option
    () => users.get("ada", { timeout: 5 }),
    // @ts-expect-error a read has no w
    () => users.get("ada", { w: 1 }),
    // @ts-expect-error a put has no r
    () => users.put("ada", { name: "Ada", age: 36 }, { r: 1 }),
    // @ts-expect-error not a word for a number of owners
    () => users.get("ada", { r: "most" }),
    // @ts-expect-error a context is not text
    () => users.put("ada", { name: "Ada", age: 36 }, { context: "abc" }),
    // @ts-expect-error an update brings its own context
    () => users.update("ada", (user) => user, { context: Context.parse("") }),
  );
});

test("a mode and its resolver belong together", () => {
  const rule = resolver("longest", (siblings: readonly string[]) => siblings[0]!);
  promises(
    () => db.bucket("a", text, { mode: "siblings" }),
    () => db.bucket("a", text, { mode: "merge", merge: rule }),
    // @ts-expect-error merge needs a resolver
    () => db.bucket("a", text, { mode: "merge" }),
    // @ts-expect-error lww takes none
    () => db.bucket("a", text, { mode: "lww", merge: rule }),
    // @ts-expect-error a resolver of another type
    () => db.bucket("a", json<number>(), { merge: rule }),
    // @ts-expect-error no such mode
    () => db.bucket("a", text, { mode: "crdt" }),
  );
});

test("open takes one way", () => {
  promises(
    () => open({ memory: true, config: { r: "one" }, onFact: (fact: HostFact) => fact.kind }),
    () => open({ node: { id: "n1", listen: "127.0.0.1:0" }, linkTimeoutMs: 0 }),
    () => open({ cluster: ["127.0.0.1:7411"], requestTimeoutMs: 500 }),
    // @ts-expect-error none
    () => open({}),
    // @ts-expect-error two
    () => open({ memory: true, cluster: ["127.0.0.1:7411"] }),
    // @ts-expect-error false is not a way
    () => open({ memory: false }),
    // @ts-expect-error unknown setting
    () => open({ node: { id: "n1", listen: "127.0.0.1:0", port: 1 } }),
  );
  expectTypeOf(open).returns.resolves.toEqualTypeOf<Store>();
  expectTypeOf(client.connect).returns.resolves.toEqualTypeOf<client.Store>();
  expectTypeOf<client.Store>().toEqualTypeOf<Store>();
  expectTypeOf<Store>().toExtend<AsyncDisposable>();
});

test("an error narrows by its code", () => {
  promises((error?: unknown) => {
    if (GrammeError.is(error)) expectTypeOf(error.code).toEqualTypeOf<ErrorCode>();
    if (GrammeError.is(error, "QUORUM_NOT_MET")) {
      expectTypeOf(error.code).toEqualTypeOf<"QUORUM_NOT_MET">();
      expectTypeOf(error.needed).toEqualTypeOf<number | undefined>();
    }
    // @ts-expect-error no such code
    GrammeError.is(error, "QUORUM");
  });
});
