/**
 * Eras: how long anything lasts that knows what a key was.
 *
 *     era        6          7          8
 *            ────┼──────────┼──────────┼────────
 *     an operation of era 6: what it sends bears a 6
 *                                      └─ from here on nobody listens to a 6, and it is given up
 *
 * To forget a deletion is safe when nobody remembers what was deleted. Rows and hints can be looked
 * at; what is on its way cannot, and it may be on its way for very long. So time is cut into eras
 * that all members begin one after the other: whatever one of them does for a client or a peer
 * bears the era in which it began, and of eras before the last nothing is listened to, carried on
 * or kept. When all members have begun two further eras, nothing is left of what was under way
 * before. No clock is compared with another's.
 *
 * An era is made durable when it is begun, and is put on nothing before: so a restart that falls
 * back to an earlier one hands out no number for a second time.
 */
import { ByteReader, ByteWriter } from "../base/bytes.ts";
import type { Instant } from "../effects.ts";
import type { Key } from "../ring/key.ts";
import { PARTITION_COUNT_MAX } from "../ring/slot.ts";
import type { RowReader, RowWrite } from "../storage/engine.ts";
import { DAMAGED } from "../storage/engine.ts";

/** Behind the partitions of the ring, and of the hints. */
export const ERA_PARTITION: number = 2 * PARTITION_COUNT_MAX;
const ERA_KEY = "era" as Key;
const ROW_VERSION = 1;
const ROW_BYTES = 16;

export class Eras {
  #current: number;
  #durable: number;
  #begunAt: Instant = Number.NEGATIVE_INFINITY;

  constructor(rows: RowReader) {
    const row = rows.get(ERA_PARTITION, ERA_KEY);
    // One that cannot be read is learned from the others, as one that was never begun.
    this.#current = row === undefined || row === DAMAGED ? 0 : eraIn(row);
    this.#durable = this.#current;
  }

  /** What begins now bears it. */
  get durable(): number {
    return this.#durable;
  }

  get current(): number {
    return this.#current;
  }

  get isDurable(): boolean {
    return this.#durable === this.#current;
  }

  /** The one before the present is listened to: not all begin one at the same moment. */
  get oldest(): number {
    return this.#current - 1;
  }

  /** For how long the present one has lasted. */
  ageMs(now: Instant): number {
    return now - this.#begunAt;
  }

  /** False when it is not a later one. */
  begin(now: Instant, era: number): boolean {
    if (era <= this.#current) return false;
    this.#current = era;
    this.#begunAt = now;
    return true;
  }

  onDurable(era: number): void {
    if (era > this.#durable) this.#durable = era;
  }

  /** What makes the present one durable, and with it all that was written before. */
  row(): RowWrite {
    const writer = new ByteWriter(ROW_BYTES);
    writer.u8(ROW_VERSION);
    writer.varint(this.#current);
    return { partition: ERA_PARTITION, key: ERA_KEY, row: writer.finish() };
  }
}

function eraIn(row: Uint8Array): number {
  const reader = new ByteReader(row);
  const version = reader.u8();
  const era = reader.varint();
  return reader.finished && version === ROW_VERSION ? era : 0;
}
