/** Hints of owners that own nothing any more, from one node to the others. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { layoutTold } from "#src/core/messages.ts";
import { nodeId } from "#src/core/ring/node-id.ts";
import { SmallCluster } from "../support/small-cluster.ts";

const KEPT = { pw: "one", hintBytesMax: 1e6, hintBytesPerTargetMax: 1e6 } as const;

function keysFor(cluster: SmallCluster, at: string, target: string): number {
  const { targets } = cluster.at(at).node.hints(cluster.now, { kind: "list" });
  return targets.find((each) => each.target === nodeId(target))?.keys ?? 0;
}

test("hand-off: what is kept for one that left goes to the owners of now, the own row too", () => {
  const cluster = new SmallCluster({ owners: 3, others: 1, config: KEPT });
  cluster.at("a").node.start(cluster.now);
  cluster.live(100);
  cluster.unlink("a", "c");
  cluster.unlink("b", "c");
  // Nobody can stand in, so a keeps it; b misses it too.
  cluster.unlink("a", "x");
  cluster.unlink("a", "b");
  cluster.put("a", "v", { w: 1 });
  assert.equal(keysFor(cluster, "a", "c"), 1);
  cluster.link("a", "b");
  cluster.link("a", "x");
  const next = cluster.layout(2, ["a", "b", "x", "c"], 3);
  for (const to of ["a", "b", "x"]) cluster.receive("c", to, layoutTold(next));
  cluster.live(20_000);
  assert.equal(keysFor(cluster, "a", "c"), 0);
  for (const name of ["a", "b", "x"]) assert.deepEqual(cluster.at(name).values(), ["v"], name);
});

test("hand-off: where there is time for one stand-in only, those that were silent have their turns", () => {
  const cluster = new SmallCluster({ owners: 3, others: 3, config: KEPT });
  cluster.unlink("a", "c");
  const asked: string[] = [];
  const put = (): void => {
    cluster.ask("a", { operation: "put", w: 3, timeoutMs: 100 });
    asked.push(...cluster.drop({ kind: "hint" }).map(({ to }) => to));
    cluster.run();
    cluster.pass(100);
  };
  for (let count = 0; count < 6; count++) put();
  assert.equal(new Set(asked.slice(0, 3)).size, 3);
  assert.deepEqual(asked.slice(3), asked.slice(0, 3));
  // One that speaks is asked again before those that do not.
  cluster.ask("a", { operation: "put", w: 3, timeoutMs: 100 });
  const [hint] = cluster.waiting({ kind: "hint" });
  cluster.run();
  cluster.pass(100);
  put();
  assert.equal(asked.at(-1), hint!.to);
});
