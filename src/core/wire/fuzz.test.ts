/**
 * Every decoder against bytes that are almost right, and bytes that are nothing.
 *
 * A decoder never throws. What it accepts has one form only: encoded again it is the same bytes, so
 * nothing in it is larger than what came in. GRAMME_FUZZ=1000000 tries that many inputs on each
 * decoder; the inputs are the same each time, and a longer run begins with those of the shorter.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ByteWriter } from "../base/bytes.ts";
import { Random } from "../base/random.ts";
import { decodeHintsAsk, decodeHintsTold, encodeHintsAsk, encodeHintsTold } from "./admin-hints.ts";
import {
  decodeRepairAsk,
  decodeRepairTold,
  encodeRepairAsk,
  encodeRepairTold,
} from "./admin-repair.ts";
import { decodeStatusAsk, decodeStatusTold, encodeStatusAsk, encodeStatusTold } from "./admin.ts";
import { decodeCopyAnswer, decodeCopyAsk, encodeCopy } from "./copy-codec.ts";
import { FRAME_KIND } from "./frame-kind.ts";
import { FrameReader } from "./frame.ts";
import { decodeGreeting, encodeGreeting } from "./greeting.ts";
import { decodeMessage, encodeMessage } from "./message-codec.ts";
import { decodeRefusal, encodeRefusal } from "./refusal.ts";

const INPUTS = Number(process.env["GRAMME_FUZZ"] ?? 200_000);
const FIXTURES = new URL("../../../src/core/wire/fixtures/v1.hex", import.meta.url);
/** An input lies in the middle of an array, among bytes that no decoder may touch. */
const MARGIN = 64;
const BODY_BYTES_MAX = 1_024;
const HEAD_BYTES = 5;

/** Lengths and counts that are just not right, as a varint or as an integer. */
const TELLING: readonly (readonly number[])[] = [
  [0x7f],
  [0x80],
  [0xff],
  [0x80, 0x00],
  [0xff, 0xff, 0x03],
  [0xff, 0xff, 0xff, 0xff, 0x07],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0x00, 0x00, 0x00, 0x00],
  [0x7f, 0xff, 0xff, 0xff],
  [0xff, 0xff, 0xff, 0xff],
  [0x2f],
];

const bodies: ReadonlyMap<number, readonly Uint8Array[]> = bodiesByKind();

function bodiesByKind(): Map<number, Uint8Array[]> {
  const byKind = new Map<number, Uint8Array[]>();
  for (const line of readFileSync(FIXTURES, "utf8").split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const frame = Uint8Array.from(Buffer.from(line.split(/\s+/).slice(1).join(""), "hex"));
    const kind = frame[HEAD_BYTES - 1]!;
    byKind.set(kind, [...(byKind.get(kind) ?? []), frame.subarray(HEAD_BYTES)]);
  }
  return byKind;
}

/** Bytes to decode: a fixture with some things done to it, or, now and then, nothing but chance. */
class Mutator {
  readonly bytes: Uint8Array = new Uint8Array(MARGIN + BODY_BYTES_MAX + MARGIN);
  end = MARGIN;
  readonly #random: Random;
  readonly #bodies: readonly Uint8Array[];

  constructor(random: Random, originals: readonly Uint8Array[]) {
    this.#random = random;
    this.#bodies = originals;
  }

  next(): void {
    const random = this.#random;
    if (random.integer(10) === 0) return this.#noise();
    const body = random.pick(this.#bodies);
    this.bytes.set(body, MARGIN);
    this.end = MARGIN + body.length;
    for (let count = random.between(1, 4); count > 0; count--) this.#mutate();
  }

  #noise(): void {
    const random = this.#random;
    this.end = MARGIN + random.integer(48);
    for (let at = MARGIN; at < this.end; at++) this.bytes[at] = random.next();
  }

