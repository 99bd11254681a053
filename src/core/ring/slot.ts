/**
 * From a key to its place on the ring.
 *
 *     key "carts/{user:7}:items"         the bucket does not count
 *     hash tag "user:7"                  between the first { and the next }, if not empty
 *     slot = CRC16("user:7") & 16383     the same slot in every Redis Cluster client
 *     partition = top bits of the slot   256 partitions: slot >> 6
 *
 * So a partition is a run of neighbouring slots, a client that knows slots knows partitions, and
 * keys with equal tags stay together. The number of partitions is a power of two and never changes
 * in the life of a cluster.
 *
 * A slot says nothing but the place: there are only 16384, and anybody can aim at one. Hash tables
 * and Merkle segments use a hash of their own.
 */
import { assert } from "../base/assert.ts";
import { crc16OfString } from "../base/crc16.ts";
import type { Key } from "./key.ts";

export const SLOT_COUNT = 16_384;
export const PARTITION_COUNT_MIN = 16;
export const PARTITION_COUNT_MAX: number = SLOT_COUNT;
export const PARTITION_COUNT_DEFAULT = 256;

const SLOT_BITS = 14;

/** Splits the slots into `count` equal runs. */
export class Partitioner {
  readonly count: number;
  readonly slotsPerPartition: number;
  readonly #shift: number;

  constructor(count: number) {
    const problem = checkPartitionCount(count);
    assert(problem === undefined, problem ?? "");
    this.count = count;
    this.slotsPerPartition = SLOT_COUNT / count;
    this.#shift = SLOT_BITS - (31 - Math.clz32(count));
  }

  of(key: Key): number {
    return slotOf(key) >>> this.#shift;
  }

  firstSlotOf(partition: number): number {
    return partition << this.#shift;
  }
}

export function slotOf(key: Key): number {
  const start = key.indexOf("/") + 1;
  const open = key.indexOf("{", start);
  if (open >= 0) {
    const close = key.indexOf("}", open + 1);
    if (close > open + 1) return crc16OfString(key, open + 1, close) & (SLOT_COUNT - 1);
  }
  return crc16OfString(key, start, key.length) & (SLOT_COUNT - 1);
}

/** What is wrong with this number of partitions, or undefined when nothing is. */
export function checkPartitionCount(count: number): string | undefined {
  const allowed =
    Number.isInteger(count) &&
    count >= PARTITION_COUNT_MIN &&
    count <= PARTITION_COUNT_MAX &&
    (count & (count - 1)) === 0;
  if (allowed) return undefined;
  const range = `${PARTITION_COUNT_MIN} to ${PARTITION_COUNT_MAX}`;
  return `the partition count is a power of two from ${range}, got ${count}`;
}
