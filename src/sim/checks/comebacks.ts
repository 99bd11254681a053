/**
 * S20: a value that was replaced does not come back, under whatever dot.
 *
 *     put P of v ──▶ in doubt
 *                       read: v, context ──▶ D: put or delete with it ──▶ acknowledged
 *     put P of v again ────────────────────────────────────────────────▶ v is a new dot: it is back
 *
 * The other rules know a value by its dot, and the second v has one that nobody has replaced. Here
 * it is known by itself: values are unique, and one put, however often it is tried, is one value.
 * D has replaced v when the context of its answer covers a context that came with v, to a reader or
 * to P itself. A read that begins after the end of D does not return v then, nor is v there at the
 * end.
 *
 * Where it holds: when the owners that hold D and those that the read asks are together more than
 * there are, and no owner of the key lost durable rows between the beginning of D and the end of
 * the read. A blind put that overwrites is let off when more than one try of it may have been
 * carried out: it replaces whatever there is, and so was the last to replace v.
 */
import type { Context } from "../../core/causality/context.ts";
import { descends } from "../../core/causality/context.ts";
import type { Instant } from "../../core/effects.ts";
import type { Key } from "../../core/ring/key.ts";
import type { Checker, RunView } from "../checker.ts";
import type { HistoryEntry } from "../history.ts";
import { effectsMax } from "../history.ts";
import type { Observer } from "../observer.ts";
import { hintedBy, holdersOf, readersOf } from "./levels.ts";
import { MemoryLosses } from "./memory-losses.ts";
import { ownersRecord, valueOf } from "./stored.ts";

/** Contexts that a value came with: any of them will do, and the first are covered first. */
const CONTEXTS_KEPT = 4;

/** A write has replaced the value at so many owners. */
interface Replaced {
  readonly by: number;
  readonly at: Instant;
  readonly held: number;
  readonly lost: number;
}

interface Value {
  readonly put: HistoryEntry;
  readonly contexts: Context[];
  /** Each at more owners than the one before. */
  replaced: Replaced[];
}

export function comebacks(run: RunView): Checker {
  return new Comebacks(run);
}

class Comebacks implements Checker {
  readonly id = "S20";
  readonly rule = "a value that an acknowledged write replaced does not come back under a new dot";
  readonly observer: Observer;
  readonly #run: RunView;
  readonly #losses: MemoryLosses;
  readonly #values: Map<Key, Map<string, Value>> = new Map();
  readonly #problems: string[] = [];
  #checked = 0;

  constructor(run: RunView) {
    this.#run = run;
    this.#losses = new MemoryLosses(run);
    this.observer = {
      ...this.#losses.observer,
      onInvoke: (entry) => this.#onInvoke(entry),
      onReply: (entry) => this.#onReply(entry),
    };
  }

  get checked(): number {
    return this.#checked;
  }

  finish(run: RunView): readonly string[] {
    for (const key of run.keys) {
      const lost = this.#losses.lost(key);
      for (const dot of ownersRecord(run, key).dots) {
        const name = valueOf(dot);
        const value = this.#values.get(key)?.get(name);
        if (value === undefined || mayReturn(value.put)) continue;
        const replaced = value.replaced.find((each) => each.lost === lost);
        if (replaced === undefined) continue;
        this.#problems.push(
          `${key}: ${name} is stored at the end, though write ${replaced.by} had replaced it`,
        );
      }
    }
    return this.#problems;
  }

  #onInvoke(entry: HistoryEntry): void {
    const { key, value } = entry;
    this.#losses.onInvoke(entry);
    if (value !== undefined) {
      this.#valuesOf(key).set(value, { put: entry, contexts: [], replaced: [] });
    }
  }

  #onReply(entry: HistoryEntry): void {
    const { key, status, context } = entry;
    if (status !== "ok" || context === undefined) return;
    const lost = this.#losses.lost(key);
    const isWhole = !this.#losses.lostSince(entry);
    const values = this.#valuesOf(key);
    if (entry.operation === "get") {
      for (const name of entry.returned ?? []) {
        const value = values.get(name);
        if (value === undefined) continue;
        if (isWhole && hintedBy(entry) === 0) this.#check(entry, name, value, lost);
        learn(value, context);
      }
      return;
    }
    if (entry.value !== undefined) learn(values.get(entry.value)!, context);
    if (isWhole) this.#replace(entry, context, lost);
  }

  #check(read: HistoryEntry, name: string, value: Value, lost: number): void {
    const enough = this.#run.owners(read.key).length + 1 - readersOf(this.#run, read);
    const replaced = value.replaced.find((each) => {
      return each.lost === lost && each.held >= enough && each.at < read.invokedAt;
    });
    if (replaced === undefined || mayReturn(value.put)) return;
    this.#problems.push(
      `${read.key}: get ${read.sequence} returned ${name}, which write ${replaced.by}` +
        ` had replaced at ${replaced.held} owners`,
    );
  }

  /** What an acknowledged write covers, it has replaced, but for its own value. */
  #replace(write: HistoryEntry, context: Context, lost: number): void {
    const held = holdersOf(this.#run, write);
    for (const value of this.#valuesOf(write.key).values()) {
      if (value.put === write || value.contexts.length === 0) continue;
      const most = value.replaced.at(-1);
      const isKnown = most !== undefined && most.lost === lost;
      if (isKnown && most.held >= held) continue;
      if (!value.contexts.some((came) => descends(context, came))) continue;
      this.#checked++;
      if (!isKnown) value.replaced = [];
      value.replaced.push({ by: write.sequence, at: write.completedAt!, held, lost });
    }
  }

  #valuesOf(key: Key): Map<string, Value> {
    let values = this.#values.get(key);
    if (values === undefined) {
      values = new Map();
      this.#values.set(key, values);
    }
    return values;
  }
}

function learn({ contexts }: Value, context: Context): void {
  if (contexts.length < CONTEXTS_KEPT) contexts.push(context);
}

/** Whoever replaces whatever there is may do so twice; who says what it replaces may not. */
function mayReturn(put: HistoryEntry): boolean {
  const overwrites = put.mode === "overwrite" || put.mode === "lww";
  return overwrites && put.given === undefined && effectsMax(put) > 1;
}
