/**
 * Who forgot what it had promised to remember, and when: the condition under which most rules hold.
 *
 *     lost      a node forgot durable rows: all of them when its disk was replaced, and the row of
 *               one key when that was damaged
 *     stopped   a node forgot, at most, rows that were visible and not durable yet
 *
 * A quorum rule says "of any w owners that hold it and any r that are asked, one is both". It says
 * nothing once an owner that held it does so no longer, so the counts are remembered when an
 * operation begins, and a checker applies its rule only if they are the same when it ends. What
 * happened to other keys excuses nothing.
 */
import { assert } from "../../core/base/assert.ts";
import type { Key } from "../../core/ring/key.ts";
import type { NodeId } from "../../core/ring/node-id.ts";
import type { RunView } from "../checker.ts";
import type { FaultKind } from "../faults.ts";
import type { HistoryEntry } from "../history.ts";
import type { Observer, RestartKind } from "../observer.ts";

/** What the owners of its key had forgotten when an operation began. */
interface Beginning {
  readonly lostAnywhere: number;
  readonly lost: number;
  readonly forgot: number;
}

export class MemoryLosses {
  /** For a checker that does nothing of its own when a node stops, starts or is harmed. */
  readonly observer: Pick<Observer, "onCrash" | "onRestart" | "onFault">;
  readonly #run: RunView;
  readonly #emptied: Map<NodeId, number> = new Map();
  readonly #damaged: Map<Key, number> = new Map();
  /** At nodes that are no owners: what they kept for owners is gone. */
  readonly #damagedElsewhere: Map<Key, number> = new Map();
  readonly #stopped: Map<NodeId, number> = new Map();
  readonly #owners: Map<Key, readonly NodeId[]> = new Map();
  /** Kept as long as the history, which holds the operations themselves. */
  readonly #beginnings: Map<HistoryEntry, Beginning> = new Map();

  constructor(run: RunView) {
    this.#run = run;
    this.observer = {
      onCrash: (node) => this.onCrash(node),
      onRestart: (node, kind) => void this.onRestart(node, kind),
      onFault: (kind, node, key) => void this.onFault(kind, node, key),
    };
  }

  /** How often an owner of the key forgot durable rows so far. */
  lost(key: Key): number {
    return this.#sum(this.#emptied, key) + (this.#damaged.get(key) ?? 0);
  }

  /** How often an owner of the key forgot anything at all so far. */
  forgot(key: Key): number {
    return this.lost(key) + this.#sum(this.#stopped, key);
  }

  /** True when an owner of its key forgot durable rows since this operation began. */
  lostSince(entry: HistoryEntry): boolean {
    return this.lost(entry.key) !== this.#beginningOf(entry).lost;
  }

  /** The same of any node: one that owns nothing of the key may have kept it for an owner. */
  lostAnywhereSince(entry: HistoryEntry): boolean {
    return this.#lostAnywhere(entry.key) !== this.#beginningOf(entry).lostAnywhere;
  }

  /** True when an owner of its key forgot anything at all since this operation began. */
  forgotSince(entry: HistoryEntry): boolean {
    return this.forgot(entry.key) !== this.#beginningOf(entry).forgot;
  }

  onInvoke(entry: HistoryEntry): void {
    const { key } = entry;
    const lostAnywhere = this.#lostAnywhere(key);
    this.#beginnings.set(entry, { lostAnywhere, lost: this.lost(key), forgot: this.forgot(key) });
  }

  onCrash(node: NodeId): void {
    this.#stopped.set(node, (this.#stopped.get(node) ?? 0) + 1);
  }

  /** True when this restart found less than was durable before the stop. */
  onRestart(node: NodeId, kind: RestartKind): boolean {
    // Also after a stop in order: a disk without room may have kept it from storing the rest.
    if (kind === "kept") this.onCrash(node);
    if (kind === "kept" || kind === "clean") return false;
    this.#emptied.set(node, (this.#emptied.get(node) ?? 0) + 1);
    return true;
  }

  /** True when this fault took the durable row of the key away from an owner. */
  onFault(kind: FaultKind, node: NodeId | undefined, key: Key | undefined): boolean {
    if (kind !== "row-damaged" || node === undefined || key === undefined) return false;
    const isOwner = this.#ownersOf(key).includes(node);
    const counts = isOwner ? this.#damaged : this.#damagedElsewhere;
    counts.set(key, (counts.get(key) ?? 0) + 1);
    return isOwner;
  }

  #lostAnywhere(key: Key): number {
    let sum = (this.#damaged.get(key) ?? 0) + (this.#damagedElsewhere.get(key) ?? 0);
    for (const count of this.#emptied.values()) sum += count;
    return sum;
  }

  #sum(counts: ReadonlyMap<NodeId, number>, key: Key): number {
    if (counts.size === 0) return 0;
    let sum = 0;
    for (const owner of this.#ownersOf(key)) sum += counts.get(owner) ?? 0;
    return sum;
  }

  /** A checker that did not say when operations begin would find an excuse for each of them. */
  #beginningOf(entry: HistoryEntry): Beginning {
    const beginning = this.#beginnings.get(entry);
    assert(beginning !== undefined, `nobody said when operation ${entry.sequence} began`);
    return beginning;
  }

  #ownersOf(key: Key): readonly NodeId[] {
    let owners = this.#owners.get(key);
    if (owners === undefined) {
      owners = this.#run.owners(key);
      this.#owners.set(key, owners);
    }
    return owners;
  }
}
