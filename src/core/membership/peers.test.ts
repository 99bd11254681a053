import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../base/random.ts";
import { nodeId } from "../ring/node-id.ts";
import { Peers } from "./peers.ts";

const A = nodeId("a");
const B = nodeId("b");

test("peers: reachable between hello and goodbye, and at no other time", () => {
  const peers = new Peers();
  assert.equal(peers.isLinked(A), false);
  assert.ok(peers.onLinked(A, 1));
  assert.deepEqual([peers.isLinked(A), peers.isLinked(B)], [true, false]);
  peers.onLost(A);
  assert.equal(peers.isLinked(A), false);
  assert.ok(peers.onLinked(A, 1));
  assert.ok(peers.isLinked(A));
});

test("peers: an older boot of the same node is not believed", () => {
  const peers = new Peers();
  assert.ok(peers.onLinked(A, 5));
  assert.ok(!peers.onLinked(A, 4));
  peers.onLost(A);
  assert.ok(!peers.onLinked(A, 4));
  assert.equal(peers.isLinked(A), false);
  assert.ok(peers.onLinked(A, 6));
});

test("peers: the slower and the busier one costs more", () => {
  const peers = new Peers();
  for (const peer of [A, B]) peers.onLinked(peer, 1);
  assert.equal(peers.cost(A), peers.cost(B));
  for (let round = 0; round < 20; round++) {
    peers.onAsked(A);
    peers.onAnswered(A, 5);
    peers.onAsked(B);
    peers.onAnswered(B, 1);
  }
  assert.ok(peers.cost(A) > 3 * peers.cost(B));
  for (let waiting = 0; waiting < 9; waiting++) peers.onAsked(B);
  assert.ok(peers.cost(B) > peers.cost(A), "nine wait for the quicker one");
});

test("peers: a stalled one falls behind, and comes back with its answers", () => {
  const peers = new Peers();
  for (let round = 0; round < 50; round++) peers.onAsked(A);
  assert.ok(peers.cost(A) > 10 * peers.cost(B));
  for (let round = 0; round < 50; round++) peers.onAnswered(A, 1000);
  const stalled = peers.cost(A);
  for (let round = 0; round < 60; round++) {
    peers.onAsked(A);
    peers.onAnswered(A, 1);
  }
  assert.ok(peers.cost(A) < stalled / 100, `${peers.cost(A)} after ${stalled}`);
});

test("peers: who was silent the last time is asked after who was slow before, and spoke since", () => {
  const peers = new Peers();
  for (let round = 0; round < 20; round++) peers.onSilent(A, 3_000);
  peers.onAnswered(A, 1);
  peers.onAnswered(B, 1);
  peers.onSilent(B, 250);
  assert.ok(peers.cost(B) > peers.cost(A));
  peers.onGivenUp(B, 1);
  assert.ok(peers.cost(B) > peers.cost(A), "it has not spoken");
  peers.onAnswered(B, 1);
  assert.ok(peers.cost(B) < peers.cost(A));
});

test("peers: of those that were silent all have their turn, however long they took before", () => {
  const peers = new Peers();
  for (let round = 0; round < 20; round++) peers.onSilent(B, 3_000);
  for (let turn = 0; turn < 4; turn++) {
    peers.onSilent(A, 250);
    assert.ok(peers.cost(B) < peers.cost(A));
    peers.onSilent(B, 250);
    assert.ok(peers.cost(A) < peers.cost(B));
  }
});

test("peers: a new connection begins without a past", () => {
  const peers = new Peers();
  peers.onLinked(A, 1);
  peers.onLinked(B, 1);
  for (let round = 0; round < 5; round++) peers.onAsked(A);
  for (let round = 0; round < 5; round++) peers.onAnswered(A, 700);
  peers.onRead(A, 700);
  peers.onAsked(A);
  peers.onLost(A);
  peers.onLinked(A, 1);
  assert.equal(peers.cost(A), peers.cost(B));
  assert.equal(peers.usualMaxMs(A), Infinity);
  peers.onAnswered(A, 0);
  assert.equal(
    peers.cost(A),
    peers.cost(B),
    "an answer to a question from before counts for nobody",
  );
});

test("peers: how long reads usually take at most is what 95 of 100 stay below", () => {
  const peers = new Peers();
  const random = new Random(7);
  assert.equal(peers.usualMaxMs(A), Infinity);
  let slower = 0;
  for (let round = 0; round < 22_000; round++) {
    const elapsedMs = 1 + random.exponential(2);
    if (round >= 2_000 && elapsedMs > peers.usualMaxMs(A)) slower++;
    peers.onRead(A, elapsedMs);
  }
  assert.ok(slower > 20_000 * 0.045 && slower < 20_000 * 0.055, `${slower} of 20000`);
});

test("peers: the usual maximum follows a peer that becomes slow, and one that recovers", () => {
  const peers = new Peers();
  for (let round = 0; round < 100; round++) peers.onRead(A, 1);
  assert.ok(peers.usualMaxMs(A) < 1.25, `${peers.usualMaxMs(A)}`);
  for (let round = 0; round < 14; round++) peers.onRead(A, 10);
  assert.ok(peers.usualMaxMs(A) > 10, `${peers.usualMaxMs(A)}`);
  for (let round = 0; round < 240; round++) peers.onRead(A, 1);
  assert.ok(peers.usualMaxMs(A) < 1.25, `${peers.usualMaxMs(A)}`);
});

test("peers: answers to writes say nothing about reads, and silence for ever stays a number", () => {
  const peers = new Peers();
  for (let round = 0; round < 50; round++) peers.onAnswered(A, 500);
  assert.equal(peers.usualMaxMs(A), Infinity);
  for (let round = 0; round < 500; round++) peers.onRead(A, 600_000);
  assert.equal(peers.usualMaxMs(A), 60_000);
  for (let round = 0; round < 5_000; round++) peers.onRead(A, 0);
  assert.ok(peers.usualMaxMs(A) >= 0.25 && peers.usualMaxMs(A) < 0.31);
});
