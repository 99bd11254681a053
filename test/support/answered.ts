/**
 * Time goes on in a simulated cluster until it has answered a client.
 */
import assert from "node:assert/strict";
import type { ClientOperation } from "#src/sim/client-operation.ts";
import type { Simulation } from "#src/sim/simulation.ts";

/** Longer than any operation may take. */
const ANSWERED_MS = 5_000;

/** With whatever answer. */
export function answered(sim: Simulation, operation: ClientOperation): ClientOperation {
  assert.ok(sim.runUntil(() => operation.isDone, { within: ANSWERED_MS }));
  return operation;
}

/** The answer must be that it was done. */
export function done(sim: Simulation, operation: ClientOperation): ClientOperation {
  answered(sim, operation);
  assert.equal(operation.entry.status, "ok", operation.entry.code);
  return operation;
}
