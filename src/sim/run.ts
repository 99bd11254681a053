/**
 * One run: trouble, then healing, then judgement.
 *
 *     safety     clients and nemesis at work; late messages and crashes as drawn
 *     core       in some runs: a few nodes stay away, and those that are left must serve
 *     liveness   everything is healed and stays so: every quorum operation must succeed within
 *                5 s, and once late messages have drained, every hint must come home and reads
 *                of all owners must bring every replica to the same state, within 2 min; then
 *                every tombstone must be forgotten, within 2 min
 *     done       nothing is under way; every checker gives its findings
 *
 * The verdict names the gravest of what was found: a node that threw, a broken promise, a cluster
 * that did not recover.
 */
import { Attempt } from "./attempt.ts";
import { Random } from "../core/base/random.ts";
import type { Checker, CheckerFactory } from "./checker.ts";
import { ALL_CHECKERS } from "./checks/all.ts";
import { Core } from "./core.ts";
import type { NodeId } from "../core/ring/node-id.ts";
import type { FaultKind } from "./faults.ts";
import type { Status } from "./history.ts";
import { Nemesis } from "./nemesis.ts";
import { Simulation } from "./simulation.ts";
import type { RunOptions } from "./swarm.ts";
import { drawRun, SAFETY_STRETCH } from "./swarm.ts";
import type { Place } from "./workload.ts";
import { Workload } from "./workload.ts";

export type Verdict = "ok" | "crash" | "safety" | "liveness";

export interface Finding {
  readonly verdict: Exclude<Verdict, "ok">;
  /** The checker's id; `node` for one that threw, `L1`, `L2` for what was not done in time. */
  readonly checker: string;
  readonly detail: string;
}

export interface RunResult {
  readonly seed: number;
  readonly options: RunOptions;
  readonly verdict: Verdict;
  readonly findings: readonly Finding[];
  readonly events: number;
  readonly virtualMs: number;
  /** Of the whole run, by how they ended. */
  readonly operations: Readonly<Record<Status, number>>;
  /** What a smaller run could leave out: steps of clients, and strikes of the nemesis. */
  readonly steps: readonly number[];
  readonly strikes: readonly string[];
  /** How many of the strikes did something. */
  readonly hits: number;
  readonly faults: ReadonlyMap<FaultKind, number>;
  /** By kind, or by kind and detail as `epoch-taken/boot-floor`. */
  readonly facts: ReadonlyMap<string, number>;
  /** How often each checker could apply its rule. */
  readonly checked: ReadonlyMap<string, number>;
  readonly traceHash: string;
}

export interface RunExtras {
  readonly checkers?: readonly CheckerFactory[];
  /** Called with the simulation before it starts: to listen, or to observe. */
  readonly prepare?: (sim: Simulation) => void;
}

const BOOT_WITHIN_MS = 30_000;
const SUCCEED_WITHIN_MS = 5_000;
const CONVERGE_WITHIN_MS = 120_000;
const FORGET_WITHIN_MS = 120_000;
/** Nobody asks a node for long that is gone. */
const NOTICED_WITHIN_MS = 8_000;
const ROUND_MS = 500;
/** A run with more events than this does not come to rest. */
const EVENTS_MAX = 50_000_000;

/** The run of a seed, with the options that it draws or with others. */
export function runSeed(
  seed: number,
  options: RunOptions = drawRun(seed),
  extras: RunExtras = {},
): RunResult {
  return new Run(seed, options, extras).result();
}

class Run {
  readonly #seed: number;
  readonly #options: RunOptions;
  readonly #sim: Simulation;
  readonly #checkers: readonly Checker[];
  readonly #findings: Finding[] = [];

