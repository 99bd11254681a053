/**
 * Gives every key of a store a number, for as long as the key is in it; the next key gets a number
 * that was given back.
 *
 * A store may know a hundred million keys. As strings in a Map the garbage collector would visit
 * every one of them again and again, so keys and tables are bytes in typed arrays:
 *
 *     table of a partition   [hash | number + 1] …    open addressing, at most three quarters full
 *     starts                 number → where its key lies; of a free number, the next free one
 *     arena                  [length u16 | key] …     in pieces of one MiB
 *
 * A table for each partition keeps each of them small, so none takes long to grow. Whoever writes
 * keys chooses them, so the hash is a keyed one (HalfSipHash-1-3): nobody can choose keys that all
 * collide.
 *
 * A hash begins at the slot that its first bits name. So the order of the slots is nearly that of
 * the hashes, and who walks through a partition goes by them: the hash of a key does not change
 * when others come and go and the table grows or shrinks, and each key is met once.
 */
import { Column } from "../base/column.ts";
import type { HashSecret } from "../base/half-siphash.ts";
import { halfSipHash } from "../base/half-siphash.ts";
import type { Key } from "../ring/key.ts";
import { KeyArena } from "./key-arena.ts";

export const NO_NUMBER = -1;
/** Where every walk through a partition begins. */
export const FIRST_POSITION = 0;
/** And where it ends. */
export const NO_POSITION = -1;

const NO_SLOT = -1;
const FIRST_SLOTS_LOG2 = 3;
const HASH_BITS = 32;
/** A table that is less than this part full is cut in halves. */
const SPARSE_LOG2 = 3;
/** Of the walk that is going on: none happens inside another. */
const GATHERED: number[] = [];

class PartitionTable {
  /** Pairs of a hash and a number + 1; a zero number is an empty place. */
  slots: Int32Array = new Int32Array(2 << FIRST_SLOTS_LOG2);
  mask: number = (1 << FIRST_SLOTS_LOG2) - 1;
  /** What is cut off a hash to know its slot. */
  shift: number = HASH_BITS - FIRST_SLOTS_LOG2;
  count = 0;

  add(hash: number, number: number): void {
    if (++this.count * 4 > (this.mask + 1) * 3) this.#resize(this.shift - 1);
    this.#place(hash, number + 1);
  }

  /** What lies behind, up to the next empty place, closes the gap as far as its hash lets it. */
  removeAt(removed: number): void {
    const { slots, mask, shift } = this;
    let gap = removed;
    for (let slot = (gap + 1) & mask; slots[2 * slot + 1] !== 0; slot = (slot + 1) & mask) {
      const home = slots[2 * slot]! >>> shift;
      if (((slot - home) & mask) < ((slot - gap) & mask)) continue;
      slots[2 * gap] = slots[2 * slot]!;
      slots[2 * gap + 1] = slots[2 * slot + 1]!;
      gap = slot;
    }
    slots[2 * gap + 1] = 0;
    this.count--;
    const isLarge = shift < HASH_BITS - FIRST_SLOTS_LOG2;
    if (isLarge && this.count << SPARSE_LOG2 < mask) this.#resize(shift + 1);
  }

  /** See `KeyTable.walk`. */
  walk(from: number, limit: number, numbers: number[]): number {
    const { slots } = this;
    let last = NO_POSITION;
    for (let home = from >>> this.shift; home <= this.mask; home++) {
      const count = this.#gather(home, from);
      for (let i = 0; i < count; i++) {
        const at = 2 * GATHERED[i]!;
        const hash = slots[at]! >>> 0;
        // Of equal hashes none is left for the next time: a position could not tell them apart.
        if (numbers.length >= limit && hash !== last) return hash;
        numbers.push(slots[at + 1]! - 1);
        last = hash;
      }
    }
    return NO_POSITION;
  }

