/**
 * A node whose disk takes many times as long as those of the others: it steps back, and comes back.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { condition } from "#src/core/messages.ts";
import { nodeId } from "#src/core/ring/node-id.ts";
import { bytesOf, SmallCluster, valuesOf, wordOf } from "../support/small-cluster.ts";

/** The cluster after `slow` has found its own disk slow, and has told the others so. */
function withSlow(
  slow: string,
  options: ConstructorParameters<typeof SmallCluster>[0],
): SmallCluster {
  const cluster = new SmallCluster(options);
  const { node } = cluster.at(slow);
  cluster.at(slow).isDiskHeld = true;
  for (let second = 0; second < 20; second++) {
    cluster.ask(slow, { operation: "put", value: bytesOf("v"), w: 1 });
    cluster.pass(1_000);
    cluster.run();
  }
  cluster.at(slow).isDiskHeld = false;
  cluster.run();
  assert.equal(node.load(cluster.now).disk.isDegraded, true);
  return cluster;
}

test("slow disk: an owner that finds its own disk slow leaves coordination to another", () => {
  const cluster = withSlow("a", {});
  const stored = cluster.put("a", "w");
  assert.ok(stored.kind === "stored" && stored.receipt.coordinator !== "a", wordOf(stored));
  assert.deepEqual(valuesOf(cluster.get("a")), ["w"]);
  assert.deepEqual(cluster.at("a").values(), ["w"], "it owns what it owned");
  const facts = cluster.at("a").factsOf("disk-degraded");
  assert.equal(facts.length, 1);
  assert.ok(facts[0]!.latencyMs > 50 && facts[0]!.medianMs === 0);
});

test("slow disk: where no other owner can, it coordinates as ever", () => {
  const cluster = withSlow("a", { config: { w: "one", pw: "one", r: "one", pr: "one" } });
  for (const other of "bc") cluster.unlink("a", other);
  const stored = cluster.put("a", "w");
  assert.ok(stored.kind === "stored" && stored.receipt.coordinator === "a", wordOf(stored));
});

test("slow disk: others know for as long as it says so, and forward to those that are well", () => {
  const cluster = withSlow("a", { others: 1 });
  for (const name of ["b", "c", "x"]) {
    assert.deepEqual(cluster.at(name).node.load(cluster.now).disk.degraded, ["a"], name);
  }
  const stored = cluster.put("x", "w");
  assert.ok(stored.kind === "stored" && stored.receipt.coordinator !== "a", wordOf(stored));
  cluster.pass(60_000);
  cluster.run();
  assert.equal(cluster.at("a").factsOf("disk-recovered").length, 1);
  assert.deepEqual(cluster.at("b").node.load(cluster.now).disk.degraded, []);
  const again = cluster.put("a", "w");
  assert.ok(again.kind === "stored" && again.receipt.coordinator === "a");
});

test("slow disk: it stands in for nobody, unless there is nobody else", () => {
  for (const degraded of [["x"], ["y"], ["x", "y"]]) {
    const cluster = new SmallCluster({
      others: 2,
      config: { pr: "one", pw: "one", hintBytesMax: 2 ** 20, hintBytesPerTargetMax: 2 ** 20 },
    });
    for (const name of degraded) {
      cluster.at("a").node.receive(cluster.now, nodeId(name), condition(400, true));
    }
    cluster.unlink("a", "c");
    const id = cluster.ask("a", { operation: "put", value: bytesOf("v") });
    const [hint] = cluster.waiting({ kind: "hint" });
    assert.ok(hint !== undefined);
    if (degraded.length === 1) assert.ok(!degraded.includes(hint.to), `${hint.to}`);
    cluster.run();
    assert.equal(wordOf(cluster.reply(id)), "stored");
  }
});
