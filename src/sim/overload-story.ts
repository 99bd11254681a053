/**
 * A cluster that gets more to do than it can, for a while, and what becomes of its clients.
 *
 *     asked a second     ▁▁▁▁▁▁▁▁██████████████▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁      the trigger, and its end
 *     answered in time   ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁      as it should be
 *                        ▁▁▁▁▁▁▁▁                                      a metastable failure
 *
 * Clients do not wait for each other: so many requests a second come, whatever becomes of those
 * before. What keeps such a cluster down when the trigger is over is its own work: for requests
 * that nobody waits for any more, and for those that are asked again because of it. Every input
 * takes a node the same time, refusing one too.
 */
import { Random } from "../core/base/random.ts";
import type { NodeConfig } from "../core/config.ts";
import type { ClientOperation } from "./client-operation.ts";
import { Simulation } from "./simulation.ts";

export interface OverloadOptions {
  readonly seed: number;
  readonly config?: Partial<NodeConfig>;
  /** Of usual speed: an input takes 0.05 ms, and with 40 it takes 2. */
  readonly slowness: number;
  /** Requests a second, before and after. */
  readonly usual: number;
  /** While the trigger lasts. */
  readonly most: number;
  readonly triggerMs: number;
  readonly afterMs: number;
}

export interface Window {
  readonly fromMs: number;
  readonly asked: number;
  /** Of those that were asked in this window. */
  readonly succeeded: number;
  readonly refused: number;
  readonly p99Ms: number;
}

const WINDOW_MS = 5_000;
const BEFORE_MS = 15_000;
const CLIENTS = 40;
const KEYS = 200;
const RETRIES = 3;
const NODES = 3;

/** Windows of 5 s: the first three are before the trigger. */
export function overloadStory(options: OverloadOptions): readonly Window[] {
  const { seed, slowness, usual, most, triggerMs, afterMs } = options;
  const sim = new Simulation({ seed, nodes: NODES, config: options.config ?? {} });
  for (const name of sim.nodes) sim.node(name).slow(slowness);
  const random = new Random(seed).fork("overload");
  const clients = Array.from({ length: CLIENTS }, (_, index) => sim.client(`c${index}`));
  const asked: ClientOperation[] = [];
  const startMs = sim.now;
  const triggerEndMs = BEFORE_MS + triggerMs;
  const endMs = triggerEndMs + afterMs;
  const ask = (): void => {
    const atMs = sim.now - startMs;
    if (atMs >= endMs) return;
    const key = `k${random.integer(KEYS)}`;
    const client = random.pick(clients);
    const how = { node: random.pick(sim.nodes), retries: RETRIES };
    asked.push(random.chance(0.5) ? client.get(key, how) : client.put(key, `v${atMs}`, how));
    const isTriggered = atMs >= BEFORE_MS && atMs < triggerEndMs;
    sim.after(random.exponential(1_000 / (isTriggered ? most : usual)), ask);
  };
  ask();
  sim.runFor(endMs + WINDOW_MS);
  return Array.from({ length: endMs / WINDOW_MS }, (_, index) => {
    const fromMs = index * WINDOW_MS;
    return windowOf(
      fromMs,
      asked.filter(({ entry }) => {
        const atMs = entry.invokedAt - startMs;
        return atMs >= fromMs && atMs < fromMs + WINDOW_MS;
      }),
    );
  });
}

function windowOf(fromMs: number, asked: readonly ClientOperation[]): Window {
  const succeeded = asked.filter(({ entry }) => entry.status === "ok");
  const tookMs = succeeded.map(({ entry }) => entry.completedAt! - entry.invokedAt);
  tookMs.sort((left, right) => left - right);
  return {
    fromMs,
    asked: asked.length,
    succeeded: succeeded.length,
    refused: asked.filter(({ entry }) => entry.code === "OVERLOADED").length,
    p99Ms: tookMs[Math.floor(tookMs.length * 0.99)] ?? 0,
  };
}
