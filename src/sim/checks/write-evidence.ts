/**
 * What a run shows of its writes: which dot a put was given, and whose values each write may
 * replace.
 *
 * A value may be replaced by whoever saw it. Contexts claim more than that, namely all that was
 * ever seen, and a claim is what a node that forgot gets wrong; so not the contexts are believed
 * here but what stood beside them. The first write that replaces a value always saw it alive, in
 * one of four places, and a value that nobody saw there has been lost:
 *
 *     a write with a context       the values of the reads that returned this context, and the
 *                                  value of the put that did
 *     a blind put that overwrites  the row of its coordinator, just before
 *     a blind put beside others    nothing
 *     a blind deletion             the rows of all owners, and what is kept for them, when its
 *                                  coordinator sent it out
 *
 * Two kinds of context are believed as they stand, since their readers are not shown every value:
 * those of `lww` buckets, and those that come with a refusal. A blind deletion that reaches nobody
 * leaves no trace but a row without values: what that row held before is taken for deleted.
 *
 * The dot of a put is learned where it is made. Values are unique, so the value in a delta or in
 * the coordinator's row says which put it belongs to.
 */
import type { Context } from "../../core/causality/context.ts";
import { contains, EMPTY_CONTEXT, joinContexts } from "../../core/causality/context.ts";
import { describeActor } from "../../core/causality/actor.ts";
import type { Dot, Record } from "../../core/causality/record.ts";
import { EMPTY_RECORD } from "../../core/causality/record.ts";
import type { Instant } from "../../core/effects.ts";
import type { Fact } from "../../core/facts.ts";
import type { Message } from "../../core/messages.ts";
import type { Key } from "../../core/ring/key.ts";
import type { NodeId } from "../../core/ring/node-id.ts";
import type { RowWrite } from "../../core/storage/engine.ts";
import type { RunView } from "../checker.ts";
import type { HistoryEntry } from "../history.ts";
import { effectsMax } from "../history.ts";
import type { Observer } from "../observer.ts";
import { deltaOf, hintOf, isGone, recordOf, sameDot, valueOf } from "./stored.ts";

/** A put as its coordinator made it. */
export interface Minted {
  readonly dot: Dot;
  /** Position among everything that was minted in the run. */
  readonly order: number;
  /** Values in the coordinator's row just before. */
  readonly beside: readonly string[];
}

/** What the writes of one key were entitled to replace. */
export interface Replaceable {
  has(value: string, dot: Dot): boolean;
}

type DotMinted = Extract<Fact, { readonly kind: "dot-minted" }>;

interface Dropped {
  readonly key: Key;
  readonly at: Instant;
  readonly values: readonly string[];
}

interface Awaited {
  readonly fact: DotMinted;
  readonly beside: readonly string[];
}

export class WriteEvidence {
  readonly observer: Observer;
  readonly #run: RunView;
  readonly #minted: Map<string, Minted[]> = new Map();
  /** Dots whose value has not been seen yet, by the node that minted them. */
  readonly #awaited: Map<NodeId, Awaited> = new Map();
  /** Values that were alive at some owner when a deletion of the key was carried out. */
  readonly #deleted: Map<Key, Set<string>> = new Map();
  readonly #rows: Map<NodeId, Map<Key, Record>> = new Map();
  /** What the last write to the disk of a node left out of a row. */
  readonly #dropped: Map<NodeId, Dropped> = new Map();
  /** Blind deletions whose end is not known: they may be carried out at any later time. */
  readonly #undecided: Map<Key, number> = new Map();
  /** What was shown together with a context. */
  readonly #shown: Map<string, Set<string>> = new Map();
  readonly #believed: Map<Key, Context> = new Map();
  #order = 0;

  constructor(run: RunView) {
    this.#run = run;
    this.observer = {
      onInvoke: (entry) => {
        if (isBlindDeletion(entry)) this.#addUndecided(entry.key, 1);
      },
      onReply: (entry) => this.#onReply(entry),
      onFact: (node, fact) => {
        if (fact.kind === "dot-minted") this.#onMinted(node, fact);
      },
      onPersist: (node, writes, _token, at) => this.#onPersist(node, writes, at),
      onSend: (from, to, message, at) => this.#onSend(from, to, message, at),
    };
  }

  /** How much has been minted so far. */
  get order(): number {
    return this.#order;
  }

  /** The dots that a put was given: more than one if it was carried out more than once. */
  mintedOf(put: HistoryEntry): readonly Minted[] {
    return this.#minted.get(put.value!) ?? [];
  }

