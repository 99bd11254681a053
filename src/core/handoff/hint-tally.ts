/**
 * How much is kept for whom, and whether there is room for more.
 *
 *     key of 6 bytes, record of 100, for n1 and n3      n1: 1 key, 106 bytes    n3: the same
 *                                                       together: 212 bytes
 *
 * A hint for two targets counts for both of them, and twice in all: whichever is told first, what
 * is left is still within the caps. When a record grows it grows for all its targets, so the caps
 * of those that nothing was asked for are looked at as well.
 */
import type { Key } from "../ring/key.ts";
import type { NodeId } from "../ring/node-id.ts";
import type { HintRow } from "./hint-row.ts";

export interface HintLimits {
  /** For one target, and for all of them. */
  readonly hintBytesPerTargetMax: number;
  readonly hintBytesMax: number;
}

export interface HintCount {
  readonly keys: number;
  readonly bytes: number;
}

const NOTHING: HintCount = { keys: 0, bytes: 0 };

export class HintTally {
  readonly #limits: HintLimits;
  readonly #counts: Map<NodeId, HintCount> = new Map();
  #keys = 0;
  #bytes = 0;

  constructor(limits: HintLimits) {
    this.#limits = limits;
  }

  get targets(): readonly NodeId[] {
    return [...this.#counts.keys()];
  }

  /** Bytes of a hint as they usually are; nothing when there is none. */
  get meanBytes(): number | undefined {
    return this.#keys > 0 && this.#bytes > 0 ? this.#bytes / this.#keys : undefined;
  }

  of(target: NodeId): HintCount {
    return this.#counts.get(target) ?? NOTHING;
  }

  /** Whether there is room for one hint in place of the other. What takes no more always fits. */
  fits(key: Key, before: HintRow | undefined, after: HintRow): boolean {
    const { hintBytesPerTargetMax, hintBytesMax } = this.#limits;
    let added = 0;
    for (const target of after.targets) {
      const had = before?.targets.includes(target) === true ? sizeOf(key, before) : 0;
      const more = sizeOf(key, after) - had;
      if (more > 0 && this.of(target).bytes + more > hintBytesPerTargetMax) return false;
      added += more;
    }
    return added <= 0 || this.#bytes + added <= hintBytesMax;
  }

  add(key: Key, hint: HintRow): void {
    for (const target of hint.targets) {
      const { keys, bytes } = this.of(target);
      this.#set(target, keys + 1, bytes + sizeOf(key, hint));
    }
  }

  remove(key: Key, hint: HintRow): void {
    for (const target of hint.targets) {
      const { keys, bytes } = this.of(target);
      this.#set(target, keys - 1, bytes - sizeOf(key, hint));
    }
  }

  clear(target: NodeId): void {
    this.#set(target, 0, 0);
  }

  /**
   * Below nothing for a moment, when a full disk is about to refuse the same removal twice: both
   * are undone then, so it must not be made nothing here.
   */
  #set(target: NodeId, keys: number, bytes: number): void {
    const before = this.of(target);
    this.#keys += keys - before.keys;
    this.#bytes += bytes - before.bytes;
    if (keys === 0 && bytes === 0) this.#counts.delete(target);
    else this.#counts.set(target, { keys, bytes });
  }
}

function sizeOf(key: Key, { record }: HintRow): number {
  return key.length + record.length;
}
