import assert from "node:assert/strict";
import { test } from "node:test";
import type { NodeId } from "../core/ring/node-id.ts";
import { keyIn } from "./clients.ts";
import type { SimulationOptions } from "./settings.ts";
import { Simulation } from "./simulation.ts";

/** A cluster whose nodes have met. */
function cluster(options: Partial<SimulationOptions> = {}): Simulation {
  const sim = new Simulation({ seed: 7, nodes: 3, ...options });
  sim.runFor(100);
  return sim;
}

test("simulation: what is put is read, everywhere, and the replicas agree", () => {
  const sim = cluster({ nodes: 5 });
  const put = sim.client("c1").put("cart", "book");
  assert.equal(put.entry.status, "open");
  sim.runFor(100);
  assert.equal(put.outcome?.kind, "stored");
  for (const node of sim.nodes) {
    const get = sim.client("c2").get("cart", { node });
    sim.runFor(100);
    assert.deepEqual(get.entry.returned, ["book"]);
    assert.deepEqual(get.entry.context, put.entry.context);
  }
  assert.ok(sim.converged);
});

test("simulation: the same seed and verbs give the same run, another seed another", () => {
  const hashes = [7, 7, 8].map((seed) => {
    const sim = cluster({ seed, network: { lossRate: 0.1, duplicateRate: 0.1 } });
    for (let i = 0; i < 50; i++) {
      sim.client("c1").put(`k${i % 5}`, `v${i}`);
      sim.client("c2").get(`k${i % 3}`);
      if (i === 20) sim.node("n2").crash();
      if (i === 40) sim.node("n2").restart();
      sim.runFor(10);
    }
    return sim.traceHash;
  });
  assert.equal(hashes[0], hashes[1]);
  assert.notEqual(hashes[0], hashes[2]);
});

test("simulation: messages that pass as bytes make the same run", () => {
  const [objects, bytes] = [false, true].map((wire) => {
    const sim = cluster({ wire });
    for (let i = 0; i < 50; i++) sim.client("c1").put(`k${i % 5}`, `v${i}`);
    sim.runFor(1_000);
    const get = sim.client("c1").get("k1");
    sim.runFor(100);
    return [sim.traceHash, get.entry.returned];
  });
  assert.deepEqual(objects, bytes);
});

test("simulation: an observer sees the run and does not change it", () => {
  const [watched, alone] = [true, false].map((isWatched) => {
    const sim = cluster();
    const seen: string[] = [];
    if (isWatched) {
      sim.observe({
        onInvoke: ({ operation }) => void seen.push(`invoke ${operation}`),
        onReply: ({ status }) => void seen.push(`reply ${status}`),
        onFact: (_node, fact) => void seen.push(fact.kind),
        onPersist: () => void seen.push("persist"),
        onDurable: () => void seen.push("durable"),
        onSend: (_from, _to, message) => void seen.push(`send ${message.kind}`),
        onReceive: (_from, _to, message) => void seen.push(`receive ${message.kind}`),
        onCrash: () => void seen.push("crash"),
        onRestart: (_node, kind) => void seen.push(`restart ${kind}`),
        onFault: (kind) => void seen.push(`fault ${kind}`),
      });
    }
    sim.client("c1").put("k", "v", { node: "n1" });
    sim.runFor(100);
    sim.node("n1").crash();
    sim.node("n1").restart();
    sim.runFor(100);
    return { hash: sim.traceHash, seen: new Set(seen) };
  });
  assert.equal(watched!.hash, alone!.hash);
  for (const thing of [
    "invoke put",
    "reply ok",
    "dot-minted",
    "persist",
    "durable",
    "send write",
    "receive write",
    "crash",
    "restart kept",
    "fault crash",
  ]) {
    assert.ok(watched!.seen.has(thing), `nobody saw ${thing}`);
  }
});

