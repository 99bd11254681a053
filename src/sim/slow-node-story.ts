/**
 * A cluster in which one node becomes ten times as slow as the others, and what those notice who do
 * not ask it themselves.
 */
import { Random } from "../core/base/random.ts";
import type { NodeConfig } from "../core/config.ts";
import type { ClientOperation } from "./client-operation.ts";
import { Simulation } from "./simulation.ts";

export interface SlowNodeOptions {
  readonly seed: number;
  readonly config?: Partial<NodeConfig>;
  readonly perSecond: number;
}

/** Of the requests to the other nodes, all as they took at the 99th of a hundred. */
export interface SlowNodeResult {
  readonly beforeMs: number;
  readonly whileMs: number;
  readonly failed: number;
}

/** An input takes a node 0.1 ms, and the slow one 1 ms. */
const USUAL_SLOWNESS = 2;
const SLOW_TIMES = 10;
const PHASE_MS = 10_000;
/** Until it is known who is slow. */
const NOTICED_AFTER_MS = 2_000;
const KEYS = 200;

export function slowNodeStory({ seed, config, perSecond }: SlowNodeOptions): SlowNodeResult {
  const sim = new Simulation({ seed, nodes: 5, config: config ?? {} });
  for (const name of sim.nodes) sim.node(name).slow(USUAL_SLOWNESS);
  sim.runFor(NOTICED_AFTER_MS);
  const random = new Random(seed).fork("slow node");
  const before = phase(sim, random, perSecond);
  sim.node(sim.nodes.at(-1)!).slow(USUAL_SLOWNESS * SLOW_TIMES);
  phase(sim, random, perSecond, NOTICED_AFTER_MS);
  const during = phase(sim, random, perSecond);
  const all = [...before, ...during];
  return {
    beforeMs: p99Of(before),
    whileMs: p99Of(during),
    failed: all.filter(({ entry }) => entry.status !== "ok").length,
  };
}

function phase(
  sim: Simulation,
  random: Random,
  perSecond: number,
  forMs: number = PHASE_MS,
): readonly ClientOperation[] {
  const end = sim.now + forMs;
  const asked: ClientOperation[] = [];
  const client = sim.client("c1");
  const others = sim.nodes.slice(0, -1);
  const ask = (): void => {
    if (sim.now >= end) return;
    const key = `k${random.integer(KEYS)}`;
    const how = { node: random.pick(others) };
    asked.push(random.chance(0.5) ? client.get(key, how) : client.put(key, `v${sim.now}`, how));
    sim.after(random.exponential(1_000 / perSecond), ask);
  };
  ask();
  sim.runFor(forMs + 2_000);
  return asked;
}

function p99Of(asked: readonly ClientOperation[]): number {
  const tookMs = asked.map(({ entry }) => (entry.completedAt ?? Infinity) - entry.invokedAt);
  tookMs.sort((left, right) => left - right);
  return tookMs[Math.floor(tookMs.length * 0.99)]!;
}
