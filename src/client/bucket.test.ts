import assert from "node:assert/strict";
import { test } from "node:test";
import { retryBudget } from "../core/caller/retries.ts";
import { utf8Encode } from "../core/base/utf8.ts";
import { failed } from "../core/outcomes.ts";
import type { BucketOptions } from "./bucket.ts";
import { Bucket } from "./bucket.ts";
import { text } from "./codec.ts";
import { Context } from "./context.ts";
import { KeyQueue } from "./key-queue.ts";
import { LANES } from "./lanes.ts";
import { resolver } from "./resolver.ts";
import type { Script } from "./scripted-door.test.ts";
import {
  deleted,
  foundTexts,
  NOT_FOUND,
  ScriptedDoor,
  STORED,
  UNKNOWN,
} from "./scripted-door.test.ts";

const JOINED = resolver<string>("joined", (siblings) => siblings.toSorted().join("+"));

function bucketWith(
  script: Script,
  options: BucketOptions<string> = {},
): { readonly bucket: Bucket<string>; readonly door: ScriptedDoor } {
  const door = new ScriptedDoor(script);
  const updates = new KeyQueue();
  const line = { door, retryBudget: retryBudget(), isClosed: false, updates };
  return { bucket: new Bucket(line, "texts", text, options), door };
}

test("a get asks for the key and decodes what it finds", async () => {
  const { bucket, door } = bucketWith(() => foundTexts(["one"]));
  assert.equal(await bucket.get("né"), "one");
  const request = door.requests[0]!;
  assert.equal(request.operation, "get");
  assert.equal(request.key, "texts/n\xc3\xa9");
  assert.equal(request.mode, "overwrite");
  assert.deepEqual([request.r, request.w, request.pr, request.pw], Array(4).fill("default"));
  assert.equal(request.timeoutMs, 0);
});

test("a missing key is undefined, an empty value is a value", async () => {
  assert.equal(await bucketWith(() => NOT_FOUND).bucket.get("k"), undefined);
  assert.equal(await bucketWith(() => foundTexts([""])).bucket.get("k"), "");
});

test("of siblings get shows the newest, or what the resolver makes of them", async () => {
  const found = foundTexts(["b", "a"]);
  for (const mode of ["overwrite", "siblings", "lww"] as const) {
    assert.equal(await bucketWith(() => found, { mode }).bucket.get("k"), "b");
  }
  const { bucket, door } = bucketWith(() => found, { merge: JOINED });
  assert.equal(await bucket.get("k"), "a+b");
  assert.equal(bucket.mode, "merge");
  assert.equal(door.requests[0]!.mode, "merge");
});

test("a resolver is not asked about a single value", async () => {
  const merge = resolver<string>("never", () => assert.fail("asked"));
  assert.equal(await bucketWith(() => foundTexts(["a"]), { merge }).bucket.get("k"), "a");
});

test("a resolver that throws is named", async () => {
  const cause = new Error("no");
  const merge = resolver<string>("broken-rule", () => {
    throw cause;
  });
  await assert.rejects(bucketWith(() => foundTexts(["a", "b"]), { merge }).bucket.get("k"), {
    code: "RESOLVER_FAILED",
    message: /^RESOLVER_FAILED: resolver broken-rule threw on 2 siblings/,
    key: "texts/k",
    cause,
  });
});

test("getSiblings shows all there is, the context, and what stands behind it", async () => {
  const { bucket } = bucketWith(() => foundTexts(["b", "a"], "seen"), { merge: JOINED });
  const { values, context, receipt } = await bucket.getSiblings("k");
  assert.deepEqual(values, ["b", "a"]);
  assert.deepEqual(context.bytes, utf8Encode("seen"));
  assert.deepEqual(receipt, {
    coordinator: "n1",
    epoch: 1,
    needed: 2,
    answered: 3,
    held: 2,
    hinted: 0,
    siblings: 1,
  });
  assert.deepEqual((await bucketWith(() => NOT_FOUND).bucket.getSiblings("k")).values, []);
});

test("a put sends the value, its context and its levels, and returns the new context", async () => {
  const { bucket, door } = bucketWith(() => STORED);
  const context = new Context(utf8Encode("seen"));
  const options = { context, w: "all", pw: 2, timeoutMs: 99.5 } as const;
  const stored = await bucket.put("k", "value", options);
  assert.deepEqual(stored.context.bytes, utf8Encode("new"));
  assert.equal(stored.receipt.held, 2);
  const request = door.requests[0]!;
  assert.deepEqual(request.value, utf8Encode("value"));
  assert.deepEqual(request.context, utf8Encode("seen"));
  assert.deepEqual([request.r, request.w, request.pw], ["default", "all", 2]);
  assert.equal(request.timeoutMs, 100);
});

