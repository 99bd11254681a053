/**
 * The same calls by all three ways in: a store in memory, a member of a cluster, a client of it.
 * What holds for one holds for all.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Context, GrammeError, bytes, json, open, resolver, text } from "gramme";
import type { Store } from "gramme";
import { connect } from "gramme/client";
import type { Cluster } from "./api-cluster.ts";
import { startCluster } from "./api-cluster.ts";

let cluster: Cluster;

before(async () => {
  cluster = await startCluster();
});
after(() => cluster.close());

interface Way {
  readonly name: string;
  readonly open: () => Promise<Store>;
  readonly close: (store: Store) => Promise<void>;
}

const WAYS: readonly Way[] = [
  { name: "memory", open: () => open({ memory: true }), close: (store) => store.close() },
  // It belongs to the cluster and ends with it.
  { name: "a member", open: async () => cluster.stores[0]!, close: async () => undefined },
  {
    name: "a client",
    open: () => open({ cluster: cluster.addresses.slice(1, 2) }),
    close: (store) => store.close(),
  },
];

for (const way of WAYS) {
  describe(way.name, () => {
    let db: Store;
    before(async () => {
      db = await way.open();
    });
    after(() => way.close(db));

    // The tests share the store, so each has keys of its own.
    let count = 0;
    const newKey = (): string => `${way.name} né ${++count}`;

    test("a value that is put for a time is gone when it is over", async () => {
      const texts = db.bucket("texts", text);
      const [brief, long, changed, inBatch] = [newKey(), newKey(), newKey(), newKey()];
      await texts.put(brief, "v", { ttlMs: 1 });
      await texts.put(long, "v", { ttlMs: 3_600_000 });
      await texts.update(changed, () => "v", { ttlMs: 1 });
      await texts.batch([{ type: "put", key: inBatch, value: "v" }], { ttlMs: 1 });
      while ((await texts.get(brief)) !== undefined) {}
      while ((await texts.get(changed)) !== undefined) {}
      while ((await texts.get(inBatch)) !== undefined) {}
      assert.equal(await texts.get(long), "v");
      await texts.put(long, "w");
      assert.equal(await texts.get(long), "w");
      for (const ttlMs of [0, -1, 1.5, 1e15]) {
        await assert.rejects(texts.put(long, "x", { ttlMs }), { code: "INVALID_ARGUMENT" });
      }
    });

    test("put, get, delete", async () => {
      const texts = db.bucket("texts", text);
      const key = newKey();
      assert.equal(await texts.get(key), undefined);
      assert.equal(await texts.delete(key), false);
      await texts.put(key, "");
      assert.equal(await texts.get(key), "");
      const { receipt } = await texts.put(key, "value");
      assert.ok(receipt.held >= receipt.needed);
      assert.equal(await texts.get(Buffer.from(key)), "value");
      assert.equal(await texts.delete(key), true);
      assert.equal(await texts.get(key), undefined);
    });

    test("binary keys and values of every byte", async () => {
      const blobs = db.bucket("blobs", bytes);
      const all = Uint8Array.from({ length: 256 }, (_, index) => index);
      await blobs.put(all, all);
      const value = await blobs.get(all);
      assert.deepEqual(value, all);
      value.fill(99);
      assert.deepEqual(await blobs.get(all), all);
    });

    test("values that are larger than a packet", async () => {
      const blobs = db.bucket("blobs", bytes);
      const key = newKey();
      const large = new Uint8Array(3_000_000).fill(7);
      large[2_999_999] = 8;
      await blobs.put(key, large, { timeoutMs: 10_000 });
      assert.deepEqual(await blobs.get(key, { timeoutMs: 10_000 }), large);
    });

    test("two writes from one context both survive, until a third has seen them", async () => {
      const texts = db.bucket("texts", text);
      const key = newKey();
      const { context } = await texts.put(key, "old");
      await texts.put(key, "left", { context });
      await texts.put(key, "right", { context: Context.parse(String(context)) });
      const seen = await texts.getSiblings(key, { consistency: "all" });
      assert.deepEqual(seen.values.toSorted(), ["left", "right"]);
      assert.equal(await texts.get(key, { consistency: "all" }), seen.values[0]);
      await texts.put(key, "both", { context: seen.context });
      assert.deepEqual((await texts.getSiblings(key)).values, ["both"]);
    });

    test("a deletion spares what it has not seen", async () => {
      const texts = db.bucket("texts", text);
      const key = newKey();
      const { context } = await texts.put(key, "old");
      await texts.put(key, "unseen", { context });
      await texts.delete(key, { context });
      assert.equal(await texts.get(key, { consistency: "all" }), "unseen");
    });

    test("each mode shows concurrent puts by its rule", async () => {
      const key = newKey();
      const union = resolver<string>("letters", (siblings) =>
        [...new Set(siblings.join(""))].toSorted().join(""),
      );
      const buckets = {
        overwrite: db.bucket("by-overwrite", text),
        siblings: db.bucket("by-siblings", text, { mode: "siblings" }),
        lww: db.bucket("by-lww", text, { mode: "lww" }),
        merge: db.bucket("by-merge", text, { merge: union }),
      };
      const shown: Record<string, unknown> = {};
      for (const [mode, bucket] of Object.entries(buckets)) {
        await bucket.put(key, "ab", { consistency: "all" });
        await bucket.put(key, "bc", { consistency: "all" });
        const { values } = await bucket.getSiblings(key, { consistency: "all" });
        shown[mode] = [await bucket.get(key, { consistency: "all" }), values.length];
      }
      assert.deepEqual(shown, {
        overwrite: ["bc", 1],
        siblings: ["bc", 2],
        lww: ["bc", 1],
        merge: ["abc", 2],
      });
    });

    test("updates of one key through one store do not overtake each other", async () => {
      const counts = db.bucket("counts", json<number>());
      const key = newKey();
      const options = { consistency: "all", timeoutMs: 20_000 } as const;
      const updates = Array.from({ length: 50 }, () =>
        counts.update(key, (n = 0) => n + 1, options),
      );
      const values = await Promise.all(updates);
      assert.deepEqual(
        values,
        Array.from({ length: 50 }, (_, index) => index + 1),
      );
      assert.equal(await counts.get(key), 50);
      assert.equal(await counts.update(key, () => undefined), undefined);
      assert.equal(await counts.get(key), undefined);
    });

    test("getMany and batch take more than they have lanes", async () => {
      const counts = db.bucket("counts", json<number>());
      const keys = Array.from({ length: 300 }, newKey);
      const items = keys.map((key, value) => ({ type: "put", key, value }) as const);
      const results = await counts.batch(items, { timeoutMs: 20_000 });
      assert.ok(results.every(({ ok }) => ok));
      const values = await counts.getMany(keys, { timeoutMs: 20_000 });
      assert.deepEqual(values, [...keys.keys()]);
      const more = await counts.batch(keys.map((key) => ({ type: "delete", key }) as const));
      assert.ok(more.every((result) => result.ok && result.type === "delete" && result.existed));
    });

    test("what the cluster refuses has a code, both numbers, and the key", async () => {
      const key = newKey();
      await assert.rejects(db.put(key, 1, { w: 16 }), (error) => {
        assert.ok(GrammeError.is(error, "INVALID_REQUEST"), String(error));
        assert.deepEqual([error.needed, error.got], [16, db.layout().replicas]);
        assert.equal(error.key, db.fullKey(key));
        assert.equal(error.retryable, false);
        return true;
      });
      const { context } = await db.put(key, 1);
      await assert.rejects(db.put(newKey(), 1, { context }), { code: "CONTEXT_INVALID" });
    });

    test("an abort ends the waiting at once", async () => {
      const controller = new AbortController();
      const reading = db.get(newKey(), { signal: controller.signal });
      controller.abort(new Error("changed my mind"));
      await assert.rejects(reading, (error) => {
        assert.ok(GrammeError.is(error, "ABORTED"));
        assert.equal((error.cause as Error).message, "changed my mind");
        return true;
      });
    });

    test("layout and status say who is there", async () => {
      const { nodes, owners, partitionCount, replicas } = db.layout();
      assert.equal(owners.length, partitionCount);
      assert.equal(nodes.length, replicas);
      assert.deepEqual(
        db.ownersOf("k").toSorted(),
        nodes.map(({ id }) => id),
      );
      const statuses = await db.status();
      assert.ok(statuses.length > 0);
      for (const status of statuses) {
        assert.deepEqual([status.state, status.layoutEpoch], ["running", 1]);
      }
    });
  });
}

test("a client is told the status of every member", async () => {
  await using db = await connect(cluster.addresses.slice(0, 1));
  const ids = (await db.status()).map(({ id }) => id);
  assert.deepEqual(ids.toSorted(), ["n1", "n2", "n3"]);
});

test("what one member stores, all members and clients read", async () => {
  await using client = await connect(cluster.addresses);
  const stores = [...cluster.stores, client];
  for (const [index, writer] of stores.entries()) {
    const key = `shared ${index}`;
    await writer.put(key, index);
    for (const reader of stores) assert.equal(await reader.get(key), index);
  }
});

test("a merge bucket loses nothing that several members add at the same time", async () => {
  const rule = resolver<readonly number[]>("union", (siblings) => [
    ...new Set(siblings.flat().toSorted((one, other) => one - other)),
  ]);
  const carts = cluster.stores.map((store) =>
    store.bucket("carts", json<readonly number[]>(), { merge: rule }),
  );
  const adding = Array.from({ length: 30 }, (_, item) =>
    carts[item % 3]!.update("cart", (cart = []) => [...cart, item], {
      timeoutMs: 20_000,
      retries: 20,
    }),
  );
  await Promise.all(adding);
  const cart = await carts[0]!.get("cart", { consistency: "all" });
  assert.deepEqual(
    cart?.toSorted((one, other) => one - other),
    [...Array.from({ length: 30 }).keys()],
  );
});

test("a member that is lost costs nobody an answer, and none of them lies", async () => {
  const lost = await startCluster();
  try {
    const client = await connect(lost.addresses);
    await client.put("k", "before", { consistency: "all" });
    await lost.stores[2]!.close();
    assert.equal(await client.get("k"), "before");
    await client.put("k", "after");
    assert.equal(await lost.stores[0]!.get("k"), "after");
    await assert.rejects(client.put("k", "all", { w: "all" }), (error) => {
      assert.ok(GrammeError.is(error), String(error));
      assert.ok(["QUORUM_NOT_MET", "OUTCOME_UNKNOWN"].includes(error.code), error.code);
      return true;
    });
    assert.deepEqual(
      (await client.status()).map(({ id }) => id),
      ["n1", "n2"],
    );
    await client.close();
  } finally {
    await lost.close();
  }
});

test("nobody left: a read is UNAVAILABLE, and soon", async () => {
  const lost = await startCluster();
  const client = await connect(lost.addresses);
  await lost.close();
  const startedAt = performance.now();
  await assert.rejects(client.get("k", { timeoutMs: 300 }), {
    code: "UNAVAILABLE",
    retryable: true,
  });
  assert.ok(performance.now() - startedAt < 2_000);
  await client.close();
});
