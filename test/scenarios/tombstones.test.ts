/**
 * Deletions are forgotten when nobody knows any more what was deleted, and not before: the ways in
 * which other stores have brought deleted data back, told here.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ExchangeMessage } from "#src/core/repair-messages.ts";
import type { Simulation } from "#src/sim/simulation.ts";
import { done } from "../support/answered.ts";
import { cluster, ID, KEY, PURGE } from "../support/purging-cluster.ts";
import type { NodeId } from "#src/core/ring/node-id.ts";

/** Long enough for several rounds. */
const ROUNDS_MS = 20_000;

function putAndDelete(sim: Simulation): void {
  const client = sim.client("c");
  done(sim, client.put(KEY, "v"));
  sim.runFor(500);
  done(sim, client.delete(KEY));
}

function forgets(sim: Simulation): boolean {
  const isForgotten = (): boolean => sim.nodes.every((node) => sim.contents(node).length === 0);
  return sim.runUntil(isForgotten, { within: ROUNDS_MS });
}

test("tombstones: a deletion that everybody knows is forgotten by everybody", () => {
  const sim = cluster();
  putAndDelete(sim);
  assert.equal(sim.tombstones.length, 3);
  assert.ok(forgets(sim));
  assert.equal(sim.factCount("tombstone-purged"), 3);
  const read = done(sim, sim.client("c").get(KEY));
  assert.deepEqual(read.entry.returned, []);
});

test("tombstones: one that rots when all have vouched for it is forgotten like the others", () => {
  const sim = cluster();
  putAndDelete(sim);
  const isPurgedSomewhere = (): boolean => sim.factCount("tombstone-purged") > 0;
  assert.ok(sim.runUntil(isPurgedSomewhere, { within: ROUNDS_MS }));
  const left = sim.nodes.filter((node) => sim.node(node).damage(ID));
  assert.equal(left.length, 2);
  sim.runFor(1_000);
  for (const node of sim.nodes) {
    done(sim, sim.client("c").put(KEY, `through ${node}`, { node, w: "all" }));
  }
});

test("tombstones: a node that had no room for the era of the others is listened to when it has", () => {
  const sim = cluster({ storage: "model" });
  putAndDelete(sim);
  assert.ok(forgets(sim));
  sim.runFor(5_000);
  const [, victim] = sim.owners(ID);
  sim.node(victim!).crash();
  sim.runFor(2_000);
  sim.node(victim!).restart("lost");
  assert.ok(sim.runUntil(() => sim.isUp(victim!), { within: 1_000 }));
  sim.node(victim!).fillDisk();
  sim.runFor(2_000);
  sim.node(victim!).freeDisk();
  sim.runFor(1_000);
  done(sim, sim.client("c").put(KEY, "again", { node: victim!, w: "all" }));
});

test("tombstones: a cluster that deletes nothing stays in its first era", () => {
  const sim = cluster();
  for (let i = 0; i < 20; i++) done(sim, sim.client("c").put(`k${i}`, "v"));
  sim.runFor(ROUNDS_MS);
  assert.equal(sim.factCount("era-begun"), 0);
});

test("tombstones: a write that comes after its deletion was forgotten is refused", () => {
  const sim = cluster();
  const client = sim.client("c");
  const usual = sim.network.options;
  // A second copy of everything that is sent now comes a minute later.
  sim.network.options = { ...usual, lateRate: 1, lateMsMin: 60_000, lateMsMax: 60_001 };
  done(sim, client.put(KEY, "v"));
  sim.runFor(500);
  sim.network.options = usual;
  done(sim, client.delete(KEY));
  assert.ok(forgets(sim));
  sim.runFor(60_000);
  assert.ok((sim.factDetails.get("tombstone-purged") ?? 0) >= 3);
  for (const node of sim.nodes) assert.deepEqual(sim.contents(node), [], node);
});

test("tombstones: nothing is forgotten while an owner is away that missed the deletion", () => {
  const sim = cluster();
  const client = sim.client("c");
  done(sim, client.put(KEY, "v", { w: "all" }));
  const [home, , away] = sim.owners(ID);
  sim.node(away!).crash();
  sim.runFor(1_000);
  done(sim, client.delete(KEY, { node: home! }));
  sim.runFor(10 * ROUNDS_MS);
  assert.equal(sim.factCount("tombstone-purged"), 0);
  sim.node(away!).restart();
  assert.ok(sim.runUntil(() => sim.hints.length === 0, { within: ROUNDS_MS }));
  assert.ok(forgets(sim));
  sim.runFor(ROUNDS_MS);
  assert.deepEqual(done(sim, client.get(KEY, { r: "all" })).entry.returned, []);
});

test("tombstones: nothing is forgotten while a member is away that may keep a hint", () => {
  const sim = cluster();
  const stranger = sim.nodes.find((node) => !sim.owners(ID).includes(node));
  sim.node(stranger!).crash();
  sim.runFor(15_000);
  putAndDelete(sim);
  sim.runFor(ROUNDS_MS);
  assert.equal(sim.factCount("tombstone-purged"), 0);
  sim.node(stranger!).restart();
  assert.ok(forgets(sim));
});

