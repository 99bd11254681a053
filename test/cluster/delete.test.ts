import assert from "node:assert/strict";
import { test } from "node:test";
import type { Outcome } from "#src/core/outcomes.ts";
import { bytesOf, KEY, SmallCluster, valuesOf, wordOf } from "../support/small-cluster.ts";

test("delete: without a context everything there is goes, and says that it was there", () => {
  const cluster = clusterWith("x");
  assert.deepEqual(deletedBy(cluster.delete("b")), { existed: true, held: 0b011, needed: 2 });
  for (const name of "abc") {
    assert.equal(wordOf(cluster.get(name)), "not-found");
    assert.ok(cluster.at(name).record().isTombstone);
  }
  cluster.finish();
});

test("delete: of a key that nobody ever had does nothing, and stores nothing", () => {
  const cluster = new SmallCluster();
  const { existed } = deletedBy(cluster.delete("a"));
  assert.equal(existed, false);
  for (const name of "abc") assert.equal(cluster.at(name).record().context.length, 0);
  cluster.finish();
});

test("delete: with a context exactly what that covers goes", () => {
  const cluster = clusterWith("seen");
  const { context } = cluster.get("a");
  cluster.put("b", "unseen", { mode: "siblings" });
  assert.equal(deletedBy(cluster.delete("c", { context })).existed, true);
  for (const name of "abc") assert.deepEqual(cluster.at(name).values(), ["unseen"]);
  cluster.finish();
});

test("delete: a put that is concurrent with it survives", () => {
  const cluster = clusterWith("old");
  const { context } = cluster.get("a");
  cluster.ask("a", { operation: "delete", context });
  cluster.ask("b", { operation: "put", value: bytesOf("new"), context });
  cluster.run();
  for (const name of "abc") assert.deepEqual(cluster.at(name).values(), ["new"]);
  cluster.finish();
});

test("delete: a put afterwards brings the key back, at any owner", () => {
  const cluster = clusterWith("old");
  for (const name of "abc") {
    cluster.delete(name);
    assert.equal(wordOf(cluster.put(name, `new at ${name}`)), "stored");
    assert.deepEqual(valuesOf(cluster.get("b")), [`new at ${name}`]);
  }
  cluster.finish();
});

test("delete: without a context the coordinator's own row is not all it looks at", () => {
  const cluster = new SmallCluster();
  const id = cluster.ask("a", { operation: "put", value: bytesOf("x") });
  cluster.drop({ kind: "write", to: "c" });
  cluster.run();
  assert.equal(wordOf(cluster.reply(id)), "stored");
  assert.equal(deletedBy(cluster.delete("c")).existed, true);
  for (const name of "abc") assert.deepEqual(cluster.at(name).values(), []);
  cluster.finish();
});

test("delete: a value that was written before and arrives afterwards stays deleted", () => {
  const cluster = new SmallCluster();
  cluster.ask("a", { operation: "put", value: bytesOf("x") });
  const late = cluster.drop({ kind: "write", to: "c" });
  cluster.run();
  cluster.delete("b");
  cluster.transit.push(...late);
  cluster.run();
  assert.deepEqual(cluster.at("c").values(), []);
  cluster.finish();
});

test("delete: an acknowledged one is held by W owners, also when another has deleted before", () => {
  // A first deletion reaches only its coordinator, and nobody is told that it worked.
  const cluster = clusterWith("x");
  const first = cluster.ask("a", { operation: "delete", context: cluster.get("a").context });
  cluster.drop({ kind: "write" });
  cluster.run();
  cluster.pass(2000);
  assert.equal(wordOf(cluster.reply(first)), "OUTCOME_UNKNOWN");
  // The second sees that tombstone and is acknowledged.
  const second = cluster.ask("a", { operation: "delete" });
  cluster.deliver({ kind: "read" });
  cluster.deliver();
  cluster.drop({ kind: "repair" });
  cluster.run();
  assert.equal(wordOf(cluster.reply(second)), "deleted");
  const holders = ["a", "b", "c"].filter((name) => cluster.at(name).record().isTombstone);
  assert.ok(holders.length >= 2, `held by ${holders.join()}`);
  // Its coordinator is lost: the two others still know.
  cluster.unlink("a", "b");
  cluster.unlink("a", "c");
  assert.equal(wordOf(cluster.get("b")), "not-found");
  cluster.finish();
});

