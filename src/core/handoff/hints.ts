/**
 * The hints that this node keeps for others: rows of its engine like any other, in partitions
 * behind those of the ring.
 *
 *     a key of partition p  ──▶  its hint lies in HINT_PARTITIONS + p
 *
 * A hint that counts towards W must be as durable as data, so it takes the same way to the disk. In
 * memory is only about how much there is for whom, found out after a start, a slice at a time; a
 * walk that finds nothing for a target puts that right.
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
import type { DiskAnswer, Engine, ScanPosition } from "../storage/engine.ts";
import { DAMAGED } from "../storage/engine.ts";
import { decodeHintRow, encodeHintRow, type HintRow } from "./hint-row.ts";

/** The ring has no more partitions than this: hints lie behind. */
export const HINT_PARTITIONS: number = PARTITION_COUNT_MAX;

export type HintRows = Pick<Engine, "get" | "scan">;

export interface HintLimits {
  /** For one target, and for all of them. */
  readonly hintBytesPerTargetMax: number;
  readonly hintBytesMax: number;
}

export interface HintCount {
  readonly keys: number;
  readonly bytes: number;
}

export interface HintsSetup {
  readonly rows: HintRows;
  readonly partitions: number;
  readonly limits: HintLimits;
  readonly effects: Effects;
}

type Stored = (now: Instant, answer: DiskAnswer) => void;

/** A change on its way to the disk. */
interface Pending {
  readonly before: HintRow | undefined;
  readonly after: HintRow | undefined;
  readonly stored: Stored;
}

/** Why a hint is not taken. */
export type HintRefusal = "full" | "malformed";

const SLICE_ROWS = 64;

export class Hints {
  readonly #setup: HintsSetup;
  readonly #tallies: Map<NodeId, HintCount> = new Map();
  /** Replicas number their writes upwards, hints downwards. */
  readonly #pending: Numbered<Pending> = new Numbered();
  #bytes = 0;
  /** Where the count after a start has come to; undefined when it is done. */
  #counted: { partition: number; from: ScanPosition | undefined } | undefined = {
    partition: 0,
    from: undefined,
  };

  constructor(setup: HintsSetup) {
    this.#setup = setup;
  }

  get targets(): readonly NodeId[] {
    return [...this.#tallies.keys()];
  }

  countFor(target: NodeId): HintCount {
    return this.#tallies.get(target) ?? NOTHING;
  }

  /** Counts what a start found, a slice of it; answers whether there is more. */
  countOn(): boolean {
    const at = this.#counted;
    if (at === undefined) return false;
    const slice = this.#setup.rows.scan(HINT_PARTITIONS + at.partition, at.from, SLICE_ROWS);
    for (const { row } of slice.entries) {
      const hint = decodeHintRow(row);
      if (hint !== undefined) this.#count(hint, 1);
    }
    at.from = slice.next;
    if (slice.next === undefined && ++at.partition === this.#setup.partitions) {
      this.#counted = undefined;
    }
    return this.#counted !== undefined;
  }

  /** A walk through everything has met nothing for this target. */
  noneFor(target: NodeId): void {
    this.#bytes -= this.countFor(target).bytes;
    this.#tallies.delete(target);
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
    const added = joined.length - (before?.record.length ?? 0);
    if (added > 0 && !this.#fits(target, added)) return "full";
    this.#replace(partition, key, before, hint, stored);
    return undefined;
  }

  /** What is kept of a key for this target. */
  heldFor(partition: number, key: Key, target: NodeId): Uint8Array | undefined {
    const hint = this.#read(partition, key);
    return hint?.targets.includes(target) === true ? hint.record : undefined;
  }

  /** A slice of the hints of one partition for this target. */
  slice(
    partition: number,
    from: ScanPosition | undefined,
    target: NodeId,
  ): {
    readonly hints: readonly { readonly key: Key; readonly hint: HintRow }[];
    readonly next: ScanPosition | undefined;
  } {
    const { entries, next } = this.#setup.rows.scan(HINT_PARTITIONS + partition, from, SLICE_ROWS);
    const hints: { readonly key: Key; readonly hint: HintRow }[] = [];
    for (const { key, row } of entries) {
      const hint = decodeHintRow(row);
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
    const { before, after, stored } = pending;
    if (answer === "full") this.#recount(after, before);
    stored(now, answer);
  }

  /** A hint that cannot be read is none: what it held is mended by anti-entropy. */
  #read(partition: number, key: Key): HintRow | undefined {
    const row = this.#setup.rows.get(HINT_PARTITIONS + partition, key);
    return row === undefined || row === DAMAGED ? undefined : decodeHintRow(row);
  }

  #fits(target: NodeId, added: number): boolean {
    const { hintBytesPerTargetMax, hintBytesMax } = this.#setup.limits;
    const forTarget = this.countFor(target).bytes;
    return forTarget + added <= hintBytesPerTargetMax && this.#bytes + added <= hintBytesMax;
  }

  #replace(
    partition: number,
    key: Key,
    before: HintRow | undefined,
    after: HintRow | undefined,
    stored: Stored,
  ): void {
    this.#recount(before, after);
    const number = this.#pending.next();
    this.#pending.set(number, { before, after, stored });
    const row = after === undefined ? undefined : encodeHintRow(after);
    this.#setup.effects.persist([{ partition: HINT_PARTITIONS + partition, key, row }], -number);
  }

  #recount(before: HintRow | undefined, after: HintRow | undefined): void {
    if (before !== undefined) this.#count(before, -1);
    if (after !== undefined) this.#count(after, 1);
  }

  #count({ targets, record }: HintRow, sign: 1 | -1): void {
    for (const node of targets) {
      const { keys, bytes } = this.countFor(node);
      if (keys + sign <= 0) {
        this.noneFor(node);
        continue;
      }
      const change = Math.max(-bytes, sign * record.length);
      this.#tallies.set(node, { keys: keys + sign, bytes: bytes + change });
      this.#bytes += change;
    }
  }
}

const NOTHING: HintCount = { keys: 0, bytes: 0 };

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
