/**
 * One run, from nothing to a verdict.
 *
 *     calm ─ kill one ─ calm ─ stutter ─ slow link ─ cut off    measured, under full load
 *     the plan of the seed                                      under some load
 *     heal ─ calm: everything must succeed                      liveness
 *     read all ─ copy all rows ─ until owners agree             convergence
 *     judge
 *
 * What is written down on the way (operations, faults, what nodes said) stays in a folder when
 * something was found, or when that was asked for.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Key, keyOf } from "#src/core/ring/key.ts";
import type { NodeId } from "#src/core/ring/node-id.ts";
import type { NodeStatus } from "#src/host/node-status.ts";
import { ChaosCluster, CLIENTS, NODES } from "./chaos-cluster.ts";
import { FaultLog } from "./fault-log.ts";
import { type Fault, type FaultKind, planOf } from "./fault-plan.ts";
import { differingKeys, layoutIn, openSecret, rowsIn } from "./final-rows.ts";
import { FinalView } from "./final-view.ts";
import { entriesOf, readHistory } from "./history-line.ts";
import { judge } from "./judge.ts";
import type { Told } from "./load-main.ts";
import type { Stretch } from "./measures.ts";
import { Nemesis } from "./nemesis.ts";
import { Report } from "./report.ts";

export interface ChaosOptions {
  readonly seed: number;
  /** Of the faults of the plan alone. */
  readonly faultsMs: number;
  readonly keepsLogs: boolean;
  /** Whether a bug is planted, which must be found. */
  readonly isPlanted: boolean;
  readonly show?: (line: string) => void;
}

/** By name: what was going on, from when to when. */
export type Stretches = Map<string, Stretch>;

const KEYS = 300;
/** While speed is measured; and while there are faults, where many of them wait. */
const WORKERS_MEASURED = 8;
const WORKERS = 24;
const THINK_MS = 60;
const START_WITHIN_MS = 20_000;
const HEAL_WITHIN_MS = 20_000;
const READ_WITHIN_MS = 15_000;
const CONVERGE_WITHIN_MS = 30_000;
const CALM_MS = 3_000;

export async function chaosRun(options: ChaosOptions): Promise<Report> {
  const run = new ChaosRun(options);
  try {
    return await run.go();
  } finally {
    run.close();
  }
}

class ChaosRun {
  readonly #options: ChaosOptions;
  readonly #folder: string;
  readonly #zeroMs: number = Number(process.hrtime.bigint() / 1_000n) / 1_000;
  readonly #cluster: ChaosCluster = new ChaosCluster();
  readonly #log: FaultLog;
  readonly #nemesis: Nemesis;
  readonly #stretches: Stretches = new Map();
  readonly #problems: string[] = [];
  #dropped = 0;

  constructor(options: ChaosOptions) {
    this.#options = options;
    this.#folder = mkdtempSync(join(tmpdir(), `gramme-chaos-log-${options.seed}-`));
    const now = (): number => this.#now();
    this.#log = new FaultLog(join(this.#folder, "faults.jsonl"), now, options.show);
    this.#nemesis = new Nemesis(this.#cluster, this.#log, now);
  }

  async go(): Promise<Report> {
    const { seed } = this.#options;
    this.#log.note("run", { seed, nodes: NODES, netem: this.#cluster.wire.hasNetem });
    await this.#start();
    await this.#measure();
    await this.#suffer();
    await this.#heal();
    const last = await this.#readEverything();
    return this.#judge(last);
  }

  close(): void {
    this.#cluster.close();
  }

