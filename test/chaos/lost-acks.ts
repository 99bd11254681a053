/**
 * S1 for who sees only the history and the last rows: no acknowledged write is lost.
 *
 * Per key, over the record of all its owners together at the end (F):
 *
 *     (a)  F knows everything that the answer to an acknowledged write said
 *     (b)  an acknowledged value that is not in F was replaced by somebody who was entitled to
 *     (c)  what is in F was not replaced by an acknowledged write
 *
 * Entitled to replace a value is, of the writes that did not fail,
 *
 *     one with a context     whose context came together with that value, to a reader or its writer
 *     a blind one            (not into a bucket that keeps siblings) that did not end before the
 *                            value was put, and whose answer, if one is known, covers it
 *
 * The dot of a value is not known here, but what was answered to its put covers that dot: a context
 * that holds all of that answer has seen the value.
 *
 * Where it holds: always, in runs in which no node loses its disk.
 */
import { contains, descends } from "#src/core/causality/context.ts";
import type { Context } from "#src/core/causality/context.ts";
import type { Record } from "#src/core/causality/record.ts";
import type { Key } from "#src/core/ring/key.ts";
import type { Checker, RunView } from "#src/sim/checker.ts";
import { ownersRecord, valueOf } from "#src/sim/checks/stored.ts";
import { effectsMax, type HistoryEntry } from "#src/sim/history.ts";

export function lostAcks(_run: RunView): Checker {
  return new LostAcks();
}

class LostAcks implements Checker {
  readonly id = "S1";
  readonly rule =
    "an acknowledged write is there at the end, unless somebody who saw it replaced it";
  #checked = 0;

  get checked(): number {
    return this.#checked;
  }

  finish(run: RunView): readonly string[] {
    const ofKeys = new Map<Key, HistoryEntry[]>();
    for (const key of run.keys) ofKeys.set(key, []);
    for (const entry of run.history) ofKeys.get(entry.key)!.push(entry);
    return [...ofKeys].flatMap(([key, entries]) => {
      return this.#judgeKey(key, entries, ownersRecord(run, key));
    });
  }

  #judgeKey(key: Key, entries: readonly HistoryEntry[], final: Record): string[] {
    const shown = shownOf(entries);
    const live = new Set(final.dots.map(valueOf));
    const writes = entries.filter(({ operation, status }) => {
      return operation !== "get" && status !== "fail";
    });
    const problems: string[] = [];
    for (const write of writes) {
      if (write.status !== "ok" || write.context === undefined) continue;
      this.#checked++;
      const told = `${key}: ${write.operation} ${write.sequence} of ${nameOf(write)}`;
      if (!descends(final.context, write.context)) {
        problems.push(`${told} was acknowledged, and its owners do not know of it`);
      } else if (write.value !== undefined && !live.has(write.value)) {
        const isEntitled = writes.some((other) => mayReplace(other, write, shown));
        if (!isEntitled) problems.push(`${told} is gone, and nobody who saw it replaced it`);
      }
    }
    for (const dot of final.dots) {
      const replacer = writes.find(({ context, status, value }) => {
        if (status !== "ok" || context === undefined || value === valueOf(dot)) return false;
        return contains(context, dot, dot.n);
      });
      if (replacer === undefined) continue;
      const by = `${replacer.operation} ${replacer.sequence} of ${nameOf(replacer)}`;
      problems.push(`${key}: ${valueOf(dot).trim()} is there, though ${by} has replaced it`);
    }
    return problems;
  }
}

function mayReplace(
  write: HistoryEntry,
  put: HistoryEntry,
  shown: ReadonlyMap<string, ReadonlySet<string>>,
): boolean {
  if (write === put) return false;
  if (write.given !== undefined) return shown.get(textOf(write.given))?.has(put.value!) === true;
  if (write.operation === "put" && write.mode !== "overwrite") return false;
  if (write.status !== "ok" || effectsMax(write) > 1) return true;
  if (write.completedAt! < put.invokedAt) return false;
  return write.context === undefined || descends(write.context, put.context!);
}

/** The values that each context came with. */
function shownOf(entries: readonly HistoryEntry[]): ReadonlyMap<string, ReadonlySet<string>> {
  const shown = new Map<string, Set<string>>();
  for (const { status, context, value, returned } of entries) {
    if (status !== "ok" || context === undefined) continue;
    const text = textOf(context);
    const values = shown.get(text) ?? new Set();
    shown.set(text, values);
    if (value !== undefined) values.add(value);
    for (const each of returned ?? []) values.add(each);
  }
  return shown;
}

/** Contexts never change, and each is looked at very often. */
const texts = new WeakMap<Context, string>();

function textOf(context: Context): string {
  let text = texts.get(context);
  if (text === undefined) {
    text = JSON.stringify(context);
    texts.set(context, text);
  }
  return text;
}

function nameOf({ client, value }: HistoryEntry): string {
  return value === undefined ? client : `${client} (${value.replace(/\.*$/, "").trim()})`;
}
