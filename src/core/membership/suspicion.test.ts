import assert from "node:assert/strict";
import { test } from "node:test";
import { DeadlineWheel } from "../deadlines.ts";
import { nodeId } from "../ring/node-id.ts";
import { LAN_MEMBERSHIP } from "./membership-config.ts";
import { confirmationsWanted, Suspicion } from "./suspicion.ts";

const [A, B, C, D] = ["a", "b", "c", "d"].map(nodeId);

function begin(clusterSize: number): {
  suspicion: Suspicion;
  wheel: DeadlineWheel;
  over: number[];
} {
  const wheel = new DeadlineWheel();
  const over: number[] = [];
  const suspicion = new Suspicion(0, {
    config: LAN_MEMBERSHIP,
    clusterSize,
    wanted: confirmationsWanted(LAN_MEMBERSHIP.suspicionMult, clusterSize),
    deadlines: wheel,
    onOver: (now) => void over.push(now),
  });
  return { suspicion, wheel, over };
}

test("two more accusers make sure, where there are as many", () => {
  assert.deepEqual(
    [2, 3, 4, 5, 100].map((size) => confirmationsWanted(4, size)),
    [0, 0, 2, 2, 2],
  );
});

test("accusers count by name, and the first confirms nothing", () => {
  const { suspicion } = begin(8);
  assert.equal(suspicion.timeoutMs, 24_000);
  assert.equal(suspicion.accuse(A!), true);
  assert.equal(suspicion.timeoutMs, 24_000);
  assert.equal(suspicion.accuse(A!), false);
  assert.equal(suspicion.accuse(""), false);
  assert.equal(suspicion.accuse(B!), true);
  assert.equal(Math.round(suspicion.timeoutMs), 11_381);
  assert.equal(suspicion.accuse(C!), true);
  assert.equal(suspicion.timeoutMs, 4_000);
  assert.equal(suspicion.accuse(D!), false);
});

test("a confirmation after the shortened time ends it at once", () => {
  const { suspicion, wheel, over } = begin(8);
  suspicion.accuse(A!);
  wheel.advance(9_000);
  suspicion.accuse(B!);
  suspicion.accuse(C!);
  wheel.advance(9_001);
  assert.deepEqual(over, [9_001]);
});

test("a verdict whose timer was late waits for what lies in the sockets", () => {
  const { wheel, over } = begin(3);
  wheel.advance(4_500);
  assert.deepEqual(over, []);
  wheel.advance(5_000);
  assert.deepEqual(over, [5_000]);
});

test("an ended suspicion is silent, a restarted one begins again", () => {
  const one = begin(3);
  one.suspicion.end();
  one.wheel.advance(60_000);
  assert.deepEqual(one.over, []);
  const other = begin(3);
  other.suspicion.restart(3_000);
  for (let now = 3_100; now <= 8_000; now += 100) other.wheel.advance(now);
  assert.deepEqual(other.over, [7_000]);
});
