/**
 * S1: no acknowledged write is lost, and none that was replaced comes back.
 *
 * The rule, per key, over the final record of all its owners together (F):
 *
 *     replaceable   what a write that did not fail saw, and was told to replace (C+)
 *     replaced      what an acknowledged write has replaced for certain (C°)
 *     (a)           an acknowledged put that was not replaceable is in F
 *     (b)           what is in F was put to that key by somebody, and is not replaced
 *
 * Who saw what, `write-evidence.ts` says. What an acknowledged write replaced for certain stands in
 * the context of its answer.
 *
 * A put for a time may be replaced by anybody for whom its time is over: (a) does not judge it.
 *
 * Where it holds: in every mode and at every level, as long as memory lasts. When a node forgets
 * durable rows, what the others then know of the key is kept, owners and who keeps something for
 * them, and a put which none of them knew is excused, as is a replacement which none had seen.
 */
import { describeActor } from "../../core/causality/actor.ts";
import { contains } from "../../core/causality/context.ts";
import type { Dot, Record } from "../../core/causality/record.ts";
import type { Key } from "../../core/ring/key.ts";
import type { Checker, RunView } from "../checker.ts";
import type { HistoryEntry } from "../history.ts";
import type { Observer } from "../observer.ts";
import { MemoryLosses } from "./memory-losses.ts";
import { durableRecord, isGone, ownersRecord, valueOf } from "./stored.ts";
import type { Minted } from "./write-evidence.ts";
import { WriteEvidence } from "./write-evidence.ts";

/** What the owners of a key still knew, durably, after one of them forgot. */
interface Survivors {
  readonly order: number;
  /** Operations that had begun by then. */
  readonly begun: number;
  readonly record: Record;
}

export function lostWrites(run: RunView): Checker {
  return new LostWrites(run);
}

class LostWrites implements Checker {
  readonly id = "S1";
  readonly rule =
    "an acknowledged put that nothing may replace is there at the end, a replaced one is not";
  readonly observer: Observer;
  readonly #run: RunView;
  readonly #evidence: WriteEvidence;
  readonly #losses: MemoryLosses;
  readonly #survivors: Map<Key, Survivors[]> = new Map();
  #checked = 0;

  constructor(run: RunView) {
    this.#run = run;
    this.#evidence = new WriteEvidence(run);
    this.#losses = new MemoryLosses(run);
    this.observer = {
      ...this.#evidence.observer,
      onRestart: (node, kind) => {
        if (!this.#losses.onRestart(node, kind)) return;
        for (const key of run.keys) this.#onLoss(key);
      },
      onFault: (kind, node, key) => {
        this.#losses.onFault(kind, node, key);
        if (kind === "row-damaged" && key !== undefined) this.#onLoss(key);
      },
    };
  }

  get checked(): number {
    return this.#checked;
  }

  finish(run: RunView): readonly string[] {
    const writes = new Map<Key, HistoryEntry[]>();
    for (const key of run.keys) writes.set(key, []);
    for (const entry of run.history) {
      if (entry.operation !== "get") writes.get(entry.key)!.push(entry);
    }
    const problems: string[] = [];
    for (const [key, ofKey] of writes) {
      const final = ownersRecord(run, key);
      problems.push(...this.#findLost(key, ofKey, final), ...this.#findReturned(key, ofKey, final));
    }
    return problems;
  }

  /** Rule (a). */
  #findLost(key: Key, writes: readonly HistoryEntry[], final: Record): string[] {
    const live = new Set(final.dots.map(valueOf));
    const replaceable = this.#evidence.replaceableOf(key, writes);
    const problems: string[] = [];
    for (const put of writes) {
      if (put.operation !== "put" || put.status !== "ok" || put.ttlMs > 0) continue;
      this.#checked++;
      const value = put.value!;
      if (live.has(value)) continue;
      const told = `${key}: put ${put.sequence} of ${value} was acknowledged to ${put.client}`;
      const minted = this.#evidence
        .mintedOf(put)
        .findLast(({ dot }) => contains(put.context!, dot, dot.n));
      if (minted === undefined) {
        problems.push(`${told} and never stored`);
      } else if (!replaceable.has(value, minted.dot) && !this.#isForgotten(key, minted)) {
        problems.push(
          `${told} as ${describeDot(minted.dot)}, nobody who saw it replaced it, and it is gone`,
        );
      }
    }
    return problems;
  }

  /** Rule (b). */
  #findReturned(key: Key, writes: readonly HistoryEntry[], final: Record): string[] {
    const problems: string[] = [];
    for (const dot of final.dots) {
      const value = valueOf(dot);
      const put = writes.find((write) => write.value === value);
      if (put === undefined || put.status === "fail") {
        problems.push(`${key}: ${value} as ${describeDot(dot)} is stored, and nobody put it there`);
        continue;
      }
      const replacer = writes.find((write) => this.#replaced(write, put, dot));
      if (replacer === undefined) continue;
      problems.push(
        `${key}: ${value} as ${describeDot(dot)} is stored, though ${replacer.operation}` +
          ` ${replacer.sequence} replaced it and was acknowledged`,
      );
    }
    return problems;
  }

  #replaced(write: HistoryEntry, put: HistoryEntry, dot: Dot): boolean {
    if (write === put || write.status !== "ok" || write.context === undefined) return false;
    if (!contains(write.context, dot, dot.n)) return false;
    const survivors = this.#survivors.get(write.key) ?? [];
    return !survivors.some((loss) => loss.begun > write.sequence && !isGone(loss.record, dot));
  }

  #isForgotten(key: Key, { dot, order }: Minted): boolean {
    const survivors = this.#survivors.get(key) ?? [];
    return survivors.some(
      (loss) => loss.order >= order && !contains(loss.record.context, dot, dot.n),
    );
  }

  #onLoss(key: Key): void {
    const loss = {
      order: this.#evidence.order,
      begun: this.#run.history.length,
      record: durableRecord(this.#run, key),
    };
    const survivors = this.#survivors.get(key);
    if (survivors === undefined) this.#survivors.set(key, [loss]);
    else survivors.push(loss);
  }
}

function describeDot(dot: Dot): string {
  return `${describeActor(dot)}#${dot.n}`;
}
