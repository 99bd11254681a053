/**
 * Messages as frames, and back. `docs/wire-format.md` draws every body; a change here is a change
 * there first.
 *
 *     write   │ id u64 │ epoch │ remainingMs │ key │ delta … │
 *     read    │ id u64 │ epoch │ remainingMs │ key │ digestHigh u32 │ digestLow u32 │
 *     held    │ id u64 │ record … │
 *     written │ id u64 │                       same alike
 *     refused │ id u64 │ reason u8 │ epoch │
 *     repair  │ epoch │ key │ record … │
 *     hint    │ id u64 │ epoch │ remainingMs │ target │ key │ delta … │
 *     write, repair, hint of an era: the same kinds in-era, and era before all else
 *     hinted-ask │ id u64 │ epoch │ remainingMs │ target │ key │
 *     condition │ latencyMs │ degraded u8 │
 *
 * Example, `written` for request 7:
 *
 *     00 00 00 09 | 11 | 00 00 00 00 00 00 00 07
 *     length        kind id
 *
 * Encoding appends a whole frame to a writer, which is the send buffer of a peer: no message
 * becomes bytes of its own. Decoding reads straight through and looks once, at the end, whether all
 * of it was well formed and nothing is left over. It never throws: whatever a peer sends is a
 * message or `undefined`. Bytes in a message are views of the frame.
 *
 * `hello` and `goodbye` are not on the wire: the transport makes them of the greeting and of the
 * end of a connection.
 */
import { assert, unreachable } from "../base/assert.ts";
import type { ByteWriter } from "../base/bytes.ts";
import { ByteReader } from "../base/bytes.ts";
import type {
  Answer,
  Ask,
  Condition,
  Held,
  Hint,
  HintedAsk,
  LayoutTold,
  MemberTalk,
} from "../messages.ts";
import type { Message, PurgeTalk, RepairTalk } from "../messages.ts";
import type { Read, Refused, Repair, Same, Write, Written } from "../messages.ts";
import { condition, LAYOUT_ASK, REFUSALS } from "../messages.ts";
import type { NodeId } from "../ring/node-id.ts";
import { readName, readRest } from "./field-codec.ts";
import { FRAME_KIND } from "./frame-kind.ts";
import { beginFrame, endFrame } from "./frame.ts";
import { readKey, writeKey } from "./key-codec.ts";
import { readLayout, writeLayout } from "./layout-codec.ts";
import { readMembership, writeMembership } from "./membership-codec.ts";
import { readOutcome, writeOutcome } from "./outcome-codec.ts";
import { readPurge, writePurge } from "./purge-codec.ts";
import { readExchange, writeExchange } from "./repair-codec.ts";
import { readRequest, writeRequest } from "./request-codec.ts";

export function encodeMessage(writer: ByteWriter, message: Message): void {
  switch (message.kind) {
    case "write":
      return encodeWrite(writer, message);
    case "written":
      return encodeId(writer, FRAME_KIND.written, message.id);
    case "read":
      return encodeRead(writer, message);
    case "same":
      return encodeId(writer, FRAME_KIND.same, message.id);
    case "held":
      return encodeHeld(writer, message);
    case "refused":
      return encodeRefused(writer, message);
    case "repair":
      return encodeRepair(writer, message);
    case "hint":
      return encodeHint(writer, message);
    case "hinted-ask":
      return encodeHintedAsk(writer, message);
    case "ask":
      return encodeAsk(writer, message);
    case "answer":
      return encodeAnswer(writer, message);
    case "member-talk":
      return encodeMemberTalk(writer, message);
    case "repair-talk":
      return encodeRepairTalk(writer, message);
    case "purge-talk":
      return encodePurgeTalk(writer, message);
    case "condition":
      return encodeCondition(writer, message);
    case "layout-ask":
      return endFrame(writer, beginFrame(writer, FRAME_KIND.layoutAsk));
    case "layout-told":
      return encodeLayoutTold(writer, message);
    case "hello":
    case "goodbye":
    case "located":
      return assert(false, `${message.kind} is not a frame`);
    default:
      unreachable(message);
  }
}

/**
 * The message in the body bytes[start, end) of a frame; undefined when it is malformed, or no
 * message at all.
 */
