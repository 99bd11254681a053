/**
 * `gramme bench`: load a cluster and say what it did, in operations a second and in latencies.
 *
 * The client is one process with one thread, so on a machine that also runs the nodes the number is
 * that of the whole machine. Failures are counted apart: an operation that failed is not one that
 * was fast.
 */
import { Option, type Command } from "commander";
import type { Level } from "../core/requests.ts";
import { withCluster } from "./cluster.ts";
import { EXIT } from "./exit-codes.ts";
import { clusterFlags, examples, integerIn, level, numberIn, type ClusterFlags } from "./flags.ts";
import { fill, runLoad, type LoadOperation, type LoadPlan, type LoadResult } from "./load.ts";
import { freePorts, LocalCluster, localMembers } from "./local-cluster.ts";
import { print, printJson, remark, table } from "./output.ts";
import { toldToStop } from "./stop-signal.ts";

interface BenchFlags extends ClusterFlags {
  readonly operation: LoadOperation;
  readonly valueBytes: number;
  readonly inFlight: number;
  readonly keys: number;
  readonly seconds: number;
  readonly warmUp: number;
  readonly r?: Level;
  readonly w?: Level;
  readonly self?: true;
}

const VALUE_BYTES_MAX = 16 * 1024 * 1024;

export function describeBench(command: Command): void {
  const number = (flags: string, description: string, usual: number): Option =>
    new Option(flags, description).default(usual);
  clusterFlags(command)
    .addOption(
      new Option("-o, --operation <name>", "what to do; mixed is half of each")
        .choices(["put", "get", "mixed"])
        .default("mixed"),
    )
    .addOption(
      number("--value-bytes <count>", "the size of a value", 100).argParser(
        integerIn(0, VALUE_BYTES_MAX),
      ),
    )
    .addOption(number("--in-flight <count>", "open requests", 64).argParser(integerIn(1, 4_096)))
    .addOption(
      number("--keys <count>", "different keys", 10_000).argParser(integerIn(1, 1_000_000)),
    )
    .addOption(number("--seconds <count>", "how long", 5).argParser(numberIn(0.1, 3_600)))
    .addOption(number("--warm-up <seconds>", "before it counts", 1).argParser(numberIn(0, 3_600)))
    .addOption(new Option("-r, --r <level>", "owners that must answer a read").argParser(level))
    .addOption(new Option("-w, --w <level>", "owners that must hold a write").argParser(level))
    .option("--self", "start three nodes for this, and stop them afterwards");
  examples(command, [
    ["gramme bench --self", "three nodes on this machine"],
    ["gramme bench -o put --value-bytes 1024 --in-flight 256", "a cluster that runs"],
  ]);
  command.action(async (flags: BenchFlags) => {
    await (flags.self ? benchOwn(flags) : bench(flags));
  });
}

const OWN_NODES = 3;

async function benchOwn(flags: BenchFlags): Promise<void> {
  const cluster = new LocalCluster(localMembers(await freePorts(OWN_NODES)), () => []);
  const told = toldToStop().then(() => "stop" as const);
  cluster.start((node, how) => remark(`${node.id} has ended (${how})`));
  try {
    await cluster.ready();
    const done = bench({ ...flags, node: cluster.addresses });
    // Without its nodes the load would only go on failing.
    if ((await Promise.race([done, told])) === "stop") process.exitCode = EXIT.unavailable;
  } finally {
    await cluster.stop();
  }
  if (process.exitCode === EXIT.unavailable) process.exit();
}

async function bench(flags: BenchFlags): Promise<void> {
  const { operation, valueBytes, inFlight, keys, seconds, warmUp, r, w } = flags;
  const levels = { r: r ?? "default", w: w ?? "default" } as const;
  const plan: LoadPlan = {
    operation,
    valueBytes,
    inFlight,
    keys,
    seconds,
    warmUpSeconds: warmUp,
    ...levels,
  };
  await withCluster(flags, async (client) => {
    if (!flags.json) remark(`storing ${keys} keys, then ${operation} for ${warmUp + seconds} s`);
    await fill(client, plan);
    const result = await runLoad(client, plan);
    if (flags.json) printJson({ ...plan, ...result });
    else printResult(plan, result);
    if (result.latency.count === 0) process.exitCode = EXIT.unavailable;
  });
}

function printResult(plan: LoadPlan, result: LoadResult): void {
  const { operation, valueBytes, inFlight } = plan;
  const { operationsPerSecond, latency, failures } = result;
  print(`${operation}, ${valueBytes} bytes, ${inFlight} in flight`);
  print("");
  const head = ["OPS/S", "MEAN", "P50", "P90", "P99", "P99.9", "MAX"];
  const { meanMs, p50Ms, p90Ms, p99Ms, p999Ms, maxMs } = latency;
  const times = [meanMs, p50Ms, p90Ms, p99Ms, p999Ms, maxMs].map((ms) => `${ms.toFixed(2)} ms`);
  print(table({ head, right: head, rows: [[String(operationsPerSecond), ...times]] }));
  for (const [code, count] of Object.entries(failures)) remark(`${count} failed with ${code}`);
}