  #mutate(): void {
    const random = this.#random;
    const at = MARGIN + random.integer(this.end - MARGIN + 1);
    switch (random.integer(7)) {
      case 0:
        this.bytes[at]! ^= 1 << random.integer(8);
        break;
      case 1:
        this.bytes[at] = random.next();
        break;
      case 2:
        this.bytes.set(random.pick(TELLING), at);
        break;
      case 3:
        this.end = at;
        break;
      case 4:
        this.#insert(at, random.pick(TELLING));
        break;
      case 5:
        this.bytes.copyWithin(at, at + random.integer(4), this.end);
        break;
      default:
        this.#insert(at, random.pick(this.#bodies).subarray(0, random.integer(20)));
    }
  }

  #insert(at: number, added: ArrayLike<number>): void {
    const end = this.end + added.length;
    if (end > MARGIN + BODY_BYTES_MAX) return;
    this.bytes.copyWithin(at + added.length, at, this.end);
    this.bytes.set(added, at);
    this.end = end;
  }
}

/** Decodes; when that gave something, encodes it again. False when there was nothing to encode. */
type Again = (writer: ByteWriter, bytes: Uint8Array, start: number, end: number) => boolean;

function messageAgain(kind: number): Again {
  return (writer, bytes, start, end) => {
    const message = decodeMessage(kind, bytes, start, end);
    if (message !== undefined) encodeMessage(writer, message);
    return message !== undefined;
  };
}

function copyAgain(kind: number, decode: typeof decodeCopyAsk | typeof decodeCopyAnswer): Again {
  return (writer, bytes, start, end) => {
    const frame = decode(kind, bytes, start, end);
    if (frame !== undefined) encodeCopy(writer, frame);
    return frame !== undefined;
  };
}

const AGAIN: Readonly<Record<keyof typeof FRAME_KIND, Again>> = {
  greeting: (writer, bytes, start, end) => {
    const greeting = decodeGreeting(bytes, start, end);
    if (greeting !== undefined) encodeGreeting(writer, greeting);
    return greeting !== undefined;
  },
  refusal: (writer, bytes, start, end) => {
    const refusal = decodeRefusal(bytes, start, end);
    if (refusal !== undefined) encodeRefusal(writer, refusal);
    return refusal !== undefined;
  },
  write: messageAgain(FRAME_KIND.write),
  written: messageAgain(FRAME_KIND.written),
  read: messageAgain(FRAME_KIND.read),
  same: messageAgain(FRAME_KIND.same),
  held: messageAgain(FRAME_KIND.held),
  refused: messageAgain(FRAME_KIND.refused),
  repair: messageAgain(FRAME_KIND.repair),
  hint: messageAgain(FRAME_KIND.hint),
  hintedAsk: messageAgain(FRAME_KIND.hintedAsk),
  writeInEra: messageAgain(FRAME_KIND.writeInEra),
  repairInEra: messageAgain(FRAME_KIND.repairInEra),
  hintInEra: messageAgain(FRAME_KIND.hintInEra),
  ask: messageAgain(FRAME_KIND.ask),
  answer: messageAgain(FRAME_KIND.answer),
  memberTalk: messageAgain(FRAME_KIND.memberTalk),
  repairTalk: messageAgain(FRAME_KIND.repairTalk),
  purgeTalk: messageAgain(FRAME_KIND.purgeTalk),
  condition: messageAgain(FRAME_KIND.condition),
  layoutAsk: messageAgain(FRAME_KIND.layoutAsk),
  layoutTold: messageAgain(FRAME_KIND.layoutTold),
  statusAsk: (writer, _bytes, start, end) => {
    if (!decodeStatusAsk(start, end)) return false;
    encodeStatusAsk(writer);
    return true;
  },
  statusTold: (writer, bytes, start, end) => {
    const json = decodeStatusTold(bytes, start, end);
    return json !== undefined && encodeStatusTold(writer, json);
  },
  rowsAsk: copyAgain(FRAME_KIND.rowsAsk, decodeCopyAsk),
  rowsTold: copyAgain(FRAME_KIND.rowsTold, decodeCopyAnswer),
  joinAsk: copyAgain(FRAME_KIND.joinAsk, decodeCopyAsk),
  joinTold: copyAgain(FRAME_KIND.joinTold, decodeCopyAnswer),
  copyRefused: copyAgain(FRAME_KIND.copyRefused, decodeCopyAnswer),
  hintsAsk: (writer, bytes, start, end) => {
    const ask = decodeHintsAsk(bytes, start, end);
    if (ask !== undefined) encodeHintsAsk(writer, ask);
    return ask !== undefined;
  },
  hintsTold: (writer, bytes, start, end) => {
    const told = decodeHintsTold(bytes, start, end);
    if (told !== undefined) encodeHintsTold(writer, told);
    return told !== undefined;
  },
  repairAsk: (writer, bytes, start, end) => {
    const ask = decodeRepairAsk(bytes, start, end);
    if (ask !== undefined) encodeRepairAsk(writer, ask);
    return ask !== undefined;
  },
  repairTold: (writer, bytes, start, end) => {
    const told = decodeRepairTold(bytes, start, end);
    if (told !== undefined) encodeRepairTold(writer, told);
    return told !== undefined;
  },
};

