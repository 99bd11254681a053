/**
 * Where the count of what a start has found stands, so that a change is counted once: by whoever
 * makes it where the count has been, by the count where it has not been yet.
 *
 *     partitions    counted  counted  │ in work │  to come  to come
 *                                       keys seen so far
 *
 * In the partition that is in work a scan may meet a row that is written meanwhile before, after,
 * or twice. There the keys are remembered; of a key that was not seen yet, what was there before
 * the change counts for nothing.
 */
import type { Key } from "../ring/key.ts";
import type { ScanPosition } from "../storage/engine.ts";

export type ChangeCounts = "wholly" | "only-after" | "later";

export class StartCount {
  readonly #partitions: number;
  readonly #seen: Set<Key> = new Set();
  #partition = 0;
  #from: ScanPosition | undefined = undefined;

  constructor(partitions: number) {
    this.#partitions = partitions;
  }

  get isDone(): boolean {
    return this.#partition === this.#partitions;
  }

  get partition(): number {
    return this.#partition;
  }

  get from(): ScanPosition | undefined {
    return this.#from;
  }

  /** The scan has met this key: whether it is to be counted. */
  meet(key: Key): boolean {
    if (this.#seen.has(key)) return false;
    this.#seen.add(key);
    return true;
  }

  moveOn(next: ScanPosition | undefined): void {
    this.#from = next;
    if (next !== undefined) return;
    this.#partition++;
    this.#seen.clear();
  }

  onChange(partition: number, key: Key): ChangeCounts {
    if (partition < this.#partition) return "wholly";
    if (partition > this.#partition) return "later";
    return this.meet(key) ? "only-after" : "wholly";
  }
}
