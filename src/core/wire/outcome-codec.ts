/**
 * How a request ended, as the body of an `answer`.
 *
 *     0 found      │ receipt │ context │ count │ count × ( writtenMs · value )
 *     1 not-found  │ receipt │ context
 *     2 stored     │ receipt │ context
 *     3 deleted    │ existed │ receipt │ context
 *     4 failed     │ code │ needed │ got │ retryAfterMs │ detail │ context
 *
 *     receipt      coordinator (name) · epoch · needed · answered · masks · siblings
 *     masks        held + 65536 × hinted
 *
 * Example, stored under epoch 1, two of two owners needed, owners 0 and 1 answered and hold it, one
 * sibling, no context:
 *
 *     02 | 02 6e 31 | 01 | 02 | 03 | 03 | 01 | 00
 *     stored, "n1", epoch, needed, answered, held, siblings, length of the context
 */
import { assert, unreachable } from "../base/assert.ts";
import type { ByteReader, ByteWriter } from "../base/bytes.ts";
import type { Sibling } from "../causality/register.ts";
import type { Deleted, Failed, Found, NotFound, Outcome, Receipt, Stored } from "../outcomes.ts";
import { FAILURE_CODES } from "../outcomes.ts";
import { REPLICAS_MAX } from "../ring/layout.ts";
import type { NodeId } from "../ring/node-id.ts";
import { readBytes, readName, readText, writeText } from "./field-codec.ts";

/** More siblings than any policy leaves behind; fewer than would hurt who reads them. */
export const SIBLINGS_MAX = 65_535;
/** Detail is a sentence for a person; what goes beyond is cut. */
export const DETAIL_BYTES_MAX = 1024;

/** Append only, as every number that travels. */
const FOUND = 0;
const NOT_FOUND = 1;
const STORED = 2;
const DELETED = 3;
const FAILED = 4;

/** One more than a mask of owners can be. */
const MASK_END: number = 1 << REPLICAS_MAX;
/** A sibling is at least its time and the length of its value. */
const SIBLING_BYTES_MIN = 2;

export function writeOutcome(writer: ByteWriter, outcome: Outcome): void {
  switch (outcome.kind) {
    case "found":
      return writeFound(writer, outcome);
    case "not-found":
      writer.u8(NOT_FOUND);
      return writeEvidence(writer, outcome);
    case "stored":
      writer.u8(STORED);
      return writeEvidence(writer, outcome);
    case "deleted":
      writer.u8(DELETED);
      writer.u8(outcome.existed ? 1 : 0);
      return writeEvidence(writer, outcome);
    case "failed":
      return writeFailed(writer, outcome);
    default:
      unreachable(outcome);
  }
}

/**
 * Nothing, or a failed reader, for malformed bytes. What follows the outcome is left to be read.
 */
export function readOutcome(reader: ByteReader): Outcome | undefined {
  switch (reader.u8()) {
    case FOUND:
      return readFound(reader);
    case NOT_FOUND:
      return readNotFound(reader);
    case STORED:
      return readStored(reader);
    case DELETED:
      return readDeleted(reader);
    case FAILED:
      return readFailed(reader);
    default:
      return undefined;
  }
}

function writeFound(writer: ByteWriter, outcome: Found): void {
  const { siblings } = outcome;
  assert(siblings.length <= SIBLINGS_MAX, `${siblings.length} siblings in one answer`);
  writer.u8(FOUND);
  writeEvidence(writer, outcome);
  writer.varint(siblings.length);
  for (const sibling of siblings) {
    writer.varint(sibling.writtenMs);
    writer.blob(sibling.value);
  }
}

function readFound(reader: ByteReader): Found | undefined {
  const receipt = readReceipt(reader);
  const context = readBytes(reader);
  const count = reader.varint();
  if (count > SIBLINGS_MAX || count * SIBLING_BYTES_MIN > reader.remaining) return undefined;
  const siblings: Sibling[] = [];
  for (let i = 0; i < count; i++) {
    const writtenMs = reader.varint();
    const value = readBytes(reader);
    if (reader.failed) return undefined;
    siblings.push({ value, writtenMs });
  }
  return { kind: "found", siblings, context, receipt };
}

function readNotFound(reader: ByteReader): NotFound {
  const receipt = readReceipt(reader);
  const context = readBytes(reader);
  return { kind: "not-found", context, receipt };
}

function readStored(reader: ByteReader): Stored {
  const receipt = readReceipt(reader);
  const context = readBytes(reader);
  return { kind: "stored", context, receipt };
}

function readDeleted(reader: ByteReader): Deleted | undefined {
  const existed = reader.u8();
  const receipt = readReceipt(reader);
  const context = readBytes(reader);
  return existed > 1 ? undefined : { kind: "deleted", existed: existed === 1, context, receipt };
}

function writeFailed(writer: ByteWriter, outcome: Failed): void {
  writer.u8(FAILED);
  writer.u8(FAILURE_CODES.indexOf(outcome.code));
  writer.varint(outcome.needed);
  writer.varint(outcome.got);
  writer.varint(outcome.retryAfterMs);
  writeText(writer, outcome.detail, DETAIL_BYTES_MAX);
  writer.blob(outcome.context);
}

function readFailed(reader: ByteReader): Failed | undefined {
  const code = FAILURE_CODES[reader.u8()];
  const needed = reader.varint();
  const got = reader.varint();
  const retryAfterMs = reader.varint();
  const detail = readText(reader, DETAIL_BYTES_MAX);
  const context = readBytes(reader);
  if (code === undefined) return undefined;
  return { kind: "failed", code, needed, got, retryAfterMs, detail, context };
}

/** What stands behind an answer, and what a client carries on with. */
function writeEvidence(writer: ByteWriter, outcome: Found | NotFound | Stored | Deleted): void {
  const { receipt, context } = outcome;
  writer.binary(receipt.coordinator);
  writer.varint(receipt.epoch);
  writer.varint(receipt.needed);
  writer.varint(receipt.answered);
  writer.varint(receipt.held + receipt.hinted * MASK_END);
  writer.varint(receipt.siblings);
  writer.blob(context);
}

function readReceipt(reader: ByteReader): Receipt {
  const coordinator = readName(reader) as NodeId;
  const epoch = reader.varint();
  const needed = reader.varint();
  const answered = reader.varint();
  const masks = reader.varint();
  const siblings = reader.varint();
  if (masks >= MASK_END * MASK_END) reader.fail();
  const [held, hinted] = [masks % MASK_END, Math.floor(masks / MASK_END)];
  return { coordinator, epoch, needed, answered, held, hinted, siblings };
}
