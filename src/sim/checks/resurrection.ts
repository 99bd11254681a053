/**
 * S3: what is gone stays gone.
 *
 *     at one node    a record only grows: a dot that it knows and no longer holds never comes back,
 *                    and what it knows it goes on knowing
 *     purged         a value whose tombstone was removed anywhere is live nowhere, for ever
 *     to readers     a value that a read saw replaced or deleted is not returned by a later,
 *                    comparable read (`seen-reads.ts`), and is not there at the end
 *
 * Where it holds: at a node, between its crashes, since a crash may undo what was not durable yet,
 * and between its memory losses. To readers, while no owner of the key crashed or forgot from the
 * beginning of the first read on, in modes that return every live value, and for values whose put
 * may not have been carried out twice, nor be over for one node and not for another. (Whether a put
 * may be carried out twice is S20's matter, and who sees its end S21's.)
 */
import { contains, descends } from "../../core/causality/context.ts";
import { EXPIRING, type Dot, type Record } from "../../core/causality/record.ts";
import type { Message } from "../../core/messages.ts";
import type { Key } from "../../core/ring/key.ts";
import type { NodeId } from "../../core/ring/node-id.ts";
import type { RowWrite } from "../../core/storage/engine.ts";
import type { Checker, RunView } from "../checker.ts";
import type { HistoryEntry } from "../history.ts";
import { effectsMax } from "../history.ts";
import type { Observer } from "../observer.ts";
import { MemoryLosses } from "./memory-losses.ts";
import { Purged } from "./purged.ts";
import { type Seen, SeenReads } from "./seen-reads.ts";
import { deltaOf, isGone, ownersRecord, recordOf, valueOf } from "./stored.ts";

export function resurrection(run: RunView): Checker {
  return new Resurrection(run);
}

class Resurrection implements Checker {
  readonly id = "S3";
  readonly rule = "a value that was seen replaced or deleted is never seen again";
  readonly observer: Observer;
  readonly #run: RunView;
  readonly #losses: MemoryLosses;
  readonly #known: Map<NodeId, Map<Key, Record>> = new Map();
  readonly #dots: Map<string, Dot> = new Map();
  readonly #puts: Map<string, HistoryEntry> = new Map();
  readonly #seen: SeenReads;
  readonly #problems: string[] = [];
  readonly #purged: Purged = new Purged();
  #checked = 0;

  constructor(run: RunView) {
    this.#run = run;
    this.#losses = new MemoryLosses(run);
    this.#seen = new SeenReads(run, this.#losses);
    this.observer = {
      onInvoke: (entry) => {
        this.#losses.onInvoke(entry);
        if (entry.value !== undefined) this.#puts.set(entry.value, entry);
      },
      onReply: (entry) => {
        if (entry.operation === "get") this.#onRead(entry);
      },
      onFact: (_node, fact) => this.#purged.onFact(fact),
      onSend: (_from, _to, message) => this.#onSend(message),
      onPersist: (node, writes) => this.#onPersist(node, writes),
      onCrash: (node) => {
        this.#losses.onCrash(node);
        this.#reload(node);
      },
      onRestart: (node, kind) => {
        this.#losses.onRestart(node, kind);
        this.#reload(node);
      },
      onFault: (kind, node, key) => {
        if (this.#losses.onFault(kind, node, key)) this.#rowsOf(node!).delete(key!);
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
        if (dot.kind === EXPIRING) continue;
        const seen = earlier.find((each) => sawGone(each, dot, value));
        if (seen === undefined) continue;
        this.#problems.push(
          `${key}: ${value} is stored at the end, though get ${seen.read.sequence} saw it gone`,
        );
      }
    }
    return this.#problems;
  }

  #onSend(message: Message): void {
    if (message.kind !== "write" && message.kind !== "hint") return;
    const dot = deltaOf(message.delta).dots[0];
    if (dot !== undefined) this.#dots.set(valueOf(dot), dot);
  }

  #onPersist(node: NodeId, writes: readonly RowWrite[]): void {
    const rows = this.#rowsOf(node);
    for (const { key, row } of writes) {
      const before = rows.get(key);
      if (row === undefined) {
        this.#onRemoved(node, key, before);
        continue;
      }
      const after = recordOf(row)!;
      this.#findForgotten(node, key, after);
      rows.set(key, after);
      if (before === undefined) continue;
      this.#checked++;
      for (const dot of after.dots) {
        if (!isGone(before, dot)) continue;
        this.#problems.push(`${key}: ${valueOf(dot)} was gone at ${node} and is live there again`);
      }
      if (descends(after.context, before.context)) continue;
      this.#problems.push(`${key}: ${node} stored a record that knows less than the one before`);
    }
  }

  /** Nothing but a tombstone is removed, and what it knew of is gone for ever, everywhere. */
  #onRemoved(node: NodeId, key: Key, before: Record | undefined): void {
    this.#rowsOf(node).delete(key);
    if (before === undefined || before.isTombstone) return;
    this.#problems.push(`${key}: ${node} removed a row that is live`);
  }

  #findForgotten(node: NodeId, key: Key, after: Record): void {
    const purged = this.#purged.of(key);
    if (purged.length === 0) return;
    this.#checked++;
    for (const dot of after.dots) {
      if (!contains(purged, dot, dot.n)) continue;
      this.#problems.push(`${key}: ${valueOf(dot)} was purged, and is live at ${node}`);
    }
  }

  #onRead(read: HistoryEntry): void {
    const showsAll = read.mode === "overwrite" || read.mode === "siblings";
    if (!showsAll) return;
    for (const seen of this.#seen.add(read)) {
      this.#checked++;
      this.#compare(seen, read);
    }
  }

  #compare(seen: Seen, read: HistoryEntry): void {
    for (const value of read.returned ?? []) {
      const dot = this.#dots.get(value);
      if (dot === undefined || !sawGone(seen, dot, value)) continue;
      const put = this.#puts.get(value)!;
      if (effectsMax(put) > 1 || put.ttlMs > 0) continue;
      this.#problems.push(
        `${read.key}: get ${read.sequence} returned ${value}, which get ${seen.read.sequence}` +
          ` before it had seen gone at ${seen.held} owners`,
      );
    }
  }

  #rowsOf(node: NodeId): Map<Key, Record> {
    let rows = this.#known.get(node);
    if (rows === undefined) {
      rows = new Map();
      this.#known.set(node, rows);
    }
    return rows;
  }

  /** What a node knows after it stopped. */
  #reload(node: NodeId): void {
    const rows = this.#rowsOf(node);
    rows.clear();
    for (const { key, row } of this.#run.contents(node)) rows.set(key, recordOf(row)!);
  }
}

function sawGone(seen: Seen, dot: Dot, value: string): boolean {
  return contains(seen.context, dot, dot.n) && !seen.read.returned!.includes(value);
}
