import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesEqual, ByteReader, ByteWriter } from "../base/bytes.ts";
import { Random } from "../base/random.ts";
import type { Actor } from "./actor.ts";
import { EPOCH_MAX } from "./actor.ts";
import type { Context } from "./context.ts";
import { EMPTY_CONTEXT, entryOf, joinContexts, withDot } from "./context.ts";
import type { Dot } from "./record.ts";
import { compareDots, EMPTY_RECORD, putDelta, Record, REGISTER } from "./record.ts";
import type { Digest } from "./record-codec.ts";
import {
  ABSENT_DIGEST,
  decodeRecord,
  digestOf,
  encodeRecord,
  readContext,
  writeEntries,
} from "./record-codec.ts";
import { registerPayload } from "./register.ts";

const A: Actor = { high: 1, low: 2, epoch: 3 };

test("record codec: the example of its opening comment", () => {
  const dot: Dot = { ...A, n: 1, kind: REGISTER, path: "", payload: Uint8Array.of(0x68, 0x69) };
  assert.equal(
    hex(encodeRecord(putDelta(EMPTY_CONTEXT, dot))),
    "01" + "11" + "01" + "00000001" + "00000002" + "030100" + "0100010100" + "026869",
  );
});

test("record codec: the usual record costs 28 bytes beside its value", () => {
  // One dot of one actor: 19 of frame and identity, then a length and the register's time.
  const payload = registerPayload({ ms: 1_700_000_000_000, tick: 0 }, new Uint8Array(100));
  const dot: Dot = { ...A, n: 1, kind: REGISTER, path: "", payload };
  assert.equal(encodeRecord(putDelta(EMPTY_CONTEXT, dot)).length, 100 + 28);
  // Each further owner that once coordinated adds 11; a gap before the dot adds a range.
  const known = [entryOf({ ...A, low: 3 }, 1), entryOf({ ...A, low: 4 }, 1)];
  assert.equal(encodeRecord(putDelta(known, dot)).length, 100 + 28 + 2 * 11);
  assert.equal(encodeRecord(putDelta(EMPTY_CONTEXT, { ...dot, n: 200 })).length, 100 + 28 + 4);
});

test("record codec: every record comes back as it was, from anywhere inside of other bytes", () => {
  const random = new Random("round trip");
  for (let round = 0; round < 2_000; round++) {
    const record = randomRecord(random);
    const bytes = encodeRecord(record);
    assert.deepEqual(decodeRecord(bytes), record);
    const framed = new Uint8Array(bytes.length + 7).fill(0x80);
    framed.set(bytes, 3);
    assert.deepEqual(decodeRecord(framed, 3, bytes.length + 3), record);
    assert.deepEqual(digestOf(framed, 3, bytes.length + 3), digestOf(bytes));
  }
});

test("record codec: one record has one form, whatever joins it came from", () => {
  const random = new Random("canonical");
  for (let round = 0; round < 2_000; round++) {
    const parts = Array.from({ length: 4 }, () => randomRecord(random));
    const once = parts.reduce((left, right) => left.join(right));
    random.shuffle(parts);
    const again = parts.reduceRight((left, right) => right.join(left));
    assert.ok(bytesEqual(encodeRecord(again), encodeRecord(once)), `round ${round}`);
  }
});

test("digest: two records have one digest exactly when context, dots, kinds and paths agree", () => {
  const random = new Random("digest");
  const seen = new Map<string, string>();
  for (let round = 0; round < 8_000; round++) {
    const { context, dots } = randomRecord(random);
    const identity = JSON.stringify([
      context,
      dots.map(({ high, low, epoch, n, kind, path }) => [high, low, epoch, n, kind, path]),
    ]);
    const other = dots.map((dot) => ({ ...dot, payload: Uint8Array.of(round & 0xff) }));
    const digest = digestText(digestOf(encodeRecord(new Record(context, dots))));
    assert.equal(digestText(digestOf(encodeRecord(new Record(context, other)))), digest);
    assert.equal(seen.get(digest) ?? identity, identity, "two identities with one digest");
    assert.equal(digest === digestText(ABSENT_DIGEST), context.length === 0);
    seen.set(digest, identity);
  }
});

