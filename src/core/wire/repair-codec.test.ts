import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteReader, ByteWriter } from "../base/bytes.ts";
import { Random } from "../base/random.ts";
import type { ExchangeMessage } from "../repair-messages.ts";
import {
  EXCHANGE_LEAVES_MAX,
  EXCHANGE_REFUSALS,
  KEYS_TOLD_MAX,
  TRADE_KEYS_MAX,
} from "../repair-messages.ts";
import { keyOf } from "../ring/key.ts";
import { readExchange, writeExchange } from "./repair-codec.ts";

const INPUTS = Number(process.env["GRAMME_FUZZ"] ?? 200_000);
const MARGIN = 16;

const key = keyOf("b", "k");
const digest = { high: 0xffff_ffff, low: 7 };
const id = 2 ** 48 + 3;

const samples: readonly ExchangeMessage[] = [
  { kind: "roots-ask", id, era: 0, epoch: 3, partition: 16_383, rootHigh: 0xffff_ffff, rootLow: 1 },
  { kind: "roots-same", id },
  {
    kind: "branches-told",
    id,
    sums: Uint32Array.from({ length: 128 }, (_, at) => at * 77_777_777),
  },
  { kind: "leaves-ask", id, round: 1, branches: [0, 31, 32, 63] },
  { kind: "leaves-told", id, round: 2, branches: [5], sums: new Uint32Array(128).fill(9) },
  { kind: "keys-ask", id, from: 1000, leaves: [4095, 0, 17] },
  { kind: "keys-told", id, from: 0, covered: 0, isLast: false, keys: [] },
  {
    kind: "keys-told",
    id,
    from: 300,
    covered: 3,
    isLast: true,
    keys: [
      { key, state: digest },
      { key: keyOf("b", "recent"), state: "recent" },
      { key: keyOf("b", "damaged"), state: "damaged" },
    ],
  },
  { kind: "roots-ask", id, era: 300, epoch: 3, partition: 16_383, rootHigh: 0, rootLow: 1 },
  { kind: "trade", id, era: 7, step: 2, offers: [{ key, record: Uint8Array.of(1, 2, 3) }] },
  { kind: "trade", id, era: 0, step: 2, offers: [{ key, record: Uint8Array.of(1, 2, 3) }] },
  { kind: "trade", id, era: 0, step: 1, offers: [{ key, record: new Uint8Array() }] },
  {
    kind: "traded",
    id,
    step: 2,
    taken: [
      { changed: true, record: new Uint8Array() },
      { changed: false, record: Uint8Array.of(9) },
    ],
  },
  ...EXCHANGE_REFUSALS.map((reason) => {
    return { kind: "exchange-refused", id, reason, epoch: 300 } as const;
  }),
  { kind: "exchange-done", id },
];

function encoded(message: ExchangeMessage): Uint8Array {
  const writer = new ByteWriter();
  writeExchange(writer, message);
  return writer.finish();
}

function decoded(bytes: Uint8Array): ExchangeMessage | undefined {
  return readExchange(new ByteReader(bytes));
}

test("exchange codec: every message comes back, and no part or extension of one does", () => {
  for (const message of samples) {
    const bytes = encoded(message);
    assert.deepEqual(decoded(bytes), message);
    for (let end = 0; end < bytes.length; end++) {
      const part = decoded(bytes.subarray(0, end));
      // Lists go on to the end of the frame: a shorter one is another message.
      if (part !== undefined) assert.deepEqual(encoded(part), bytes.subarray(0, end));
      if (part !== undefined) assert.ok(["keys-ask", "keys-told", "traded"].includes(part.kind));
    }
  }
});

