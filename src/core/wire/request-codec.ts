/**
 * A client's request as the body of an `ask`.
 *
 *     ├────┼───────────┼──────┼───────┼───┼───┼────┼────┼───────────┼─────┼─────────┼───────┤
 *     │ id │ operation │ mode │ flags │ r │ w │ pr │ pw │ timeoutMs │ key │ context │ value │
 *     └────┴───────────┴──────┴───────┴───┴───┴────┴────┴───────────┴─────┴─────────┴───────┘
 *       u64  u8          u8     u8      varint each       varint      blob  blob      rest
 *
 *     ttlMs varint stands behind timeoutMs when the flags say so
 *
 *     level   0 default · 1 one · 2 quorum · 3 all · 4 + n for the number n
 *     flags   bit 0 forwarded, bit 1 session, bit 2 expires, the others zero
 *
 * Wall time does not travel: whoever runs the request stamps its own, so `wallMs` is 0 in what is
 * read. A number of owners travels as it was asked, however wrong: to refuse it by name is the
 * node's business.
 */
import { assert } from "../base/assert.ts";
import type { ByteReader, ByteWriter } from "../base/bytes.ts";
import type { BucketMode, ClientRequest, Level, Operation } from "../requests.ts";
import { readBytes, readRest } from "./field-codec.ts";
import { readKey, writeKey } from "./key-codec.ts";

/** Order is the wire's in the lists: append only. */
const OPERATIONS = ["get", "put", "delete"] as const satisfies readonly Operation[];
const MODES = ["overwrite", "siblings", "lww", "merge"] as const satisfies readonly BucketMode[];
const LEVEL_WORDS = ["default", "one", "quorum", "all"] as const satisfies readonly Level[];

const FORWARDED = 1;
const SESSION = 2;
const EXPIRES = 4;

export function writeRequest(writer: ByteWriter, request: ClientRequest): void {
  writer.u64(request.id);
  writer.u8(OPERATIONS.indexOf(request.operation));
  writer.u8(MODES.indexOf(request.mode));
  writer.u8(flagsOf(request));
  writeLevel(writer, request.r);
  writeLevel(writer, request.w);
  writeLevel(writer, request.pr);
  writeLevel(writer, request.pw);
  // Rounded up: 0 would be the node's default, and the last fraction of a millisecond would last a
  // second.
  writer.varint(Math.ceil(request.timeoutMs));
  if (request.ttlMs !== 0) writer.varint(request.ttlMs);
  writeKey(writer, request.key);
  writer.blob(request.context);
  writer.raw(request.value);
}

/**
 * Takes the reader to its end. On malformed bytes the reader has failed and the answer is nothing.
 */
export function readRequest(reader: ByteReader): ClientRequest | undefined {
  const id = reader.u64();
  const operation = OPERATIONS[reader.u8()];
  const mode = MODES[reader.u8()];
  const flags = reader.u8();
  const r = readLevel(reader);
  const w = readLevel(reader);
  const pr = readLevel(reader);
  const pw = readLevel(reader);
  const timeoutMs = reader.varint();
  const expires = (flags & EXPIRES) !== 0;
  const ttlMs = expires ? reader.varint() : 0;
  const key = readKey(reader);
  const context = readBytes(reader);
  const value = readRest(reader);
  if (reader.failed || operation === undefined || mode === undefined) return undefined;
  if (flags > (FORWARDED | SESSION | EXPIRES) || (expires && ttlMs === 0)) return undefined;
  return {
    id,
    operation,
    key,
    value,
    context,
    mode,
    r,
    w,
    pr,
    pw,
    session: (flags & SESSION) !== 0,
    timeoutMs,
    wallMs: 0,
    ttlMs,
    forwarded: (flags & FORWARDED) !== 0,
  };
}

function flagsOf({ forwarded, session, ttlMs }: ClientRequest): number {
  return (forwarded ? FORWARDED : 0) | (session ? SESSION : 0) | (ttlMs === 0 ? 0 : EXPIRES);
}

function writeLevel(writer: ByteWriter, level: Level): void {
  if (typeof level === "number") {
    // Unchecked, the word behind -1 would be "all", and 1.5 owners would silently become one.
    assert(Number.isInteger(level) && level >= 0, `a level of ${level} owners`);
    writer.varint(LEVEL_WORDS.length + level);
  } else {
    writer.u8(LEVEL_WORDS.indexOf(level));
  }
}

function readLevel(reader: ByteReader): Level {
  const code = reader.varint();
  return code < LEVEL_WORDS.length ? LEVEL_WORDS[code]! : code - LEVEL_WORDS.length;
}
