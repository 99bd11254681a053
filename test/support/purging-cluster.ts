/**
 * Five nodes that look every second for what they may forget, deletions and what has expired, and
 * the key that the stories about them are told of.
 */
import type { Key } from "#src/core/ring/key.ts";
import { keyIn } from "#src/sim/clients.ts";
import type { SimulationOptions } from "#src/sim/settings.ts";
import { Simulation } from "#src/sim/simulation.ts";

export const KEY = "k";
export const ID: Key = keyIn("overwrite", KEY);
export const PURGE = { everyMs: 1_000, eraMs: 500, repeatMs: 100, expireMs: 2_000 };

export function cluster(options: Partial<SimulationOptions> = {}): Simulation {
  const sim = new Simulation({ seed: 1, nodes: 5, replicas: 3, purge: PURGE, ...options });
  sim.runFor(200);
  return sim;
}