export function decodeMessage(
  kind: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): Message | undefined {
  const reader = new ByteReader(bytes, start, end);
  switch (kind) {
    case FRAME_KIND.write:
      return decodeWrite(reader, 0);
    case FRAME_KIND.writeInEra:
      return decodeWrite(reader, readEra(reader));
    case FRAME_KIND.written:
      return decodeWritten(reader);
    case FRAME_KIND.read:
      return decodeRead(reader);
    case FRAME_KIND.same:
      return decodeSame(reader);
    case FRAME_KIND.held:
      return decodeHeld(reader);
    case FRAME_KIND.refused:
      return decodeRefused(reader);
    case FRAME_KIND.repair:
      return decodeRepair(reader, 0);
    case FRAME_KIND.repairInEra:
      return decodeRepair(reader, readEra(reader));
    case FRAME_KIND.hint:
      return decodeHint(reader, 0);
    case FRAME_KIND.hintInEra:
      return decodeHint(reader, readEra(reader));
    case FRAME_KIND.hintedAsk:
      return decodeHintedAsk(reader);
    case FRAME_KIND.ask:
      return decodeAsk(reader);
    case FRAME_KIND.answer:
      return decodeAnswer(reader);
    case FRAME_KIND.memberTalk:
      return decodeMemberTalk(reader);
    case FRAME_KIND.repairTalk:
      return decodeRepairTalk(reader);
    case FRAME_KIND.purgeTalk:
      return decodePurgeTalk(reader);
    case FRAME_KIND.condition:
      return decodeCondition(reader);
    case FRAME_KIND.layoutAsk:
      return reader.finished ? LAYOUT_ASK : undefined;
    case FRAME_KIND.layoutTold:
      return decodeLayoutTold(reader);
    default:
      return undefined;
  }
}

/** The first era is said by the kind of the frame: most clusters are in it for long. */
function writeEra(writer: ByteWriter, era: number): void {
  if (era !== 0) writer.varint(era);
}

function readEra(reader: ByteReader): number {
  const era = reader.varint();
  if (era === 0) reader.fail();
  return era;
}

function encodeWrite(writer: ByteWriter, message: Write): void {
  const { write, writeInEra } = FRAME_KIND;
  const frame = beginFrame(writer, message.era === 0 ? write : writeInEra);
  writeEra(writer, message.era);
  writer.u64(message.id);
  writer.varint(message.epoch);
  writer.varint(Math.ceil(message.remainingMs));
  writeKey(writer, message.key);
  writer.raw(message.delta);
  endFrame(writer, frame);
}

function decodeWrite(reader: ByteReader, era: number): Write | undefined {
  const id = reader.u64();
  const epoch = reader.varint();
  const remainingMs = reader.varint();
  const key = readKey(reader);
  const delta = readRest(reader);
  return reader.finished ? { kind: "write", id, epoch, era, remainingMs, key, delta } : undefined;
}

/** `written` and `same` are their request's number and nothing else. */
function encodeId(
  writer: ByteWriter,
  kind: typeof FRAME_KIND.written | typeof FRAME_KIND.same,
  id: number,
): void {
  const frame = beginFrame(writer, kind);
  writer.u64(id);
  endFrame(writer, frame);
}

function decodeWritten(reader: ByteReader): Written | undefined {
  const id = reader.u64();
  return reader.finished ? { kind: "written", id } : undefined;
}

function decodeSame(reader: ByteReader): Same | undefined {
  const id = reader.u64();
  return reader.finished ? { kind: "same", id } : undefined;
}

function encodeRead(writer: ByteWriter, message: Read): void {
  const frame = beginFrame(writer, FRAME_KIND.read);
  writer.u64(message.id);
  writer.varint(message.epoch);
  writer.varint(Math.ceil(message.remainingMs));
  writeKey(writer, message.key);
  writer.u32(message.digestHigh);
  writer.u32(message.digestLow);
  endFrame(writer, frame);
}

function decodeRead(reader: ByteReader): Read | undefined {
  const id = reader.u64();
  const epoch = reader.varint();
  const remainingMs = reader.varint();
  const key = readKey(reader);
  const digestHigh = reader.u32();
  const digestLow = reader.u32();
  if (!reader.finished) return undefined;
  return { kind: "read", id, epoch, remainingMs, key, digestHigh, digestLow };
}

function encodeHeld(writer: ByteWriter, message: Held): void {
  const frame = beginFrame(writer, FRAME_KIND.held);
  writer.u64(message.id);
  writer.raw(message.record);
  endFrame(writer, frame);
}

function decodeHeld(reader: ByteReader): Held | undefined {
  const id = reader.u64();
  const record = readRest(reader);
  return reader.finished ? { kind: "held", id, record } : undefined;
}

function encodeRefused(writer: ByteWriter, message: Refused): void {
  const frame = beginFrame(writer, FRAME_KIND.refused);
  writer.u64(message.id);
  writer.u8(REFUSALS.indexOf(message.reason));
  writer.varint(message.epoch);
  endFrame(writer, frame);
}

function decodeRefused(reader: ByteReader): Refused | undefined {
  const id = reader.u64();
  const reason = REFUSALS[reader.u8()];
  const epoch = reader.varint();
  if (!reader.finished || reason === undefined) return undefined;
  return { kind: "refused", id, reason, epoch };
}

function encodeRepair(writer: ByteWriter, message: Repair): void {
  const { repair, repairInEra } = FRAME_KIND;
  const frame = beginFrame(writer, message.era === 0 ? repair : repairInEra);
  writeEra(writer, message.era);
  writer.varint(message.epoch);
  writeKey(writer, message.key);
  writer.raw(message.record);
  endFrame(writer, frame);
}

