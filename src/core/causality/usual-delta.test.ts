/**
 * The shortcut against the long way: decode, join, encode.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesEqual } from "../base/bytes.ts";
import { Random } from "../base/random.ts";
import type { Actor } from "./actor.ts";
import { sameIdentity } from "./actor.ts";
import type { Context } from "./context.ts";
import { EMPTY_CONTEXT, entryOf, joinContexts, withDot } from "./context.ts";
import { decodeRecord, encodeRecord } from "./record-codec.ts";
import { deleteDelta, EMPTY_RECORD, putDelta, Record, REGISTER } from "./record.ts";
import { isUsualDelta } from "./usual-delta.ts";

const OWN: Actor = { high: 5, low: -5, epoch: 1 };
const ACTORS: readonly Actor[] = [
  { high: -7, low: 1, epoch: 1 },
  { high: 5, low: -6, epoch: 300 },
  OWN,
  { ...OWN, epoch: 2 },
  { high: 9, low: 0, epoch: 4 },
];

test("usual delta: the next write of an owner over what it replaces", () => {
  const [a, b] = [ACTORS[0]!, ACTORS[1]!];
  const held = putDelta([entryOf(a, 7), entryOf(b, 2)], dotOf(b, 3));
  const next = putDelta([entryOf(a, 7), entryOf(b, 3)], dotOf(a, 8));
  assert.ok(isUsualDelta(encodeRecord(next), encodeRecord(held), 0, OWN));
  assert.ok(isUsualDelta(encodeRecord(next), undefined, 0, OWN));
  assert.ok(isUsualDelta(encodeRecord(next), encodeRecord(EMPTY_RECORD), 0, OWN));
  assert.ok(isUsualDelta(encodeRecord(next), encodeRecord(deleteDelta(held.context)), 0, OWN));
});

test("usual delta: what is not one goes the long way", () => {
  const [a, b] = [ACTORS[0]!, ACTORS[1]!];
  const held = putDelta([entryOf(a, 7)], dotOf(b, 1));
  const no = (delta: Record, record: Record): void =>
    assert.ok(!isUsualDelta(encodeRecord(delta), encodeRecord(record), 0, OWN));
  no(putDelta([entryOf(a, 7)], dotOf(a, 8)), held);
  no(putDelta([entryOf(a, 6), entryOf(b, 1)], dotOf(b, 2)), held);
  no(held, held);
  no(putDelta([entryOf(a, 7), entryOf(b, 1)], dotOf(a, 9)), held);
  no(deleteDelta([entryOf(a, 7), entryOf(b, 1)]), held);
  no(putDelta([entryOf(a, 7), entryOf(b, 1)], dotOf(OWN, 1)), held);
  no(putDelta([entryOf(OWN, 3)], dotOf(a, 1)), putDelta(EMPTY_CONTEXT, dotOf(OWN, 1)));
});

test("usual delta: whenever it says yes, the long way ends in the same bytes", () => {
  const random = new Random("usual delta");
  let usual = 0;
  for (let round = 0; round < 20_000; round++) {
    const record = randomRecord(random);
    const delta = random.chance(0.7) ? writeOver(random, record) : randomRecord(random);
    const bytes = encodeRecord(delta);
    const joined = encodeRecord(record.join(delta));
    const isExpected =
      bytesEqual(joined, bytes) && isPlain(delta) && isPlain(record) && addsOneDot(record, delta);
    assert.equal(isUsualDelta(bytes, encodeRecord(record), 0, OWN), isExpected, `round ${round}`);
    if (isExpected) usual++;
  }
  assert.ok(usual > 2_000, `${usual} usual deltas`);
});

test("usual delta: it takes nothing that does not decode", () => {
  const random = new Random("malformed");
  let taken = 0;
  for (let round = 0; round < 20_000; round++) {
    const bytes = encodeRecord(writeOver(random, EMPTY_RECORD)).slice();
    const at = random.integer(bytes.length);
    bytes[at] = random.chance(0.5) ? random.integer(256) : bytes[at]! + 1;
    const cut = random.chance(0.2) ? bytes.subarray(0, random.integer(bytes.length)) : bytes;
    if (!isUsualDelta(cut, undefined, 0, OWN)) continue;
    taken++;
    const record = decodeRecord(cut);
    assert.ok(record !== undefined, `round ${round}`);
    assert.ok(bytesEqual(encodeRecord(record), cut), `round ${round}`);
  }
  assert.ok(taken > 1_000, `${taken} taken`);
});

test("usual delta: it takes no more entries than the decoder does", () => {
  const entries = Array.from({ length: 65_537 }, (_, index) =>
    entryOf({ high: 1, low: index, epoch: 1 }, 1),
  );
  const tooMany = encodeRecord(putDelta(entries, dotOf({ high: 2, low: 0, epoch: 1 }, 1)));
  assert.equal(decodeRecord(tooMany), undefined);
  assert.ok(!isUsualDelta(tooMany, undefined, 0, OWN));
});

function dotOf(actor: Actor, n: number): Record["dots"][number] {
  return { ...actor, n, kind: REGISTER, path: "", payload: new Uint8Array([n]) };
}

function randomContext(random: Random): Context {
  let context = EMPTY_CONTEXT;
  for (const actor of ACTORS) {
    if (random.chance(0.4)) {
      context = joinContexts(context, [entryOf(actor, 1 + random.integer(3))]);
    }
    if (random.chance(0.05)) context = withDot(context, actor, 6);
  }
  return context;
}

function randomRecord(random: Random): Record {
  const context = randomContext(random);
  const dots = context.filter(() => random.chance(0.4)).map((entry) => dotOf(entry, entry.n));
  return new Record(
    context,
    dots.filter(({ n }) => n > 0),
  );
}

function writeOver(random: Random, record: Record): Record {
  const covered = random.chance(0.7)
    ? record.context
    : joinContexts(record.context, randomContext(random));
  const actor = random.pick(ACTORS);
  const seen = covered.find((entry) => entry.epoch === actor.epoch && sameIdentity(entry, actor));
  return putDelta(covered, dotOf(actor, (seen?.n ?? 0) + 1));
}

function isPlain({ context }: Record): boolean {
  return context.every(({ ahead }) => ahead.length === 0);
}

/** One dot, which the record has not seen, and of this node nothing that it has not seen. */
function addsOneDot(record: Record, delta: Record): boolean {
  const seen = (actor: Actor): number =>
    record.context.find((entry) => entry.epoch === actor.epoch && sameIdentity(entry, actor))?.n ??
    0;
  const [dot] = delta.dots;
  if (delta.dots.length !== 1 || dot === undefined || dot.n <= seen(dot)) return false;
  return delta.context.every((entry) => !sameIdentity(entry, OWN) || entry.n === seen(entry));
}
