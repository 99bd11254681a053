/**
 * `npm run bench`: a whole cluster against its ceiling. `npm run bench -- durable` what durability
 * costs it, `-- failures` what clients notice when a node fails, `-- storage` the log engine
 * against LMDB and Redis, `-- micro` and `-- simulation` for the parts.
 *
 *     npm run bench -- --rounds 5 --seconds 3      longer, for numbers to be quoted
 *     npm run bench -- --no-record                 shown, not written to bench/results.jsonl
 *     npm run bench -- failures --away 600         as long as the figure is meant
 *     npm run bench -- failures --load 30          less than 70 % of what the cluster can do
 *     npm run bench -- failures killed durable     of failures and engines only these
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { benchCluster, showCells } from "./cluster.ts";
import { benchMicro } from "./micro.ts";
import { benchDurable, showDurable } from "./durable.ts";
import { benchFailures, type FailureEngine, type FailureName } from "./failures.ts";
import { columns, recordResults } from "./record.ts";
import { benchStorage, showStorage } from "./storage.ts";

const SIMULATION_TIMEOUT_MS = 120_000;

const { values, positionals } = parseArgs({
  options: {
    rounds: { type: "string", default: "2" },
    seconds: { type: "string", default: "1" },
    load: { type: "string", default: "70" },
    away: { type: "string", default: "60" },
    "no-record": { type: "boolean", default: false },
  },
  allowPositionals: true,
});
const [name = "cluster"] = positionals;

switch (name) {
  case "cluster":
    await cluster();
    break;
  case "micro":
    micro();
    break;
  case "simulation":
    simulation();
    break;
  case "durable":
    await durable();
    break;
  case "failures":
    await failures(positionals.slice(1));
    break;
  case "storage":
    await storage();
    break;
  default:
    console.error(
      `there is no bench ${name}: cluster, durable, failures, storage, micro or simulation`,
    );
    process.exitCode = 2;
}

async function cluster(): Promise<void> {
  const plan = {
    rounds: positive("rounds", values.rounds),
    seconds: positive("seconds", values.seconds),
  };
  const cells = await benchCluster(plan);
  console.log(showCells(cells));
  record("cluster", cells);
}

async function durable(): Promise<void> {
  const cells = await benchDurable({
    rounds: positive("rounds", values.rounds),
    seconds: positive("seconds", values.seconds),
  });
  console.log(showDurable(cells));
  record("durable", cells);
}

async function failures(words: readonly string[]): Promise<void> {
  const only = <Word extends string>(all: readonly Word[]): readonly Word[] => {
    const chosen = all.filter((word) => words.includes(word));
    return chosen.length === 0 ? all : chosen;
  };
  const cells = await benchFailures({
    failures: only<FailureName>(["killed", "slowed", "away"]),
    engines: only<FailureEngine>(["memory", "durable"]),
    loadShare: positive("load", values.load) / 100,
    awaySeconds: positive("away", values.away),
  });
  record("failures", cells);
}

async function storage(): Promise<void> {
  const results = await benchStorage({
    rounds: positive("rounds", values.rounds),
    seconds: positive("seconds", values.seconds),
  });
  console.log(showStorage(results));
  record("storage", [results]);
}

function micro(): void {
  const results = benchMicro();
  const rows = results.map((result) => [
    result.name,
    `${result.nanosecondsPerOperation.toFixed(0)} ns`,
  ]);
  console.log(columns(rows));
  record("micro", results);
}

/** In a process of its own: it measures as it loads. */
function simulation(): void {
  const path = fileURLToPath(new URL("./simulation.js", import.meta.url));
  const options = { stdio: "inherit", timeout: SIMULATION_TIMEOUT_MS } as const;
  process.exitCode = spawnSync(process.execPath, [path], options).status ?? 1;
}

function record(bench: string, results: readonly object[]): void {
  if (values["no-record"]) return;
  console.error(`\nrecorded in ${recordResults(bench, results)}`);
}

function positive(flag: string, text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 600) return value;
  console.error(`--${flag} is a number above 0 and at most 600, got ${JSON.stringify(text)}`);
  process.exit(2);
}