test("simulation: a paused node answers when it is resumed, and time has passed for it", () => {
  const sim = cluster();
  sim.node("n1").pause();
  const put = sim.client("c1").put("k", "v", { node: "n1", timeoutMs: 500 });
  const slow = sim.client("c2").get("k", { node: "n1", timeoutMs: 500 });
  sim.runFor(100);
  assert.equal(put.entry.status, "open");
  sim.node("n1").resume();
  sim.runFor(100);
  assert.equal(put.entry.status, "ok");
  assert.equal(slow.entry.status, "ok");
});

test("simulation: a client gives up on a node that stays silent, and a late reply changes nothing", () => {
  const sim = cluster();
  sim.node("n1").pause();
  const put = sim.client("c1").put("k", "v", { node: "n1", timeoutMs: 100 });
  const get = sim.client("c1").get("k", { node: "n1", timeoutMs: 100 });
  sim.runFor(1_000);
  assert.equal(put.entry.status, "info");
  assert.equal(get.entry.status, "fail");
  assert.equal(sim.owed.length, 2);
  sim.node("n1").resume();
  sim.runFor(1_000);
  assert.equal(put.entry.status, "info");
  assert.equal(sim.owed.length, 0);
});

test("simulation: a slow node takes its inputs one after the other", () => {
  const ended = [1, 100].map((factor) => {
    const sim = cluster();
    sim.node("n1").slow(factor);
    const gets = Array.from({ length: 10 }, () =>
      sim.client("c1").get("k", { node: "n1", r: 1, mode: "overwrite" }),
    );
    sim.runFor(1_000);
    assert.ok(gets.every(({ entry }) => entry.status === "ok"));
    return Math.max(...gets.map(({ entry }) => entry.completedAt! - entry.invokedAt));
  });
  assert.ok(ended[0]! < 10, `at full speed ${ended[0]} ms`);
  assert.ok(ended[1]! > 40, `slow ${ended[1]} ms`);
});

test("simulation: what becomes of operations when their node dies or is dead", () => {
  const sim = cluster();
  const put = sim.client("c1").put("k", "v", { node: "n1" });
  const get = sim.client("c1").get("k", { node: "n1" });
  sim.node("n1").crash();
  assert.equal(put.entry.status, "info");
  assert.equal(get.entry.status, "fail");
  const refused = sim.client("c1").put("k", "w", { node: "n1" });
  assert.equal(refused.entry.status, "fail");
  assert.deepEqual(
    [put, get, refused].map(({ entry }) => entry.code),
    ["OUTCOME_UNKNOWN", "UNAVAILABLE", "UNAVAILABLE"],
  );
});

test("simulation: what each restart finds", () => {
  for (const [kind, left] of [
    ["kept", 1],
    ["lost", 0],
    ["new-identity", 0],
  ] as const) {
    const sim = cluster();
    sim.client("c1").put("k", "v", { w: "all" });
    sim.runFor(100);
    sim.node("n1").crash();
    sim.node("n1").restart(kind);
    assert.equal(sim.node("n1").rows.length, left, kind);
  }
  const sim = cluster();
  sim.node("n1").stop();
  sim.node("n1").restart();
  assert.equal(sim.faultCount("restart-clean"), 1);
  sim.node("n2").crash();
  assert.throws(() => sim.node("n2").restart("clean"), /did not stop in order/);
});