test("digest: each single thing that a copy can differ in shows", () => {
  const dot: Dot = { ...A, n: 2, kind: REGISTER, path: "", payload: Uint8Array.of(1) };
  const context = [entryOf(A, 2)];
  const records = [
    new Record(context, [dot]),
    new Record(context, []),
    new Record(context, [{ ...dot, n: 1 }]),
    new Record(context, [{ ...dot, n: 1 }, dot]),
    new Record(context, [{ ...dot, kind: 2 }]),
    new Record(context, [{ ...dot, path: "p" }]),
    new Record([entryOf(A, 3)], [dot]),
    new Record([entryOf(A, 0, [2, 2])], [dot]),
    new Record([entryOf(A, 2, [4, 4])], [dot]),
    new Record([entryOf({ ...A, epoch: 4 }, 2)], [{ ...dot, epoch: 4 }]),
    new Record([entryOf({ ...A, low: -2 }, 2)], [{ ...dot, low: -2 }]),
    EMPTY_RECORD,
  ];
  const digests = records.map((record) => digestText(digestOf(encodeRecord(record))));
  assert.equal(new Set(digests).size, records.length);
});

test("record codec: strangers' bytes never throw, and what is taken is written back the same", () => {
  const random = new Random("strangers");
  for (let round = 0; round < 40_000; round++) {
    const bytes = Uint8Array.from({ length: random.integer(30) }, () => hostileByte(random));
    // Most random bytes fail at the first; these get past the version and the length.
    if (bytes.length > 1 && random.chance(0.9)) bytes[0] = 1;
    if (bytes.length > 2 && random.chance(0.9)) bytes[1] = random.integer(bytes.length);
    checkHostile(bytes);
  }
});

test("record codec: records with flipped, cut, grown and exchanged bytes too", () => {
  const random = new Random("mutants");
  const originals = Array.from({ length: 500 }, () => encodeRecord(randomRecord(random, 3)));
  let taken = 0;
  for (let round = 0; round < 100_000; round++) {
    if (checkHostile(mutated(random, random.pick(originals)))) taken++;
  }
  assert.ok(taken > 10_000 && taken < 90_000, `${taken} taken`);
});

test("record codec: what no encoder writes is refused", () => {
  const entry = "01" + "00000001" + "00000002" + "0301";
  const refused: { readonly [what: string]: string } = {
    "no bytes": "",
    "another version": "02" + "11" + entry + "00" + "0100010100" + "026869",
    "bytes after the end": "01" + "11" + entry + "00" + "0100010100" + "02686900",
    "a payload too few": "01" + "11" + entry + "00" + "0100010100",
    "an identity that ends early": "01" + "10" + entry + "00" + "0100010100" + "026869",
    "an identity that ends late": "01" + "12" + entry + "00" + "0100010100" + "026869",
    "an entry of nothing": "01" + "0d" + "01" + "00000001" + "00000002" + "030000" + "00",
    "a dot that was not seen": "01" + "11" + entry + "00" + "0100020100" + "026869",
    "dot number zero": "01" + "11" + entry + "00" + "0100000100" + "026869",
    "a dot of no entry": "01" + "11" + entry + "00" + "0101010100" + "026869",
    "a dot twice": "01" + "15" + entry + "00" + "02" + "00010100".repeat(2) + "01680169",
    "a range that touches the run": "01" + "0f" + entry + "010100" + "00",
    "a length in two bytes": "01" + "9100" + entry + "00" + "0100010100" + "026869",
    "entries out of order":
      "01" + "18" + "02" + "0000000100000002" + "030100" + "0000000100000001" + "030100" + "00",
    "an entry twice": "01" + "18" + "02" + ("0000000100000002" + "030100").repeat(2) + "00",
    "more entries than bytes": "01" + "03" + "ffff7f",
    "more dots than bytes": "01" + "0f" + entry + "00" + "ffff03",
  };
  for (const [what, text] of Object.entries(refused)) {
    assert.equal(decodeRecord(Buffer.from(text, "hex")), undefined, what);
  }
});

test("record codec: numbers reach their limits, and nothing goes beyond", () => {
  const top = Number.MAX_SAFE_INTEGER;
  const edge = { high: -(2 ** 31), low: 2 ** 31 - 1, epoch: EPOCH_MAX };
  const context = [entryOf(edge, 0, [2, 2, 9, top])];
  const dot = { ...edge, n: top, kind: 255, path: "\x00\xff", payload: new Uint8Array(0) };
  const record = new Record(context, [dot]);
  assert.deepEqual(decodeRecord(encodeRecord(record)), record);
  for (const beyond of [
    entryOf({ ...edge, epoch: EPOCH_MAX + 1 }, 1),
    entryOf(edge, 0, [2, top + 2]),
  ]) {
    assert.equal(decodeRecord(handMade([beyond])), undefined);
  }
});