function decodeRepair(reader: ByteReader, era: number): Repair | undefined {
  const epoch = reader.varint();
  const key = readKey(reader);
  const record = readRest(reader);
  return reader.finished ? { kind: "repair", epoch, era, key, record } : undefined;
}

function encodeHint(writer: ByteWriter, message: Hint): void {
  const { hint, hintInEra } = FRAME_KIND;
  const frame = beginFrame(writer, message.era === 0 ? hint : hintInEra);
  writeEra(writer, message.era);
  writer.u64(message.id);
  writer.varint(message.epoch);
  writer.varint(Math.ceil(message.remainingMs));
  writer.binary(message.target);
  writeKey(writer, message.key);
  writer.raw(message.delta);
  endFrame(writer, frame);
}

function decodeHint(reader: ByteReader, era: number): Hint | undefined {
  const id = reader.u64();
  const epoch = reader.varint();
  const remainingMs = reader.varint();
  const target = readName(reader) as NodeId;
  const key = readKey(reader);
  const delta = readRest(reader);
  if (!reader.finished) return undefined;
  return { kind: "hint", id, epoch, era, remainingMs, target, key, delta };
}

function encodeHintedAsk(writer: ByteWriter, message: HintedAsk): void {
  const frame = beginFrame(writer, FRAME_KIND.hintedAsk);
  writer.u64(message.id);
  writer.varint(message.epoch);
  writer.varint(Math.ceil(message.remainingMs));
  writer.binary(message.target);
  writeKey(writer, message.key);
  endFrame(writer, frame);
}

function decodeHintedAsk(reader: ByteReader): HintedAsk | undefined {
  const id = reader.u64();
  const epoch = reader.varint();
  const remainingMs = reader.varint();
  const target = readName(reader) as NodeId;
  const key = readKey(reader);
  if (!reader.finished) return undefined;
  return { kind: "hinted-ask", id, epoch, remainingMs, target, key };
}

function encodeAsk(writer: ByteWriter, message: Ask): void {
  const frame = beginFrame(writer, FRAME_KIND.ask);
  writeRequest(writer, message.request);
  endFrame(writer, frame);
}

function decodeAsk(reader: ByteReader): Ask | undefined {
  const request = readRequest(reader);
  return request !== undefined && reader.finished ? { kind: "ask", request } : undefined;
}

function encodeAnswer(writer: ByteWriter, message: Answer): void {
  const frame = beginFrame(writer, FRAME_KIND.answer);
  writer.u64(message.id);
  writeOutcome(writer, message.outcome);
  endFrame(writer, frame);
}

function decodeAnswer(reader: ByteReader): Answer | undefined {
  const id = reader.u64();
  const outcome = readOutcome(reader);
  return outcome !== undefined && reader.finished ? { kind: "answer", id, outcome } : undefined;
}

function encodeMemberTalk(writer: ByteWriter, { talk }: MemberTalk): void {
  const frame = beginFrame(writer, FRAME_KIND.memberTalk);
  writeMembership(writer, talk);
  endFrame(writer, frame);
}

function decodeMemberTalk(reader: ByteReader): MemberTalk | undefined {
  const talk = readMembership(reader);
  return talk !== undefined && reader.finished ? { kind: "member-talk", talk } : undefined;
}

function encodeRepairTalk(writer: ByteWriter, { talk }: RepairTalk): void {
  const frame = beginFrame(writer, FRAME_KIND.repairTalk);
  writeExchange(writer, talk);
  endFrame(writer, frame);
}

function decodeRepairTalk(reader: ByteReader): RepairTalk | undefined {
  const talk = readExchange(reader);
  return talk !== undefined && reader.finished ? { kind: "repair-talk", talk } : undefined;
}

function encodePurgeTalk(writer: ByteWriter, { talk }: PurgeTalk): void {
  const frame = beginFrame(writer, FRAME_KIND.purgeTalk);
  writePurge(writer, talk);
  endFrame(writer, frame);
}

function decodePurgeTalk(reader: ByteReader): PurgeTalk | undefined {
  const talk = readPurge(reader);
  return talk !== undefined && reader.finished ? { kind: "purge-talk", talk } : undefined;
}

function encodeCondition(writer: ByteWriter, { latencyMs, isDegraded }: Condition): void {
  const frame = beginFrame(writer, FRAME_KIND.condition);
  writer.varint(latencyMs);
  writer.u8(isDegraded ? 1 : 0);
  endFrame(writer, frame);
}

function decodeCondition(reader: ByteReader): Condition | undefined {
  const latencyMs = reader.varint();
  const degraded = reader.u8();
  return reader.finished && degraded <= 1 ? condition(latencyMs, degraded === 1) : undefined;
}

function encodeLayoutTold(writer: ByteWriter, message: LayoutTold): void {
  const frame = beginFrame(writer, FRAME_KIND.layoutTold);
  writeLayout(writer, message.layout);
  endFrame(writer, frame);
}

function decodeLayoutTold(reader: ByteReader): LayoutTold | undefined {
  const layout = readLayout(reader);
  return layout !== undefined && reader.finished ? { kind: "layout-told", layout } : undefined;
}
