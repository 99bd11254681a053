/**
 * `gramme sim`: clusters in virtual time, with every fault there is, and judges who have seen it
 * all.
 *
 *     --seed 7             one run: what was drawn, what happened, the verdict
 *     --seeds 1..1000      many: what they add up to, and which failed
 *     --full               five nodes, at least 30 virtual seconds and 40 faults in each run
 *     --shrink             the first that failed, made small
 *     --planted <name>     with a known bug in it: the judges must find it
 *
 * The same seed is the same run, on every machine. The exit code tells a node that threw from a
 * broken promise from a cluster that did not recover.
 */
import { randomInt } from "node:crypto";
import { availableParallelism } from "node:os";
import { InvalidArgumentError, Option, type Command } from "commander";
import { PLANTED_BUGS } from "../sim/planted/index.ts";
import { runSeed, type RunResult, type Verdict } from "../sim/run.ts";
import { shrink } from "../sim/shrink.ts";
import { SweepTotals } from "../sim/sweep.ts";
import { transcript } from "../sim/transcript.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { examples, integerIn, numberIn } from "./flags.ts";
import { print, printJson, remark, table } from "./output.ts";
import { Progress } from "./progress.ts";
import { judgedRun, optionsOf, plant, type SimPlan } from "./sim-plan.ts";
import { runSeeds, type Seeds } from "./sim-pool.ts";
import { printRun, printSweep, runDocument, sweepDocument } from "./sim-report.ts";

interface SimFlags {
  readonly seed?: number;
  readonly seeds?: Seeds;
  readonly jobs: number;
  readonly full?: true;
  readonly nodes?: number;
  readonly virtualSeconds?: number;
  readonly planted?: string;
  readonly twice?: true;
  readonly shrink?: true;
  readonly trace?: string | true;
  readonly listPlanted?: true;
  readonly json?: true;
}

const SEED_MAX = 2 ** 31 - 1;
const JOBS_MAX = 64;
const EXIT_BY_VERDICT: Readonly<Record<Verdict, ExitCode>> = {
  ok: EXIT.ok,
  crash: EXIT.simCrash,
  safety: EXIT.simSafety,
  liveness: EXIT.simLiveness,
};

export function describeSim(command: Command): void {
  command
    .addOption(
      new Option("--seed <number>", "one run; any if left out").argParser(integerIn(0, SEED_MAX)),
    )
    .addOption(
      new Option("--seeds <from..to>", "many runs, both ends included")
        .argParser(seedRange)
        .conflicts("seed"),
    )
    .addOption(
      new Option("--jobs <count>", "threads for many runs")
        .default(Math.min(2, availableParallelism()))
        .argParser(integerIn(1, JOBS_MAX)),
    )
    .option("--full", "five nodes, 30 virtual seconds and 40 faults at least, skew, lost disks")
    .addOption(
      new Option("--nodes <count>", "instead of as many as drawn").argParser(integerIn(2, 100)),
    )
    .addOption(
      new Option("--virtual-seconds <count>", "how long there is trouble").argParser(
        numberIn(0.1, 86_400),
      ),
    )
    .addOption(
      new Option("--planted <name>", "with a bug that must be found").choices([
        ...PLANTED_BUGS.keys(),
      ]),
    )
    .option("--list-planted", "the bugs that can be planted")
    .option("--twice", "run each seed twice: the traces must be equal")
    .option("--shrink", "make the first failing run small")
    .addOption(
      new Option("--trace [about]", "tell one run in lines, or those about a key, node or value"),
    )
    .option("--json", "print one JSON document");
  examples(command, [
    ["gramme sim --seed 7", "one run, told in numbers"],
    ["gramme sim --seed 7 --trace n2", "all that n2 did, line by line"],
    ["gramme sim --seeds 1..200", "many, in two threads"],
    ["gramme sim --full --seeds 1..20000", "what a release is tried with"],
    ["gramme sim --planted newest-only --seeds 1..50 --shrink", "watch a bug being found"],
  ]);
  command.addHelpText(
    "after",
    "\nExit codes: 0 all well, 10 a node threw, 11 a promise was broken, " +
      "12 the cluster did not recover,\n  13 something that must happen never did.",
  );
  command.action(async (flags: SimFlags) => simulate(flags));
}

async function simulate(flags: SimFlags): Promise<void> {
  if (flags.listPlanted) return listPlanted(flags.json === true);
  const plan: SimPlan = {
    full: flags.full === true,
    nodes: flags.nodes,
    virtualSeconds: flags.virtualSeconds,
    planted: flags.planted,
    twice: flags.twice === true,
  };
  if (flags.seeds !== undefined) return simulateMany(flags.seeds, plan, flags);
  return simulateOne(flags.seed ?? randomInt(SEED_MAX), plan, flags);
}

