/**
 * How good the failure detector is, in virtual time: nothing here depends on the machine.
 *
 *     node dist/bench/membership.js                everything: some minutes
 *     node dist/bench/membership.js detection      how soon a crash is known
 *     node dist/bench/membership.js rest           what it costs when nothing happens
 *     node dist/bench/membership.js slow           who is wrongly declared dead, and at what cost
 *     node dist/bench/membership.js absent         the same for processes that stall
 */
import type {
  Detection,
  FalsePositives,
  Slowness,
} from "#src/sim/membership/member-experiments.ts";
import {
  measureAbsences,
  measureDetection,
  measureFalsePositives,
  measureRest,
  VARIANTS,
} from "#src/sim/membership/member-experiments.ts";

const SIZES: readonly (readonly [count: number, seeds: number])[] = [
  [3, 200],
  [5, 200],
  [64, 100],
  [128, 100],
  [1_000, 10],
];
const SLOW_COUNT = 128;
const SLOW_SEEDS = 1;
const ABSENT_COUNT = 5;
const ABSENT_SEEDS = 20;
const CONCURRENT = [4, 16, 32];
const AWAY_MS = [2_048, 16_384];
const AWAKE_MS = [512, 4_096];

const [only] = process.argv.slice(2);
if (only === undefined || only === "rest") rest();
if (only === undefined || only === "detection") detection();
if (only === undefined || only === "slow") slow();
if (only === undefined || only === "absent") absent();

function rest(): void {
  console.log("| members | messages/s | bytes/s |\n|---|---|---|");
  for (const [count] of SIZES) {
    const { messagesPerSecond, bytesPerSecond } = measureRest(count, 120);
    console.log(`| ${count} | ${messagesPerSecond.toFixed(2)} | ${Math.round(bytesPerSecond)} |`);
  }
}

function detection(): void {
  console.log("| members | hint | first: median | 99 % | all: median | 99 % |");
  console.log("|---|---|---|---|---|---|");
  for (const [count, seeds] of SIZES) {
    for (const isTold of [false, true]) {
      const runs = Array.from({ length: seeds }, (_, index) =>
        measureDetection(index + 1, count, isTold),
      );
      const cells = (["firstMs", "allMs"] as const).flatMap((field) => [
        quantile(runs, field, 0.5),
        quantile(runs, field, 0.99),
      ]);
      console.log(`| ${count} | ${isTold ? "yes" : "no"} | ${cells.join(" | ")} |`);
    }
  }
}

function quantile(runs: readonly Detection[], field: keyof Detection, share: number): string {
  const sorted = runs.map((run) => run[field]).toSorted((left, right) => left - right);
  const value = sorted[Math.min(Math.floor(share * sorted.length), sorted.length - 1)]!;
  return `${(value / 1_000).toFixed(2)} s`;
}

function slow(): void {
  console.log("| slow members | how | variant | wrong | at healthy | messages/s | bytes/s |");
  console.log("|---|---|---|---|---|---|---|");
  const totals = new Map<string, FalsePositives[]>();
  for (const concurrent of CONCURRENT) {
    for (const awayMs of AWAY_MS) {
      for (const awakeMs of AWAKE_MS) slowCase({ concurrent, awayMs, awakeMs }, totals);
    }
  }
  for (const [name, runs] of totals) show(`all | | ${name}`, runs);
}

function slowCase(slowness: Slowness, totals: Map<string, FalsePositives[]>): void {
  const { concurrent, awayMs, awakeMs } = slowness;
  for (const variant of [VARIANTS[0]!, VARIANTS.at(-1)!]) {
    const runs = Array.from({ length: SLOW_SEEDS }, (_, index) =>
      measureFalsePositives(index + 1, SLOW_COUNT, slowness, variant),
    );
    totals.set(variant.name, [...(totals.get(variant.name) ?? []), ...runs]);
    show(`${concurrent} | held ${awayMs} ms, then well ${awakeMs} ms | ${variant.name}`, runs);
  }
}

function absent(): void {
  console.log("| variant | verdicts | wrong |\n|---|---|---|");
  for (const variant of VARIANTS) {
    let verdicts = 0;
    let wrong = 0;
    for (let seed = 1; seed <= ABSENT_SEEDS; seed++) {
      const run = measureAbsences(seed, ABSENT_COUNT, variant);
      verdicts += run.verdicts;
      wrong += run.wrong;
    }
    console.log(`| ${variant.name} | ${verdicts} | ${wrong} |`);
  }
}

function show(head: string, runs: readonly FalsePositives[]): void {
  const sum = (field: keyof FalsePositives): number =>
    runs.reduce((total, run) => total + run[field], 0);
  const mean = (field: keyof FalsePositives): number => sum(field) / runs.length;
  const costs = `${mean("messagesPerSecond").toFixed(1)} | ${Math.round(mean("bytesPerSecond"))}`;
  console.log(`| ${head} | ${sum("all")} | ${sum("atHealthy")} | ${costs} |`);
}
