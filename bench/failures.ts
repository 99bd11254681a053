/**
 * What clients notice when a node fails: three nodes and a client, processes of this machine, N=3,
 * R=W=2, half gets and half puts at a part of what the cluster can do, as measured a moment before.
 *
 *     killed    one of three is killed; a while later it comes back        failures, throughput
 *     slowed    one of three gets a tenth of the time                      p99
 *     away      one of three is killed, comes back after many writes       p99 while it heals
 *
 * Every number is a ratio to the time before, in the same run and at the same pace: what else the
 * machine does meets both. All processes share its cores, so a node that goes leaves its part of
 * the machine to the others, and one that comes back takes it from them, which is not so in a real
 * cluster. The load average when a cell ended stands beside it.
 */
import { type ChildProcess, execFile, fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { RemoteClient } from "#src/client/remote-client.ts";
import { compareRows } from "./compare-rows.ts";
import { CLI, type NodeProcess, type Nodes, startNodes } from "./nodes.ts";
import { type Cut, PacedLoad, WINDOW_MS } from "./paced-load.ts";
import { columns, measuredOf } from "./record.ts";

export type FailureName = "killed" | "slowed" | "away";
export type FailureEngine = "memory" | "durable";

export interface FailurePlan {
  readonly failures: readonly FailureName[];
  readonly engines: readonly FailureEngine[];
  /** Of what the cluster can do, 0 to 1. */
  readonly loadShare: number;
  /** How long the node of `away` is away. */
  readonly awaySeconds: number;
}

/** A stretch of time, beside the one before the failure. */
export interface Stretch {
  readonly name: string;
  readonly seconds: number;
  readonly perSecond: number;
  readonly failures: Readonly<Record<string, number>>;
  readonly getP50Ms: number;
  readonly getP99Ms: number;
  readonly putP50Ms: number;
  readonly putP99Ms: number;
  /** To the p99 of before. */
  readonly getP99Ratio: number;
  readonly putP99Ratio: number;
}

export interface FailureCell {
  readonly failure: FailureName;
  readonly engine: FailureEngine;
  /** What it reached with many requests in flight, and the pace that was kept from then on. */
  readonly racePerSecond: number;
  readonly pacePerSecond: number;
  readonly stretches: readonly Stretch[];
  /** What else there is to say, by name. */
  readonly findings: Readonly<Record<string, number>>;
  readonly loadAverage: number;
}

const VALUE_BYTES = 100;
const KEYS = { killed: 20_000, slowed: 20_000, away: 50_000 };
const RACE_IN_FLIGHT = 64;
const WARM_UP_SECONDS = 4;
const RACES = 5;
const SETTLE_SECONDS = 2;
/** Long enough for the moments that any disk has: what is compared with it has them too. */
const BEFORE_SECONDS = 30;
const AFTER_SECONDS = 8;
const BEFORE_TRIES = 4;
/** Of a cluster that is not at its end, on a machine that does nothing else: far less. */
const WELL_P99_MS = 100;
const CALM_DOWN_SECONDS = 10;
const KILLED_SECONDS = 8;
const SLOWED_SECONDS = 15;
/** What comes back has to compile its code first, as it would have to without anything to heal. */
const WARM_AGAIN_SECONDS = 5;
/** From when it is slowed, until clients and nodes may know. */
const NOTICE_SECONDS = 2;
const SLOW_SHARE = 0.1;
const SLOW_PROCESS = fileURLToPath(new URL("slow-process.js", import.meta.url));
const HEAL_WITHIN_MS = 600_000;
const LOOK_EVERY_MS = 250;
const REPAIR_WITHIN_MS = 900_000;
const ASK_TIMEOUT_MS = 2_000;

export async function benchFailures(plan: FailurePlan): Promise<readonly FailureCell[]> {
  const cells: FailureCell[] = [];
  for (const failure of plan.failures) {
    for (const engine of plan.engines) {
      // A node in memory has nothing left of what it had, whatever it missed.
      if (failure === "away" && engine === "memory") continue;
      const cell = await measureCell(failure, engine, plan);
      console.error(`${showCell(cell)}\n`);
      cells.push(cell);
    }
  }
  return cells;
}

export function showCell(cell: FailureCell): string {
  const { failure, engine, racePerSecond, pacePerSecond, loadAverage } = cell;
  const title =
    `${failure}, ${engine}: ${Math.round(pacePerSecond)} a second, of ` +
    `${Math.round(racePerSecond)}; load average ${loadAverage.toFixed(1)}`;
  const head = ["", "s", "ops/s", "failed", "get p50", "p99", "ratio", "put p50", "p99", "ratio"];
  const rows = cell.stretches.map((stretch) => [
    `  ${stretch.name}`,
    stretch.seconds.toFixed(1),
    String(Math.round(stretch.perSecond)),
    failedIn(stretch),
    stretch.getP50Ms.toFixed(1),
    stretch.getP99Ms.toFixed(1),
    stretch.getP99Ratio.toFixed(2),
    stretch.putP50Ms.toFixed(1),
    stretch.putP99Ms.toFixed(1),
    stretch.putP99Ratio.toFixed(2),
  ]);
  const findings = Object.entries(cell.findings).map(
    ([name, value]) => `  ${name}: ${Math.round(value * 1_000) / 1_000}`,
  );
  return [title, columns([head, ...rows]), ...findings].join("\n");
}

function failedIn({ failures }: Stretch): string {
  const codes = Object.entries(failures).map(([code, count]) => `${count} ${code}`);
  return codes.length === 0 ? "0" : codes.join(" ");
}

async function measureCell(
  failure: FailureName,
  engine: FailureEngine,
  { awaySeconds, loadShare }: FailurePlan,
): Promise<FailureCell> {
  const directory = mkdtempSync(join(tmpdir(), "gramme-bench-"));
  const nodes = await startNodes(engine === "durable" ? directory : undefined);
  const { addresses } = nodes;
  const loading = PacedLoad.start({ addresses, keys: KEYS[failure], valueBytes: VALUE_BYTES });
  try {
    const run = new FailureRun(nodes, await loading, loadShare);
    await run.warmUp();
    if (failure === "killed") await run.killed();
    if (failure === "slowed") await run.slowed();
    if (failure === "away") await run.away(awaySeconds);
    return { failure, engine, ...run.result() };
  } finally {
    await loading.then(
      (load) => load.stop(),
      () => {},
    );
    await nodes.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

class FailureRun {
  readonly #nodes: Nodes;
  readonly #load: PacedLoad;
  readonly #stretches: Stretch[] = [];
  readonly #findings: Record<string, number> = {};
  readonly #loadShare: number;
  #racePerSecond = 0;
  #before: Stretch | undefined = undefined;

  constructor(nodes: Nodes, load: PacedLoad, loadShare: number) {
    this.#nodes = nodes;
    this.#load = load;
    this.#loadShare = loadShare;
  }

  /** Until its code is compiled; then what 100 % is; then what it is like while all is well. */
  async warmUp(): Promise<void> {
    await this.#load.race(RACE_IN_FLIGHT, WARM_UP_SECONDS);
    for (let tries = 0; tries < BEFORE_TRIES; tries++) {
      const races: number[] = [];
      for (let race = 0; race < RACES; race++) races.push(await this.#load.race(RACE_IN_FLIGHT, 1));
      this.#racePerSecond = measuredOf(races).median;
      await this.#load.pace(this.#pacePerSecond);
      await sleep(SETTLE_SECONDS * 1_000);
      await this.#load.cut();
      await sleep(BEFORE_SECONDS * 1_000);
      const before = await this.#load.cut();
      if (this.#isWell(before)) return this.#note("before", before);
      // The machine has got other work since: nothing that is measured now would say anything.
      await this.#load.pace(0);
      await sleep(CALM_DOWN_SECONDS * 1_000);
    }
    throw new Error("the machine does not keep the pace while nothing is wrong: it is too busy");
  }

  #isWell({ failures, done, ms, getP99Ms, putP99Ms }: Cut): boolean {
    const isInTime = Math.max(getP99Ms, putP99Ms) <= WELL_P99_MS;
    const hasKept = (done * 1_000) / ms >= this.#pacePerSecond * 0.95;
    return Object.keys(failures).length === 0 && isInTime && hasKept;
  }

  async killed(): Promise<void> {
    const [victim] = this.#nodes.processes as [NodeProcess];
    await this.#load.cut();
    await victim.kill();
    await sleep(KILLED_SECONDS * 1_000);
    const cut = await this.#end("killed");
    const { perSecond } = this.#before!;
    this.#findings["ms until at 80 % again"] = backAfterMs(cut, perSecond * 0.8);
    this.#findings["lowest quarter of a second"] = lowest(cut, perSecond);
    await this.#comesBack(victim);
  }

  async slowed(): Promise<void> {
    const [victim] = this.#nodes.processes as [NodeProcess];
    const slower = fork(SLOW_PROCESS, [String(victim.pid), String(SLOW_SHARE)]);
    try {
      await this.#load.cut();
      await sleep(NOTICE_SECONDS * 1_000);
      await this.#end("slowed, at first");
      await sleep(SLOWED_SECONDS * 1_000);
      await this.#end("slowed");
    } finally {
      this.#findings["its share of the time"] = await ended(slower);
    }
    await this.#load.cut();
    await sleep(AFTER_SECONDS * 1_000);
    await this.#end("after");
  }

  async away(seconds: number): Promise<void> {
    const [victim] = this.#nodes.processes as [NodeProcess];
    await victim.kill();
    await this.#load.cut();
    await sleep(seconds * 1_000);
    await this.#end("away");
    await this.#comesBack(victim);
    await this.#load.pace(0);
    await sleep(SETTLE_SECONDS * 1_000);
    await this.#prove();
  }

  result(): Pick<
    FailureCell,
    "racePerSecond" | "pacePerSecond" | "stretches" | "findings" | "loadAverage"
  > {
    return {
      racePerSecond: this.#racePerSecond,
      pacePerSecond: this.#pacePerSecond,
      stretches: this.#stretches,
      findings: this.#findings,
      loadAverage: loadavg()[0]!,
    };
  }

  get #pacePerSecond(): number {
    return this.#racePerSecond * this.#loadShare;
  }

  /** Started again, until nobody keeps anything for it any more. */
  async #comesBack(victim: NodeProcess): Promise<void> {
    const client = await RemoteClient.connect(this.#nodes.addresses);
    try {
      const others = this.#nodes.processes.filter((node) => node !== victim);
      this.#findings["hints for it"] = await hintsKept(client, others);
      await this.#load.cut();
      const startedAt = performance.now();
      await victim.start();
      this.#findings["ms until it was ready"] = performance.now() - startedAt;
      await sleep(WARM_AGAIN_SECONDS * 1_000);
      await this.#end("heals, at first");
      while ((await hintsKept(client, others)) > 0) {
        if (performance.now() - startedAt > HEAL_WITHIN_MS) throw new Error("it does not heal");
        await sleep(LOOK_EVERY_MS);
      }
      this.#findings["ms to heal"] = performance.now() - startedAt;
      await this.#end("heals");
    } finally {
      await client.close();
    }
  }

  /** By anti-entropy, and by looking at every row. */
  async #prove(): Promise<void> {
    const client = await RemoteClient.connect(this.#nodes.addresses);
    try {
      const { keys, differing } = await compareRows(client);
      this.#findings["keys"] = keys;
      this.#findings["keys that differ"] = differing;
    } finally {
      await client.close();
    }
    const repaired = await repair(this.#nodes.addresses);
    this.#findings["pairs"] = repaired.asked;
    this.#findings["pairs proven in sync"] = repaired.proven;
    this.#findings["keys moved for it"] = repaired.keysMoved;
    this.#findings["ms to prove it"] = repaired.elapsedMs;
  }

  async #end(name: string): Promise<Cut> {
    const cut = await this.#load.cut();
    this.#note(name, cut);
    return cut;
  }

  #note(name: string, cut: Cut): void {
    const { getP50Ms, getP99Ms, putP50Ms, putP99Ms, failures } = cut;
    const before = this.#before ?? cut;
    const stretch: Stretch = {
      name,
      seconds: cut.ms / 1_000,
      perSecond: (cut.done * 1_000) / cut.ms,
      failures,
      getP50Ms,
      getP99Ms,
      putP50Ms,
      putP99Ms,
      getP99Ratio: getP99Ms / before.getP99Ms,
      putP99Ratio: putP99Ms / before.putP99Ms,
    };
    this.#before ??= stretch;
    this.#stretches.push(stretch);
  }
}

const WINDOWS = 250 / WINDOW_MS;

/** Until the first quarter of a second, from the beginning of the cut, with so many a second. */
function backAfterMs({ doneIn }: Cut, perSecond: number): number {
  const index = quarters(doneIn).findIndex((done) => done * 4 >= perSecond);
  return index === -1 ? Number.POSITIVE_INFINITY : index * WINDOW_MS;
}

/** As a share of what was done before. The last windows are not over. */
function lowest({ doneIn }: Cut, perSecond: number): number {
  return (Math.min(...quarters(doneIn.slice(0, -1))) * 4) / perSecond;
}

/** One that begins with each window. */
function quarters(doneIn: readonly number[]): readonly number[] {
  return doneIn
    .slice(0, 1 - WINDOWS)
    .map((_, from) => doneIn.slice(from, from + WINDOWS).reduce((sum, done) => sum + done, 0));
}

async function hintsKept(client: RemoteClient, nodes: readonly NodeProcess[]): Promise<number> {
  let kept = 0;
  for (const { id } of client.layout().nodes) {
    if (!nodes.some((node) => node.id === id)) continue;
    const report = await client.hints(id, { kind: "list" }, ASK_TIMEOUT_MS);
    if ("code" in report) throw new Error(`${id} does not tell its hints: ${report.detail}`);
    for (const { keys } of report.targets) kept += keys;
  }
  return kept;
}

interface Repaired {
  readonly asked: number;
  readonly proven: number;
  readonly keysMoved: number;
  readonly elapsedMs: number;
}

async function repair(addresses: readonly string[]): Promise<Repaired> {
  const words = [CLI, "repair", "--json", "--node", addresses.join(",")];
  const stdout = await new Promise<string>((resolve, reject) => {
    const options = { timeout: REPAIR_WITHIN_MS };
    // That a pair could not be proven is told by the exit code as well, and by the document.
    execFile(process.execPath, words, options, (error, out) =>
      out === "" ? reject(error ?? new Error("gramme repair said nothing")) : resolve(out),
    );
  });
  return JSON.parse(stdout) as Repaired;
}

/** Tells a process that slows another one to end; what share that one had. */
function ended(slower: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    slower.once("message", ({ share }: { readonly share: number }) => resolve(share));
    slower.once("exit", () => reject(new Error("the process that slows has ended")));
    slower.send("end");
  });
}