test("simulation: an owner whose disk is full reads on and holds no write, until there is room", () => {
  const sim = cluster();
  const [n1] = sim.nodes as [NodeId];
  const key = keyIn("overwrite", "k");
  const client = sim.client("c1", { node: "n1" });
  client.put("k", "before");
  sim.runFor(100);
  const before = sim.row(n1, key);
  sim.node("n1").fillDisk();
  const all = client.put("k", "of all", { w: "all" });
  sim.runFor(100);
  assert.equal(all.entry.code, "OUTCOME_UNKNOWN");
  const put = client.put("k", "after");
  sim.runFor(100);
  assert.equal(put.outcome?.kind, "stored");
  assert.equal(put.entry.receipt?.needed, 2);
  assert.equal(sim.row(n1, key), before, "neither of them");
  assert.ok(sim.faultCount("row-refused") >= 2);
  const own = client.get("k", { r: "one" });
  const get = client.get("k");
  sim.runFor(100);
  assert.deepEqual(own.entry.returned, ["before"]);
  assert.deepEqual(get.entry.returned?.toSorted(), ["after", "of all"], "what n1 never saw stays");
  assert.ok(!sim.converged, "the repair was refused as well");
  sim.node("n1").freeDisk();
  client.get("k", { r: "all" });
  sim.runFor(100);
  assert.ok(sim.converged);
});

test("simulation: a stop in order is not clean when the disk refused a row", () => {
  const sim = cluster();
  sim.node("n1").fillDisk();
  sim.client("c1").put("k", "v", { node: "n1" });
  sim.runFor(100);
  sim.node("n1").stop();
  assert.throws(() => sim.node("n1").restart("clean"), /did not stop in order/);
  sim.node("n1").restart();
  assert.equal(sim.faultCount("restart-kept"), 1);
  sim.node("n1").stop();
  sim.node("n1").restart();
  assert.equal(sim.faultCount("restart-clean"), 1, "what another life was refused is over");
});

test("simulation: a write that is visible and not durable may be gone after a crash", () => {
  const sim = cluster({ disk: { syncMs: 1_000 } });
  const key = keyIn("overwrite", "k");
  sim.client("c1").put("k", "v", { node: "n1" });
  sim.runFor(1);
  assert.notEqual(sim.row(sim.nodes[0]!, key), undefined);
  assert.equal(sim.durableRow(sim.nodes[0]!, key), undefined);
});

test("simulation: a node that throws is reported with what it was given, and is down", () => {
  const breakAll = (sim: Simulation): void =>
    sim.observe({
      onFact: (node, fact) => {
        if (node === "n2" && fact.kind === "dot-minted") throw new Error("broken");
      },
    });
  const sim = cluster({ onBug: "keep" });
  breakAll(sim);
  sim.client("c1").put("k", "v", { node: "n2" });
  assert.deepEqual(
    sim.bugs.map(({ node, input, error }) => [node, input, error.message]),
    [["n2", "request put overwrite/k", "broken"]],
  );
  assert.equal(sim.node("n2").isUp, false);

  const strict = cluster();
  breakAll(strict);
  assert.throws(() => strict.client("c1").put("k", "v", { node: "n2" }), /broken/);
});

test("simulation: runUntil stops when its condition holds, and says when it does not", () => {
  const sim = cluster();
  const put = sim.client("c1").put("k", "v");
  assert.equal(
    sim.runUntil(() => put.isDone, { within: 1_000 }),
    true,
  );
  assert.ok(sim.now < 200);
  const end = sim.now + 50;
  assert.equal(
    sim.runUntil(() => false, { within: 50 }),
    false,
  );
  assert.equal(sim.now, end);
});

test("simulation: settings that cannot be are refused by name", () => {
  assert.throws(() => new Simulation({ seed: 1, nodes: 0 }), /1 to 100 nodes/);
  assert.throws(() => new Simulation({ seed: 1, config: { siblingsMax: 0 } }), /siblingsMax/);
  assert.throws(() => new Simulation({ seed: 1 }).node("n99"), /no node n99/);
});

test("simulation: a client that may asks again, of a node that is up, and it is one operation", () => {
  const sim = cluster();
  sim.node("n1").pause();
  const usual = { node: "n1", timeoutMs: 100, retries: 2 };
  const put = sim.client("c1").put("k", "v", usual);
  const get = sim.client("c1").get("k", { ...usual, timeoutMs: 0 });
  sim.runFor(10);
  sim.node("n1").crash();
  sim.runFor(90);
  assert.deepEqual(sim.history, [put.entry, get.entry]);
  for (const { entry } of [put, get]) {
    assert.equal(entry.status, "ok");
    assert.equal(entry.tries.length, 2);
    assert.notEqual(entry.tries[1]!.node, "n1");
  }
  assert.deepEqual(
    put.entry.tries.map(({ failure }) => failure),
    ["OUTCOME_UNKNOWN", undefined],
  );
});

