/**
 * The usual delta, recognised by its bytes: one new dot that replaces everything the record has.
 *
 *     record   seen a1..7 b1..3      live a7
 *     delta    seen a1..7 b1..4      live b4      the join is the delta: its bytes are the new row
 *
 * An owner meets little else as long as nobody writes at the same time, and to decode two records,
 * join them, and find that the answer is one of them costs as much as all else it does for a write.
 * So the two encodings are walked side by side, and only numbers are made. Whatever is not plainly
 * this case (gaps in what was seen, several dots, malformed bytes) is answered with no, and goes
 * the long way.
 */
import { ByteReader } from "../base/bytes.ts";
import type { Actor, ActorId } from "./actor.ts";
import { compareActors, EPOCH_MAX, sameIdentity } from "./actor.ts";
import { encodeRecord, ENTRIES_MAX, RECORD_VERSION } from "./record-codec.ts";
import { EMPTY_RECORD } from "./record.ts";

// A copy: what an encoder answers is for a moment.
const NOTHING_SEEN = encodeRecord(EMPTY_RECORD).slice();

/**
 * True when `delta` is a well-formed record, joining it to the record at `start` of `row` gives
 * just `delta`, and it says nothing new of the dots of `own`, which has rules of its own for that.
 * Without a row: joining it to nothing.
 */
export function isUsualDelta(
  delta: Uint8Array,
  row: Uint8Array | undefined,
  start: number,
  own: ActorId,
): boolean {
  if (!findOnlyDot(delta)) return false;
  THEIRS.begin(delta, 0);
  OURS.begin(row ?? NOTHING_SEEN, row === undefined ? 0 : start);
  let isOursRead = OURS.next();
  for (let index = 0; THEIRS.next(); index++) {
    const isShared = isOursRead && compareActors(OURS, THEIRS) === 0;
    const seenByUs = isShared ? OURS.n : 0;
    if (THEIRS.n < seenByUs) return false;
    if (THEIRS.n > seenByUs && sameIdentity(THEIRS, own)) return false;
    if (index === DOT.entry && (DOT.n <= seenByUs || DOT.n > THEIRS.n)) return false;
    if (isShared) isOursRead = OURS.next();
  }
  return THEIRS.isPlain && OURS.isPlain && !isOursRead;
}

/**
 * The one dot of a record without gaps goes into `DOT`; no for every other record, and for none.
 */
function findOnlyDot(delta: Uint8Array): boolean {
  THEIRS.begin(delta, 0);
  while (THEIRS.next());
  if (!THEIRS.isPlain) return false;
  const { reader, count, identityEnd } = THEIRS;
  if (reader.varint() !== 1) return false;
  DOT.entry = reader.varint();
  DOT.n = reader.varint();
  reader.u8();
  reader.skip(reader.varint());
  if (reader.offset !== identityEnd || DOT.n === 0 || DOT.entry >= count) return false;
  reader.skip(reader.varint());
  return reader.finished;
}

/** The entries of an encoded record, one after the other, each in place of the one before. */
class SeenWalk implements Actor {
  readonly reader: ByteReader = new ByteReader(NOTHING_SEEN);
  identityEnd = 0;
  count = 0;
  high = 0;
  low = 0;
  epoch = 0;
  n = 0;
  /** False as soon as something is malformed, or seen with gaps. */
  isPlain = false;
  #left = 0;

  begin(bytes: Uint8Array, start: number): void {
    const { reader } = this;
    reader.restart(bytes, start);
    const version = reader.u8();
    const identityBytes = reader.varint();
    this.identityEnd = reader.offset + identityBytes;
    this.count = reader.varint();
    this.isPlain = version === RECORD_VERSION && this.count <= ENTRIES_MAX;
    this.#left = this.count;
  }

  next(): boolean {
    if (this.#left === 0 || !this.isPlain) return false;
    const isFirst = this.#left-- === this.count;
    const { reader, high, low, epoch } = this;
    this.high = reader.i32();
    this.low = reader.i32();
    this.epoch = reader.varint();
    this.n = reader.varint();
    const ranges = reader.varint();
    const isSorted = isFirst || isBefore(high, low, epoch, this);
    this.isPlain =
      isSorted && ranges === 0 && this.n > 0 && this.epoch <= EPOCH_MAX && !reader.failed;
    return this.isPlain;
  }
}

function isBefore(high: number, low: number, epoch: number, actor: Actor): boolean {
  if (high !== actor.high) return high < actor.high;
  return low !== actor.low ? low < actor.low : epoch < actor.epoch;
}

// Used again by every call: this runs for every write of every owner, and makes nothing.
const THEIRS = new SeenWalk();
const OURS = new SeenWalk();
/** `entry` is the index of the entry of the dot's actor. */
const DOT = { entry: 0, n: 0 };
