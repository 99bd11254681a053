/**
 * Results on file: `bench/results.jsonl`, one line for each run that was recorded, so that a claim
 * about speed can be looked up and a slow change can be found. A number without its machine, its
 * commit and its spread says nothing; all three stand beside it.
 */
import { execFileSync } from "node:child_process";
import { appendFileSync } from "node:fs";
import { cpus } from "node:os";

export interface Measured {
  /** Of all rounds. */
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
}

export function recordResults(bench: string, results: readonly object[]): string {
  const line = {
    date: new Date().toISOString(),
    bench,
    commit: commit(),
    nodeVersion: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    results,
  };
  const path = "bench/results.jsonl";
  appendFileSync(path, `${JSON.stringify(line)}\n`);
  return path;
}

export function measuredOf(values: readonly number[]): Measured {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  const median = sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
  return { median, lowest: sorted[0] ?? 0, highest: sorted.at(-1) ?? 0 };
}

/** Columns of equal width; the first is text, the others are numbers. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length)),
  );
  const lineOf = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!),
      )
      .join("  ");
  return rows.map(lineOf).join("\n");
}

/** With a plus when the tree has changes that the commit does not know. */
function commit(): string {
  try {
    const git = (...words: string[]): string => execFileSync("git", words, { encoding: "utf8" });
    const isDirty = git("status", "--porcelain", "--untracked-files=no").trim() !== "";
    return git("rev-parse", "--short", "HEAD").trim() + (isDirty ? "+" : "");
  } catch {
    return "unknown";
  }
}
