/** What a run came to: figures for a person, and whether anything was found. */
import { hintedBy } from "#src/sim/checks/levels.ts";
import { existsSync } from "node:fs";
import type { HistoryEntry } from "#src/sim/history.ts";
import type { Stretches } from "./chaos-run.ts";
import type { FaultKind } from "./fault-plan.ts";
import type { Finding } from "./judge.ts";
import { failuresIn, isFailure, longestSilenceMs, recoveredAfterMs, speedIn } from "./measures.ts";

export interface Outcome {
  readonly seed: number;
  readonly history: readonly HistoryEntry[];
  readonly stretches: Stretches;
  readonly faults: ReadonlyMap<FaultKind, number>;
  readonly findings: readonly Finding[];
  /** Found on the way, by nobody of the checkers. */
  readonly problems: readonly string[];
  readonly hasNetem: boolean;
  /** Packets that the network has lost. */
  readonly dropped: number;
  readonly folder: string;
  readonly tookMs: number;
}

const SHOWN_MAX = 10;
/** Nothing that the clients do can be answered with these. */
const UNEXPLAINED = new Set(["INVALID_REQUEST", "CONTEXT_INVALID", "VALUE_TOO_LARGE", "DAMAGED"]);

export class Report {
  readonly #outcome: Outcome;
  /** One sentence each. */
  readonly problems: readonly string[];

  constructor(outcome: Outcome) {
    this.#outcome = outcome;
    this.problems = [
      ...outcome.problems,
      ...outcome.findings.flatMap(({ rule, problems, checked }) => {
        const nothing = checked === 0 ? [`${rule}: nothing could be checked`] : [];
        return [...problems.map((problem) => `${rule.split(":")[0]!}: ${problem}`), ...nothing];
      }),
      ...this.#unexplained(),
      ...this.#failedAfterHealing(),
    ];
  }

  get isClean(): boolean {
    return this.problems.length === 0;
  }

  get lines(): readonly string[] {
    const { seed, tookMs, folder, hasNetem, faults, dropped } = this.#outcome;
    const kinds = [...faults].map(([kind, count]) => `${kind} ${count}`).join(", ");
    const netem = hasNetem ? [] : ["not here: late-link, since this kernel has no netem"];
    const shown = this.problems.slice(0, SHOWN_MAX);
    const more = this.problems.length - shown.length;
    return [
      `operations: ${this.#operations()}`,
      `faults: ${kinds}; packets lost ${dropped}`,
      ...netem,
      ...this.#speeds(),
      ...this.#afterKill(),
      this.#unavailability(),
      `checked: ${this.#checked()}`,
      ...shown.map((problem) => `FOUND ${problem}`),
      ...(more > 0 ? [`FOUND ${more} more`] : []),
      ...(existsSync(folder) ? [`what happened is in ${folder}`] : []),
      `seed ${seed}: ${this.isClean ? "nothing found" : `${this.problems.length} problems`}` +
        ` in ${(tookMs / 1_000).toFixed(1)} s`,
    ];
  }

  #operations(): string {
    const counts = new Map<string, number>();
    for (const { operation, status, code } of this.#outcome.history) {
      const name = `${operation} ${status === "ok" ? "ok" : code}`;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    const sorted = [...counts].toSorted(([left], [right]) => (left < right ? -1 : 1));
    const hinted = this.#outcome.history.filter((entry) => hintedBy(entry) > 0).length;
    const named = sorted.map(([name, count]) => `${name} ${count}`).join(", ");
    return `${named}; with a stand-in ${hinted}`;
  }

  #speeds(): readonly string[] {
    const { history, stretches } = this.#outcome;
    return [...stretches].map(([name, stretch]) => {
      const speed = speedIn(history, stretch);
      const rate = `${Math.round(speed.perSecond)} a second`;
      const reads = `reads ${ms(speed.readP50Ms)} / ${ms(speed.readP99Ms)}`;
      const writes = `writes ${ms(speed.writeP50Ms)} / ${ms(speed.writeP99Ms)}`;
      return `${name}: ${rate}, ${reads}, ${writes} ms (p50 / p99), ${speed.failed} failed`;
    });
  }

  #afterKill(): readonly string[] {
    const { history, stretches } = this.#outcome;
    const [calm, killed] = [stretches.get("calm"), stretches.get("one killed")];
    if (calm === undefined || killed === undefined) return [];
    const before = speedIn(history, calm).perSecond;
    const backAfterMs = recoveredAfterMs(history, killed, before);
    const failures = [...failuresIn(history, killed)].map(([name, count]) => `${name} ${count}`);
    const back = backAfterMs === undefined ? "not" : `${Math.round(backAfterMs)} ms after`;
    const silence = Math.round(longestSilenceMs(history, killed));
    return [
      `kill -9 of one of five: above 80 % of the throughput ${back}, longest silence ${silence} ms`,
      `failed after it: ${failures.join(", ") || "none"}`,
    ];
  }

  #unavailability(): string {
    const { history, stretches } = this.#outcome;
    const during = stretches.get("faults")!;
    const changes = history.filter(({ operation }) => operation !== "get");
    const all = Math.round(longestSilenceMs(history, during));
    const writes = Math.round(longestSilenceMs(changes, during));
    return `longest unavailability: ${all} ms of anything, ${writes} ms of writes`;
  }

  #checked(): string {
    return this.#outcome.findings
      .map(({ rule, checked }) => `${rule.split(":")[0]!} ${checked}`)
      .join(", ");
  }

  #unexplained(): readonly string[] {
    return this.#outcome.history
      .filter(({ code }) => code !== undefined && UNEXPLAINED.has(code))
      .map(
        ({ key, operation, sequence, code }) => `${key}: ${operation} ${sequence} failed: ${code}`,
      );
  }

  #failedAfterHealing(): readonly string[] {
    const { history, stretches } = this.#outcome;
    const { fromMs, toMs } = stretches.get("healed")!;
    return history
      .filter(({ invokedAt }) => invokedAt >= fromMs && invokedAt < toMs)
      .filter(isFailure)
      .map(({ key, operation, sequence, code }) => {
        const what = `${operation} ${sequence} failed with ${code}`;
        return `L1: ${key}: ${what} after everything had healed`;
      });
  }
}

function ms(value: number): string {
  return value.toFixed(value < 10 ? 1 : 0);
}
