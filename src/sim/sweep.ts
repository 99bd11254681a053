/**
 * Many runs, and what they add up to.
 *
 * A sweep is red for two reasons: a run failed, or something that must happen now and then did not
 * happen at all. A fault that was never injected, a branch that was never taken and a checker that
 * never had anything to check prove nothing, however green the runs are; such a hole is named.
 */
import { DISK_FAULTS } from "./disk/disk-faults.ts";
import type { FaultKind } from "./faults.ts";
import { FAULT_KINDS } from "./faults.ts";
import type { RunExtras, RunResult, Verdict } from "./run.ts";
import { runSeed } from "./run.ts";
import { drawRun } from "./swarm.ts";

export interface SweepSummary {
  readonly runs: number;
  readonly verdicts: ReadonlyMap<Verdict, number>;
  /** Seeds that did not end well. */
  readonly failed: readonly number[];
  readonly events: number;
  readonly virtualMs: number;
  readonly operations: ReadonlyMap<string, number>;
  /** Strikes of the nemesis that did something, and the fewest of a run. */
  readonly hits: number;
  readonly hitsLeast: number;
  readonly faults: ReadonlyMap<FaultKind, number>;
  readonly facts: ReadonlyMap<string, number>;
  readonly checked: ReadonlyMap<string, number>;
  /** What should have happened and did not. Empty for a sweep too short to tell. */
  readonly missing: readonly string[];
  readonly ok: boolean;
}

/** From so many seeds on, everything must have happened. */
export const SEEDS_ENOUGH = 200;

/** Facts that every sweep must come to, by kind and detail. */
export const REQUIRED_FACTS: readonly string[] = [
  "peer-linked",
  "peer-lost",
  "dot-minted",
  "epoch-taken/first",
  "epoch-taken/boot-floor",
  "epoch-taken/replica-ahead",
  "epoch-taken/damaged",
  "row-damaged",
  "digest-differed",
  "read-repaired/in-time",
  "read-repaired/late",
  "spare-asked",
  "hedge-asked",
  "hedge-won",
  "read-written-back",
  "request-forwarded",
  "stand-in-asked",
  "hint-kept",
  "hint-delivered",
  "member-changed",
  "accusation-refuted",
  "stall-noticed",
  "tree-built",
  "exchange-finished",
  "proven-in-sync",
  "message-dropped/unknown-id",
  "siblings-seen",
  "request-finished/found",
  "request-finished/not-found",
  "request-finished/stored",
  "request-finished/deleted",
  "request-finished/QUORUM_NOT_MET",
  "request-finished/OUTCOME_UNKNOWN",
  "request-finished/TOO_MANY_SIBLINGS",
  "request-finished/OVERLOADED",
  "request-finished/DAMAGED",
  // Of nodes whose storage is a log.
  "boot/first",
  "boot/clean",
  "boot/unclean",
  "log-full",
];

/** From so many seeds on, also what needs several accidents at once. */
export const SEEDS_MANY = 2_000;

export const RARE_FACTS: readonly string[] = [
  "epoch-taken/context-ahead",
  "message-dropped/expired",
  "log-torn",
  "log-rows-damaged",
  "log-places-lost",
  "boot/copied",
  "boot/restored",
  "boot/damaged",
  "boot/outlived",
  "rows-put-back/keep",
  "rows-put-back/give-up",
];

/** One run in four has disks that can have them, and most of those are spared most of them. */
const RARE_FAULTS: ReadonlySet<FaultKind> = new Set<FaultKind>([
  ...DISK_FAULTS.filter((fault) => fault !== "disk-stalled"),
  "restart-restored",
  "restart-copied",
  "boot-failed",
  "outlived",
]);

/**
 * A start syncs what it has cut off at once: a crash would have to come within a millisecond of it.
 * What it would do is shown by the tests of the disk.
 */
const UNSOUGHT_FAULT: FaultKind = "cut-undone";

/** Runs the seeds from `from` to `to`, both included. */
export function* sweep(
  from: number,
  to: number,
  extras: RunExtras = {},
): Generator<RunResult, SweepSummary, undefined> {
  const total = new SweepTotals();
  for (let seed = from; seed <= to; seed++) {
    const result = runSeed(seed, drawRun(seed), extras);
    total.add(result);
    yield result;
  }
  return total.summary();
}

/** Adds up results, from whichever threads they come. */
export class SweepTotals {
  readonly #verdicts: Map<Verdict, number> = new Map();
  readonly #operations: Map<string, number> = new Map();
  readonly #faults: Map<FaultKind, number> = new Map();
  readonly #facts: Map<string, number> = new Map();
  readonly #checked: Map<string, number> = new Map();
  readonly #failed: number[] = [];
  /** Seeds whose runs had fewer strikes than they should have had. */
  readonly #tooQuiet: string[] = [];
  #hits = 0;
  #hitsLeast = Infinity;
  #runs = 0;
  #events = 0;
  #virtualMs = 0;

  add(result: RunResult): void {
    this.#runs++;
    this.#events += result.events;
    this.#virtualMs += result.virtualMs;
    this.#hits += result.hits;
    this.#hitsLeast = Math.min(this.#hitsLeast, result.hits);
    if (result.verdict !== "ok") this.#failed.push(result.seed);
    else this.#judgeHits(result);
    addAll(this.#verdicts, [[result.verdict, 1]]);
    addAll(this.#operations, Object.entries(result.operations));
    addAll(this.#faults, result.faults);
    addAll(this.#facts, result.facts);
    addAll(this.#checked, result.checked);
  }

  summary(): SweepSummary {
    const never = this.#runs < SEEDS_ENOUGH ? [] : this.#missing();
    const missing = [...this.#tooQuiet, ...never];
    return {
      runs: this.#runs,
      verdicts: this.#verdicts,
      failed: this.#failed,
      events: this.#events,
      virtualMs: this.#virtualMs,
      operations: this.#operations,
      hits: this.#hits,
      hitsLeast: this.#hitsLeast,
      faults: this.#faults,
      facts: this.#facts,
      checked: this.#checked,
      missing,
      ok: this.#failed.length === 0 && missing.length === 0,
    };
  }

  #judgeHits({ seed, hits, options: { hitsMin = 0 } }: RunResult): void {
    if (hits >= hitsMin) return;
    this.#tooQuiet.push(`${hitsMin} faults in the run of seed ${seed}, which had ${hits}`);
  }

  #missing(): readonly string[] {
    const isLong = this.#runs >= SEEDS_MANY;
    const faults = FAULT_KINDS.filter((kind) => {
      if (this.#faults.has(kind) || kind === UNSOUGHT_FAULT) return false;
      return isLong || !RARE_FAULTS.has(kind);
    });
    const required = isLong ? [...REQUIRED_FACTS, ...RARE_FACTS] : REQUIRED_FACTS;
    const facts = required.filter((fact) => !this.#facts.has(fact));
    const idle = [...this.#checked].filter(([, count]) => count === 0);
    return [
      ...faults.map((kind) => `fault ${kind}`),
      ...facts.map((fact) => `fact ${fact}`),
      ...idle.map(([checker]) => `anything for checker ${checker} to check`),
    ];
  }
}

function addAll<Name>(totals: Map<Name, number>, counts: Iterable<readonly [Name, number]>): void {
  for (const [name, count] of counts) totals.set(name, (totals.get(name) ?? 0) + count);
}
