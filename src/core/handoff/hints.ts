/**
 * The hints that this node keeps for others: rows of its engine like any other, in partitions
 * behind those of the ring.
 *
 *     a key of partition p  ──▶  its hint lies in HINT_PARTITIONS + p
 *
 * A hint that counts towards W must be as durable as data, so it takes the same way to the disk. In
 * memory is only how much there is for whom, found out after a start, a slice at a time. Until that
 * is done the caps know only what was counted so far.
 *
 * What does not fit is refused: the write that needed it fails then, the write that did not is
 * mended by anti-entropy.
 */
import { Numbered } from "../base/numbered.ts";
import { decodeRecord, encodeRecord } from "../causality/record-codec.ts";
import type { Effects, Instant } from "../effects.ts";
import type { Key } from "../ring/key.ts";
import type { NodeId } from "../ring/node-id.ts";
import { PARTITION_COUNT_MAX } from "../ring/slot.ts";
import type { DiskAnswer, Engine, ScanPosition, ScanSlice } from "../storage/engine.ts";
import { DAMAGED } from "../storage/engine.ts";
import { decodeHintRow, encodeHintRow, type HintRow, TARGETS_MAX } from "./hint-row.ts";
import { type HintCount, type HintLimits, HintTally } from "./hint-tally.ts";
import { StartCount } from "./start-count.ts";

/** The ring has no more partitions than this: hints lie behind. */
export const HINT_PARTITIONS: number = PARTITION_COUNT_MAX;

export type HintRows = Pick<Engine, "get" | "scan">;

export interface HintsSetup {
  readonly rows: HintRows;
  readonly partitions: number;
  readonly limits: HintLimits;
  readonly effects: Effects;
}

export interface KeptHint {
  readonly key: Key;
  readonly hint: HintRow;
}

type Stored = (now: Instant, answer: DiskAnswer) => void;

/** A change on its way to the disk. */
interface Pending {
  readonly partition: number;
  readonly key: Key;
  readonly before: HintRow | undefined;
  readonly after: HintRow | undefined;
  /** Or the count after a start will come to it, and see what the disk has made of it. */
  readonly isCounted: boolean;
  readonly stored: Stored;
}

/** Why a hint is not taken. */
export type HintRefusal = "full" | "malformed" | "not-owner";

const SLICE_ROWS_MAX = 64;
/** Rows of a slice are in memory together. */
const SLICE_BYTES: number = 1024 * 1024;

export class Hints {
  readonly #setup: HintsSetup;
  readonly #tally: HintTally;
  readonly #count: StartCount;
  /** Replicas number their writes upwards, hints downwards. */
  readonly #pending: Numbered<Pending> = new Numbered();
  /** Some row could not be read: it may become readable, and nobody knows whom it is for. */
  #hasUnread = false;

  constructor(setup: HintsSetup) {
    this.#setup = setup;
    this.#tally = new HintTally(setup.limits);
    this.#count = new StartCount(setup.partitions);
  }

  get targets(): readonly NodeId[] {
    return this.#tally.targets;
  }

  /** Whether a walk may meet something for this target. */
  mayKeepFor(target: NodeId): boolean {
    return this.#hasUnread || this.countFor(target).keys !== 0;
  }

  /** Exact once `isCounted`, but for rows that could not be read. */
  countFor(target: NodeId): HintCount {
    return this.#tally.of(target);
  }

  /** Whether what a start has found is counted. */
  get isCounted(): boolean {
    return this.#count.isDone;
  }

  /** Counts what a start has found, a slice of it. Answers how many bytes of rows that were. */
  countOn(): number {
    const count = this.#count;
    const { entries, next } = this.#scan(count.partition, count.from);
    let bytes = 0;
    for (const { key, row } of entries) {
      bytes += row.length;
      const hint = this.#decode(row);
      if (hint !== undefined && count.meet(key)) this.#tally.add(key, hint);
    }
    count.moveOn(next);
    return bytes;
  }

