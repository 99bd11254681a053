/**
 * What durability costs a cluster: quorum puts of three nodes that sync every write to the log
 * engine before it counts, against the same three nodes in memory, in turns.
 *
 * All three share one device and two cores here; in a real cluster each has its own.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ClusterPlan, type Load, runLoad } from "./cluster.ts";
import { startNodes } from "./nodes.ts";
import { columns, measuredOf, type Measured } from "./record.ts";

export interface DurableCell {
  readonly valueBytes: number;
  readonly inFlight: number;
  readonly durablePerSecond: Measured;
  readonly memoryPerSecond: Measured;
  /** Of the rate in memory: median over median. */
  readonly ratio: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const WARM_UP = { rounds: 1, seconds: 3, operation: "put", valueBytes: 100, inFlight: 64 };

export async function benchDurable(plan: ClusterPlan): Promise<readonly DurableCell[]> {
  const directory = mkdtempSync(join(tmpdir(), "gramme-bench-"));
  const durable = await startNodes(directory);
  const memory = await startNodes();
  try {
    for (const { addresses } of [durable, memory]) await runLoad(addresses, WARM_UP);
    const cells: DurableCell[] = [];
    for (const valueBytes of [100, 1024]) {
      for (const inFlight of [64, 256]) {
        const loads = { durable: [] as Load[], memory: [] as Load[] };
        for (let round = 0; round < plan.rounds; round++) {
          const load = { ...plan, operation: "put", valueBytes, inFlight };
          const turns = [
            async (): Promise<void> =>
              void loads.durable.push(await runLoad(durable.addresses, load)),
            async (): Promise<void> =>
              void loads.memory.push(await runLoad(memory.addresses, load)),
          ];
          for (const turn of round % 2 === 0 ? turns : turns.toReversed()) await turn();
        }
        const durablePerSecond = rateOf(loads.durable);
        const memoryPerSecond = rateOf(loads.memory);
        const ratio = durablePerSecond.median / memoryPerSecond.median;
        cells.push({
          valueBytes,
          inFlight,
          durablePerSecond,
          memoryPerSecond,
          ratio,
          p50Ms: measuredOf(loads.durable.map(({ latency }) => latency.p50Ms)).median,
          p99Ms: measuredOf(loads.durable.map(({ latency }) => latency.p99Ms)).median,
        });
      }
    }
    return cells;
  } finally {
    await Promise.all([durable.stop(), memory.stop()]);
    rmSync(directory, { recursive: true, force: true });
  }
}

export function showDurable(cells: readonly DurableCell[]): string {
  const head = ["durable quorum puts", "ops/s", "in memory", "ratio", "p50 ms", "p99 ms"];
  const rows = cells.map((cell) => [
    `${cell.valueBytes} B, ${cell.inFlight} in flight`,
    String(Math.round(cell.durablePerSecond.median)),
    String(Math.round(cell.memoryPerSecond.median)),
    cell.ratio.toFixed(2),
    cell.p50Ms.toFixed(2),
    cell.p99Ms.toFixed(2),
  ]);
  return columns([head, ...rows]);
}

function rateOf(loads: readonly Load[]): Measured {
  return measuredOf(loads.map(({ operationsPerSecond }) => operationsPerSecond));
}