  #now(): number {
    return Number(process.hrtime.bigint() / 1_000n) / 1_000 - this.#zeroMs;
  }

  async #start(): Promise<void> {
    this.#cluster.startAll();
    const { seed } = this.#options;
    const common = { seed, keys: KEYS, workers: WORKERS, zeroMs: this.#zeroMs };
    for (let number = 0; number < CLIENTS; number++) {
      await this.#cluster.addClient({ ...common, file: this.#historyFile(number) });
    }
    const unlinked = await this.#untilLinked(START_WITHIN_MS);
    if (unlinked !== undefined) throw new Error(`the cluster did not start: ${unlinked}`);
  }

  /** Under as much load as the clients can make. */
  async #measure(): Promise<void> {
    await this.#pace(WORKERS_MEASURED, 0);
    await sleep(1_500);
    await this.#stretch("calm", () => sleep(CALM_MS));
    const victim = this.#options.seed % NODES;
    await this.#stretch("one killed", () => this.#strikeNow("kill", victim, 4_000));
    await this.#untilLinked(START_WITHIN_MS);
    await sleep(1_000);
    await this.#stretch("calm again", () => sleep(CALM_MS));
    const slow = (victim + 1) % NODES;
    await this.#stretch("one stutters", () => this.#strikeNow("stutter", slow, 4_000, 100));
    await sleep(500);
    const kind = this.#cluster.wire.hasNetem ? "late-link" : "slow-link";
    const amount = kind === "late-link" ? 30 : 1_000;
    await this.#stretch("one behind a bad link", () => this.#strikeNow(kind, slow, 4_000, amount));
    await sleep(500);
    const cutOff = (victim + 2) % NODES;
    await this.#stretch("one cut off from the others", () => {
      return this.#strikeNow("isolate", cutOff, 5_000);
    });
  }

  async #suffer(): Promise<void> {
    const { seed, faultsMs, isPlanted } = this.#options;
    if (isPlanted) await this.#nemesis.loseEverything();
    const { hasNetem } = this.#cluster.wire;
    const canMake = (kind: FaultKind): boolean => hasNetem || kind !== "late-link";
    const plan = planOf(seed, NODES, faultsMs, canMake);
    await this.#pace(WORKERS, THINK_MS);
    await this.#stretch("faults", () => this.#nemesis.carryOut(plan));
    this.#dropped = this.#cluster.wire.dropped();
  }

  /** Everything is whole again: from a bounded time on every operation succeeds. */
  async #heal(): Promise<void> {
    this.#cluster.startAll();
    const healedAt = this.#now();
    const unlinked = await this.#untilLinked(HEAL_WITHIN_MS);
    if (unlinked !== undefined) this.#problems.push(`L1: not healed in time: ${unlinked}`);
    this.#log.note("healed", { afterMs: Math.round(this.#now() - healedAt) });
    // What was asked before may still fail, and nobody says that this machine can do all at once.
    await this.#pace(WORKERS_MEASURED, THINK_MS);
    await sleep(1_500);
    await this.#stretch("healed", () => sleep(2_000));
    await Promise.all(this.#cluster.clients.map((each) => each.order({ kind: "end-load" })));
  }

  async #readEverything(): Promise<{
    readonly told: Told;
    readonly statuses: readonly NodeStatus[];
  }> {
    const [first] = this.#cluster.clients;
    const startedAt = this.#now();
    for (;;) {
      await this.#readAll();
      const told = await first!.order({ kind: "rows" });
      const differing = differingKeys(told, allKeys());
      this.#log.note("rows", { differing: differing.length });
      if (differing.length === 0 || this.#now() - startedAt > CONVERGE_WITHIN_MS) {
        const { statuses = [] } = await first!.order({ kind: "statuses" });
        for (const each of this.#cluster.clients) await each.order({ kind: "close" });
        return { told, statuses };
      }
      await sleep(1_000);
    }
  }

  async #readAll(): Promise<void> {
    const all = allKeys();
    const shares = this.#cluster.clients.map((client, number) => {
      const keys = all.filter((_, index) => index % CLIENTS === number);
      return client.order({ kind: "read-all", keys, withinMs: READ_WITHIN_MS });
    });
    for (const { unread = [] } of await Promise.all(shares)) {
      for (const { key, why } of unread) this.#problems.push(`L1: ${key} cannot be read: ${why}`);
    }
  }

  #judge({
    told,
    statuses,
  }: {
    readonly told: Told;
    readonly statuses: readonly NodeStatus[];
  }): Report {
    const endedAt = this.#now();
    const view = this.#view(told, statuses);
    const findings = judge(view, this.#nemesis.crashes);
    for (const node of this.#cluster.nodes) {
      this.#problems.push(...node.problems, ...node.doubts());
      writeFileSync(join(this.#folder, `${node.id}.stderr`), node.told);
    }
    const report = new Report({
      seed: this.#options.seed,
      history: view.history,
      stretches: this.#stretches,
      faults: this.#nemesis.counts,
      findings,
      problems: this.#problems,
      hasNetem: this.#cluster.wire.hasNetem,
      dropped: this.#dropped,
      folder: this.#folder,
      tookMs: this.#now(),
    });
    this.#log.note("judged", { judgingMs: Math.round(this.#now() - endedAt) });
    if (report.isClean && !this.#options.keepsLogs) rmSync(this.#folder, { recursive: true });
    return report;
  }

  #view(told: Told, statuses: readonly NodeStatus[]): FinalView {
    const secret = openSecret();
    const lines = this.#cluster.clients.flatMap((_, number) => {
      return readHistory(this.#historyFile(number));
    });
    return new FinalView({
      now: this.#now(),
      history: entriesOf(lines, secret),
      layout: layoutIn(told),
      secret,
      rows: rowsIn(told),
      openRequests: new Map(statuses.map(({ id, openRequests }) => [id as NodeId, openRequests])),
    });
  }

  async #strikeNow(kind: FaultKind, node: number, forMs: number, amount = 0): Promise<void> {
    const nodes = Array.from({ length: NODES }, (_, each) => (node + each) % NODES);
    const fault: Fault = { number: 0, kind, atMs: 0, forMs, nodes, amount };
    await this.#nemesis.strike(fault);
  }

  async #stretch(name: string, during: () => Promise<void>): Promise<void> {
    const fromMs = this.#now();
    this.#log.note("stretch", { name });
    await during();
    this.#stretches.set(name, { fromMs, toMs: this.#now() });
  }

  async #pace(workers: number, thinkMs: number): Promise<void> {
    for (const each of this.#cluster.clients) await each.order({ kind: "pace", workers, thinkMs });
  }

  /** Why not every node is linked with every other, when it takes too long. */
  async #untilLinked(withinMs: number): Promise<string | undefined> {
    const until = this.#now() + withinMs;
    for (;;) {
      const { statuses = [] } = await this.#cluster.clients[0]!.order({ kind: "statuses" });
      const missing = missingLinks(statuses);
      if (missing.length === 0) return undefined;
      if (this.#now() > until) return missing.join(", ");
      await sleep(100);
    }
  }

  #historyFile(number: number): string {
    return join(this.#folder, `history-c${number}.jsonl`);
  }
}

function missingLinks(statuses: readonly NodeStatus[]): readonly string[] {
  const up = statuses.map(({ id }) => id);
  const down = Array.from({ length: NODES }, (_, seat) => `n${seat}`).filter(
    (id) => !up.includes(id),
  );
  const unlinked = statuses.flatMap(({ id, peers }) => {
    const others = peers.filter(({ state }) => state !== "linked");
    return others.map((peer) => `${id} is not linked with ${peer.id}`);
  });
  return [...down.map((id) => `${id} does not answer`), ...unlinked];
}

function allKeys(): readonly Key[] {
  return Array.from({ length: KEYS }, (_, index) => {
    return keyOf(index % 2 === 0 ? "overwrite" : "siblings", `k${index}`);
  });
}