  /**
   * A walk through everything has met nothing for this target. While a full disk may still refuse
   * what is counted already, and what was made nothing here would be taken off once more, it is
   * left as it is: another walk will come to the same.
   */
  noneFor(target: NodeId): void {
    // A full disk undoes what it refuses: that must still be counted then.
    if (!this.#isPendingFor(target)) this.#tally.clear(target);
  }

  /**
   * Keeps the record for a target, joined with what is kept already, and tells when it is durable,
   * or that there was no room.
   */
  keep(
    partition: number,
    key: Key,
    target: NodeId,
    record: Uint8Array,
    stored: Stored,
  ): HintRefusal | undefined {
    const before = this.#read(partition, key);
    const joined = joinedWith(before, record);
    if (joined === undefined) return "malformed";
    const hint = { targets: targetsWith(before?.targets ?? [], target), record: joined };
    if (hint.targets.length > TARGETS_MAX || !this.#tally.fits(key, before, hint)) return "full";
    this.#replace(partition, key, before, hint, stored);
    return undefined;
  }

  /** What is kept of a key for this target. */
  heldFor(partition: number, key: Key, target: NodeId): Uint8Array | undefined {
    const hint = this.#read(partition, key);
    return hint?.targets.includes(target) === true ? hint.record : undefined;
  }

  /**
   * Whether something is kept of this key, for whomever. What cannot be read is kept too, since it
   * may become readable; so it is removed, and is gone when this is asked again.
   */
  keeps(partition: number, key: Key): boolean {
    const row = this.#setup.rows.get(HINT_PARTITIONS + partition, key);
    const isUnread = row !== undefined && this.#decode(row) === undefined;
    if (isUnread) this.#replace(partition, key, undefined, undefined, () => {});
    return row !== undefined;
  }

  /** A slice of the hints of one partition for this target. */
  slice(
    partition: number,
    from: ScanPosition | undefined,
    target: NodeId,
  ): { readonly hints: readonly KeptHint[]; readonly next: ScanPosition | undefined } {
    const { entries, next } = this.#scan(partition, from);
    const hints: KeptHint[] = [];
    for (const { key, row } of entries) {
      const hint = this.#decode(row);
      if (hint?.targets.includes(target) === true) hints.push({ key, hint });
    }
    return { hints, next };
  }

  /**
   * The target has it, or nobody will tell it: it is taken off the hint. `isStillAt` looks at the
   * record that is kept now, since more may have been joined to it meanwhile. False when there is
   * nothing to take off.
   */
  done(
    partition: number,
    key: Key,
    target: NodeId,
    isStillAt: (record: Uint8Array) => boolean,
    stored: Stored,
  ): boolean {
    const before = this.#read(partition, key);
    if (before === undefined || !before.targets.includes(target)) return false;
    if (!isStillAt(before.record)) return false;
    const targets = before.targets.filter((node) => node !== target);
    const after = targets.length === 0 ? undefined : { targets, record: before.record };
    this.#replace(partition, key, before, after, stored);
    return true;
  }

  completed(now: Instant, token: number, answer: DiskAnswer): void {
    const pending = this.#pending.take(-token)!;
    const { partition, key, before, after, isCounted, stored } = pending;
    if (answer === "full" && isCounted) this.#recount(partition, key, after, before);
    stored(now, answer);
  }

  #isPendingFor(target: NodeId): boolean {
    return this.#pending.numbers().some((number) => {
      const { before, after } = this.#pending.get(number)!;
      return [before, after].some((hint) => hint?.targets.includes(target) === true);
    });
  }

  #scan(partition: number, from: ScanPosition | undefined): ScanSlice {
    const { rows } = this.#setup;
    const slice = rows.scan(HINT_PARTITIONS + partition, from, this.#sliceRows());
    if (slice.damaged !== undefined) this.#hasUnread = true;
    return slice;
  }

  /** A hint that cannot be read is none: what it held is mended by anti-entropy. */
  #read(partition: number, key: Key): HintRow | undefined {
    const row = this.#setup.rows.get(HINT_PARTITIONS + partition, key);
    return row === undefined ? undefined : this.#decode(row);
  }

  #decode(row: Uint8Array | typeof DAMAGED): HintRow | undefined {
    const hint = row === DAMAGED ? undefined : decodeHintRow(row);
    if (hint === undefined) this.#hasUnread = true;
    return hint;
  }

  /** As many as there is room for, if they are like the others; the first is looked at alone. */
  #sliceRows(): number {
    const { meanBytes } = this.#tally;
    if (meanBytes === undefined) return 1;
    return Math.max(1, Math.min(SLICE_ROWS_MAX, Math.floor(SLICE_BYTES / meanBytes)));
  }

  #replace(
    partition: number,
    key: Key,
    before: HintRow | undefined,
    after: HintRow | undefined,
    stored: Stored,
  ): void {
    const isCounted = this.#recount(partition, key, before, after);
    const number = this.#pending.next();
    this.#pending.set(number, { partition, key, before, after, isCounted, stored });
    const row = after === undefined ? undefined : encodeHintRow(after);
    this.#setup.effects.persist([{ partition: HINT_PARTITIONS + partition, key, row }], -number);
  }

  /** False when it is for the count after a start to come to it. */
  #recount(
    partition: number,
    key: Key,
    before: HintRow | undefined,
    after: HintRow | undefined,
  ): boolean {
    const counts = this.#count.onChange(partition, key);
    if (counts === "later") return false;
    if (before !== undefined && counts === "wholly") this.#tally.remove(key, before);
    if (after !== undefined) this.#tally.add(key, after);
    return true;
  }
}

function joinedWith(before: HintRow | undefined, record: Uint8Array): Uint8Array | undefined {
  const incoming = decodeRecord(record);
  if (incoming === undefined) return undefined;
  const held = before === undefined ? undefined : decodeRecord(before.record);
  if (held === undefined) return record;
  const joined = held.join(incoming);
  return joined === held ? before!.record : encodeRecord(joined);
}

function targetsWith(targets: readonly NodeId[], added: NodeId): readonly NodeId[] {
  return targets.includes(added) ? targets : [...targets, added];
}
