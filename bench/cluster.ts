/**
 * What a cluster reaches of what it could: three nodes and a client on this machine, N=3, R=W=2,
 * memory engine, against the same fan-out of the same messages without any logic (`fan-out.ts`),
 * and against the bare sockets under that.
 *
 *     for every cell    round 1   cluster, ceiling, sockets
 *                       round 2   sockets, ceiling, cluster      …
 *
 * They are measured in turns, so that whatever else the machine does meets all; the ratio is the
 * result, the operations a second are those of this machine and hour. A cell without failures only:
 * an operation that failed is not fast. For the mixed load the ceiling is computed from those of
 * its halves: half the operations take a put's time, half a get's.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Coding } from "./fan-out-frames.ts";
import { runCeiling } from "./fan-out.ts";
import { CLI, startNodes } from "./nodes.ts";
import { columns, measuredOf, type Measured } from "./record.ts";

export interface ClusterPlan {
  readonly rounds: number;
  readonly seconds: number;
}

export interface ClusterCell {
  readonly operation: "put" | "get" | "mixed";
  readonly valueBytes: number;
  readonly inFlight: number;
  readonly operationsPerSecond: Measured;
  /** The same messages, decoded and encoded, and nothing else. */
  readonly ceilingPerSecond: Measured;
  /** The same bytes, moved and not looked at. */
  readonly socketsPerSecond: Measured;
  /** Of the ceiling: median over median. */
  readonly ratio: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface Load {
  readonly operationsPerSecond: number;
  readonly latency: { readonly p50Ms: number; readonly p99Ms: number };
  readonly failures: Readonly<Record<string, number>>;
}

const VALUE_BYTES = [100, 1_024];
const IN_FLIGHT = [1, 64, 256];
/** As long for the cluster as for the fan-out. */
const WARM_UP_SECONDS = 1;
/** Nodes live through all cells; the first ones shall not pay for the compiling of their code. */
const FIRST_WARM_UP_SECONDS = 4;
const KEYS = 5_000;
const CHILD_TIMEOUT_MS = 120_000;

export async function benchCluster(plan: ClusterPlan): Promise<readonly ClusterCell[]> {
  const nodes = await startNodes();
  try {
    for (const operation of ["put", "get"] as const) {
      const load = { rounds: 1, seconds: FIRST_WARM_UP_SECONDS, valueBytes: 100, inFlight: 64 };
      await runLoad(nodes.addresses, { ...load, operation });
    }
    const cells: ClusterCell[] = [];
    for (const valueBytes of VALUE_BYTES) {
      for (const inFlight of IN_FLIGHT) {
        const measured = await measureCells(nodes.addresses, { ...plan, valueBytes, inFlight });
        cells.push(...measured);
        for (const cell of measured) console.error(summary(cell));
      }
    }
    return cells;
  } finally {
    await nodes.stop();
  }
}

export function showCells(cells: readonly ClusterCell[]): string {
  const head = [
    "load",
    "ops/s",
    "spread",
    "ceiling",
    "spread",
    "ratio",
    "sockets",
    "p50 ms",
    "p99 ms",
  ];
  const rows = cells.map((cell) => [
    `${cell.operation} ${cell.valueBytes} B, ${cell.inFlight} in flight`,
    String(Math.round(cell.operationsPerSecond.median)),
    spread(cell.operationsPerSecond),
    String(Math.round(cell.ceilingPerSecond.median)),
    spread(cell.ceilingPerSecond),
    cell.ratio.toFixed(2),
    String(Math.round(cell.socketsPerSecond.median)),
    cell.p50Ms.toFixed(2),
    cell.p99Ms.toFixed(2),
  ]);
  return columns([head, ...rows]);
}

