/**
 * A failing run made smaller: fewer nodes, clients, operations and faults, less time, that still
 * fails the same way.
 *
 * "The same way" is the same verdict by the same checker. The seed stays, and with it the draws of
 * everything that is left, since each client, link and fault draws for itself. The search is
 * greedy. Whole options go first; then steps of clients and strikes of the nemesis are left out,
 * half of them at a time, then a quarter, down to single ones:
 *
 *     1 2 3 4 5 6 7 8    fails
 *     · · · · 5 6 7 8    passes: 1 to 4 are needed, or some of them
 *     1 2 3 4 · · · ·    fails: 5 to 8 are left out for good
 *     · · 3 4            passes ...
 *
 * It ends when nothing more can be left out, or when the allowed number of runs is used up.
 */
import { assert } from "../core/base/assert.ts";
import type { NemesisOptions } from "./nemesis.ts";
import { PLANS } from "./nemesis.ts";
import type { Finding, RunExtras, RunResult } from "./run.ts";
import { runSeed } from "./run.ts";
import { QUICK_DISK } from "./storage.ts";
import type { RunOptions } from "./swarm.ts";
import { drawRun, withModel } from "./swarm.ts";

export interface ShrinkStep {
  /** Runs so far. */
  readonly runs: number;
  /** What was left out. */
  readonly reduction: string;
  /** It still fails: the smaller run is kept. */
  readonly kept: boolean;
  readonly smallest: RunResult;
}

export interface ShrinkOptions extends RunExtras {
  readonly runsMax?: number;
  readonly options?: RunOptions;
}

type Shrinking = Generator<ShrinkStep, void, undefined>;

const RUNS_MAX = 500;

/** Yields every attempt, returns the smallest run that fails as the first did. */
export function* shrink(
  seed: number,
  given: ShrinkOptions = {},
): Generator<ShrinkStep, RunResult, undefined> {
  const search = new Search(seed, given);
  for (let before = -1; before !== search.kept;) {
    before = search.kept;
    yield* search.whole();
    yield* search.strikes();
    yield* search.steps();
  }
  return search.smallest;
}

class Search {
  smallest: RunResult;
  /** How many reductions were kept. */
  kept = 0;
  readonly #seed: number;
  readonly #given: ShrinkOptions;
  readonly #failure: Finding;
  #runs = 1;

  constructor(seed: number, given: ShrinkOptions) {
    this.#seed = seed;
    this.#given = given;
    this.smallest = runSeed(seed, given.options ?? drawRun(seed), given);
    const failure = this.smallest.findings[0];
    assert(failure !== undefined, `seed ${seed} does not fail: there is nothing to shrink`);
    this.#failure = failure;
  }

  *whole(): Shrinking {
    for (const { name, reduce } of REDUCTIONS) {
      // One that helped is tried again at once: halving goes on while it may.
      for (let helps = true; helps;) {
        const options = reduce(this.smallest.options);
        if (options === undefined) break;
        helps = yield* this.#attempt(name, options);
      }
    }
  }

