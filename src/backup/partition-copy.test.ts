import assert from "node:assert/strict";
import { test } from "node:test";
import { EMPTY_CONTEXT } from "../core/causality/context.ts";
import { decodeRecord, encodeRecord } from "../core/causality/record-codec.ts";
import type { Record } from "../core/causality/record.ts";
import { EMPTY_RECORD, putDelta, REGISTER } from "../core/causality/record.ts";
import { keyOf } from "../core/ring/key.ts";
import type { Block } from "./backup-format.ts";
import { BLOCK_HEAD_BYTES, entriesIn } from "./backup-format.ts";
import { PartitionCopy } from "./partition-copy.ts";

const PLACES = 0;

function delta(low: number, n = 1, bytes = 1): Record {
  const payload = new Uint8Array(bytes).fill(low);
  return putDelta(EMPTY_CONTEXT, { high: 0, low, epoch: 1, n, kind: REGISTER, path: "", payload });
}

/** Keeps what is written, and joins it by key as a restore would. */
class Sink {
  readonly joined: Map<string, Record> = new Map();
  entries = 0;

  append(block: Block): Promise<void> {
    const bytes = block.sealed(PLACES, PLACES).slice(BLOCK_HEAD_BYTES);
    for (const entry of entriesIn(bytes, bytes.length - 4)) {
      const record = decodeRecord(entry!.record)!;
      this.joined.set(entry!.key, record.join(this.joined.get(entry!.key) ?? EMPTY_RECORD));
      this.entries++;
    }
    return Promise.resolve();
  }
}

function add(copy: PartitionCopy, name: string, record: Record): boolean {
  return copy.add({ key: keyOf("b", name), record: encodeRecord(record) });
}

test("a partition copy: what owners hold of a key is joined into one entry", async () => {
  const sink = new Sink();
  const copy = new PartitionCopy(0, sink);
  add(copy, "a", delta(1));
  add(copy, "b", delta(1));
  add(copy, "a", delta(2));
  add(copy, "a", delta(1));
  await copy.room();
  await copy.end();
  assert.equal(sink.entries, 2);
  assert.equal(copy.keys, 2);
  assert.equal(copy.sum.entries, 2);
  assert.deepEqual(sink.joined.get("b/a"), delta(1).join(delta(2)));
  assert.deepEqual(sink.joined.get("b/b"), delta(1));
});

test("a partition copy: a malformed record is refused, first or second", () => {
  const copy = new PartitionCopy(0, new Sink());
  const record = Uint8Array.of(9, 9);
  assert.equal(copy.add({ key: keyOf("b", "a"), record }), false);
  assert.equal(copy.has(keyOf("b", "a")), false);
  add(copy, "a", delta(1));
  assert.equal(copy.add({ key: keyOf("b", "a"), record }), false);
  assert.equal(copy.keys, 1);
});

test("a partition copy: beyond its bound it writes early, and what differs becomes an entry", async () => {
  const sink = new Sink();
  const copy = new PartitionCopy(0, sink, 100);
  for (const name of ["a", "b", "c"]) add(copy, name, delta(1, 1, 50));
  await copy.room();
  assert.equal(sink.entries, 3);
  for (const name of ["a", "b", "c"]) add(copy, name, delta(1, 1, 50));
  add(copy, "b", delta(2));
  add(copy, "d", delta(1));
  await copy.room();
  await copy.end();
  assert.equal(sink.entries, 5);
  assert.equal(copy.sum.entries, 5);
  assert.equal(copy.keys, 4);
  assert.ok(copy.has(keyOf("b", "a")));
  assert.deepEqual(sink.joined.get("b/b"), delta(1, 1, 50).join(delta(2)));
});

test("a partition copy: the digest does not depend on the order, and shows what is there twice", async () => {
  const digestOf = async (names: readonly string[]): Promise<string> => {
    const copy = new PartitionCopy(0, new Sink());
    for (const name of names) add(copy, name, delta(1));
    await copy.end();
    return copy.sum.digest();
  };
  assert.equal(await digestOf(["a", "b", "c"]), await digestOf(["c", "a", "b"]));
  assert.notEqual(await digestOf(["a", "b", "c"]), await digestOf(["a", "b"]));
  assert.equal(await digestOf([]), "0".repeat(16));
  const twice = new PartitionCopy(0, new Sink());
  const entry = Uint8Array.of(1, 2, 3);
  for (let i = 0; i < 2; i++) twice.sum.add(entry, 0, 3, 3);
  assert.notEqual(twice.sum.digest(), "0".repeat(16));
});
