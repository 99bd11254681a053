/**
 * S3 for who sees only the history and the last rows: what a read saw gone stays gone.
 *
 *     put v ──▶ answer C        every context that holds all of C has seen v
 *     get 1 ──▶ context ⊇ C, without v          v is gone there
 *     get 2 ──▶ v                               a later read of enough owners: v has come back
 *
 * `SeenReads` says which reads are comparable. A blind put that overwrites and may have been
 * carried out twice is let off: it replaces whatever there is, so its value may rightly be back.
 *
 * Where it holds: while no owner of the key was killed from the first read to the end of the
 * second, since a read may return what is not durable yet.
 */
import { contains, descends } from "#src/core/causality/context.ts";
import type { Checker, RunView } from "#src/sim/checker.ts";
import { MemoryLosses } from "#src/sim/checks/memory-losses.ts";
import { type Seen, SeenReads } from "#src/sim/checks/seen-reads.ts";
import { ownersRecord, valueOf } from "#src/sim/checks/stored.ts";
import { effectsMax, type HistoryEntry } from "#src/sim/history.ts";
import type { Observer } from "#src/sim/observer.ts";

export function goneValues(run: RunView): Checker {
  return new GoneValues(run);
}

class GoneValues implements Checker {
  readonly id = "S3";
  readonly rule = "a value that a read saw gone is not read again, and not there at the end";
  readonly observer: Observer;
  readonly #losses: MemoryLosses;
  readonly #puts: Map<string, HistoryEntry> = new Map();
  readonly #seen: SeenReads;
  readonly #problems: string[] = [];
  #checked = 0;

  constructor(run: RunView) {
    this.#losses = new MemoryLosses(run);
    this.#seen = new SeenReads(run, this.#losses);
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
    for (const key of run.keys) {
      const earlier = this.#seen.unforgotten(key);
      for (const dot of ownersRecord(run, key).dots) {
        const value = valueOf(dot);
        const seen = earlier.find(({ read, context }) => {
          return contains(context, dot, dot.n) && !shows(read, value);
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
    for (const seen of this.#seen.add(read)) {
      this.#checked++;
      this.#compare(seen, read);
    }
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
