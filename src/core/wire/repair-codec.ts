/**
 * The messages of an exchange as bytes, inside one kind of frame.
 *
 *     roots-ask        │ 1 │ id u64 │ epoch │ partition u16 │ root u64 │
 *     roots-same       │ 2 │ id u64 │
 *     branches-told    │ 3 │ id u64 │ 64 × sum u64 │
 *     leaves-ask       │ 4 │ id u64 │ round u8 │ branches u64 │
 *     leaves-told      │ 5 │ id u64 │ round u8 │ branches u64 │ 64 × sum u64 for each of them │
 *     keys-ask         │ 6 │ id u64 │ from │ leaf u16 … │
 *     keys-told        │ 7 │ id u64 │ from │ covered │ isLast u8 │ (key │ state) … │
 *     trade            │ 8 │ id u64 │ step │ (key │ record bytes) … │
 *     traded           │ 9 │ id u64 │ step │ (changed u8 │ record bytes) … │
 *     exchange-refused │ 10 │ id u64 │ reason u8 │ epoch │
 *     exchange-done    │ 11 │ id u64 │
 *
 *     roots-ask and trade of an era that is not the first are 12 and 13, and have it behind the id
 *
 * The first byte says which it is. Branches are a set of 64 bits, branch 0 the lowest. A state is 0
 * and a digest u64, or 1 for recent, or 2 for damaged. Lists go on to the end of the frame, up to
 * their bound.
 *
 * Two replicas that are the same cost a roots-ask of 20 bytes and a roots-same of 9. The largest
 * answer of sums has 32 KiB. What is read is complete and within its bounds, or nothing; bytes are
 * views of the frame.
 */
import { assert, unreachable } from "../base/assert.ts";
import type { ByteReader, ByteWriter } from "../base/bytes.ts";
import type {
  ExchangeMessage,
  KeysAsk,
  KeysTold,
  KeyState,
  LeavesTold,
  ListedKey,
  Offer,
  RootsAsk,
  Taken,
  Trade,
  Traded,
} from "../repair-messages.ts";
import {
  BRANCHES,
  EXCHANGE_LEAVES_MAX,
  EXCHANGE_REFUSALS,
  KEYS_TOLD_MAX,
  LEAVES,
  LEAVES_PER_BRANCH,
  TRADE_KEYS_MAX,
} from "../repair-messages.ts";
import { PARTITION_COUNT_MAX } from "../ring/slot.ts";
import { readBytes } from "./field-codec.ts";
import { readKey, writeKey } from "./key-codec.ts";

const KINDS = [
  "roots-ask",
  "roots-same",
  "branches-told",
  "leaves-ask",
  "leaves-told",
  "keys-ask",
  "keys-told",
  "trade",
  "traded",
  "exchange-refused",
  "exchange-done",
] as const satisfies readonly ExchangeMessage["kind"][];

/** Those that bear an era; appended to, like the others. */
const IN_ERA = ["roots-ask", "trade"] as const satisfies readonly ExchangeMessage["kind"][];

const SUM_BYTES = 8;
const STATE_DIGEST = 0;
const STATE_RECENT = 1;
const STATE_DAMAGED = 2;
const WORD_BITS = 32;

export function writeExchange(writer: ByteWriter, message: ExchangeMessage): void {
  writer.u8(codeOf(message));
  writer.u64(message.id);
  if ("era" in message && message.era !== 0) writer.varint(message.era);
  switch (message.kind) {
    case "roots-ask":
      writer.varint(message.epoch);
      writer.u16(message.partition);
      writer.u32(message.rootHigh);
      return writer.u32(message.rootLow);
    case "roots-same":
    case "exchange-done":
      return;
    case "branches-told":
      return writeSums(writer, message.sums, BRANCHES);
    case "leaves-ask":
      writer.u8(message.round);
      return writeBranches(writer, message.branches);
    case "leaves-told":
      writer.u8(message.round);
      writeBranches(writer, message.branches);
      return writeSums(writer, message.sums, message.branches.length * LEAVES_PER_BRANCH);
    case "keys-ask":
      writer.varint(message.from);
      for (const leaf of message.leaves) writer.u16(leaf);
      return;
    case "keys-told":
      return writeKeysTold(writer, message);
    case "trade":
      return writeTrade(writer, message);
    case "traded":
      return writeTraded(writer, message);
    case "exchange-refused":
      writer.u8(EXCHANGE_REFUSALS.indexOf(message.reason));
      return writer.varint(message.epoch);
    default:
      return unreachable(message);
  }
}

