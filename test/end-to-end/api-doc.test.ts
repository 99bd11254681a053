/**
 * The snippets of docs/api.md, in its order. The first test finds each of them in this file, word
 * for word; the others run them and look at what they promise.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { open } from "gramme";
import { Context, GrammeError, json, resolver } from "gramme";
import type { Store } from "gramme";
import { connect } from "gramme/client";
import { startCluster } from "./api-cluster.ts";
import { freeBasePort } from "../support/ports.ts";

test("every snippet of docs/api.md stands in this file", () => {
  const doc = readFileSync("docs/api.md", "utf8");
  const here = normal(readFileSync("test/end-to-end/api-doc.test.ts", "utf8"));
  const snippets = [...doc.matchAll(/```ts\n(.*?)```/gs)].map(([, snippet]) => snippet!);
  assert.ok(snippets.length > 8);
  for (const snippet of snippets) {
    for (const part of snippet.split(/\n\n/)) {
      assert.ok(here.includes(normal(part)), `not in the tests:\n${part}`);
    }
  }
});

/** Lines may be indented, and folded by the formatter, otherwise than on the page. */
function normal(code: string): string {
  return code.replace(/\s+/g, "").replace(/,(?=[)\]}])/g, "");
}

async function withStore(body: (db: Store) => Promise<void>): Promise<void> {
  await using db = await open({ memory: true });
  await body(db);
}

test("open a store", async () => {
  await using db = await open({ memory: true });
  await db.put("motto", "every node will do");
  const motto = await db.get("motto");
  assert.equal(motto, "every node will do");
});

test("open a directory", async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), "gramme-doc-"));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  {
    await using kept = await open({ dir: dataDir });
    await kept.put("motto", "every disk will do");
  }
  await using again = await open({ dir: dataDir });
  assert.equal(await again.get("motto"), "every disk will do");
});

test("open members in one process", async () => {
  const port = await freeBasePort(3);
  const peers = ["n1", "n2", "n3"].map((id, index) => ({
    id,
    address: `127.0.0.1:${port + index}`,
  }));
  const members = await Promise.all(
    peers.map(({ id, address }) => open({ node: { id, listen: address, peers } })),
  );
  await members[0]!.put("k", 1, { consistency: "all" });
  await Promise.all(members.map((member) => member.close()));
});

test("connect", async () => {
  // The port of the page may be taken: whoever answers there is not ours.
  const written = async (): Promise<void> => {
    await using remote = await connect(["127.0.0.1:7411"], { requestTimeoutMs: 500 });
    await remote.status();
  };
  assert.equal(typeof written, "function");
  const cluster = await startCluster();
  await using remote = await connect(cluster.addresses, { requestTimeoutMs: 500 });
  await remote.put("k", 1);
  assert.equal(await cluster.stores[0]!.get("k"), 1);
  await cluster.close();
});

interface User {
  readonly name: string;
  readonly logins: number;
}

test("buckets, options, contexts, update, batch, errors", () =>
  withStore(async (db) => {
    const users = db.bucket("users", json<User>());
    await users.put("ada", { name: "Ada", logins: 0 });
    const ada = await users.get("ada"); // User | undefined
    assert.deepEqual(ada, { name: "Ada", logins: 0 });

    await users.get("ada", { consistency: "all", timeoutMs: 200 });
    await users.put(
      "ada",
      { name: "Ada", logins: 1 },
      { w: "all", signal: AbortSignal.timeout(1_000) },
    );

    await users.put("ada", { name: "Ada", logins: 2 }, { session: true });
    const seen = await users.get("ada", { session: true }); // no session sees less any more
    assert.deepEqual(seen, { name: "Ada", logins: 2 });
    await users.put("ada", { name: "Ada", logins: 1 });

    await users.put("session:7", { name: "Ada", logins: 1 }, { ttlMs: 30 * 60_000 });
    assert.deepEqual(await users.get("session:7"), { name: "Ada", logins: 1 });

    const { values, context } = await users.getSiblings("ada");
    await users.put("ada", { ...values[0]!, name: "Ada Lovelace" }, { context });
    assert.deepEqual(Context.parse(String(context)), context);

    await users.update("ada", (user) => user && { ...user, logins: user.logins + 1 });
    assert.deepEqual(await users.get("ada"), { name: "Ada Lovelace", logins: 2 });

    const results = await users.batch([
      { type: "put", key: "bob", value: { name: "Bob", logins: 0 } },
      { type: "delete", key: "eve" },
    ]);
    for (const result of results) if (!result.ok) console.error(result.error.message);
    assert.deepEqual(
      results.map(({ ok }) => ok),
      [true, true],
    );

    try {
      await users.put("ada", { name: "Ada", logins: 2 }, { w: 2 });
    } catch (error) {
      if (!GrammeError.is(error, "INVALID_REQUEST")) throw error;
      console.log(`needed ${error.needed}, got ${error.got}`);
    }
  }));

test("a resolver", () =>
  withStore(async (db) => {
    const union = resolver<string[]>("tag-union", (siblings) =>
      [...new Set(siblings.flat())].sort(),
    );
    const tags = db.bucket("tags", json<string[]>(), { merge: union });
    await tags.put("post", ["a", "b"]);
    await tags.put("post", ["b", "c"]);
    const all = await tags.get("post"); // ["a", "b", "c"]
    assert.deepEqual(all, ["a", "b", "c"]);
  }));

test("facts", async () => {
  const counts = new Map<string, number>();
  await using observed = await open({
    memory: true,
    onFact: ({ kind }) => counts.set(kind, (counts.get(kind) ?? 0) + 1),
  });
  await observed.put("k", 1);
  assert.equal(counts.get("request-finished"), 1);
});
