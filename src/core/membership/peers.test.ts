import assert from "node:assert/strict";
import { test } from "node:test";
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

test("peers: a new connection begins without a past", () => {
  const peers = new Peers();
  peers.onLinked(A, 1);
  peers.onLinked(B, 1);
  for (let round = 0; round < 5; round++) peers.onAsked(A);
  for (let round = 0; round < 5; round++) peers.onAnswered(A, 700);
  peers.onAsked(A);
  peers.onLost(A);
  peers.onLinked(A, 1);
  assert.equal(peers.cost(A), peers.cost(B));
  peers.onAnswered(A, 0);
  assert.equal(
    peers.cost(A),
    peers.cost(B),
    "an answer to a question from before counts for nobody",
  );
});