test("tombstones: a hint of the value, delivered late, does not bring it back (Scylla 23712)", () => {
  const sim = cluster();
  const client = sim.client("c");
  const [home, second, third] = sim.owners(ID);
  sim.node(third!).crash();
  sim.runFor(1_000);
  done(sim, client.put(KEY, "v", { node: home! }));
  assert.ok(sim.hints.length > 0);
  done(sim, client.delete(KEY, { node: second! }));
  const { node: keeper } = sim.hints[0]!;
  // The owner is back, and who keeps its hints is not.
  if (keeper !== home && keeper !== second) sim.node(keeper).crash();
  sim.node(third!).restart();
  sim.runFor(ROUNDS_MS);
  if (!sim.isUp(keeper)) sim.node(keeper).restart();
  assert.ok(forgets(sim));
  sim.runFor(ROUNDS_MS);
  assert.deepEqual(done(sim, client.get(KEY, { r: "all" })).entry.returned, []);
});

test("tombstones: a key that was forgotten can be written again, also with what was read before", () => {
  const sim = cluster();
  const client = sim.client("c");
  done(sim, client.put(KEY, "v"));
  const before = done(sim, client.get(KEY));
  done(sim, client.delete(KEY));
  assert.ok(forgets(sim));
  done(sim, client.put(KEY, "w", { context: before.context }));
  sim.runFor(ROUNDS_MS);
  assert.deepEqual(done(sim, client.get(KEY, { r: "all" })).entry.returned, ["w"]);
  done(sim, client.delete(KEY));
  assert.ok(forgets(sim));
});

test("tombstones: those of an earlier life are found after a start", () => {
  const sim = cluster({ purge: { ...PURGE, everyMs: 3_000 } });
  putAndDelete(sim);
  for (const node of sim.nodes) sim.node(node).stop();
  assert.equal(sim.factCount("tombstone-purged"), 0);
  for (const node of sim.nodes) sim.node(node).restart();
  assert.ok(forgets(sim));
});

test("tombstones: an era that was begun is not forgotten by a restart", () => {
  const sim = cluster();
  putAndDelete(sim);
  assert.ok(forgets(sim));
  const eras = sim.factCount("era-begun");
  assert.equal(eras, 2 * sim.nodes.length);
  sim.runFor(1_000);
  for (const node of sim.nodes) sim.node(node).crash();
  for (const node of sim.nodes) sim.node(node).restart();
  sim.runFor(ROUNDS_MS);
  assert.equal(sim.factCount("era-begun"), eras);
});

test("tombstones: while writes go on, a deletion purges nothing that is newer", () => {
  const sim = cluster();
  const client = sim.client("c");
  for (let i = 0; i < 40; i++) {
    done(sim, client.put(KEY, `v${i}`));
    done(sim, client.delete(KEY));
    done(sim, client.put(KEY, `w${i}`));
    sim.runFor(500);
    assert.deepEqual(done(sim, client.get(KEY)).entry.returned, [`w${i}`]);
  }
});

const STAYS = "stays";

/** `KEY` was purged since the home of it had its disk copied, with another key on it: that one. */
function purgedSinceCopy(sim: Simulation): string {
  const client = sim.client("c");
  done(sim, client.put(KEY, "v", { w: "all" }));
  done(sim, client.put(STAYS, "v", { w: "all" }));
  const home = sim.owners(ID)[0]!;
  sim.node(home).backUp();
  done(sim, client.delete(KEY, { w: "all" }));
  const isForgotten = (): boolean => sim.tombstones.length === 0;
  assert.ok(sim.runUntil(isForgotten, { within: ROUNDS_MS }));
  return home;
}

function putBack(sim: Simulation, ...nodes: readonly string[]): void {
  for (const node of nodes) sim.node(node).crash();
  for (const node of nodes) sim.node(node).restart("restored");
}

function readsOf(sim: Simulation, key: string): readonly (string | undefined)[] {
  return done(sim, sim.client("c").get(key, { r: "all" })).entry.returned!;
}

function verdicts(sim: Simulation): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [detail, count] of sim.factDetails) {
    const [kind, verdict] = detail.split("/");
    if (kind === "rows-put-back") counts[verdict!] = count;
  }
  return counts;
}

for (const storage of ["model", "log"] as const) {
  test(`tombstones: a copy of a disk from before a purge brings back nothing (${storage})`, () => {
    const sim = cluster({ storage });
    const home = purgedSinceCopy(sim);
    putBack(sim, home);
    sim.runFor(ROUNDS_MS);
    assert.deepEqual(verdicts(sim), { "give-up": 1 });
    assert.deepEqual([readsOf(sim, KEY), readsOf(sim, STAYS)], [[], ["v"]]);
    // It was filled again by the others.
    assert.ok(sim.converged);
  });

  test(`tombstones: a younger copy keeps its rows (${storage})`, () => {
    const sim = cluster({ storage });
    const home = purgedSinceCopy(sim);
    sim.node(home).backUp();
    putBack(sim, home);
    assert.ok(sim.runUntil(() => sim.isUp(home as NodeId), { within: 1_000 }));
    assert.deepEqual(verdicts(sim), { keep: 1 });
  });
}

