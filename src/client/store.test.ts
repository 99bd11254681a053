import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, text } from "./codec.ts";
import { resolver } from "./resolver.ts";
import { foundTexts, NOT_FOUND, ScriptedDoor, STORED } from "./scripted-door.test.ts";
import { Store } from "./store.ts";

function storeWith(door: ScriptedDoor): Store {
  return new Store({ door, status: async () => [] });
}

test("a store is its default bucket, in JSON", async () => {
  const door = new ScriptedDoor(() => foundTexts(['{"n":1}']));
  const store = storeWith(door);
  assert.deepEqual(await store.get("k"), { n: 1 });
  assert.equal(door.requests[0]!.key, "default/k");
  assert.equal(store.name, "default");
});

test("a bucket without a codec is JSON too", async () => {
  const door = new ScriptedDoor(() => foundTexts(["[1]"]));
  assert.deepEqual(await storeWith(door).bucket<number[]>("lists").get("k"), [1]);
  assert.equal(door.requests[0]!.key, "lists/k");
});

test("a bucket may be opened again, by any codec and by one rule", () => {
  const store = storeWith(new ScriptedDoor(() => NOT_FOUND));
  const merge = resolver<string>("longest", (siblings) => siblings[0]!);
  store.bucket("a", text, { merge });
  store.bucket("a", text, { mode: "merge", merge });
  store.bucket("b", text);
  store.bucket("b", bytes, { mode: "overwrite" });
  assert.throws(() => store.bucket("a", text), {
    code: "INVALID_ARGUMENT",
    message: /bucket a is open as merge by longest and cannot be overwrite too/,
  });
  const other = resolver<string>("shortest", (siblings) => siblings[0]!);
  assert.throws(() => store.bucket("a", text, { merge: other }), /cannot be merge by shortest/);
  assert.throws(() => store.bucket("default", text, { mode: "siblings" }), /open as overwrite/);
});

test("a bucket that cannot be is refused by name", () => {
  const store = storeWith(new ScriptedDoor(() => NOT_FOUND));
  const merge = resolver<string>("longest", (siblings) => siblings[0]!);
  const open = (name: string, options: object): unknown => store.bucket(name, text, options);
  assert.throws(() => open("a/b", {}), /a bucket name is made of/);
  assert.throws(() => open("a", { ttl: 1 }), /there is no bucket option ttl/);
  assert.throws(() => open("a", { mode: "crdt" }), /there is no mode crdt/);
  assert.throws(() => open("a", { mode: "merge" }), /mode merge needs a resolver/);
  assert.throws(() => open("a", { mode: "lww", merge }), /mode lww takes no resolver/);
  assert.throws(() => resolver("a b", () => 1), /a resolver name has/);
});

test("close is idempotent, and what comes after it is refused", async () => {
  const door = new ScriptedDoor(() => STORED);
  const store = storeWith(door);
  const bucket = store.bucket("texts", text);
  await Promise.all([store.close(), store.close()]);
  await store[Symbol.asyncDispose]();
  assert.equal(door.closeCount, 1);
  for (const call of [
    store.get("k"),
    bucket.put("k", "v"),
    bucket.update("k", () => "v"),
    store.getMany(["k"]),
    store.status(),
  ]) {
    await assert.rejects(call, { code: "CLOSED" });
  }
  const [result] = await store.batch([{ type: "delete", key: "k" }]);
  assert.ok(result !== undefined && !result.ok && result.error.code === "CLOSED");
  assert.equal(door.requests.length, 0);
});

test("layout is plain data that says who owns what", () => {
  const view = storeWith(new ScriptedDoor(() => NOT_FOUND)).layout();
  assert.deepEqual(JSON.parse(JSON.stringify(view)), view);
  assert.equal(view.owners.length, view.partitionCount);
  assert.deepEqual(
    view.nodes.map(({ id, partitions }) => [id, partitions]),
    [
      ["n1", 16],
      ["n2", 16],
      ["n3", 16],
    ],
  );
  for (const owners of view.owners) assert.equal(new Set(owners).size, 3);
});