test("contexts: come back, and are refused above the allowed number of entries", () => {
  const context = Array.from({ length: 5 }, (_, low) => entryOf({ ...A, low }, low + 1));
  const writer = new ByteWriter();
  writeEntries(writer, context);
  assert.deepEqual(readContext(new ByteReader(writer.finish()), 5), context);
  assert.equal(readContext(new ByteReader(writer.finish()), 4), undefined);
});

/** True when the bytes were taken for a record. */
function checkHostile(bytes: Uint8Array): boolean {
  digestOf(bytes);
  const record = decodeRecord(bytes);
  if (record === undefined) return false;
  assert.ok(bytesEqual(encodeRecord(record), bytes), `another form of ${hex(bytes)}`);
  assert.equal(record.join(record), record);
  return true;
}

function mutated(random: Random, bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  const at = random.integer(copy.length);
  switch (random.integer(6)) {
    case 0:
      copy[at]! ^= 1 << random.integer(8);
      return copy;
    case 1:
      copy[at] = hostileByte(random);
      return copy;
    case 2:
      return copy.subarray(0, at);
    case 3:
      return Uint8Array.of(...copy.subarray(0, at), hostileByte(random), ...copy.subarray(at));
    case 4: {
      const other = random.integer(copy.length);
      [copy[at], copy[other]] = [copy[other]!, copy[at]!];
      return copy;
    }
    default:
      for (let count = 0; count < 3; count++) {
        copy[random.integer(copy.length)] = hostileByte(random);
      }
      return copy;
  }
}

function hostileByte(random: Random): number {
  return random.chance(0.7) ? random.pick([0, 1, 2, 3, 0x7f, 0x80, 0xff]) : random.integer(256);
}

function randomRecord(random: Random, actors = 4): Record {
  let context: Context = EMPTY_CONTEXT;
  const dots: Dot[] = [];
  for (let actor = random.integer(actors + 1); actor > 0; actor--) {
    const identity = { high: random.between(-2, 2), low: random.between(-2, 2) };
    const epoch = random.pick([1, 2, 200, EPOCH_MAX]);
    context = joinContexts(context, [entryOf({ ...identity, epoch }, 1 + random.integer(300))]);
    for (let gap = random.integer(3); gap > 0; gap--) {
      context = withDot(context, { ...identity, epoch }, 300 + random.integer(9));
    }
  }
  for (const { high, low, epoch, n, ahead } of context) {
    for (const number of new Set(n === 0 ? ahead : [n, ...ahead])) {
      if (random.chance(0.5)) dots.push(dotOf({ high, low, epoch }, number));
    }
  }
  return new Record(context, dots.sort(compareDots));
}

/** A dot always stands for the same thing. */
function dotOf({ high, low, epoch }: Actor, n: number): Dot {
  const path = ["", "a", "\x00\xff", "field:".repeat(30)][(n + low + 2) % 4]!;
  const payload = Uint8Array.from({ length: (n + high + 2) % 5 }, (_, index) => n * 7 + index);
  return { high, low, epoch, n, kind: 1 + (n % 3), path, payload };
}

/** A record of these entries and no dots, as a stranger may write it. */
function handMade(context: Context): Uint8Array {
  const identity = new ByteWriter();
  identity.varint(context.length);
  for (const { high, low, epoch, n, ahead } of context) {
    identity.u32(high);
    identity.u32(low);
    identity.varint(epoch);
    identity.varint(n);
    identity.varint(ahead.length / 2);
    for (let i = 0; i < ahead.length; i += 2) {
      identity.varint(ahead[i]! - n);
      identity.varint(Math.min(ahead[i + 1]! - ahead[i]!, Number.MAX_SAFE_INTEGER));
    }
  }
  identity.varint(0);
  const writer = new ByteWriter();
  writer.u8(1);
  writer.blob(identity.finish());
  return writer.finish();
}

function digestText({ high, low }: Digest): string {
  return `${high},${low}`;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
