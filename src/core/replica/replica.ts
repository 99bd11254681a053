/**
 * A node's part as an owner: it loads, joins and stores the rows of its keys, and it alone hands
 * out its dots.
 *
 * A dot that is handed out twice loses an acknowledged write: the second value looks already seen
 * to everybody who saw the first. So the number of the next dot comes from what is stored, and
 * whenever the stored row might be older than what this node once handed out, the node goes on
 * under a new epoch, which nobody has seen anything of. The cases, and every one of them is needed
 * (each variant without one of them lost acknowledged writes):
 *
 *     first           the row holds no dot of this node
 *     context-ahead   a client has seen a dot of this node that the row does not hold
 *     boot-floor      the epoch is from before an unclean stop: the row's tail may be gone
 *     replica-ahead   a peer's record holds a dot of this node that the row does not: an epoch is
 *                     reserved now, and used at the next put
 *     damaged         the row could not be read and was replaced by a peer's
 *
 * Acknowledgements leave in `completed`, attached to the write that earned them (law 1).
 */
import { assert } from "../base/assert.ts";
import { Numbered } from "../base/numbered.ts";
import type { ActorId } from "../causality/actor.ts";
import type { Context } from "../causality/context.ts";
import { highestOwn } from "../causality/context.ts";
import { ABSENT_DIGEST, decodeRecord, encodeRecord } from "../causality/record-codec.ts";
import type { Digest } from "../causality/record-codec.ts";
import type { Record } from "../causality/record.ts";
import { deleteDelta, EMPTY_RECORD } from "../causality/record.ts";
import { isUsualDelta } from "../causality/usual-delta.ts";
import type { Effects, Instant } from "../effects.ts";
import type { EpochReason } from "../facts.ts";
import type { Refusal } from "../messages.ts";
import type { Key } from "../ring/key.ts";
import type { NodeId } from "../ring/node-id.ts";
import type { DiskAnswer, RowRead, RowReader } from "../storage/engine.ts";
import { DAMAGED } from "../storage/engine.ts";
import type { EpochLease } from "./epochs.ts";
import type { Row } from "./row.ts";
import type { OwnDot } from "./unstored-dots.ts";
import { UnstoredDots } from "./unstored-dots.ts";
import {
  decodeRow,
  encodeRow,
  hasReservation,
  isOverRow,
  recordBytesOf,
  rowDigest,
  UNRESERVED_HEAD_BYTES,
  wrapRecord,
} from "./row.ts";

/** Who is told when a write is durable. */
export interface Acknowledger {
  onStored(now: Instant, to: NodeId, id: number, answer: DiskAnswer): void;
}

export interface ReplicaSetup {
  readonly identity: ActorId;
  readonly epochs: EpochLease;
  readonly rows: RowReader;
  readonly effects: Effects;
  readonly acknowledger: Acknowledger;
  /** A row is about to be stored in place of another, or to be removed. */
  readonly onRow: (place: Place, before: RowRead, row: Uint8Array | undefined) => void;
}

interface Place {
  readonly partition: number;
  readonly key: Key;
}

/** A record and the bytes it came in. */
interface EncodedRecord {
  readonly record: Record;
  readonly bytes: Uint8Array;
}

interface Waiting {
  readonly to: NodeId;
  readonly id: number;
}

const EMPTY_ROW: Row = { reservedEpoch: 0, record: EMPTY_RECORD };
/** The token of writes that nobody waits for. */
const NOBODY = 0;
/** A write on its way to the disk: who waits for it, and which unstored dot it would store. */
interface Pending {
  readonly waiting: Waiting | undefined;
  readonly key: Key;
  readonly dot: OwnDot | undefined;
}

export class Replica {
  readonly #identity: ActorId;
  readonly #epochs: EpochLease;
  readonly #rows: RowReader;
  readonly #effects: Effects;
  readonly #acknowledger: Acknowledger;
  readonly #onRow: ReplicaSetup["onRow"];
  readonly #pending: Numbered<Pending> = new Numbered();
  readonly #unstored: UnstoredDots;
  /** What was read last: a row is stored in the same input that has read it. */
  #lastKey: Key | undefined = undefined;
  #lastRow: RowRead = undefined;

  constructor(setup: ReplicaSetup) {
    this.#identity = setup.identity;
    this.#unstored = new UnstoredDots(setup.identity);
    this.#epochs = setup.epochs;
    this.#rows = setup.rows;
    this.#effects = setup.effects;
    this.#acknowledger = setup.acknowledger;
    this.#onRow = setup.onRow;
  }

  /** Writes that are not durable yet and whose completion means something. */
  get waitingCount(): number {
    return this.#pending.size;
  }

  load(partition: number, key: Key): Row | typeof DAMAGED {
    const bytes = this.#read(partition, key);
    if (bytes === undefined) return EMPTY_ROW;
    const row = bytes === DAMAGED ? undefined : decodeRow(bytes);
    if (row !== undefined) return row;
    this.#effects.note({ kind: "row-damaged", key });
    return DAMAGED;
  }

