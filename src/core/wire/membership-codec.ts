/**
 * What members say to each other, as the body of a frame, and back.
 *
 *     │ which u8 │ cluster u32 │ generation │ boot u32 │ incarnation │ …
 *                  the speaker    varint                 varint
 *
 *     0 probe       sequence u32 · rumours          4 gossip      rumours
 *     1 probe-ack   sequence u32 · rumours          5 sync        wantsAnswer u8 · rumours
 *     2 probe-for   sequence u32 · target name      6 unwelcome   boot u32 · reason u8
 *                   · rumours
 *     3 probe-nack  sequence u32
 *
 *     rumours   a count, and as many of     │ state u8 │ id │ generation │ boot u32 │ incarnation │
 *                                                       name  varint                  varint
 *               address and accuser may       │ address │ accuser │
 *               have no bytes                   ASCII     name
 *
 * Example, a rumour: "n2 of boot 3 is suspect, says n1".
 *
 *     01 | 02 6e32 | 03 | 0badcafe | 00 | 00 | 02 6e31
 *     suspect  n2    3    boot      inc.  –     n1
 *
 * A count is compared with the bytes that are left before anything is made of it. What is malformed
 * is `undefined`, and nothing throws.
 */
import { unreachable } from "../base/assert.ts";
import type { ByteReader, ByteWriter } from "../base/bytes.ts";
import { binaryOf } from "../base/bytes.ts";
import type { MembershipMessage, Rumour, Speaker } from "../membership-messages.ts";
import {
  gossip,
  MEMBER_STATES,
  NO_RUMOURS,
  probe,
  probeAck,
  probeFor,
  probeNack,
  sync,
  unwelcome,
  UNWELCOMES,
} from "../membership-messages.ts";
import type { NodeId } from "../ring/node-id.ts";
import { readName, readNameOrNone } from "./field-codec.ts";
import { ADDRESS_BYTES_MAX } from "./layout-codec.ts";

/** Order is the wire's: append only. */
const KINDS: readonly MembershipMessage["kind"][] = [
  "probe",
  "probe-ack",
  "probe-for",
  "probe-nack",
  "gossip",
  "sync",
  "unwelcome",
];

/** An id of one character, and the shortest of everything else. */
const RUMOUR_BYTES_MIN = 11;
/** More than a sync or the largest packet that can be configured has room for. */
const RUMOURS_MAX = 8_192;
/** A counter beyond this was not counted. It leaves room to outbid it for ever. */
const COUNTER_MAX: number = 2 ** 48;

/** Appends the body of a frame. */
export function writeMembership(writer: ByteWriter, message: MembershipMessage): void {
  writer.u8(KINDS.indexOf(message.kind));
  writeSpeaker(writer, message.speaker);
  switch (message.kind) {
    case "probe":
    case "probe-ack":
      writer.u32(message.sequence);
      return writeRumours(writer, message.rumours);
    case "probe-for":
      writer.u32(message.sequence);
      writer.binary(message.target);
      return writeRumours(writer, message.rumours);
    case "probe-nack":
      return writer.u32(message.sequence);
    case "gossip":
      return writeRumours(writer, message.rumours);
    case "sync":
      writer.u8(message.wantsAnswer ? 1 : 0);
      return writeRumours(writer, message.rumours);
    case "unwelcome":
      writer.u32(message.boot);
      return writer.u8(UNWELCOMES.indexOf(message.reason));
    default:
      return unreachable(message);
  }
}

/** Takes the reader to its end. Nothing for malformed bytes. */
export function readMembership(reader: ByteReader): MembershipMessage | undefined {
  const kind = KINDS[reader.u8()];
  const speaker = readSpeaker(reader);
  const message = kind === undefined ? undefined : readRest(reader, kind, speaker);
  return reader.finished ? message : undefined;
}

function readRest(
  reader: ByteReader,
  kind: MembershipMessage["kind"],
  speaker: Speaker,
): MembershipMessage | undefined {
  switch (kind) {
    case "probe":
      return probe(speaker, reader.u32(), readRumours(reader));
    case "probe-ack":
      return probeAck(speaker, reader.u32(), readRumours(reader));
    case "probe-for": {
      const sequence = reader.u32();
      const target = readName(reader) as NodeId;
      return probeFor(speaker, sequence, target, readRumours(reader));
    }
    case "probe-nack":
      return probeNack(speaker, reader.u32());
    case "gossip":
      return gossip(speaker, readRumours(reader));
    case "sync": {
      const asks = reader.u8();
      if (asks > 1) reader.fail();
      return sync(speaker, asks === 1, readRumours(reader));
    }
    case "unwelcome": {
      const boot = reader.u32();
      const reason = UNWELCOMES[reader.u8()];
      return reason === undefined ? undefined : unwelcome(speaker, boot, reason);
    }
    default:
      return unreachable(kind);
  }
}

function writeSpeaker(writer: ByteWriter, speaker: Speaker): void {
  writer.u32(speaker.cluster);
  writer.varint(speaker.generation);
  writer.u32(speaker.boot);
  writer.varint(speaker.incarnation);
}

function readSpeaker(reader: ByteReader): Speaker {
  const cluster = reader.u32();
  const generation = readGeneration(reader);
  const boot = reader.u32();
  const incarnation = readCounter(reader);
  return { cluster, generation, boot, incarnation };
}

function writeRumours(writer: ByteWriter, rumours: readonly Rumour[]): void {
  writer.varint(rumours.length);
  for (const rumour of rumours) {
    writer.u8(MEMBER_STATES.indexOf(rumour.state));
    writer.binary(rumour.id);
    writer.varint(rumour.generation);
    writer.u32(rumour.boot);
    writer.varint(rumour.incarnation);
    writer.binary(rumour.address);
    writer.binary(rumour.accuser);
  }
}

function readRumours(reader: ByteReader): readonly Rumour[] {
  const count = reader.varint();
  if (count === 0) return NO_RUMOURS;
  if (count > RUMOURS_MAX || count * RUMOUR_BYTES_MIN > reader.remaining) {
    reader.fail();
    return NO_RUMOURS;
  }
  const rumours: Rumour[] = [];
  for (let i = 0; i < count && !reader.failed; i++) rumours.push(readRumour(reader));
  return rumours;
}

function readRumour(reader: ByteReader): Rumour {
  const state = MEMBER_STATES[reader.u8()];
  if (state === undefined) reader.fail();
  const id = readName(reader) as NodeId;
  const generation = readGeneration(reader);
  const boot = reader.u32();
  const incarnation = readCounter(reader);
  const address = readAddress(reader);
  const accuser = readNameOrNone(reader) as NodeId | "";
  return { id, state: state ?? "alive", generation, boot, incarnation, address, accuser };
}

/** The first boot is number 1: nobody tells of a node of which nobody has heard. */
function readGeneration(reader: ByteReader): number {
  const generation = readCounter(reader);
  if (generation === 0) reader.fail();
  return generation;
}

function readCounter(reader: ByteReader): number {
  const counter = reader.varint();
  if (counter > COUNTER_MAX) reader.fail();
  return counter;
}

/** As in a greeting: ASCII without blanks, or nothing. */
function readAddress(reader: ByteReader): string {
  const length = reader.varint();
  const start = reader.offset;
  const end = start + length;
  const { bytes } = reader;
  let isGood = length <= ADDRESS_BYTES_MAX && end <= reader.end;
  for (let at = start; isGood && at < end; at++) isGood = bytes[at]! > 0x20 && bytes[at]! < 0x7f;
  if (!isGood) {
    reader.fail();
    return "";
  }
  reader.offset = end;
  return binaryOf(bytes, start, end);
}
