/**
 * S3 for who sees only the history and the last rows: what a read saw gone stays gone.
 *
 *     put v ──▶ answer C        every context that holds all of C has seen v
 *     get 1 ──▶ context ⊇ C, without v          v is gone there
 *     get 2 ──▶ v                               a later read of enough owners: v has come back
 *
 * Reads are comparable when their owners must overlap, by what the first one's receipt says of who
 * holds exactly what it returned. A blind put that overwrites and may have been carried out twice
 * is let off: it replaces whatever there is, so its value may rightly be back.
 *
 * Where it holds: while no owner of the key was killed from the first read to the end of the
 * second, since a read may return what is not durable yet.
 */
import { contains, descends } from "#src/core/causality/context.ts";
import type { Context } from "#src/core/causality/context.ts";
import type { Key } from "#src/core/ring/key.ts";
import type { Checker, RunView } from "#src/sim/checker.ts";
import { heldBy, hintedBy, readersOf } from "#src/sim/checks/levels.ts";
import { MemoryLosses } from "#src/sim/checks/memory-losses.ts";
import { ownersRecord, valueOf } from "#src/sim/checks/stored.ts";
import { effectsMax, type HistoryEntry } from "#src/sim/history.ts";
import type { Observer } from "#src/sim/observer.ts";

/** Earlier reads that a later one is compared with, per key. */
const READS_KEPT = 8;

interface Seen {
  readonly read: HistoryEntry;
  readonly context: Context;
  readonly held: number;
  readonly forgot: number;
}

export function goneValues(run: RunView): Checker {
  return new GoneValues(run);
}

class GoneValues implements Checker {
  readonly id = "S3";
  readonly rule = "a value that a read saw gone is not read again, and not there at the end";
  readonly observer: Observer;
  readonly #run: RunView;
  readonly #losses: MemoryLosses;
  readonly #puts: Map<string, HistoryEntry> = new Map();
  readonly #seen: Map<Key, Seen[]> = new Map();
  readonly #problems: string[] = [];
  #checked = 0;

  constructor(run: RunView) {
    this.#run = run;
    this.#losses = new MemoryLosses(run);
    for (const entry of run.history) {
      if (entry.value !== undefined) this.#puts.set(entry.value, entry);
    }
    this.observer = {
      ...this.#losses.observer,
      onInvoke: (entry) => this.#losses.onInvoke(entry),
      onReply: (entry) => {
        if (entry.operation === "get") this.#onRead(entry);
      },
    };
  }

  get checked(): number {
    return this.#checked;
  }

  finish(run: RunView): readonly string[] {
    for (const [key, earlier] of this.#seen) {
      const forgot = this.#losses.forgot(key);
      for (const dot of ownersRecord(run, key).dots) {
        const value = valueOf(dot);
        const seen = earlier.find(({ read, context, forgot: before }) => {
          return before === forgot && contains(context, dot, dot.n) && !shows(read, value);
        });
        if (seen === undefined) continue;
        this.#problems.push(
          `${key}: ${value.trim()} is there at the end, though ${nameOf(seen.read)} saw it gone`,
        );
      }
    }
    return this.#problems;
  }

  #onRead(read: HistoryEntry): void {
    const { key, context, status } = read;
    if (status !== "ok" || context === undefined || this.#losses.forgotSince(read)) return;
    const forgot = this.#losses.forgot(key);
    const earlier = this.#seen.get(key) ?? [];
    this.#seen.set(key, earlier);
    const asked = readersOf(this.#run, read) - hintedBy(read);
    const owners = this.#run.owners(key).length;
    for (const seen of earlier) {
      if (seen.forgot !== forgot || seen.read.completedAt! >= read.invokedAt) continue;
      if (seen.held + asked <= owners) continue;
      this.#checked++;
      this.#compare(seen, read);
    }
    earlier.push({ read, context, held: heldBy(read), forgot });
    if (earlier.length > READS_KEPT) earlier.shift();
  }

  #compare(seen: Seen, read: HistoryEntry): void {
    for (const value of read.returned ?? []) {
      const put = this.#puts.get(value);
      if (put?.status !== "ok" || put.context === undefined || shows(seen.read, value)) continue;
      if (!descends(seen.context, put.context)) continue;
      const isBlind = put.mode === "overwrite" && put.given === undefined;
      if (isBlind && effectsMax(put) > 1) continue;
      this.#problems.push(
        `${read.key}: ${nameOf(read)} returned ${value.trim()}, which ${nameOf(seen.read)}` +
          ` before it had seen gone at ${seen.held} owners`,
      );
    }
  }
}

function shows(read: HistoryEntry, value: string): boolean {
  return (read.returned ?? []).includes(value);
}

function nameOf({ sequence, client }: HistoryEntry): string {
  return `get ${sequence} of ${client}`;
}
