/**
 * S7: a copy that an acknowledgement may stand on does not go away before there is another.
 *
 * A node that keeps a write for an owner takes it off only when that owner holds it durably. W
 * counts such copies, so one that goes earlier leaves an acknowledged write on fewer nodes than its
 * client was told.
 *
 *     kept for n3: {a, b}  ──taken off──▶  n3 durably holds a and b at that moment
 *
 * Where it holds: unless the owner lost durable rows since the hint was kept, since it may have
 * confirmed before. What was purged counts as held: a hint of a tombstone may be kept just when
 * that goes, and its owner removes what it was brought.
 */
import { descends, EMPTY_CONTEXT } from "../../core/causality/context.ts";
import type { Key } from "../../core/ring/key.ts";
import type { NodeId } from "../../core/ring/node-id.ts";
import type { RowWrite } from "../../core/storage/engine.ts";
import { DAMAGED } from "../../core/storage/engine.ts";
import type { Checker, RunView } from "../checker.ts";
import type { Observer } from "../observer.ts";
import { MemoryLosses } from "./memory-losses.ts";
import { Purged } from "./purged.ts";
import { type Hint, hintOf, recordOf } from "./stored.ts";

export function handedOff(run: RunView): Checker {
  return new HandedOff(run);
}

interface Kept {
  readonly hint: Hint;
  /** What owners of the key had lost when this record was first kept. */
  readonly lost: number;
}

/** No count of losses. */
const UNKNOWN = -1;

class HandedOff implements Checker {
  readonly id = "S7";
  readonly rule = "what is kept for an owner is taken off when that owner holds it durably";
  readonly observer: Observer;
  readonly #run: RunView;
  readonly #losses: MemoryLosses;
  readonly #purged: Purged = new Purged();
  readonly #kept: Map<NodeId, Map<Key, Kept>> = new Map();
  readonly #problems: string[] = [];
  #checked = 0;

  constructor(run: RunView) {
    this.#run = run;
    this.#losses = new MemoryLosses(run);
    this.observer = {
      ...this.#losses.observer,
      onFact: (_node, fact) => this.#purged.onFact(fact),
      onHint: (node, write) => this.#onHint(node, write),
      // What was not durable may be back or gone, and what was durable was maybe lost.
      onRestart: (node, kind) => {
        this.#losses.onRestart(node, kind);
        this.#reload(node);
      },
      onFault: (kind, node, key) => {
        this.#losses.onFault(kind, node, key);
        if (kind === "row-damaged") this.#reload(node!);
      },
    };
  }

  get checked(): number {
    return this.#checked;
  }

  finish(): readonly string[] {
    return this.#problems;
  }

  #onHint(node: NodeId, { key, row }: RowWrite): void {
    const ofNode = this.#kept.get(node) ?? new Map<Key, Kept>();
    this.#kept.set(node, ofNode);
    const before = ofNode.get(key);
    const hint = hintOf(row);
    const lost = this.#losses.lost(key);
    for (const target of before?.hint.targets ?? []) {
      if (hint?.targets.has(target) !== true && before!.lost === lost) {
        this.#check(node, key, target, before!.hint);
      }
    }
    if (hint === undefined) ofNode.delete(key);
    else ofNode.set(key, { hint, lost: isSameRecord(before, hint) ? before!.lost : lost });
  }

  /** Since when the node keeps what it finds is not known: nothing is said of it. */
  #reload(node: NodeId): void {
    const ofNode = new Map<Key, Kept>();
    for (const key of this.#run.keys) {
      const row = this.#run.durableHint(node, key);
      const hint = row === DAMAGED ? undefined : hintOf(row);
      if (hint !== undefined) ofNode.set(key, { hint, lost: UNKNOWN });
    }
    this.#kept.set(node, ofNode);
  }

  #check(node: NodeId, key: Key, target: NodeId, { record }: Hint): void {
    this.#checked++;
    const held = recordOf(this.#run.durableRow(target, key));
    const known = this.#purged.with(key, held?.context ?? EMPTY_CONTEXT);
    if (descends(known, record.context)) return;
    this.#problems.push(`${key}: ${node} gave up what it kept for ${target}, which lacks it`);
  }
}

function isSameRecord(before: Kept | undefined, { record }: Hint): boolean {
  return before !== undefined && before.hint.record.absorbs(record);
}
