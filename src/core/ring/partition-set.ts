/**
 * A set of partitions, one bit each.
 *
 * Balancing asks again and again "is there a partition that this node owns and that one does not":
 * with 32 partitions to a word the answer takes a few instructions.
 */
export class PartitionSet {
  readonly words: Uint32Array;

  /** `partitionCount` is a power of two; the bits beyond it in the last word stay zero. */
  constructor(partitionCount: number) {
    this.words = new Uint32Array(Math.ceil(partitionCount / 32));
  }

  has(partition: number): boolean {
    return (this.words[partition >>> 5]! & (1 << (partition & 31))) !== 0;
  }

  add(partition: number): void {
    this.words[partition >>> 5]! |= 1 << (partition & 31);
  }

  remove(partition: number): void {
    this.words[partition >>> 5]! &= ~(1 << (partition & 31));
  }

  /** Ascending. */
  *[Symbol.iterator](): Generator<number, void> {
    for (const [index, word] of this.words.entries()) {
      for (let rest = word; rest !== 0; rest &= rest - 1) yield lowestIn(rest, index);
    }
  }
}

/** The lowest partition in a non-zero word of a set. */
export function lowestIn(word: number, wordIndex: number): number {
  return wordIndex * 32 + (31 - Math.clz32(word & -word));
}