test("consistency sets both levels of a delete, which tells whether there was something", async () => {
  const { bucket, door } = bucketWith((_request, index) => deleted(index === 0));
  assert.equal(await bucket.delete("k", { consistency: "all", r: 1 }), true);
  assert.equal(await bucket.delete("k"), false);
  assert.deepEqual([door.requests[0]!.r, door.requests[0]!.w], [1, "all"]);
});

test("a session is one of reads and writes, of both parts of an update, and of a batch", async () => {
  const { bucket, door } = bucketWith(({ operation }) => {
    if (operation === "get") return foundTexts(["one"]);
    return operation === "put" ? STORED : deleted(true);
  });
  const options = { session: true };
  await bucket.get("k", options);
  await bucket.getSiblings("k", options);
  await bucket.put("k", "v", options);
  await bucket.delete("k", options);
  await bucket.update("k", () => "w", options);
  await bucket.getMany(["k"], options);
  await bucket.batch([{ type: "put", key: "k", value: "v" }], options);
  assert.equal(door.requests.length, 8);
  assert.ok(door.requests.every(({ session }) => session));
  await bucket.get("k");
  assert.equal(door.requests.at(-1)!.session, false);
});

test("every mistake is a rejection, none is thrown and nothing is sent", async () => {
  const { bucket, door } = bucketWith(() => NOT_FOUND);
  const mistakes = [
    bucket.get(""),
    bucket.get("k", { nonsense: 1 } as never),
    bucket.put("k", 7 as never),
    bucket.put("k", "v", { context: "text" as never }),
    bucket.delete(null as never),
    bucket.getMany(["k", ""]),
    bucket.update("", () => "v"),
    bucket.update("k", () => "v", { w: 0 }),
    bucket.batch([{ type: "move" as "put", key: "k", value: "v" }]),
  ];
  for (const mistake of mistakes) await assert.rejects(mistake, /INVALID_ARGUMENT|CODEC_FAILED/);
  assert.deepEqual(
    door.requests.map(({ operation }) => operation),
    ["get"],
    "the good key of getMany is all that was asked",
  );
});

test("an answer to another question is a bug, not a value", async () => {
  await assert.rejects(bucketWith(() => STORED).bucket.get("k"), { name: "AssertionFailure" });
  await assert.rejects(bucketWith(() => NOT_FOUND).bucket.put("k", "v"), /not-found is no answer/);
});

test("getMany keeps the order and tells what is missing", async () => {
  const { bucket } = bucketWith(({ key }) => (key.endsWith("b") ? NOT_FOUND : foundTexts([key])));
  assert.deepEqual(await bucket.getMany(["a", "b", "c"]), ["texts/a", undefined, "texts/c"]);
});

test("getMany is over with its time, not with that of each key", async () => {
  const { bucket, door } = bucketWith(() => "silence");
  const keys = Array.from({ length: LANES + 1 }, (_, index) => `k${index}`);
  void bucket.getMany(keys, { timeoutMs: 50 });
  await new Promise(setImmediate);
  assert.equal(door.requests.length, LANES);
  for (const { timeoutMs } of door.requests) assert.ok(timeoutMs > 0 && timeoutMs <= 50);
});

test("ownersOf names the owners, home first; fullKey is what errors call the key", () => {
  const { bucket, door } = bucketWith(() => NOT_FOUND);
  const owners = bucket.ownersOf("k");
  assert.deepEqual(owners.toSorted(), ["n1", "n2", "n3"]);
  assert.deepEqual(owners, door.layout().ownersOf("texts/k" as never));
  assert.equal(bucket.fullKey("k"), "texts/k");
});

test("update: reads, changes, and puts with the context of the read", async () => {
  const { bucket, door } = bucketWith(({ operation }) =>
    operation === "get" ? foundTexts(["b", "a"], "seen") : STORED,
  );
  const seen: unknown[] = [];
  const value = await bucket.update("k", (current, siblings) => {
    seen.push(current, siblings);
    return "c";
  });
  assert.equal(value, "c");
  assert.deepEqual(seen, ["b", ["b", "a"]]);
  const [get, put] = door.requests;
  assert.equal(get!.operation, "get");
  assert.equal(put!.operation, "put");
  assert.deepEqual(put!.context, utf8Encode("seen"));
  assert.deepEqual(put!.value, utf8Encode("c"));
});

test("update: a merge bucket gives the resolved value", async () => {
  const { bucket } = bucketWith(
    ({ operation }) => (operation === "get" ? foundTexts(["b", "a"]) : STORED),
    { merge: JOINED },
  );
  assert.equal(await bucket.update("k", (current) => `<${current}>`), "<a+b>");
});

