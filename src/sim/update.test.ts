import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClientOperation } from "./client-operation.ts";
import type { OperationOptions } from "./clients.ts";
import { Simulation } from "./simulation.ts";
import { Update } from "./update.ts";

const KEY = "cart";

function cluster(): Simulation {
  const sim = new Simulation({ seed: 1, nodes: 3, config: { siblingsMax: 2 } });
  sim.runFor(100);
  return sim;
}

function update(
  sim: Simulation,
  options: OperationOptions,
  change: (round: number) => string | undefined,
): ClientOperation | undefined {
  let ended: ClientOperation | undefined;
  const onDone = (last: ClientOperation): void => void (ended = last);
  const client = sim.client("c1");
  new Update({ client, key: KEY, options, change, clock: sim, onDone }).start();
  sim.runFor(100);
  return ended;
}

function values(sim: Simulation, options: OperationOptions): readonly string[] | undefined {
  const get = sim.client("reader").get(KEY, { ...options, r: "all" });
  sim.runFor(100);
  return get.entry.returned;
}

test("an update replaces all that its read returned", () => {
  const sim = cluster();
  const options = { mode: "siblings", node: "n1", w: "all" } as const;
  for (const value of ["one", "two"]) sim.client("c2").put(KEY, value, options);
  sim.runFor(100);
  assert.equal(update(sim, options, () => "three")?.entry.status, "ok");
  assert.deepEqual(values(sim, options), ["three"]);
});

test("an update to no value deletes what there is, and writes nothing where nothing is", () => {
  const sim = cluster();
  const options = { node: "n1", w: "all" } as const;
  assert.equal(update(sim, options, () => undefined)?.entry.operation, "get");
  assert.equal(update(sim, options, () => "one")?.entry.operation, "put");
  assert.equal(update(sim, options, () => undefined)?.entry.operation, "delete");
  assert.deepEqual(values(sim, options), []);
});

test("an update that others overtook starts over with what they put, as often as it may", () => {
  for (const retries of [0, 1]) {
    const sim = cluster();
    const options = { mode: "siblings", node: "n1", w: "all", retries } as const;
    const last = update(sim, options, (round) => {
      if (round === 1) for (const value of ["a", "b"]) sim.client("c2").put(KEY, value, options);
      return `round ${round}`;
    });
    assert.equal(last?.entry.code, retries === 0 ? "TOO_MANY_SIBLINGS" : undefined);
    assert.deepEqual(values(sim, options)?.toSorted(), retries === 0 ? ["a", "b"] : ["round 2"]);
  }
});