function summary(cell: ClusterCell): string {
  const { operation, valueBytes, inFlight, operationsPerSecond, ratio } = cell;
  const rate = Math.round(operationsPerSecond.median);
  const what = `${operation} ${valueBytes} B, ${inFlight} in flight`;
  return `${what}: ${rate} ops/s, ${ratio.toFixed(2)} of the ceiling`;
}

/** The three operations at one size and one number in flight. */
async function measureCells(
  addresses: readonly string[],
  cell: ClusterPlan & { readonly valueBytes: number; readonly inFlight: number },
): Promise<readonly ClusterCell[]> {
  const operations = ["put", "get", "mixed"] as const;
  const loads = new Map<string, Load[]>(operations.map((operation) => [operation, []]));
  const ceilings = { coded: noRates(), copied: noRates() };
  for (let round = 0; round < cell.rounds; round++) {
    for (const operation of operations) {
      const gramme = async (): Promise<void> => {
        loads.get(operation)!.push(await runLoad(addresses, { ...cell, operation }));
      };
      const fanOut = async (coding: Coding): Promise<void> => {
        const rates = ceilings[coding];
        rates[operation].push(await ceilingOf(operation, coding, cell, rates));
      };
      const turns = [gramme, () => fanOut("coded"), () => fanOut("copied")];
      for (const turn of round % 2 === 0 ? turns : turns.toReversed()) await turn();
    }
  }
  return operations.map((operation) => {
    const ofGramme = loads.get(operation)!;
    const operationsPerSecond = measuredOf(ofGramme.map((load) => load.operationsPerSecond));
    const ceilingPerSecond = measuredOf(ceilings.coded[operation]);
    const socketsPerSecond = measuredOf(ceilings.copied[operation]);
    const { valueBytes, inFlight } = cell;
    return {
      operation,
      valueBytes,
      inFlight,
      operationsPerSecond,
      ceilingPerSecond,
      socketsPerSecond,
      ratio: operationsPerSecond.median / ceilingPerSecond.median,
      p50Ms: measuredOf(ofGramme.map(({ latency }) => latency.p50Ms)).median,
      p99Ms: measuredOf(ofGramme.map(({ latency }) => latency.p99Ms)).median,
    };
  });
}

type Rates = Readonly<{ [operation in ClusterCell["operation"]]: number[] }>;

function noRates(): Rates {
  return { put: [], get: [], mixed: [] };
}

async function ceilingOf(
  operation: ClusterCell["operation"],
  coding: Coding,
  cell: ClusterPlan & { readonly valueBytes: number; readonly inFlight: number },
  before: Rates,
): Promise<number> {
  const { valueBytes, inFlight, seconds } = cell;
  if (operation !== "mixed") {
    const result = await runCeiling({ operation, coding, valueBytes, inFlight, seconds });
    return result.operationsPerSecond;
  }
  return 2 / (1 / before.put.at(-1)! + 1 / before.get.at(-1)!);
}

export async function runLoad(
  addresses: readonly string[],
  load: ClusterPlan & {
    readonly operation: string;
    readonly valueBytes: number;
    readonly inFlight: number;
  },
): Promise<Load> {
  const flags = {
    "--node": addresses.join(","),
    "--operation": load.operation,
    "--value-bytes": load.valueBytes,
    "--in-flight": load.inFlight,
    "--keys": KEYS,
    "--seconds": load.seconds,
    "--warm-up": WARM_UP_SECONDS,
    "--r": 2,
    "--w": 2,
  };
  const words = Object.entries(flags).flatMap(([flag, value]) => [flag, String(value)]);
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [CLI, "bench", "--json", ...words],
    { timeout: CHILD_TIMEOUT_MS },
  );
  const result = JSON.parse(stdout) as Load;
  const failures = Object.entries(result.failures);
  if (failures.length > 0) throw new Error(`${load.operation} failed: ${JSON.stringify(failures)}`);
  return result;
}

function spread({ median, lowest, highest }: Measured): string {
  return `${Math.round(((highest - lowest) / median) * 100)} %`;
}