function codeOf(message: ExchangeMessage): number {
  const isInEra = "era" in message && message.era !== 0;
  if (!isInEra) return KINDS.indexOf(message.kind) + 1;
  return KINDS.length + IN_ERA.indexOf(message.kind) + 1;
}

/** Takes the reader to its end. Nothing for malformed bytes. */
export function readExchange(reader: ByteReader): ExchangeMessage | undefined {
  const code = reader.u8();
  const isInEra = code > KINDS.length && code <= KINDS.length + IN_ERA.length;
  const kind = isInEra ? IN_ERA[code - KINDS.length - 1] : KINDS[code - 1];
  const id = reader.u64();
  const era = isInEra ? reader.varint() : 0;
  if (isInEra && era === 0) return undefined;
  const message = kind === undefined ? undefined : readBody(reader, kind, id, era);
  return message !== undefined && reader.finished ? message : undefined;
}

function readBody(
  reader: ByteReader,
  kind: ExchangeMessage["kind"],
  id: number,
  era: number,
): ExchangeMessage | undefined {
  switch (kind) {
    case "roots-ask":
      return readRootsAsk(reader, id, era);
    case "roots-same":
    case "exchange-done":
      return { kind, id };
    case "branches-told": {
      const sums = readSums(reader, BRANCHES);
      return sums === undefined ? undefined : { kind, id, sums };
    }
    case "leaves-ask": {
      const round = reader.u8();
      const branches = readBranches(reader);
      return isRound(round, branches) ? { kind, id, round, branches } : undefined;
    }
    case "leaves-told":
      return readLeavesTold(reader, id);
    case "keys-ask":
      return readKeysAsk(reader, id);
    case "keys-told":
      return readKeysTold(reader, id);
    case "trade":
      return readTrade(reader, id, era);
    case "traded":
      return readTraded(reader, id);
    case "exchange-refused": {
      const reason = EXCHANGE_REFUSALS[reader.u8()];
      const epoch = reader.varint();
      return reason === undefined ? undefined : { kind, id, reason, epoch };
    }
    default:
      return unreachable(kind);
  }
}

function readRootsAsk(reader: ByteReader, id: number, era: number): RootsAsk | undefined {
  const epoch = reader.varint();
  const partition = reader.u16();
  const rootHigh = reader.u32();
  const rootLow = reader.u32();
  if (partition >= PARTITION_COUNT_MAX) return undefined;
  return { kind: "roots-ask", id, epoch, era, partition, rootHigh, rootLow };
}

function readLeavesTold(reader: ByteReader, id: number): LeavesTold | undefined {
  const round = reader.u8();
  const branches = readBranches(reader);
  if (!isRound(round, branches)) return undefined;
  const sums = readSums(reader, branches.length * LEAVES_PER_BRANCH);
  return sums === undefined ? undefined : { kind: "leaves-told", id, round, branches, sums };
}

function readKeysAsk(reader: ByteReader, id: number): KeysAsk | undefined {
  const from = reader.varint();
  const count = reader.remaining / 2;
  if (reader.failed || count < 1 || count > EXCHANGE_LEAVES_MAX) return undefined;
  const leaves: number[] = [];
  while (reader.remaining > 0) {
    const leaf = reader.u16();
    if (leaf >= LEAVES) return undefined;
    leaves.push(leaf);
  }
  return { kind: "keys-ask", id, from, leaves };
}

function writeKeysTold(writer: ByteWriter, told: KeysTold): void {
  writer.varint(told.from);
  writer.varint(told.covered);
  writer.u8(told.isLast ? 1 : 0);
  for (const { key, state } of told.keys) {
    writeKey(writer, key);
    writeState(writer, state);
  }
}

