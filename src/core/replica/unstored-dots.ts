/**
 * Dots that this node handed out and that its own disk is not known to hold.
 *
 *     minted ──own write durable──▶ forgotten
 *        └──no room──▶ kept ──a row that has seen it is durable──▶ forgotten
 *
 * Owners elsewhere may hold such a dot, so as long as the own row does not know it, the next dot of
 * the key must go on behind it. Normally one is here for as long as its write takes; after a full
 * disk it is until the key is written again, by anybody.
 */
import type { ActorId } from "../causality/actor.ts";
import { contains } from "../causality/context.ts";
import type { Record } from "../causality/record.ts";
import type { Key } from "../ring/key.ts";

/** The number of a dot of this node. */
export interface OwnDot {
  readonly epoch: number;
  readonly n: number;
}

/** Of more keys than this none is kept, so none is handed out. */
export const UNSTORED_MAX = 10_000;

export class UnstoredDots {
  readonly #identity: ActorId;
  readonly #dots: Map<Key, OwnDot> = new Map();

  constructor(identity: ActorId) {
    this.#identity = identity;
  }

  /** True when no dot can be kept but those of keys that have one here. */
  get isFull(): boolean {
    return this.#dots.size >= UNSTORED_MAX;
  }

  get(key: Key): OwnDot | undefined {
    return this.#dots.get(key);
  }

  /** In place of an earlier one of the key: this one is behind it. */
  set(key: Key, dot: OwnDot): void {
    this.#dots.set(key, dot);
  }

  /** The dot of this key, if it is here and the record has seen it. */
  seenBy(record: Record, key: Key): OwnDot | undefined {
    if (this.#dots.size === 0) return undefined;
    const dot = this.#dots.get(key);
    if (dot === undefined) return undefined;
    const actor = { ...this.#identity, epoch: dot.epoch };
    return contains(record.context, actor, dot.n) ? dot : undefined;
  }

  /** A row that has seen this dot is durable; a later one of the key stays. */
  onDurable(key: Key, dot: OwnDot): void {
    if (this.#dots.get(key) === dot) this.#dots.delete(key);
  }
}