  /** The slots of hashes that begin here and are not before `from`, in the order of the hashes. */
  #gather(home: number, from: number): number {
    const { slots, mask, shift } = this;
    let count = 0;
    for (let slot = home; slots[2 * slot + 1] !== 0; slot = (slot + 1) & mask) {
      const hash = slots[2 * slot]! >>> 0;
      if (hash >>> shift !== home || hash < from) continue;
      let at = count++;
      for (; at > 0 && slots[2 * GATHERED[at - 1]!]! >>> 0 > hash; at--) {
        GATHERED[at] = GATHERED[at - 1]!;
      }
      GATHERED[at] = slot;
    }
    return count;
  }

  #resize(shift: number): void {
    const { slots } = this;
    this.shift = shift;
    this.mask = (1 << (HASH_BITS - shift)) - 1;
    this.slots = new Int32Array(2 * (this.mask + 1));
    for (let at = 0; at < slots.length; at += 2) {
      if (slots[at + 1] !== 0) this.#place(slots[at]!, slots[at + 1]!);
    }
  }

  #place(hash: number, entry: number): void {
    let slot = hash >>> this.shift;
    while (this.slots[2 * slot + 1] !== 0) slot = (slot + 1) & this.mask;
    this.slots[2 * slot] = hash;
    this.slots[2 * slot + 1] = entry;
  }
}

export class KeyTable {
  readonly #secret: HashSecret;
  readonly #partitions: (PartitionTable | undefined)[] = [];
  readonly #starts: Column = new Column();
  readonly #arena: KeyArena = new KeyArena();
  #count = 0;
  /** All numbers that were ever given are below this one. */
  #end = 0;
  #firstFree = NO_NUMBER;

  constructor(secret: HashSecret) {
    this.#secret = secret;
  }

  get count(): number {
    return this.#count;
  }

  /** All partitions that have keys are below this number. */
  get partitions(): number {
    return this.#partitions.length;
  }

  find(partition: number, key: Key): number {
    const table = this.#partitions[partition];
    if (table === undefined) return NO_NUMBER;
    const slot = this.#slotOf(table, key);
    return slot === NO_SLOT ? NO_NUMBER : table.slots[2 * slot + 1]! - 1;
  }

  /** A key that is not there yet. */
  add(partition: number, key: Key): number {
    const table = (this.#partitions[partition] ??= new PartitionTable());
    const number = this.#takeNumber();
    this.#starts.set(number, this.#arena.add(key));
    table.add(halfSipHash(this.#secret, key), number);
    this.#count++;
    return number;
  }

  /** Answers the number that the key had. */
  remove(partition: number, key: Key): number {
    const table = this.#partitions[partition];
    const slot = table === undefined ? NO_SLOT : this.#slotOf(table, key);
    if (table === undefined || slot === NO_SLOT) return NO_NUMBER;
    const number = table.slots[2 * slot + 1]! - 1;
    table.removeAt(slot);
    this.#arena.remove(this.#starts.get(number));
    this.#starts.set(number, this.#firstFree + 1);
    this.#firstFree = number;
    this.#count--;
    return number;
  }

  keyOf(number: number): Key {
    return this.#arena.keyAt(this.#starts.get(number));
  }

  /**
   * Puts about `limit` numbers of a partition into the list, and answers where the next ones
   * follow. A key that is there all the time is met exactly once.
   */
  walk(partition: number, from: number, limit: number, numbers: number[]): number {
    return this.#partitions[partition]?.walk(from, limit, numbers) ?? NO_POSITION;
  }

  #slotOf({ slots, mask, shift }: PartitionTable, key: Key): number {
    const hash = halfSipHash(this.#secret, key);
    for (let slot = hash >>> shift; ; slot = (slot + 1) & mask) {
      const number = slots[2 * slot + 1]! - 1;
      if (number === NO_NUMBER) return NO_SLOT;
      if (slots[2 * slot] === hash && this.#arena.isAt(this.#starts.get(number), key)) return slot;
    }
  }

  #takeNumber(): number {
    const number = this.#firstFree;
    if (number === NO_NUMBER) return this.#end++;
    this.#firstFree = this.#starts.get(number) - 1;
    return number;
  }
}
