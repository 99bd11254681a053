/**
 * What has gone wrong in other stores, each told here as a story with a name. Which stories are
 * told elsewhere is listed in `docs/regressions.md`.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ALL_CHECKERS } from "#src/sim/checks/all.ts";
import type { ClientOperation } from "#src/sim/client-operation.ts";
import { keyIn } from "#src/sim/clients.ts";
import type { SimulationOptions } from "#src/sim/settings.ts";
import { Simulation } from "#src/sim/simulation.ts";
import { Story } from "../support/story.ts";

const NO_HINTS = { hintBytesMax: 0, hintBytesPerTargetMax: 0 };
const KEYS = 60;
/** Beyond every time limit of a request. */
const ANSWERED_MS = 5_000;

/** Every checker watches, and judges at the end. */
class Watched {
  readonly sim: Simulation;
  readonly #checkers;

  constructor(options: Partial<SimulationOptions> = {}) {
    this.sim = new Simulation({ seed: 41, nodes: 5, replicas: 3, ...options });
    this.#checkers = ALL_CHECKERS.map((factory) => factory(this.sim));
    for (const { observer } of this.#checkers) if (observer) this.sim.observe(observer);
  }

  /** All at once, through the nodes in turn. No two puts of a run are of one value. */
  putAll(value: string, count = KEYS): readonly ClientOperation[] {
    const { sim } = this;
    const puts = Array.from({ length: count }, (_, i) => {
      const node = sim.nodes[i % sim.nodes.length]!;
      return sim.client("c").put(`k${i}`, `${value}, ${i}`, { node });
    });
    assert.ok(sim.runUntil(() => puts.every(({ isDone }) => isDone), { within: ANSWERED_MS }));
    return puts;
  }

  ends(): void {
    const { sim } = this;
    assert.ok(sim.runUntil(() => sim.converged && sim.hints.length === 0, { within: 300_000 }));
    sim.runFor(2_000);
    for (const checker of this.#checkers) {
      assert.deepEqual(checker.finish(sim), [], checker.id);
    }
  }
}

function areOk(operations: readonly ClientOperation[]): boolean {
  return operations.every(({ entry }) => entry.status === "ok");
}

test("regression: who repairs hands on the deletion, not the row that it replaced (Scylla 3557)", () => {
  const story = new Story({ config: NO_HINTS });
  story.put("n1", "old", { w: "all" });
  story.connectOnly("n1", "n2");
  story.delete("n1");
  // n3 still holds the row, and coordinates: with one of the two, then with both.
  story.connectOnly("n2", "n3");
  assert.deepEqual(story.get("n3", { r: 2 }).entry.returned, []);
  story.connectOnly("n1", "n3");
  assert.deepEqual(story.get("n3", { r: 2 }).entry.returned, []);
  story.connectAll();
  assert.deepEqual(story.ends(), []);
});

test("regression: a failed write that is in the log was told as unknown, and may come back (Scylla 6082)", () => {
  const { sim } = new Watched({ nodes: 3, storage: "log" });
  sim.runFor(200);
  sim.network.partition(["n1"]);
  const alone = sim.client("c").put("k", "maybe", { node: "n1", timeoutMs: 300 });
  sim.runFor(50);
  sim.node("n1").crash();
  sim.runFor(1_000);
  // It was not acknowledged, and it was not denied either.
  assert.equal(alone.entry.status, "info");
  sim.network.heal();
  sim.node("n1").restart();
  sim.runFor(1_000);
  const read = sim.client("c").get("k", { r: "all" });
  sim.runFor(1_000);
  assert.deepEqual(read.entry.returned, ["maybe"]);
  // Once it was seen, it stays.
  const again = sim.client("c").get("k", { node: "n3" });
  sim.runFor(1_000);
  assert.deepEqual(again.entry.returned, ["maybe"]);
});

test("regression: overload in which all stand in for all makes no storm of hints (Scylla 8885)", () => {
  const watched = new Watched({ config: { hintBytesPerTargetMax: 4_096, hintBytesMax: 8_192 } });
  const { sim } = watched;
  sim.runFor(200);
  // Every disk takes longer than anybody waits before somebody else is asked to keep the write.
  for (const node of sim.nodes) sim.node(node).slowDisk(600);
  const writes = 10 * KEYS;
  for (let round = 0; round < 10; round++) watched.putAll(`round ${round}`);
  const kept = sim.factCount("hint-kept");
  assert.ok(kept > 0, "nobody stood in, and nothing is shown");
  // Hints are of writes, and never of hints: at most one for each owner of each write.
  assert.ok(sim.factCount("stand-in-asked") <= 3 * writes);
  // One that was asked and is silent makes way for the coordinator itself.
  assert.ok(kept <= sim.factCount("stand-in-asked") + 3 * writes, `${kept} hints`);
  assert.ok(sim.hints.length <= sim.nodes.length * KEYS);
  for (const node of sim.nodes) sim.node(node).quickDisk();
  assert.ok(sim.runUntil(() => sim.hints.length === 0, { within: 60_000 }));
  assert.ok(sim.factCount("hint-delivered") <= 2 * kept, "each is brought home about once");
  const quiet = sim.factCount("hint-kept");
  sim.runFor(30_000);
  assert.equal(sim.factCount("hint-kept"), quiet, "it does not go on by itself");
  watched.ends();
});

test("regression: cuts in one direction end every request, and all is well after them (TigerBeetle)", () => {
  const watched = new Watched({ nodes: 3 });
  const { sim } = watched;
  sim.runFor(200);
  // n1 ─▶ n2 ─▶ n3 ─▶ n1 are cut: everybody hears one of the others, and is heard by the other one.
  for (const [from, to] of [
    ["n1", "n2"],
    ["n2", "n3"],
    ["n3", "n1"],
  ] as const) {
    sim.network.partition([from], [to], { direction: "one-way" });
  }
  const puts = watched.putAll("cut");
  assert.ok(puts.every(({ entry }) => entry.status !== "ok"));
  // What they say to each other in a minute is what a quiet cluster says, not a race of attempts.
  const before = sim.events;
  sim.runFor(60_000);
  const events = sim.events - before;
  assert.ok(events < 60 * 1_000, `${events} events in a minute`);
  sim.network.heal();
  sim.runFor(ANSWERED_MS);
  assert.ok(areOk(watched.putAll("healed")));
  watched.ends();
});

test("regression: one that hears everybody and is heard by nobody holds nobody up", () => {
  const watched = new Watched();
  const { sim } = watched;
  sim.runFor(200);
  sim.network.partition(["n5"], undefined, { direction: "one-way" });
  sim.runFor(30_000);
  const through = sim.nodes.slice(0, 4);
  const puts = through.flatMap((node) =>
    Array.from({ length: 20 }, (_, i) =>
      sim.client("c").put(`${node} ${i}`, `${node} ${i}`, { node }),
    ),
  );
  sim.runFor(ANSWERED_MS);
  assert.ok(areOk(puts));
  sim.network.heal();
  watched.ends();
});

test("regression: a cluster that was cut in two for its first 30 s leaves no islands", () => {
  const watched = new Watched({ nodes: 6 });
  const { sim } = watched;
  const partition = sim.network.partition(["n1", "n3", "n5"]);
  sim.runFor(30_000);
  partition.heal();
  sim.runFor(6_000);
  for (const node of sim.nodes) {
    const put = sim.client("c").put(`k ${node}`, node, { node, w: "all" });
    sim.runFor(1_000);
    assert.equal(put.entry.status, "ok", `through ${node}`);
  }
  watched.ends();
});

test("regression: a sync that fails once and then succeeds stops the node, and loses nothing", () => {
  const watched = new Watched({ nodes: 3, storage: "log" });
  const { sim } = watched;
  sim.runFor(200);
  assert.ok(areOk(watched.putAll("before")));
  for (const [round, node] of sim.nodes.entries()) {
    sim.node(node).harm("sync-failed");
    const puts = watched.putAll(`round ${round}`);
    assert.equal(sim.faultCount("fail-stop"), round + 1, `${node} goes on with a failed sync`);
    assert.ok(puts.some(({ entry }) => entry.status === "ok"));
    sim.runFor(ANSWERED_MS);
    assert.ok(sim.areAllUp);
  }
  watched.ends();
});

test("regression: a log that rots in its middle is mended from others, and nothing behind it is lost", () => {
  const watched = new Watched({ nodes: 3, storage: "log" });
  const { sim } = watched;
  sim.runFor(200);
  for (let round = 0; round < 6; round++) watched.putAll(`round ${round}`);
  sim.runFor(1_000);
  sim.node("n2").crash();
  let harmed = 0;
  for (let i = 0; i < 3; i++) if (sim.node("n2").harm("sector-rotted")) harmed++;
  assert.ok(harmed > 0);
  sim.node("n2").restart();
  sim.runFor(1_000);
  assert.ok(sim.areAllUp, "it starts, whatever it cannot read");
  for (let i = 0; i < KEYS; i++) {
    const read = sim.client("c").get(`k${i}`, { node: "n2" });
    assert.ok(sim.runUntil(() => read.isDone, { within: ANSWERED_MS }));
    assert.deepEqual(read.entry.returned, [`round 5, ${i}`], `k${i}`);
  }
  watched.ends();
});

test("regression: a copy of a directory is another node's past, and swallows no write (clone)", () => {
  const watched = new Watched({ nodes: 3, storage: "log" });
  const { sim } = watched;
  sim.runFor(200);
  watched.putAll("before the copy");
  sim.node("n1").backUp();
  watched.putAll("after the copy");
  sim.node("n1").crash();
  sim.node("n1").restart("copied");
  sim.runFor(1_000);
  assert.equal(sim.factDetails.get("boot/copied"), 1);
  const client = sim.client("c");
  const puts = Array.from({ length: KEYS }, (_, i) => {
    return client.put(`k${i}`, `by the copy, ${i}`, { node: "n1" });
  });
  sim.runFor(ANSWERED_MS);
  assert.ok(areOk(puts));
  watched.ends();
  for (let i = 0; i < KEYS; i++) {
    assert.ok(sim.agreeOn(keyIn("overwrite", `k${i}`)));
    const read = client.get(`k${i}`, { r: "all" });
    sim.runFor(100);
    assert.ok(
      read.entry.returned?.includes(`by the copy, ${i}`),
      `k${i}: ${read.entry.returned?.join()}`,
    );
  }
});