test("update: undefined deletes what was read, and does nothing where nothing was", async () => {
  const { bucket, door } = bucketWith(({ operation }) =>
    operation === "get" ? foundTexts(["a"], "seen") : deleted(true),
  );
  assert.equal(await bucket.update("k", () => undefined), undefined);
  assert.equal(door.requests[1]!.operation, "delete");
  assert.deepEqual(door.requests[1]!.context, utf8Encode("seen"));

  const empty = bucketWith(() => NOT_FOUND);
  assert.equal(await empty.bucket.update("k", () => undefined), undefined);
  assert.equal(empty.door.requests.length, 1);
});

test("update: too many siblings, so read again what the others have added", async () => {
  let reads = 0;
  const { bucket, door } = bucketWith(({ operation }, index) => {
    if (operation === "get") return foundTexts([`v${++reads}`], `seen ${reads}`);
    return index === 1 ? failed("TOO_MANY_SIBLINGS", "crowded", { needed: 2, got: 3 }) : STORED;
  });
  assert.equal(await bucket.update("k", (current) => `${current}!`), "v2!");
  assert.deepEqual(
    door.requests.map(({ operation }) => operation),
    ["get", "put", "get", "put"],
  );
  assert.deepEqual(door.requests[3]!.context, utf8Encode("seen 2"));
  const hopeless = bucketWith(({ operation }) =>
    operation === "get" ? foundTexts(["v"]) : failed("TOO_MANY_SIBLINGS", "crowded"),
  );
  await assert.rejects(
    hopeless.bucket.update("k", () => "v"),
    { code: "TOO_MANY_SIBLINGS" },
  );
  assert.equal(hopeless.door.requests.length, 4);
});

test("update: an unknown outcome is told, not repeated", async () => {
  let changes = 0;
  const { bucket, door } = bucketWith(({ operation }) =>
    operation === "get" ? foundTexts(["1"], "seen") : UNKNOWN,
  );
  await assert.rejects(
    bucket.update("k", (n) => `${Number(n) + ++changes}`),
    { code: "OUTCOME_UNKNOWN", retryable: false },
  );
  assert.equal(changes, 1);
  assert.equal(door.requests.length, 2);
});

test("update: what change throws is what the caller gets, and the next one has its turn", async () => {
  const { bucket, door } = bucketWith(({ operation }) =>
    operation === "get" ? NOT_FOUND : STORED,
  );
  const broken = bucket.update("k", () => {
    throw new RangeError("not today");
  });
  const next = bucket.update("k", () => "v");
  await assert.rejects(broken, RangeError);
  assert.equal(await next, "v");
  assert.equal(door.requests.length, 3);
});

test("update: a change that returns a promise is refused", async () => {
  const { bucket } = bucketWith(() => NOT_FOUND);
  await assert.rejects(bucket.update("k", (async () => "v") as never), {
    code: "INVALID_ARGUMENT",
    message: /returned a promise/,
  });
});

test("update: an aborted signal ends it before anything is read", async () => {
  const { bucket, door } = bucketWith(() => NOT_FOUND);
  const signal = AbortSignal.abort();
  await assert.rejects(
    bucket.update("k", () => "v", { signal }),
    { code: "ABORTED" },
  );
  assert.equal(door.requests.length, 0);
});

test("batch: every item has its own result, in the order of the items", async () => {
  const { bucket, door } = bucketWith(({ key, operation }) => {
    if (key === "texts/bad") return failed("VALUE_TOO_LARGE", "too large", { needed: 1, got: 2 });
    return operation === "put" ? STORED : deleted(false);
  });
  const context = new Context(utf8Encode("seen"));
  const results = await bucket.batch(
    [
      { type: "put", key: "a", value: "1", context },
      { type: "put", key: "bad", value: "2" },
      { type: "put", key: "c", value: 3 as never },
      { type: "delete", key: "d" },
    ],
    { w: 2 },
  );
  const shown = results.map((result) => {
    if (!result.ok) return result.error.code;
    return result.type === "put" ? result.receipt.held : result.existed;
  });
  assert.deepEqual(shown, [2, "VALUE_TOO_LARGE", "CODEC_FAILED", false]);
  assert.deepEqual(door.requests[0]!.context, utf8Encode("seen"));
  for (const request of door.requests) assert.equal(request.w, 2);
});

test("batch: a key that stands there twice is refused before anything is sent", async () => {
  const { bucket, door } = bucketWith(() => STORED);
  const items = [
    { type: "put", key: "né", value: "1" },
    { type: "delete", key: Uint8Array.of(0x6e, 0xc3, 0xa9) },
  ] as const;
  await assert.rejects(bucket.batch(items), {
    code: "INVALID_ARGUMENT",
    message: /item 1 has the key of an earlier item/,
  });
  assert.equal(door.requests.length, 0);
});