  constructor(seed: number, options: RunOptions, extras: RunExtras) {
    this.#seed = seed;
    this.#options = options;
    this.#sim = new Simulation({ ...options.simulation, onBug: "keep" });
    this.#checkers = (extras.checkers ?? ALL_CHECKERS).map((make) => make(this.#sim));
    for (const { observer } of this.#checkers) {
      if (observer !== undefined) this.#sim.observe(observer);
    }
    extras.prepare?.(this.#sim);
  }

  result(): RunResult {
    const random = new Random(this.#seed);
    const workload = new Workload(this.#sim, random.fork("workload"), this.#options.workload);
    const nemesis = new Nemesis(this.#sim, random.fork("nemesis"), this.#options.nemesis);
    workload.start();
    nemesis.start();
    const { safetyMs, hitsMin = 0 } = this.#options;
    this.#runFor(safetyMs);
    const stretchMs = SAFETY_STRETCH * safetyMs - this.#sim.now;
    this.#until(() => nemesis.hits >= hitsMin, stretchMs);
    workload.stop();
    nemesis.stop();
    const { outside = 0 } = this.#options;
    if (outside > 0) this.#mustServeWithout(outside, random.fork("core"));
    this.#heal();
    this.#judge();
    return this.#summary(workload, nemesis);
  }

  get #isWell(): boolean {
    return this.#sim.bugs.length === 0 && this.#sim.events <= EVENTS_MAX;
  }

  #heal(): void {
    const sim = this.#sim;
    sim.phase = "liveness";
    sim.calm();
    if (sim.bugs.length > 0) return;
    this.#mustBoot();
    this.#mustSucceed();
    this.#runFor(this.#drainMs());
    this.#mustConverge();
    this.#runFor(this.#drainMs());
    this.#mustForget();
    this.#mustBeAtRest();
  }

  /**
   * Late messages, and requests and connections that time out: after this long nothing old is left.
   */
  #drainMs(): number {
    const { network, connections, config } = this.#sim.settings;
    const lateMs = this.#options.simulation.network?.lateRate === 0 ? 0 : network.lateMsMax;
    const timeoutMs = Math.max(config.requestTimeoutMs, ...this.#options.workload.timeoutMs);
    return lateMs + (connections.timeoutMs ?? 0) + 2 * timeoutMs + 1_000;
  }

  /**
   * Some nodes stay away. Those that are left must serve whatever they have enough of; what they do
   * not serve, the core must prove to be impossible.
   */
  #mustServeWithout(outside: number, random: Random): void {
    const sim = this.#sim;
    if (sim.bugs.length > 0) return;
    const core = new Core(sim, random, outside);
    sim.calm();
    core.separate();
    const isReady = (): boolean => core.areUp || sim.bugs.length > 0;
    sim.runUntil(isReady, { within: BOOT_WITHIN_MS });
    this.#runFor(NOTICED_WITHIN_MS);
    // Not before: that rows were put back a node may learn from a peer that knows a younger boot.
    core.leaveOutUnsettled();
    for (const node of core.members) this.#mustServe(core, node);
    core.reunite();
  }

  #mustServe(core: Core, node: NodeId): void {
    const sim = this.#sim;
    const attempts: Attempt[] = [];
    for (const [index, place] of this.#places.entries()) {
      const aim = core.aimAt(place, index % 2 === 0);
      if (aim === undefined) sim.note("core/left-alone");
      else attempts.push(new Attempt(sim, node, place, aim));
    }
    // What is found to be damaged only now may leave too few.
    const isFutile = ({ place, aim }: Attempt): boolean =>
      core.unattainable(place, aim) !== undefined;
    this.#untilDone(attempts, isFutile);
    for (const attempt of attempts) {
      sim.note(`core/${attempt.aim}`);
      if (attempt.isDone || isFutile(attempt)) continue;
      const detail =
        `${attempt.describe()} did not succeed in ${SUCCEED_WITHIN_MS} ms, ` +
        `with ${core.members.join(" ")} left`;
      this.#found("liveness", attempt.aim === "write" ? "L2" : "L1", detail);
    }
  }