/** A greeting and a refusal may be longer than their reader knows. */
const MAY_BE_LONGER: ReadonlySet<number> = new Set([FRAME_KIND.greeting, FRAME_KIND.refusal]);

for (const name of Object.keys(FRAME_KIND) as (keyof typeof FRAME_KIND)[]) {
  test(`fuzz: ${name}`, { timeout: 60_000 + INPUTS }, () => {
    const kind = FRAME_KIND[name];
    const mutator = new Mutator(new Random(`fuzz ${name}`), bodies.get(kind)!);
    const writer = new ByteWriter();
    let accepted = 0;
    for (let input = 0; input < INPUTS; input++) {
      mutator.next();
      const { bytes, end } = mutator;
      writer.reset();
      if (!decodedAgain(AGAIN[name], writer, mutator)) continue;
      accepted++;
      const length = MAY_BE_LONGER.has(kind) ? writer.length - HEAD_BYTES : end - MARGIN;
      if (!sameBody(writer, bytes, length)) {
        const form = Buffer.from(writer.finish()).toString("hex");
        assert.fail(`two forms of one value: ${hexOf(mutator)} and ${form}`);
      }
    }
    // Too few would mean that only the first field was ever tried. Any short bytes are a status.
    const acceptedMax = name === "statusTold" ? INPUTS : INPUTS - 1;
    const seen = accepted >= INPUTS / 100 && accepted <= acceptedMax;
    assert.ok(seen, `${accepted} of ${INPUTS} inputs were well formed`);
  });
}

test("fuzz: frames", () => {
  const random = new Random("fuzz frames");
  const streams = [...bodies.entries()].flatMap(([kind, originals]) =>
    originals.map((body) => Uint8Array.of(0, 0, 0, body.length + 1, kind, ...body)),
  );
  const mutator = new Mutator(random, streams);
  for (let input = 0; input < INPUTS / 4; input++) {
    const reader = new FrameReader(300);
    let bodyBytes = 0;
    let streamBytes = 0;
    for (let pieces = random.between(1, 4); pieces > 0; pieces--) {
      mutator.next();
      streamBytes += mutator.end - MARGIN;
      reader.push(mutator.bytes.subarray(MARGIN, mutator.end), (_kind, bytes, start, end) => {
        assert.ok(start <= end && end <= bytes.length);
        bodyBytes += end - start;
        return true;
      });
    }
    assert.ok(bodyBytes <= streamBytes);
  }
});

function decodedAgain(again: Again, writer: ByteWriter, mutator: Mutator): boolean {
  try {
    return again(writer, mutator.bytes, MARGIN, mutator.end);
  } catch (error) {
    throw new Error(`thrown for ${hexOf(mutator)}`, { cause: error });
  }
}

function sameBody(writer: ByteWriter, bytes: Uint8Array, length: number): boolean {
  if (writer.length - HEAD_BYTES !== length) return false;
  for (let i = 0; i < length; i++) {
    if (writer.bytes[HEAD_BYTES + i] !== bytes[MARGIN + i]) return false;
  }
  return true;
}

function hexOf(mutator: Mutator): string {
  return Buffer.from(mutator.bytes.subarray(MARGIN, mutator.end)).toString("hex");
}