test("simulation: what may have been done is in doubt, whatever came after it", () => {
  const sim = cluster();
  const put = sim.client("c1").put("k", "v", { node: "n1", retries: 1 });
  for (const node of sim.nodes) sim.node(node).crash();
  sim.runFor(100);
  assert.deepEqual(
    put.entry.tries.map(({ failure }) => failure),
    ["OUTCOME_UNKNOWN", "UNAVAILABLE"],
  );
  assert.equal(put.entry.status, "info");
  assert.equal(put.entry.code, "OUTCOME_UNKNOWN");
});

test("simulation: a client that is closed asks nothing again", () => {
  const sim = cluster();
  sim.node("n1").pause();
  const client = sim.client("c1");
  const get = client.get("k", { node: "n1", retries: 9 });
  sim.runFor(10);
  client.close();
  sim.node("n1").crash();
  assert.equal(get.entry.status, "fail");
  assert.equal(get.entry.tries.length, 1);
});

test("simulation: a node on a log is up when it is durable who it is, and keeps what it promised", () => {
  for (const death of ["process", "machine"] as const) {
    const sim = new Simulation({ seed: 7, nodes: 3, storage: "log" });
    assert.equal(sim.isUp("n1" as NodeId), false);
    sim.runFor(100);
    assert.ok(sim.areAllUp);
    const put = sim.client("c1").put("cart", "book", { w: "all" });
    sim.runFor(100);
    assert.equal(put.outcome?.kind, "stored");
    for (const name of ["n1", "n2", "n3"]) sim.node(name).crash({ death });
    for (const name of ["n1", "n2", "n3"]) sim.node(name).restart();
    assert.ok(!sim.areAllUp);
    sim.runFor(100);
    assert.equal(sim.factDetails.get("boot/unclean"), 3);
    const get = sim.client("c2").get("cart", { r: "all" });
    sim.runFor(100);
    assert.deepEqual(get.entry.returned, ["book"]);
  }
});

test("simulation: a restart waits for a stop on a log, which leaves a clean identity", () => {
  const sim = cluster({ storage: "log" });
  sim.client("c1").put("cart", "book");
  sim.node("n1").stop();
  assert.ok(sim.node("n1").isDown);
  sim.node("n1").restart();
  assert.ok(!sim.node("n1").isDown);
  sim.runFor(100);
  assert.ok(sim.areAllUp);
  assert.equal(sim.factDetails.get("boot/clean"), 1);
});

test("simulation: a copied directory is another actor, and peers that know more are believed", () => {
  const sim = cluster({ storage: "log" });
  sim.node("n1").backUp();
  sim.node("n1").crash();
  sim.node("n1").restart("copied");
  sim.runFor(100);
  assert.equal(sim.factDetails.get("boot/copied"), 1);
  sim.node("n1").jumpWall(-3_600_000);
  sim.node("n1").crash();
  sim.node("n1").restart("new-identity");
  sim.runFor(1_000);
  assert.ok(sim.areAllUp);
  assert.equal(sim.faultCount("outlived"), 1);
  assert.equal(sim.factDetails.get("boot/outlived"), 1);
});

test("simulation: a node whose sync fails goes down, and its keeper starts it again", () => {
  const sim = cluster({ storage: "log" });
  sim.node("n1").harm("sync-failed");
  sim.client("c1").put("cart", "book", { node: "n1" });
  sim.runFor(20);
  assert.equal(sim.faultCount("fail-stop"), 1);
  assert.ok(sim.node("n1").isDown);
  sim.runFor(1_000);
  assert.ok(sim.areAllUp);
});
