/**
 * `npm run chaos -- --minutes 10 --seed 7`: real processes on namespaces of their own, faults after
 * a plan that follows from the seed, and a verdict. Exit code 1 when something was found.
 */
import { parseArgs } from "node:util";
import { ChaosCluster } from "./chaos-cluster.ts";
import { chaosRun } from "./chaos-run.ts";

const AROUND_MS = 38_000;
const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    seed: { type: "string", default: `${Date.now() % 1_000_000}` },
    keep: { type: "boolean", default: false },
    planted: { type: "boolean", default: false },
    quiet: { type: "boolean", default: false },
  },
});

for (const name of ChaosCluster.removeLeft()) console.log(`removed ${name}, left by a dead run`);
const why = ChaosCluster.whyNot();
if (why === undefined) await go();
else console.log(`skipped: ${why}`);

async function go(): Promise<void> {
  const seed = Number(values.seed);
  const wholeMs = Number(values.minutes) * 60_000;
  if (!Number.isSafeInteger(seed) || !(wholeMs > 0)) {
    console.error(`--seed ${values.seed} --minutes ${values.minutes}: numbers are wanted`);
    process.exit(2);
  }
  console.log(`seed ${seed}`);
  const faultsMs = Math.max(5_000, wholeMs - AROUND_MS);
  const show = values.quiet ? {} : { show: (line: string): void => console.log(line) };
  const { keep: keepsLogs, planted: isPlanted } = values;
  const report = await chaosRun({ seed, faultsMs, keepsLogs, isPlanted, ...show });
  for (const line of report.lines) console.log(line);
  if (!report.isClean) process.exitCode = 1;
}
