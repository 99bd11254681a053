/**
 * The messages of purging as bytes, inside one kind of frame.
 *
 *     purge-watch   │ 1 │ id u64 │ epoch │ (key │ digest u64) … │
 *     purge-step    │ 2 │ id u64 │ watch u32 │ step u8 │ era │
 *     purge-told    │ 3 │ id u64 │ watch u32 │ step u8 │ era │ unclear u16 … │
 *     purge-refused │ 4 │ id u64 │
 *     purge-now     │ 5 │ id u64 │ epoch │ (key │ digest u64) … │
 *     era-told      │ 6 │ era │
 *
 * The first byte says which it is. Lists go on to the end of the frame, up to their bound. What is
 * read is complete and within its bounds, or nothing.
 */
import { assert, unreachable } from "../base/assert.ts";
import type { ByteReader, ByteWriter } from "../base/bytes.ts";
import type { PurgeMessage, PurgeStepNumber, Tombstone } from "../purge-messages.ts";
import { PURGE_KEYS_MAX } from "../purge-messages.ts";
import { readKey, writeKey } from "./key-codec.ts";

const KINDS = [
  "purge-watch",
  "purge-step",
  "purge-told",
  "purge-refused",
  "purge-now",
  "era-told",
] as const satisfies readonly PurgeMessage["kind"][];

const PLACE_BYTES = 2;

export function writePurge(writer: ByteWriter, message: PurgeMessage): void {
  writer.u8(KINDS.indexOf(message.kind) + 1);
  switch (message.kind) {
    case "purge-watch":
    case "purge-now":
      writer.u64(message.id);
      writer.varint(message.epoch);
      return writeTombstones(writer, message.tombstones);
    case "purge-step":
      writer.u64(message.id);
      writer.u32(message.watch);
      writer.u8(message.step);
      return writer.varint(message.era);
    case "purge-told":
      writer.u64(message.id);
      writer.u32(message.watch);
      writer.u8(message.step);
      writer.varint(message.era);
      for (const place of message.unclear) writer.u16(place);
      return;
    case "purge-refused":
      return writer.u64(message.id);
    case "era-told":
      return writer.varint(message.era);
    default:
      return unreachable(message);
  }
}

/** Takes the reader to its end. Nothing for malformed bytes. */
export function readPurge(reader: ByteReader): PurgeMessage | undefined {
  const kind = KINDS[reader.u8() - 1];
  const message = kind === undefined ? undefined : readBody(reader, kind);
  return message !== undefined && reader.finished ? message : undefined;
}

function readBody(reader: ByteReader, kind: PurgeMessage["kind"]): PurgeMessage | undefined {
  if (kind === "era-told") return { kind, era: reader.varint() };
  const id = reader.u64();
  switch (kind) {
    case "purge-watch":
    case "purge-now": {
      const epoch = reader.varint();
      const tombstones = readTombstones(reader);
      return tombstones === undefined ? undefined : { kind, id, epoch, tombstones };
    }
    case "purge-step": {
      const watch = reader.u32();
      const step = reader.u8();
      return isStep(step) ? { kind, id, watch, step, era: reader.varint() } : undefined;
    }
    case "purge-told": {
      const watch = reader.u32();
      const step = reader.u8();
      const era = reader.varint();
      const unclear = readPlaces(reader);
      if ((step !== 1 && step !== 5 && !isStep(step)) || unclear === undefined) return undefined;
      return { kind, id, watch, step, era, unclear };
    }
    case "purge-refused":
      return { kind, id };
    default:
      return unreachable(kind);
  }
}

function isStep(step: number): step is PurgeStepNumber {
  return step === 2 || step === 3 || step === 4;
}

function writeTombstones(writer: ByteWriter, tombstones: readonly Tombstone[]): void {
  assert(tombstones.length <= PURGE_KEYS_MAX, `${tombstones.length} tombstones in a message`);
  for (const { key, high, low } of tombstones) {
    writeKey(writer, key);
    writer.u32(high);
    writer.u32(low);
  }
}

function readTombstones(reader: ByteReader): readonly Tombstone[] | undefined {
  const tombstones: Tombstone[] = [];
  while (!reader.failed && reader.remaining > 0) {
    if (tombstones.length === PURGE_KEYS_MAX) return undefined;
    const key = readKey(reader);
    tombstones.push({ key, high: reader.u32(), low: reader.u32() });
  }
  return tombstones;
}

function readPlaces(reader: ByteReader): readonly number[] | undefined {
  if (reader.remaining > PURGE_KEYS_MAX * PLACE_BYTES) return undefined;
  const places: number[] = [];
  while (!reader.failed && reader.remaining > 0) {
    const place = reader.u16();
    if (place <= (places.at(-1) ?? -1)) return undefined;
    places.push(place);
  }
  return places;
}
