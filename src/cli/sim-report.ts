/**
 * Simulations told: as lines for people, and as documents with stable fields for scripts.
 */
import type { Finding, RunResult, Verdict } from "../sim/run.ts";
import { describeRun } from "../sim/swarm.ts";
import type { SweepSummary } from "../sim/sweep.ts";
import { paint, print, showDuration } from "./output.ts";
import type { Seeds } from "./sim-pool.ts";

export interface RunReport {
  readonly result: RunResult;
  /** The smallest run that still fails, if one was looked for. */
  readonly smallest: RunResult | undefined;
  readonly elapsedMs: number;
}

export interface SweepReport {
  readonly seeds: Seeds;
  readonly summary: SweepSummary;
  /** By seed. */
  readonly failures: readonly RunResult[];
  readonly smallest: RunResult | undefined;
  readonly elapsedMs: number;
  /** The command that runs one of the seeds again, but for the seed. */
  readonly replay: string;
}

const HOUR_MS = 3_600_000;
const YEAR_MS = 365.25 * 24 * HOUR_MS;
const FAILURES_TOLD_MAX = 20;
const LABEL_WIDTH = 13;
const COUNTS_WIDTH = 84;
const VERDICTS: Readonly<Record<Verdict, string>> = {
  ok: "ok: every promise was kept, and the cluster recovered",
  crash: "CRASH: a node threw",
  safety: "SAFETY: a promise was broken",
  liveness: "LIVENESS: the cluster did not recover",
};

export function printRun({ result, smallest, elapsedMs }: RunReport): void {
  print(paint("bold", `seed ${result.seed}`));
  print(indented(describeRun(result.options)));
  print("");
  printOutcome(result);
  print(`real time    ${showDuration(elapsedMs)}, ${perHour(1, elapsedMs)} seeds an hour`);
  if (smallest !== undefined) printSmallest(smallest);
}

export function printSweep(report: SweepReport): void {
  const { seeds, summary, failures, smallest, elapsedMs, replay } = report;
  const { runs, verdicts, events, virtualMs, faults, facts, operations, missing } = summary;
  const { hits, hitsLeast } = summary;
  print(paint("bold", `seeds ${seeds.from}..${seeds.to}`));
  print(`verdicts     ${counts(verdicts)}`);
  print(`virtual time ${(virtualMs / YEAR_MS).toFixed(4)} years, ${events} events`);
  print(`operations   ${totalOf(operations)}: ${counts(operations)}`);
  print(`strikes      ${hits} that hit, ${hitsLeast} in the quietest run`);
  print(`faults       ${counts(faults)}`);
  print(`facts        ${counts(facts)}`);
  print(`purged       ${facts.get("tombstone-purged") ?? 0} tombstones`);
  print(`real time    ${showDuration(elapsedMs)}, ${perHour(runs, elapsedMs)} seeds an hour`);
  for (const { seed, findings } of failures.slice(0, FAILURES_TOLD_MAX)) {
    print(`${paint("red", `seed ${seed}`)}: ${showFinding(findings[0]!)}`);
  }
  if (failures.length > FAILURES_TOLD_MAX) {
    print(`and ${failures.length - FAILURES_TOLD_MAX} more seeds failed`);
  }
  for (const hole of missing) print(`${paint("red", "never happened")}: ${hole}`);
  if (smallest !== undefined) printSmallest(smallest);
  if (failures.length > 0) print(`\nsee it with  ${replay} --seed ${failures[0]!.seed} --trace`);
}

export function runDocument({ result, smallest, elapsedMs }: RunReport): object {
  return {
    ...resultDocument(result),
    ...(smallest === undefined ? {} : { smallest: resultDocument(smallest) }),
    elapsedMs: Math.round(elapsedMs),
    seedsPerHour: perHour(1, elapsedMs),
  };
}

export function sweepDocument(report: SweepReport): object {
  const { seeds, summary, failures, smallest, elapsedMs } = report;
  const { runs, verdicts, events, virtualMs, operations, faults, facts, checked } = summary;
  return {
    ...seeds,
    ok: summary.ok,
    runs,
    verdicts: Object.fromEntries(verdicts),
    failed: failures.map(({ seed, verdict, findings }) => ({ seed, verdict, findings })),
    missing: summary.missing,
    events,
    virtualMs,
    operations: Object.fromEntries(operations),
    hits: summary.hits,
    hitsLeast: summary.hitsLeast,
    faults: Object.fromEntries(faults),
    facts: Object.fromEntries(facts),
    checked: Object.fromEntries(checked),
    ...(smallest === undefined ? {} : { smallest: resultDocument(smallest) }),
    elapsedMs: Math.round(elapsedMs),
    seedsPerHour: perHour(runs, elapsedMs),
  };
}

function resultDocument(result: RunResult): object {
  const { seed, verdict, findings, events, virtualMs, operations, traceHash, options } = result;
  return {
    seed,
    verdict,
    findings,
    traceHash,
    events,
    virtualMs,
    operations,
    hits: result.hits,
    faults: Object.fromEntries(result.faults),
    facts: Object.fromEntries(result.facts),
    checked: Object.fromEntries(result.checked),
    options,
  };
}

function printOutcome(result: RunResult): void {
  const { verdict, findings, events, virtualMs, operations, faults, facts, traceHash } = result;
  print(`virtual time ${showDuration(virtualMs)}, ${events} events`);
  print(`operations   ${counts(Object.entries(operations))}`);
  print(`strikes      ${result.hits} that hit`);
  print(`faults       ${counts(faults)}`);
  print(`facts        ${counts(facts)}`);
  print(`checked      ${counts(result.checked)}`);
  print(`trace        ${traceHash}`);
  print(`verdict      ${paint(verdict === "ok" ? "green" : "red", VERDICTS[verdict])}`);
  for (const finding of findings) print(`  ${showFinding(finding)}`);
}

function printSmallest(smallest: RunResult): void {
  print("");
  print(paint("bold", "the smallest run that fails the same way"));
  print(indented(describeRun(smallest.options)));
  print("");
  printOutcome(smallest);
}

function showFinding({ checker, detail }: Finding): string {
  return `${paint("red", checker)} ${detail}`;
}

/** `name count`, by name, whatever order they came in; as many on a line as fit. */
function counts(entries: Iterable<readonly [string, number]>): string {
  const shown = [...entries].map(([name, count]) => `${name} ${count}`).sort();
  const lines: string[] = [];
  for (const part of shown) {
    const line = lines.at(-1);
    if (line === undefined || line.length + part.length > COUNTS_WIDTH) lines.push(part);
    else lines[lines.length - 1] = `${line}, ${part}`;
  }
  return lines.length === 0 ? "none" : lines.join(`,\n${" ".repeat(LABEL_WIDTH)}`);
}

function totalOf(entries: Iterable<readonly [string, number]>): number {
  let total = 0;
  for (const [, count] of entries) total += count;
  return total;
}

function perHour(runs: number, elapsedMs: number): number {
  return Math.round((runs * HOUR_MS) / Math.max(1, elapsedMs));
}

function indented(text: string): string {
  return text.replace(/^/gm, "  ");
}