function readKeysTold(reader: ByteReader, id: number): KeysTold | undefined {
  const from = reader.varint();
  const covered = reader.varint();
  const isLast = reader.u8();
  if (reader.failed || covered > EXCHANGE_LEAVES_MAX || isLast > 1) return undefined;
  const keys: ListedKey[] = [];
  while (reader.remaining > 0) {
    const key = readKey(reader);
    const state = readState(reader);
    if (state === undefined || keys.length === KEYS_TOLD_MAX) return undefined;
    keys.push({ key, state });
  }
  return { kind: "keys-told", id, from, covered, isLast: isLast === 1, keys };
}

function writeState(writer: ByteWriter, state: KeyState): void {
  if (state === "recent") return writer.u8(STATE_RECENT);
  if (state === "damaged") return writer.u8(STATE_DAMAGED);
  writer.u8(STATE_DIGEST);
  writer.u32(state.high);
  writer.u32(state.low);
}

function readState(reader: ByteReader): KeyState | undefined {
  const tag = reader.u8();
  if (reader.failed || tag > STATE_DAMAGED) return undefined;
  if (tag !== STATE_DIGEST) return tag === STATE_RECENT ? "recent" : "damaged";
  const high = reader.u32();
  const low = reader.u32();
  return { high, low };
}

function writeTrade(writer: ByteWriter, trade: Trade): void {
  writer.varint(trade.step);
  for (const { key, record } of trade.offers) {
    writeKey(writer, key);
    writer.blob(record);
  }
}

function readTrade(reader: ByteReader, id: number, era: number): Trade | undefined {
  const step = reader.varint();
  const offers: Offer[] = [];
  while (reader.remaining > 0) {
    const key = readKey(reader);
    const record = readBytes(reader);
    if (reader.failed || offers.length === TRADE_KEYS_MAX) return undefined;
    offers.push({ key, record });
  }
  return offers.length === 0 ? undefined : { kind: "trade", id, era, step, offers };
}

function writeTraded(writer: ByteWriter, traded: Traded): void {
  writer.varint(traded.step);
  for (const { changed, record } of traded.taken) {
    writer.u8(changed ? 1 : 0);
    writer.blob(record);
  }
}

function readTraded(reader: ByteReader, id: number): Traded | undefined {
  const step = reader.varint();
  const taken: Taken[] = [];
  while (reader.remaining > 0) {
    const changed = reader.u8();
    const record = readBytes(reader);
    if (reader.failed || changed > 1 || taken.length === TRADE_KEYS_MAX) return undefined;
    taken.push({ changed: changed === 1, record });
  }
  return taken.length === 0 ? undefined : { kind: "traded", id, step, taken };
}

function writeBranches(writer: ByteWriter, branches: readonly number[]): void {
  let high = 0;
  let low = 0;
  for (const branch of branches) {
    if (branch < WORD_BITS) low |= 1 << branch;
    else high |= 1 << (branch - WORD_BITS);
  }
  writer.u32(high);
  writer.u32(low);
}

function readBranches(reader: ByteReader): readonly number[] {
  const high = reader.i32();
  const low = reader.i32();
  const branches: number[] = [];
  for (let branch = 0; branch < BRANCHES; branch++) {
    const word = branch < WORD_BITS ? low : high;
    if (((word >>> (branch % WORD_BITS)) & 1) === 1) branches.push(branch);
  }
  return branches;
}

function isRound(round: number, branches: readonly number[]): boolean {
  return (round === 1 || round === 2) && branches.length > 0;
}

function writeSums(writer: ByteWriter, sums: Uint32Array, count: number): void {
  assert(sums.length === count * 2, `${sums.length / 2} sums, not ${count}`);
  for (const half of sums) writer.u32(half);
}

/** Exactly so many, up to the end; memory is spent when they are there. */
function readSums(reader: ByteReader, count: number): Uint32Array | undefined {
  if (reader.failed || reader.remaining !== count * SUM_BYTES) return undefined;
  const sums = new Uint32Array(count * 2);
  for (let at = 0; at < sums.length; at++) sums[at] = reader.u32();
  return sums;
}