  *steps(): Shrinking {
    yield* this.#without(
      "steps",
      () => this.smallest.steps,
      (options, left) => {
        const skipped = [...options.workload.skipped, ...left];
        return withWorkload(options, { skipped });
      },
    );
  }

  *strikes(): Shrinking {
    yield* this.#without(
      "strikes",
      () => this.smallest.strikes,
      (options, left) => {
        const skipped = [...options.nemesis.skipped, ...left];
        return { ...options, nemesis: { ...options.nemesis, skipped } };
      },
    );
  }

  /** Leaves out runs of neighbours, shorter and shorter ones. */
  *#without<Item>(
    name: string,
    items: () => readonly Item[],
    leaveOut: (options: RunOptions, left: readonly Item[]) => RunOptions,
  ): Shrinking {
    for (let size = Math.ceil(items().length / 2); size >= 1; size = Math.floor(size / 2)) {
      for (let at = 0; at < items().length;) {
        const left = items().slice(at, at + size);
        const options = leaveOut(this.smallest.options, left);
        const helps = yield* this.#attempt(`${left.length} ${name}`, options);
        if (!helps) at += size;
        if (this.#isSpent) return;
      }
    }
  }

  *#attempt(reduction: string, options: RunOptions): Generator<ShrinkStep, boolean, undefined> {
    if (this.#isSpent) return false;
    const attempt = runSeed(this.#seed, options, this.#given);
    this.#runs++;
    const kept = attempt.findings.some(
      ({ verdict, checker }) =>
        verdict === this.#failure.verdict && checker === this.#failure.checker,
    );
    if (kept) {
      this.smallest = attempt;
      this.kept++;
    }
    yield { runs: this.#runs, reduction, kept, smallest: this.smallest };
    return kept;
  }

  get #isSpent(): boolean {
    return this.#runs >= (this.#given.runsMax ?? RUNS_MAX);
  }
}

interface Reduction {
  readonly name: string;
  /** Smaller options, or undefined when this is as small as it goes. */
  readonly reduce: (options: RunOptions) => RunOptions | undefined;
}

const NETWORK_RATES = ["lossRate", "duplicateRate", "lateRate", "spikeRate"] as const;

const REDUCTIONS: readonly Reduction[] = [
  ...PLANS.map((plan) => ({
    name: `all ${plan}`,
    reduce: (options: RunOptions) => withoutPlan(options, plan),
  })),
  ...NETWORK_RATES.map((rate) => ({
    name: rate,
    reduce: (options: RunOptions) => withoutRate(options, rate),
  })),
  { name: "the log", reduce: withoutLog },
  { name: "the wire codec", reduce: withoutWire },
  { name: "a slow disk", reduce: withQuickDisk },
  { name: "retries", reduce: withoutRetries },
  { name: "updates", reduce: withoutUpdates },
  { name: "one client", reduce: oneClientLess },
  { name: "half the time", reduce: halfTheTime },
  { name: "half the keys", reduce: halfTheKeys },
  { name: "one node", reduce: oneNodeLess },
];

function withoutPlan(options: RunOptions, plan: keyof NemesisOptions): RunOptions | undefined {
  if (options.nemesis[plan] === undefined) return undefined;
  return { ...options, nemesis: { ...options.nemesis, [plan]: undefined } };
}

function withoutRate(
  options: RunOptions,
  rate: (typeof NETWORK_RATES)[number],
): RunOptions | undefined {
  const { network } = options.simulation;
  if (network?.[rate] === undefined || network[rate] === 0) return undefined;
  return withSimulation(options, { network: { ...network, [rate]: 0 } });
}

function withoutWire(options: RunOptions): RunOptions | undefined {
  return options.simulation.wire === true ? withSimulation(options, { wire: false }) : undefined;
}

function withoutLog(options: RunOptions): RunOptions | undefined {
  return options.simulation.storage === "log" ? withModel(options) : undefined;
}

function withQuickDisk(options: RunOptions): RunOptions | undefined {
  const isQuick = options.simulation.disk === QUICK_DISK;
  return isQuick ? undefined : withSimulation(options, { disk: QUICK_DISK });
}

function withoutRetries(options: RunOptions): RunOptions | undefined {
  const retries = Math.max(...options.workload.retries);
  return retries === 0 ? undefined : withWorkload(options, { retries: [0] });
}

function withoutUpdates(options: RunOptions): RunOptions | undefined {
  return options.workload.updateRate === 0 ? undefined : withWorkload(options, { updateRate: 0 });
}

function halfTheTime(options: RunOptions): RunOptions | undefined {
  const safetyMs = Math.ceil(options.safetyMs / 2);
  return safetyMs < 100 ? undefined : { ...options, safetyMs };
}

/**
 * The numbers of steps depend on how many clients there are, so this comes before any is skipped.
 */
function oneClientLess(options: RunOptions): RunOptions | undefined {
  const { clients, skipped } = options.workload;
  if (clients === 1 || skipped.length > 0) return undefined;
  return withWorkload(options, { clients: clients - 1 });
}

function halfTheKeys(options: RunOptions): RunOptions | undefined {
  const keys = Math.floor(options.workload.keys / 2);
  return keys < 1 ? undefined : withWorkload(options, { keys });
}

function oneNodeLess(options: RunOptions): RunOptions | undefined {
  const nodes = (options.simulation.nodes ?? 5) - 1;
  const { replicas = 3 } = options.simulation;
  return nodes < replicas ? undefined : withSimulation(options, { nodes });
}

function withWorkload(options: RunOptions, workload: Partial<RunOptions["workload"]>): RunOptions {
  return { ...options, workload: { ...options.workload, ...workload } };
}

function withSimulation(
  options: RunOptions,
  simulation: Partial<RunOptions["simulation"]>,
): RunOptions {
  return { ...options, simulation: { ...options.simulation, ...simulation } };
}