  /** A boot that trouble has slowed down goes on at its pace. */
  #mustBoot(): void {
    const sim = this.#sim;
    const areUp = (): boolean => sim.areAllUp || sim.bugs.length > 0;
    if (sim.runUntil(areUp, { within: BOOT_WITHIN_MS })) return;
    for (const node of sim.nodes.filter((each) => !sim.isUp(each))) {
      this.#found("liveness", "L1", `${node} did not boot in ${BOOT_WITHIN_MS} ms`);
    }
  }

  /**
   * Every node must serve every key: a read at quorum, then a write with what it read. One node
   * after the other. Every second key is only read, so that what trouble left behind, siblings and
   * deletions, is still there to be judged.
   */
  #mustSucceed(): void {
    const sim = this.#sim;
    for (const node of sim.nodes) {
      const attempts = this.#places.map(
        (place, index) =>
          new Attempt(sim, node, place, index % 2 === 0 ? "read and write" : "read"),
      );
      this.#untilDone(attempts);
      for (const attempt of attempts.filter(({ isDone }) => !isDone)) {
        const detail = `${attempt.describe()} did not succeed in ${SUCCEED_WITHIN_MS} ms`;
        this.#found("liveness", "L1", detail);
      }
    }
  }

  #untilDone(
    attempts: readonly Attempt[],
    isFutile: (attempt: Attempt) => boolean = () => false,
  ): void {
    const sim = this.#sim;
    const areDone = (): boolean => {
      for (const attempt of attempts) attempt.look(sim.now, () => isFutile(attempt));
      return attempts.every(({ isDone }) => isDone);
    };
    const turns = (): number => attempts.reduce((sum, attempt) => sum + attempt.turns, 0);
    // What is found to be futile has held up the others for all of its own time, where a node takes
    // few at a time; what is futile no longer, since a row was mended, begins only now.
    let before: number;
    do {
      before = turns();
      if (sim.runUntil(areDone, { within: SUCCEED_WITHIN_MS })) return;
    } while (turns() > before && this.#isWell);
  }

  get #places(): readonly Place[] {
    return Workload.places(this.#options.workload);
  }

  /**
   * What was kept for nodes that could not be reached is brought to them. Beside that, reading is
   * all that mends so far: each owner reads all others until they agree.
   */
  #mustConverge(): void {
    const sim = this.#sim;
    const client = sim.client("convergence", { persists: true });
    const isDone = (): boolean => sim.converged && sim.hints.length === 0;
    this.#until(isDone, CONVERGE_WITHIN_MS, () => {
      for (const { key, mode, id } of this.#places) {
        if (sim.agreeOn(id)) continue;
        for (const node of sim.owners(id)) {
          client.get(key, { mode, node, r: "all" });
          // A damaged row fails a read of all; one that needs fewer finds it and mends it.
          client.get(key, { mode, node, r: "one" });
        }
      }
    });
    for (const { node, key } of sim.hints) {
      const detail = `${node} still keeps a hint of ${key} after ${CONVERGE_WITHIN_MS} ms`;
      this.#found("liveness", "L1", detail);
    }
    for (const key of sim.keys.filter((each) => !sim.agreeOn(each))) {
      this.#found(
        "liveness",
        "L1",
        `the owners of ${key} still differ after ${CONVERGE_WITHIN_MS} ms`,
      );
    }
  }

  /** With everybody there, nothing that was deleted needs to be remembered. */
  #mustForget(): void {
    // What is red already need not be waited for as well.
    if (this.#findings.length > 0) return;
    const sim = this.#sim;
    this.#until(() => sim.tombstones.length === 0, FORGET_WITHIN_MS);
    for (const { node, key } of sim.tombstones) {
      const detail = `${node} still has the tombstone of ${key} after ${FORGET_WITHIN_MS} ms`;
      this.#found("liveness", "B3", detail);
    }
  }

  #mustBeAtRest(): void {
    for (const { entry } of this.#sim.owed) {
      const { operation, key, client, sequence } = entry;
      const what = `${operation} ${key} of ${client} (number ${sequence})`;
      this.#found("liveness", "L1", `${entry.node} never replied to ${what}`);
    }
  }

  #judge(): void {
    const sim = this.#sim;
    sim.phase = "done";
    for (const { node, input, at, error } of sim.bugs) {
      const where = error.stack ?? error.message;
      this.#found("crash", "node", `${node} at ${at} ms, given a ${input}: ${where}`);
    }
    if (sim.bugs.length > 0) return;
    for (const checker of this.#checkers) {
      for (const detail of checker.finish(sim)) this.#found("safety", checker.id, detail);
    }
  }

  #summary({ stepsDone }: Workload, { strikesDone, hits }: Nemesis): RunResult {
    const sim = this.#sim;
    const operations: Record<Status, number> = { open: 0, ok: 0, fail: 0, info: 0 };
    for (const { status } of sim.history) operations[status]++;
    return {
      seed: this.#seed,
      options: this.#options,
      verdict: gravest(this.#findings),
      findings: this.#findings,
      events: sim.events,
      virtualMs: sim.now,
      operations,
      steps: stepsDone,
      strikes: strikesDone,
      hits,
      faults: sim.faults,
      facts: sim.factDetails,
      checked: new Map(this.#checkers.map(({ id, checked }) => [id, checked])),
      traceHash: sim.traceHash,
    };
  }

  /** In rounds, while anything can happen: time stands still once a node has thrown. */
  #until(isSo: () => boolean, withinMs: number, beforeRound: () => void = () => {}): void {
    const end = this.#sim.now + withinMs;
    while (!isSo() && this.#sim.now < end && this.#isWell) {
      beforeRound();
      this.#runFor(ROUND_MS);
    }
  }

  #runFor(ms: number): void {
    const end = this.#sim.now + ms;
    while (this.#sim.now < end && this.#sim.bugs.length === 0) {
      if (this.#sim.events > EVENTS_MAX) {
        return this.#found("liveness", "L1", `no rest after ${EVENTS_MAX} events`);
      }
      this.#sim.runFor(Math.min(1_000, end - this.#sim.now));
    }
  }

  #found(verdict: Finding["verdict"], checker: string, detail: string): void {
    this.#findings.push({ verdict, checker, detail });
  }
}

function gravest(findings: readonly Finding[]): Verdict {
  for (const verdict of ["crash", "safety", "liveness"] as const) {
    if (findings.some((finding) => finding.verdict === verdict)) return verdict;
  }
  return "ok";
}