test("delete: is not acknowledged on the strength of a tombstone that is not durable yet", () => {
  const cluster = clusterWith("x");
  const { context } = cluster.get("a");
  for (const name of "abc") cluster.at(name).isDiskHeld = true;
  const first = cluster.ask("a", { operation: "delete", context });
  cluster.run();
  const second = cluster.ask("b", { operation: "delete" });
  cluster.run();
  assert.ok(!cluster.replies.has(first) && !cluster.replies.has(second));
  for (const name of "abc") cluster.at(name).isDiskHeld = false;
  cluster.run();
  assert.deepEqual(
    [first, second].map((id) => wordOf(cluster.reply(id))),
    ["deleted", "deleted"],
  );
  cluster.finish();
});

test("delete: too few owners to reach, nothing is deleted anywhere", () => {
  const cluster = clusterWith("x");
  cluster.unlink("a", "b");
  cluster.unlink("a", "c");
  const { context } = cluster.get("b");
  for (const given of [{}, { context }]) {
    const refused = cluster.delete("a", given);
    assert.deepEqual(numbersOf(refused), ["QUORUM_NOT_MET", 2, 1]);
  }
  assert.deepEqual(cluster.at("a").values(), ["x"]);
  cluster.finish();
});

test("delete: silence while it reads is a quorum not met, silence while it writes is unknown", () => {
  const cluster = clusterWith("x");
  const reading = cluster.ask("a", { operation: "delete", timeoutMs: 100 });
  cluster.drop();
  cluster.pass(20);
  cluster.drop();
  cluster.pass(80);
  assert.deepEqual(numbersOf(cluster.reply(reading)), ["QUORUM_NOT_MET", 2, 1]);
  assert.deepEqual(cluster.at("a").values(), ["x"], "nothing was deleted");
  const writing = cluster.ask("a", { operation: "delete", timeoutMs: 100 });
  cluster.deliver({ kind: "read" });
  cluster.deliver({ kind: "same" });
  cluster.complete();
  cluster.drop();
  cluster.pass(100);
  assert.deepEqual(numbersOf(cluster.reply(writing)), ["OUTCOME_UNKNOWN", 2, 1]);
  cluster.finish();
});

test("delete: the others are asked when the first is silent for too long", () => {
  const cluster = clusterWith("x");
  const id = cluster.ask("a", { operation: "delete" });
  cluster.drop({ kind: "read" });
  cluster.pass(20);
  cluster.run();
  assert.equal(deletedBy(cluster.reply(id)).existed, true);
  cluster.finish();
});

test("delete: an owner lost while it writes is answered for at once", () => {
  const cluster = clusterWith("x");
  const { context } = cluster.get("a");
  const id = cluster.ask("a", { operation: "delete", context, w: "all" });
  cluster.unlink("a", "c");
  assert.equal(wordOf(cluster.reply(id)), "OUTCOME_UNKNOWN");
  cluster.finish();
});

test("delete: an acknowledgement that comes twice is one owner", () => {
  const cluster = clusterWith("x");
  const id = cluster.ask("a", { operation: "delete", w: 3, context: cluster.get("a").context });
  cluster.drop({ kind: "write", to: "c" });
  cluster.deliver();
  cluster.complete();
  const [written] = cluster.drop({ kind: "written" });
  for (let copy = 0; copy < 4; copy++) cluster.receive("b", "a", written!.message);
  assert.ok(!cluster.replies.has(id));
  cluster.finish();
  assert.equal(wordOf(cluster.reply(id)), "OUTCOME_UNKNOWN");
});

test("delete: a damaged row, its own or another's, does not hinder it while W others can", () => {
  for (const damaged of ["a", "b"]) {
    for (const withContext of [false, true]) {
      const cluster = clusterWith("x");
      const given = withContext ? { context: cluster.get("a").context } : {};
      cluster.at(damaged).damage(KEY);
      assert.equal(wordOf(cluster.delete("a", given)), "deleted", `${damaged} ${withContext}`);
      assert.equal(wordOf(cluster.get("c")), "not-found");
      cluster.finish();
    }
  }
});

test("delete: a full disk does not count", () => {
  const cluster = clusterWith("x");
  for (const full of ["a", "b"]) cluster.at(full).disk = "full";
  assert.equal(wordOf(cluster.delete("a")), "OUTCOME_UNKNOWN");
  cluster.finish();
});

function clusterWith(text: string): SmallCluster {
  const cluster = new SmallCluster();
  assert.equal(wordOf(cluster.put("a", text)), "stored");
  return cluster;
}

function deletedBy(outcome: Outcome): { existed: boolean; held: number; needed: number } {
  assert.ok(outcome.kind === "deleted", wordOf(outcome));
  return { existed: outcome.existed, held: outcome.receipt.held, needed: outcome.receipt.needed };
}

function numbersOf(outcome: Outcome): [code: string, needed: number, got: number] {
  assert.ok(outcome.kind === "failed", outcome.kind);
  return [outcome.code, outcome.needed, outcome.got];
}
