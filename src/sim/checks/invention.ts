/**
 * S2: nothing is invented.
 *
 * Every value that a read returns, and every value in the final state, was put to that key by an
 * operation that began before the read ended and did not fail: `fail` means that it provably had no
 * effect, so a value of a failed put is as much an invention as one that nobody ever put. Nor does
 * a read return one value twice.
 *
 * Where it holds: always, whatever was lost. This rule reads the history alone, and the final rows.
 */
import type { Checker, RunView } from "../checker.ts";
import type { HistoryEntry } from "../history.ts";
import { recordOf, valueOf } from "./stored.ts";

export function invention(_run: RunView): Checker {
  return new Invention();
}

class Invention implements Checker {
  readonly id = "S2";
  readonly rule =
    "every value that is read or stored was put to that key by a write that did not fail";
  #checked = 0;

  get checked(): number {
    return this.#checked;
  }

  finish(run: RunView): readonly string[] {
    const puts = new Map<string, HistoryEntry>();
    for (const entry of run.history) if (entry.value !== undefined) puts.set(entry.value, entry);
    return [...this.#findRead(run, puts), ...this.#findStored(run, puts)];
  }

  #findRead(run: RunView, puts: ReadonlyMap<string, HistoryEntry>): string[] {
    const problems: string[] = [];
    for (const read of run.history) {
      if (read.operation !== "get" || read.status !== "ok") continue;
      const returned = read.returned ?? [];
      this.#checked += returned.length;
      const where = `${read.key}: get ${read.sequence}`;
      if (new Set(returned).size < returned.length) {
        problems.push(`${where} returned a value twice: ${returned.join(", ")}`);
      }
      for (const value of returned) {
        const put = puts.get(value);
        if (put === undefined || put.key !== read.key) {
          problems.push(`${where} returned ${value}, which nobody put to this key`);
        } else if (put.status === "fail") {
          problems.push(`${where} returned ${value}, whose put failed with ${put.code}`);
        } else if (put.invokedAt > read.completedAt!) {
          problems.push(`${where} returned ${value} before anybody put it`);
        }
      }
    }
    return problems;
  }

  #findStored(run: RunView, puts: ReadonlyMap<string, HistoryEntry>): string[] {
    const problems: string[] = [];
    for (const node of run.nodes) {
      for (const { key, row } of run.contents(node)) {
        for (const dot of recordOf(row)?.dots ?? []) {
          this.#checked++;
          const value = valueOf(dot);
          const put = puts.get(value);
          if (put !== undefined && put.key === key && put.status !== "fail") continue;
          const why =
            put?.status === "fail" ? `whose put failed with ${put.code}` : "which nobody put";
          problems.push(`${key}: ${node} holds ${value}, ${why}`);
        }
      }
    }
    return problems;
  }
}