  replaceableOf(key: Key, writes: readonly HistoryEntry[]): Replaceable {
    const values = new Set(this.#deleted.get(key));
    let believed = EMPTY_CONTEXT;
    for (const write of writes) {
      if (write.status === "fail") continue;
      const { given, mode, operation } = write;
      if (given !== undefined) {
        for (const value of this.#shown.get(nameOf(key, given)) ?? []) values.add(value);
        if (mode === "lww") believed = joinContexts(believed, given);
      }
      const overwrites = mode === "lww" || (mode === "overwrite" && given === undefined);
      if (operation === "delete" || !overwrites) continue;
      for (const { beside } of this.mintedOf(write)) {
        // Carried out twice it replaces itself, which takes its value away from nobody.
        for (const value of beside) if (value !== write.value) values.add(value);
      }
    }
    believed = joinContexts(believed, this.#believed.get(key) ?? EMPTY_CONTEXT);
    return {
      has: (value, dot) => values.has(value) || contains(believed, dot, dot.n),
    };
  }

  #onReply(entry: HistoryEntry): void {
    const { key, context, status } = entry;
    const isDecided = status === "fail" || (status === "ok" && effectsMax(entry) <= 1);
    if (isDecided && isBlindDeletion(entry)) this.#addUndecided(key, -1);
    if (context === undefined) return;
    if (status !== "ok") {
      this.#believed.set(key, joinContexts(this.#believed.get(key) ?? EMPTY_CONTEXT, context));
      return;
    }
    const name = nameOf(key, context);
    let shown = this.#shown.get(name);
    if (shown === undefined) {
      shown = new Set();
      this.#shown.set(name, shown);
    }
    if (entry.value !== undefined) shown.add(entry.value);
    for (const value of entry.returned ?? []) shown.add(value);
  }

  /** Noted before the put is stored: the row is still as the coordinator found it. */
  #onMinted(node: NodeId, fact: DotMinted): void {
    const row = recordOf(this.#run.row(node, fact.key));
    this.#awaited.set(node, { fact, beside: row?.dots.map(valueOf) ?? [] });
  }

  #onPersist(node: NodeId, writes: readonly RowWrite[], at: Instant): void {
    const rows = this.#rowsOf(node);
    for (const { key, row } of writes) {
      const record = recordOf(row)!;
      const before = rows.get(key) ?? EMPTY_RECORD;
      rows.set(key, record);
      const gone = before.dots.filter((dot) => isGone(record, dot));
      const values = gone.map(valueOf);
      this.#dropped.set(node, { key, at, values });
      if (record.isTombstone && (this.#undecided.get(key) ?? 0) > 0) this.#addDeleted(key, values);
      if (this.#awaited.get(node)?.fact.key === key) this.#learn(node, record);
    }
  }

  #onSend(from: NodeId, to: NodeId, message: Message, at: Instant): void {
    if (message.kind !== "write" && message.kind !== "hint") return;
    const { key } = message;
    const delta = deltaOf(message.delta);
    if (!delta.isTombstone) {
      if (this.#awaited.get(from)?.fact.key === key) this.#learn(from, delta);
      return;
    }
    if (isDelivery(this.#run, from, to, message) && !this.#hasDropped(from, message, at)) return;
    // The coordinator's own row is without them already.
    const dropped = this.#dropped.get(from);
    if (dropped?.key === key && dropped.at === at) this.#addDeleted(key, dropped.values);
    for (const owner of this.#run.owners(key)) {
      this.#addDeleted(key, recordOf(this.#run.row(owner, key))?.dots.map(valueOf) ?? []);
    }
    for (const node of this.#run.nodes) {
      const hint = hintOf(this.#run.hint(node, key));
      if (hint !== undefined) this.#addDeleted(key, hint.record.dots.map(valueOf));
    }
  }

  /**
   * Who carries out a deletion while it keeps something for the owner that it tells: what it keeps
   * knows of the deletion by then, which therefore looks like a delivery.
   */
  #hasDropped(from: NodeId, message: Message, at: Instant): boolean {
    const dropped = this.#dropped.get(from);
    if (message.kind !== "write" || dropped === undefined) return false;
    return dropped.key === message.key && dropped.at === at && dropped.values.length > 0;
  }

  /**
   * The coordinator's own row comes first, but it drops a dot that it has known before, and its
   * disk may have no room for it.
   */
  #learn(node: NodeId, record: Record): void {
    const { fact, beside } = this.#awaited.get(node)!;
    const dot = record.dots.find((candidate) => sameDot(candidate, fact));
    if (dot === undefined) return;
    this.#awaited.delete(node);
    const value = valueOf(dot);
    const minted = { dot, order: ++this.#order, beside };
    const before = this.#minted.get(value);
    if (before === undefined) this.#minted.set(value, [minted]);
    else before.push(minted);
  }

  #addDeleted(key: Key, values: readonly string[]): void {
    let deleted = this.#deleted.get(key);
    if (deleted === undefined) {
      deleted = new Set();
      this.#deleted.set(key, deleted);
    }
    for (const value of values) deleted.add(value);
  }

  #rowsOf(node: NodeId): Map<Key, Record> {
    let rows = this.#rows.get(node);
    if (rows === undefined) {
      rows = new Map();
      this.#rows.set(node, rows);
    }
    return rows;
  }

  #addUndecided(key: Key, change: 1 | -1): void {
    this.#undecided.set(key, (this.#undecided.get(key) ?? 0) + change);
  }
}

/** What was kept for an owner is brought to it: nobody decides anything then. */
function isDelivery(run: RunView, from: NodeId, to: NodeId, message: Message): boolean {
  if (message.kind !== "write") return false;
  const hint = hintOf(run.hint(from, message.key));
  return hint?.targets.has(to) === true && hint.record.absorbs(deltaOf(message.delta));
}

function isBlindDeletion(entry: HistoryEntry): boolean {
  return entry.operation === "delete" && entry.given === undefined;
}

/** A context of a key, as the key of a map. */
function nameOf(key: Key, context: Context): string {
  const entries = context.map(
    (entry) => `${describeActor(entry)}:${entry.n}+${entry.ahead.join()}`,
  );
  return `${key}\n${entries.join(" ")}`;
}
