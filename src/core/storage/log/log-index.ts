/**
 * Where the current record of every key lies. It is in memory only and made anew at every start, so
 * it is never ahead of the log.
 *
 *     number of the key → segment · offset · length of the record, 0 when its row is damaged
 *
 * Some forty bytes for a key beside the key itself, all of them outside the heap of the garbage
 * collector. Of a key that was removed nothing is kept: what is not found is absent. Only when
 * records of unknown keys were lost, what is not found may have been among them; then the keys are
 * kept that were removed since.
 */
import { Column } from "../../base/column.ts";
import type { HashSecret } from "../../base/half-siphash.ts";
import type { Key } from "../../ring/key.ts";
import { KeyTable, NO_NUMBER } from "../key-table.ts";
import { RECORD_HEAD_BYTES, recordLength } from "./log-record.ts";
import type { Segments } from "./segments.ts";

/** Instead of a length: the row is damaged. */
export const DAMAGED_LENGTH = 0;
/** In hint files and while a log is read: there is no row. No record is so short. */
export const REMOVED_LENGTH = 1;

export class LogIndex {
  readonly keys: KeyTable;
  readonly #segments: Segments;
  readonly #segmentNumbers: Column = new Column();
  readonly #offsets: Column = new Column();
  readonly #lengths: Column = new Column();
  /** By partition, behind the place of the last loss; empty where nothing was lost. */
  readonly #removed: Map<number, Set<Key>> = new Map();
  #rowBytes = 0;

  constructor(secret: HashSecret, segments: Segments) {
    this.keys = new KeyTable(secret);
    this.#segments = segments;
  }

  /** Bytes of keys and rows that are not damaged. */
  get bytes(): number {
    return this.#rowBytes;
  }

  segmentOf(number: number): number {
    return this.#segmentNumbers.get(number);
  }

  offsetOf(number: number): number {
    return this.#offsets.get(number);
  }

  lengthOf(number: number): number {
    return this.#lengths.get(number);
  }

  /** Whether the current record of this key is the one at this place. */
  isAt(number: number, segment: number, offset: number): boolean {
    return (
      number !== NO_NUMBER &&
      this.#segmentNumbers.get(number) === segment &&
      this.#offsets.get(number) === offset
    );
  }

  /** From now on this is the current record of the key. */
  place(partition: number, key: Key, segment: number, offset: number, length: number): void {
    let number = this.keys.find(partition, key);
    if (number === NO_NUMBER) number = this.#add(partition, key);
    else this.#release(number, key);
    this.#segmentNumbers.set(number, segment);
    this.#offsets.set(number, offset);
    this.#lengths.set(number, length);
    this.#segments.get(segment).live += bytesOf(length, key);
    if (length !== DAMAGED_LENGTH) this.#rowBytes += length - RECORD_HEAD_BYTES;
  }

  /** The record at this place says that the key has no row from now on. */
  remove(partition: number, key: Key, segment: number, offset: number): void {
    const number = this.keys.remove(partition, key);
    if (number !== NO_NUMBER) this.#release(number, key);
    const segments = this.#segments;
    segments.get(segment).removalBytes += recordLength(key, 0);
    if (segments.loss === undefined || segments.isDoubtful(segment, offset)) return;
    const removed = this.#removed.get(partition);
    if (removed === undefined) this.#removed.set(partition, new Set([key]));
    else removed.add(key);
  }

  /** Whether a key that is not found has no row, for certain. */
  isAbsent(partition: number, key: Key): boolean {
    return this.#segments.loss === undefined || this.#removed.get(partition)?.has(key) === true;
  }

  /** Records of unknown keys were lost behind all that was placed and removed until now. */
  doubtRemovals(): void {
    this.#removed.clear();
  }

  /** The record is where it was, and nobody can read its row. */
  damage(number: number): void {
    const key = this.keys.keyOf(number);
    this.#release(number, key);
    this.#lengths.set(number, DAMAGED_LENGTH);
    this.#segments.get(this.segmentOf(number)).live += bytesOf(DAMAGED_LENGTH, key);
  }

  #add(partition: number, key: Key): number {
    if (this.#removed.size > 0) this.#removed.get(partition)?.delete(key);
    return this.keys.add(partition, key);
  }

  #release(number: number, key: Key): void {
    const length = this.#lengths.get(number);
    this.#segments.get(this.#segmentNumbers.get(number)).live -= bytesOf(length, key);
    if (length !== DAMAGED_LENGTH) this.#rowBytes -= length - RECORD_HEAD_BYTES;
  }
}

/**
 * What compaction would keep of a record: of a damaged one the word that it is. Would that count as
 * nothing, a store of many damaged keys would be compacted without end.
 */
function bytesOf(length: number, key: Key): number {
  return length === DAMAGED_LENGTH ? recordLength(key, 0) : length;
}