  /** The encoded record, without decoding it; no bytes when nothing is held. */
  recordBytes(partition: number, key: Key): Uint8Array | undefined | typeof DAMAGED {
    const bytes = this.#rows.get(partition, key);
    return bytes === undefined || bytes === DAMAGED ? bytes : recordBytesOf(bytes);
  }

  digest(partition: number, key: Key): Digest | typeof DAMAGED {
    const bytes = this.#rows.get(partition, key);
    if (bytes === DAMAGED) return DAMAGED;
    return bytes === undefined ? ABSENT_DIGEST : rowDigest(bytes);
  }

  /**
   * The dot for a write that this node coordinates. `context` is what the client says it has seen.
   * Undefined when no epoch is leased, or when the disk has been full for too many keys.
   */
  nextDot(key: Key, row: Row, context: Context | undefined): OwnDot | undefined {
    if (this.#unstored.isFull && this.#unstored.get(key) === undefined) return undefined;
    const own = this.#highestKnown(key, row);
    const claimed = context === undefined ? undefined : highestOwn(context, this.#identity);
    if (own === undefined) return this.#firstOf(key, "first");
    if (claimed !== undefined && isAhead(claimed, own)) return this.#firstOf(key, "context-ahead");
    if (own.epoch <= this.#epochs.bootFloor) return this.#firstOf(key, "boot-floor");
    return { epoch: own.epoch, n: own.n + 1 };
  }

  /**
   * Stores this node's own write, and tells `to` when it is durable. Answers the encoded delta,
   * which the other owners are sent: when the delta says it all it is a view of the stored row,
   * encoded once.
   */
  storeOwn(place: Place, row: Row, delta: Record, waiting: Waiting): Uint8Array {
    const joined = row.record.join(delta);
    const dot = highestOwn(delta.context, this.#identity);
    assert(dot !== undefined, "an own write without a dot of its own");
    this.#unstored.set(place.key, dot);
    // The new dot is of the reserved epoch or of a later one: the reservation is used up.
    const bytes = encodeRow(0, joined);
    this.#persist(place, bytes, waiting, dot);
    return joined === delta ? recordBytesOf(bytes) : encodeRecord(delta);
  }

  /**
   * Joins what another node coordinated, as it came. The usual delta is what is stored afterwards:
   * nothing is decoded then.
   */
  receive(place: Place, delta: Uint8Array, waiting: Waiting): Refusal | "malformed" | undefined {
    if (this.#isRowAfter(place, delta)) {
      this.#persist(place, wrapRecord(0, delta), waiting, undefined);
      return undefined;
    }
    const record = decodeRecord(delta);
    return record === undefined
      ? "malformed"
      : this.apply(place, { record, bytes: delta }, waiting);
  }

  /**
   * Joins what another node coordinated. Answers why not, or nothing; an acknowledgement comes when
   * it is durable, also for a record that changes nothing: the first copy of it may be on its way
   * to the disk still.
   */
  apply(place: Place, incoming: EncodedRecord, waiting: Waiting): Refusal | undefined {
    const row = this.load(place.partition, place.key);
    if (row === DAMAGED) return "damaged";
    const reserved = this.#reservedAfter(place.key, row, incoming.record);
    if (reserved === undefined) return "epochs-exhausted";
    const joined = row.record.join(incoming.record);
    this.#persistJoined(place, reserved, joined, incoming, waiting);
    return undefined;
  }

  /** Joins what a read found elsewhere. Nobody waits, and what changes nothing is not written. */
  repair(place: Place, incoming: EncodedRecord): void {
    const loaded = this.load(place.partition, place.key);
    const row = loaded === DAMAGED ? EMPTY_ROW : loaded;
    const reserved =
      loaded === DAMAGED
        ? this.#firstOf(place.key, "damaged")?.epoch
        : this.#reservedAfter(place.key, row, incoming.record);
    if (reserved === undefined) return;
    const joined = row.record.join(incoming.record);
    const changes = joined !== row.record || reserved !== row.reservedEpoch;
    if (!changes && loaded !== DAMAGED) return;
    this.#persistJoined(place, reserved, joined, incoming, undefined);
  }

  /** Whether the row of this key is that tombstone: nothing is alive in it. */
  isTombstone({ partition, key }: Place, digest: Digest, wallMs: number): boolean {
    const row = this.#rows.get(partition, key);
    if (row === undefined || row === DAMAGED || !isOverRow(row, wallMs)) return false;
    const { high, low } = rowDigest(row);
    return high === digest.high && low === digest.low;
  }

  /**
   * Nobody remembers what was deleted: nobody needs to remember that it was. What has expired is
   * still remembered, by its dot, so it is deleted first; a later round removes that. A row that
   * cannot be read is removed when somebody vouches that it was that tombstone.
   */
  purge(place: Place, digest: Digest, isVouchedFor: boolean, wallMs: number): void {
    const row = this.load(place.partition, place.key);
    if (row === DAMAGED) {
      if (isVouchedFor) this.#persist(place, undefined, undefined, undefined);
      return;
    }
    if (!this.isTombstone(place, digest, wallMs)) return;
    const { context, isTombstone } = row.record;
    if (!isTombstone) {
      const deleted = row.record.join(deleteDelta(context));
      return this.#persist(place, encodeRow(row.reservedEpoch, deleted), undefined, undefined);
    }
    this.#persist(place, undefined, undefined, undefined);
    this.#effects.note({ kind: "tombstone-purged", key: place.key, context });
  }

  completed(now: Instant, token: number, answer: DiskAnswer): void {
    const pending = this.#pending.take(token);
    if (pending === undefined) return;
    const { waiting, key, dot } = pending;
    if (dot !== undefined && answer === "durable") this.#unstored.onDurable(key, dot);
    if (waiting !== undefined) this.#acknowledger.onStored(now, waiting.to, waiting.id, answer);
  }

  #isRowAfter({ partition, key }: Place, delta: Uint8Array): boolean {
    if (this.#unstored.get(key) !== undefined) return false;
    const row = this.#read(partition, key);
    if (row === DAMAGED) return false;
    if (row !== undefined && hasReservation(row)) return false;
    return isUsualDelta(delta, row, UNRESERVED_HEAD_BYTES, this.#identity);
  }

  #read(partition: number, key: Key): RowRead {
    this.#lastKey = key;
    return (this.#lastRow = this.#rows.get(partition, key));
  }

  #persist(
    place: Place,
    row: Uint8Array | undefined,
    waiting: Waiting | undefined,
    dot: OwnDot | undefined,
  ): void {
    const { partition, key } = place;
    const before = this.#lastKey === key ? this.#lastRow : this.#rows.get(partition, key);
    this.#lastRow = undefined;
    this.#lastKey = undefined;
    this.#onRow(place, before, row);
    const isAwaited = waiting !== undefined || dot !== undefined;
    const token = isAwaited ? this.#pending.next() : NOBODY;
    if (isAwaited) this.#pending.set(token, { waiting, key, dot });
    this.#effects.persist([{ partition, key, row }], token);
  }

  /** When the joined record is the incoming one, the bytes that came are copied, not encoded. */
  #persistJoined(
    place: Place,
    reserved: number,
    joined: Record,
    incoming: EncodedRecord,
    waiting: Waiting | undefined,
  ): void {
    const row =
      joined === incoming.record
        ? wrapRecord(reserved, incoming.bytes)
        : encodeRow(reserved, joined);
    this.#persist(place, row, waiting, this.#unstored.seenBy(joined, place.key));
  }

  /**
   * What to reserve after joining a peer's record: a new epoch when it knows more of this node than
   * the row does.
   */
  #reservedAfter(key: Key, row: Row, incoming: Record): number | undefined {
    const theirs = highestOwn(incoming.context, this.#identity);
    if (theirs === undefined) return this.#reservedIn(row);
    const own = this.#highestKnown(key, row);
    if (own !== undefined && !isAhead(theirs, own)) return this.#reservedIn(row);
    return this.#firstOf(key, "replica-ahead")?.epoch;
  }

  /** The highest dot of this node that it remembers, also one that the disk had no room for. */
  #highestKnown(key: Key, row: Row): OwnDot | undefined {
    const held = this.#highestHeld(row);
    const unstored = this.#unstored.get(key);
    return unstored !== undefined && (!held || isAhead(unstored, held)) ? unstored : held;
  }

  /**
   * The highest dot of this node that the row accounts for; a reserved epoch counts as its dot
   * zero.
   */
  #highestHeld(row: Row): OwnDot | undefined {
    const own = highestOwn(row.record.context, this.#identity);
    const reserved = this.#reservedIn(row);
    return reserved > (own?.epoch ?? 0) ? { epoch: reserved, n: 0 } : own;
  }

  /**
   * What this node has reserved. An epoch that was reserved before it took another identity is not
   * its own, and its lease may hand out the same number for another key: where the record knows
   * nothing of this identity it is passed over, and a new epoch is as good.
   */
  #reservedIn({ reservedEpoch, record }: Row): number {
    if (reservedEpoch === 0) return 0;
    return highestOwn(record.context, this.#identity) === undefined ? 0 : reservedEpoch;
  }

  #firstOf(key: Key, reason: EpochReason): OwnDot | undefined {
    const epoch = this.#epochs.take();
    if (epoch === undefined) return undefined;
    this.#effects.note({ kind: "epoch-taken", key, epoch, reason });
    return { epoch, n: 1 };
  }
}

function isAhead(theirs: OwnDot, own: OwnDot): boolean {
  return theirs.epoch !== own.epoch ? theirs.epoch > own.epoch : theirs.n > own.n;
}