test("exchange codec: sizes", () => {
  const bytesOf = (message: ExchangeMessage): number => encoded(message).length;
  assert.equal(bytesOf(samples[0]!), 20);
  assert.equal(bytesOf(samples[1]!), 9);
  assert.equal(bytesOf(samples[2]!), 9 + 512);
  const branches = Array.from({ length: 64 }, (_, branch) => branch);
  const sums = new Uint32Array(64 * 64 * 2);
  assert.equal(bytesOf({ kind: "leaves-told", id, round: 1, branches, sums }), 18 + 32_768);
});

test("exchange codec: lists have their bounds", () => {
  const lists: readonly ((length: number) => ExchangeMessage)[] = [
    (length) => ({ kind: "keys-ask", id, from: 0, leaves: new Array<number>(length).fill(1) }),
    (length) => {
      const keys = Array.from({ length }, () => ({ key, state: digest }));
      return { kind: "keys-told", id, from: 0, covered: 1, isLast: true, keys };
    },
    (length) => {
      const offers = Array.from({ length }, () => ({ key, record: new Uint8Array() }));
      return { kind: "trade", id, era: 0, step: 1, offers };
    },
    (length) => {
      const taken = Array.from({ length }, () => ({ changed: true, record: new Uint8Array() }));
      return { kind: "traded", id, step: 1, taken };
    },
  ];
  const bounds = [EXCHANGE_LEAVES_MAX, KEYS_TOLD_MAX, TRADE_KEYS_MAX, TRADE_KEYS_MAX];
  for (const [index, list] of lists.entries()) {
    const most = list(bounds[index]!);
    assert.deepEqual(decoded(encoded(most)), most);
    assert.equal(decoded(encoded(list(bounds[index]! + 1))), undefined, most.kind);
  }
});

test("exchange codec: what no honest node says is malformed", () => {
  const told = { kind: "leaves-told", id, round: 1 } as const;
  const wrong: readonly ExchangeMessage[] = [
    { kind: "roots-ask", id, era: 0, epoch: 3, partition: 16_384, rootHigh: 0, rootLow: 0 },
    { kind: "leaves-ask", id, round: 0, branches: [1] },
    { kind: "leaves-ask", id, round: 3, branches: [1] },
    { kind: "leaves-ask", id, round: 1, branches: [] },
    { ...told, branches: [], sums: new Uint32Array() },
    { kind: "keys-ask", id, from: 0, leaves: [] },
    { kind: "keys-ask", id, from: 0, leaves: [4096] },
    { kind: "keys-told", id, from: 0, covered: 257, isLast: true, keys: [] },
    { kind: "trade", id, era: 0, step: 1, offers: [] },
    { kind: "traded", id, step: 1, taken: [] },
  ];
  for (const message of wrong) assert.equal(decoded(encoded(message)), undefined, message.kind);
  assert.equal(decoded(new Uint8Array()), undefined);
  assert.equal(decoded(encoded(samples[1]!).with(0, 0)), undefined);
  assert.equal(decoded(encoded(samples[1]!).with(0, 12)), undefined);
});

test("exchange codec: nothing throws, and what is accepted has one form", () => {
  const random = new Random("exchange codec");
  const originals = samples.map(encoded);
  let accepted = 0;
  for (let input = 0; input < INPUTS; input++) {
    const original = random.pick(originals);
    const bytes = new Uint8Array(MARGIN + original.length + MARGIN);
    bytes.set(original, MARGIN);
    let end = MARGIN + original.length;
    for (let count = random.between(1, 4); count > 0; count--) {
      const at = MARGIN + random.integer(Math.min(original.length, 40));
      if (random.integer(4) === 0) end = MARGIN + random.integer(original.length + 8);
      else if (random.integer(2) === 0) bytes[at] = random.integer(256);
      else bytes[at]! ^= 1 << random.integer(8);
    }
    const message = readExchange(new ByteReader(bytes, MARGIN, end));
    if (message === undefined) continue;
    accepted++;
    assert.deepEqual(encoded(message), bytes.slice(MARGIN, end));
  }
  assert.ok(accepted > INPUTS / 20, `${accepted} accepted`);
});