function simulateOne(seed: number, plan: SimPlan, flags: SimFlags): void {
  const undo = plant(plan);
  try {
    const startedAt = performance.now();
    const result = judgedRun(seed, plan, flags.shrink ? {} : traced(flags));
    const elapsedMs = performance.now() - startedAt;
    process.exitCode = EXIT_BY_VERDICT[result.verdict];
    const smallest = flags.shrink && result.verdict !== "ok" ? shrunk(result, plan) : undefined;
    // Of a run that was made small, the small one is the one to be read.
    if (flags.shrink) runSeed(seed, (smallest ?? result).options, traced(flags));
    if (flags.json) printJson(runDocument({ result, smallest, elapsedMs }));
    else printRun({ result, smallest, elapsedMs });
  } finally {
    undo();
  }
}

async function simulateMany(seeds: Seeds, plan: SimPlan, flags: SimFlags): Promise<void> {
  const totals = new SweepTotals();
  const failures: RunResult[] = [];
  const startedAt = performance.now();
  const progress = new Progress(seeds.to - seeds.from + 1, "seeds");
  await runSeeds(seeds, { plan, jobs: flags.jobs }, (result) => {
    totals.add(result);
    if (result.verdict !== "ok") failures.push(result);
    progress.step(failures.length === 0 ? "" : `${failures.length} failed`);
  });
  progress.end();
  const elapsedMs = performance.now() - startedAt;
  const summary = totals.summary();
  failures.sort((one, other) => one.seed - other.seed);
  process.exitCode = exitCodeOfSweep(failures, summary.missing);
  const [first] = failures;
  const undo = plant(plan);
  const smallest = flags.shrink && first !== undefined ? shrunk(first, plan) : undefined;
  undo();
  const replay = commandOf(plan);
  const report = { seeds, summary, failures, smallest, elapsedMs, replay };
  if (flags.json) printJson(sweepDocument(report));
  else printSweep(report);
}

/**
 * The gravest verdict. Runs that all went well prove nothing if what they should have met was
 * missing.
 */
function exitCodeOfSweep(failures: readonly RunResult[], missing: readonly string[]): ExitCode {
  const verdicts = new Set(failures.map(({ verdict }) => verdict));
  const gravest = (["crash", "safety", "liveness"] as const).find((each) => verdicts.has(each));
  if (gravest !== undefined) return EXIT_BY_VERDICT[gravest];
  return missing.length > 0 ? EXIT.simHole : EXIT.ok;
}

function shrunk(failed: RunResult, plan: SimPlan): RunResult | undefined {
  // That two runs differ cannot be seen in one: there is nothing for a smaller run to show.
  if (failed.findings[0]?.checker === "S19") return undefined;
  const attempts = shrink(failed.seed, { options: optionsOf(failed.seed, plan) });
  for (;;) {
    const { done, value } = attempts.next();
    if (done === true) return value;
    if (value.kept) remark(`run ${value.runs}: still fails without ${value.reduction}`);
  }
}

function commandOf({ full, nodes, virtualSeconds, planted }: SimPlan): string {
  const words = ["gramme sim"];
  if (full) words.push("--full");
  if (nodes !== undefined) words.push(`--nodes ${nodes}`);
  if (virtualSeconds !== undefined) words.push(`--virtual-seconds ${virtualSeconds}`);
  if (planted !== undefined) words.push(`--planted ${planted}`);
  return words.join(" ");
}

function traced({ trace, json }: SimFlags): Parameters<typeof judgedRun>[2] {
  if (trace === undefined) return {};
  // The document stays alone on stdout.
  const tell = json === true ? remark : print;
  const about = trace === true ? "" : trace;
  return { prepare: (sim) => sim.observe(transcript(tell, about)) };
}

function listPlanted(json: boolean): void {
  const bugs = [...PLANTED_BUGS].map(([name, { description, checker }]) => {
    return { name, description, checker };
  });
  if (json) return printJson(bugs);
  const rows = bugs.map(({ name, checker, description }) => [name, checker, description]);
  print(table({ head: ["NAME", "FOUND BY", "WHAT IS WRONG"], rows }));
}

function seedRange(text: string): Seeds {
  const [, from, to] = /^([0-9]{1,10})\.\.([0-9]{1,10})$/.exec(text) ?? [];
  const seeds = { from: Number(from), to: Number(to) };
  if (seeds.from <= seeds.to && seeds.to <= SEED_MAX) return seeds;
  throw new InvalidArgumentError(`Write 1..200, at most ${SEED_MAX}.`);
}