test("tombstones: a copy that is put back is away until it knows what it is worth", () => {
  const sim = cluster();
  const home = purgedSinceCopy(sim);
  sim.network.partition([home]);
  putBack(sim, home);
  sim.runFor(ROUNDS_MS);
  assert.equal(sim.isUp(home as NodeId), false);
  // A crash makes no difference to that.
  sim.node(home).crash();
  sim.node(home).restart();
  sim.runFor(ROUNDS_MS);
  assert.equal(sim.isUp(home as NodeId), false);
  assert.deepEqual(verdicts(sim), {});
  sim.network.heal();
  sim.runFor(ROUNDS_MS);
  assert.deepEqual(verdicts(sim), { "give-up": 1 });
  assert.deepEqual([readsOf(sim, KEY), readsOf(sim, STAYS)], [[], ["v"]]);
});

test("tombstones: a node that was away for long, and was not put back, asks nobody", () => {
  const sim = cluster();
  const home = purgedSinceCopy(sim);
  sim.node(home).crash();
  sim.runFor(10 * ROUNDS_MS);
  sim.network.partition([home]);
  sim.node(home).restart();
  assert.ok(sim.isUp(home as NodeId));
});

test("tombstones: a cluster that is put back as a whole keeps all its rows", () => {
  const sim = cluster();
  purgedSinceCopy(sim);
  for (const node of sim.nodes) sim.node(node).backUp();
  putBack(sim, ...sim.nodes);
  sim.runFor(ROUNDS_MS);
  assert.deepEqual(verdicts(sim), { keep: 5 });
  assert.deepEqual([readsOf(sim, KEY), readsOf(sim, STAYS)], [[], ["v"]]);
});

test("tombstones: an old copy among young ones waits for those, and gives up its rows", () => {
  const sim = cluster();
  const home = purgedSinceCopy(sim);
  for (const node of sim.nodes) if (node !== home) sim.node(node).backUp();
  putBack(sim, ...sim.nodes);
  sim.runFor(ROUNDS_MS);
  assert.deepEqual([verdicts(sim)["keep"], verdicts(sim)["give-up"]], [4, 1]);
  assert.deepEqual([readsOf(sim, KEY), readsOf(sim, STAYS)], [[], ["v"]]);
});

test("tombstones: a copy of a disk from before a deletion that is remembered brings back nothing", () => {
  const sim = cluster({ purge: { ...PURGE, everyMs: 3_600_000 } });
  const client = sim.client("c");
  done(sim, client.put(KEY, "v", { w: "all" }));
  const home = sim.owners(ID)[0]!;
  sim.node(home).backUp();
  done(sim, client.delete(KEY, { w: "all" }));
  sim.node(home).crash();
  sim.node(home).restart("restored");
  sim.runFor(ROUNDS_MS);
  assert.deepEqual(done(sim, client.get(KEY, { r: "all" })).entry.returned, []);
});

test("tombstones: an exchange of before, all of it late, brings nothing back", () => {
  const sim = cluster({ nodes: 3 });
  const client = sim.client("c");
  const usual = sim.network.options;
  const asked: { readonly from: string; readonly at: number; readonly talk: ExchangeMessage }[] =
    [];
  sim.observe({
    onSend: (from, _to, message, at) => {
      if (message.kind === "repair-talk") asked.push({ from, at, talk: message.talk });
    },
  });
  done(sim, client.put(KEY, "v", { w: "all" }));
  const [, , third] = sim.owners(ID);
  sim.runFor(8_000);
  sim.node(third!).damage(ID);
  // A second copy of everything that is sent now comes five minutes later.
  const lateMs = 300_000;
  sim.network.options = { ...usual, lateRate: 1, lateMsMin: lateMs, lateMsMax: lateMs + 1 };
  sim.node(third!).crash();
  sim.node(third!).restart();
  const tradeOfIt = (): (typeof asked)[number] | undefined =>
    asked.find(({ talk }) => {
      return talk.kind === "trade" && talk.offers.some(({ record }) => record.length > 0);
    });
  assert.ok(sim.runUntil(() => tradeOfIt() !== undefined, { within: 250_000 }));
  const trade = tradeOfIt()!;
  sim.runFor(50);
  sim.network.options = usual;
  done(sim, client.delete(KEY, { w: "all" }));
  assert.ok(forgets(sim));
  // Nobody is there to say that it is over.
  sim.runFor(trade.at + lateMs - 60_000 - sim.now);
  sim.node(trade.from).crash({ silent: true });
  sim.runFor(62_000);
  sim.node(trade.from).restart();
  sim.runFor(3_000);
  assert.deepEqual(done(sim, client.get(KEY, { r: "all" })).entry.returned, []);
});
