/** Who is asked to keep a write for an owner that is out, and who is asked for what was kept. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { keyOf, type Key } from "#src/core/ring/key.ts";
import { bytesOf, KEY, SmallCluster, wordOf } from "../support/small-cluster.ts";

const KEPT = { pw: "one", pr: "one", hintBytesMax: 1e6, hintBytesPerTargetMax: 1e6 } as const;

/** Only a and c are there of the owners, besides all others. */
function withoutB(others: number): SmallCluster {
  const cluster = new SmallCluster({ owners: 3, others, config: KEPT });
  for (const name of cluster.members.keys()) if (name !== "b") cluster.unlink(name, "b");
  return cluster;
}

/** Another key that the same nodes own and stand in for. */
function beside(cluster: SmallCluster): Key {
  const { partitioner } = cluster.at("a").node.layout;
  for (let n = 0; ; n++) {
    const key = keyOf("carts", `beside ${n}`);
    if (partitioner.of(key) === partitioner.of(KEY)) return key;
  }
}

function firstAsked(cluster: SmallCluster): string {
  cluster.ask("a", { operation: "put", key: beside(cluster), value: bytesOf("v"), w: 3 });
  const [hint] = cluster.drop({ kind: "hint" });
  return hint!.to;
}

test("stand-ins: one that had no time at all is not called silent", () => {
  const cluster = new SmallCluster({
    owners: 3,
    others: 3,
    config: { ...KEPT, inFlightMax: 1 },
  });
  cluster.unlink("a", "c");
  const asked: string[] = [];
  for (let count = 0; count < 4; count++) {
    // What has been answered makes way for the next, and whom it still waits for was asked now.
    cluster.ask("a", { operation: "put", value: bytesOf("v"), w: 1, timeoutMs: 1_000 });
    cluster.at("a").complete();
    asked.push(...cluster.drop({ kind: "hint" }).map(({ to }) => to));
  }
  assert.equal(asked.length, 4);
  assert.equal(new Set(asked).size, 1, asked.join(" "));
});

test("stand-ins: a read finds what one keeps that was silent once", () => {
  // More than a read asks.
  const cluster = withoutB(5);
  const keeper = firstAsked(cluster);
  cluster.live(2_000);
  // From now on nothing is lost.
  assert.equal(wordOf(cluster.put("c", "v", { w: 3 })), "stored");
  assert.equal(cluster.at(keeper).factsOf("hint-kept").length, 1);
  cluster.unlink("a", "c");
  assert.equal(wordOf(cluster.get("a", { r: 2 })), "found");
});

test("stand-ins: a read goes on to the next when the first is not heard", () => {
  const cluster = withoutB(3);
  const mute = firstAsked(cluster);
  cluster.live(2_000, mute);
  const put = cluster.ask("c", { operation: "put", value: bytesOf("v"), w: 3, timeoutMs: 1_000 });
  cluster.live(1_000, mute);
  assert.equal(wordOf(cluster.reply(put)), "stored");
  cluster.unlink("a", "c");
  const get = cluster.ask("a", { operation: "get", r: 2, timeoutMs: 1_000 });
  cluster.live(900, mute);
  assert.equal(wordOf(cluster.reply(get)), "found");
});

test("stand-ins: what comes late of one that made way for the next counts", () => {
  const cluster = withoutB(2);
  const id = cluster.ask("a", { operation: "put", value: bytesOf("v"), w: 3, timeoutMs: 2_000 });
  const [first] = cluster.waiting({ kind: "hint" });
  const late = cluster.transit.filter(({ to }) => to === first!.to);
  cluster.drop({ to: first!.to });
  const second = firstAskedAfter(cluster, first!.to);
  // The next one hears nothing, and the first one has only been slow.
  cluster.drop({ to: second });
  cluster.transit.push(...late);
  cluster.live(100, second);
  assert.equal(wordOf(cluster.reply(id)), "stored");
});

function firstAskedAfter(cluster: SmallCluster, first: string): string {
  for (let step = 0; step < 100; step++) {
    cluster.pass(10);
    const [hint] = cluster.waiting({ kind: "hint" }).filter(({ to }) => to !== first);
    if (hint !== undefined) return hint.to;
    cluster.drop({ to: first });
    if (cluster.transit.length > 0) cluster.deliver();
    cluster.complete();
  }
  throw new Error("nobody else was asked");
}
