/** What is counted of the hints that a node keeps, and when there is room for no more. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../base/random.ts";
import { keyOf } from "../ring/key.ts";
import { nodeId } from "../ring/node-id.ts";
import type { DiskAnswer, RowWrite } from "../storage/engine.ts";
import { MemoryEngine } from "../storage/memory-engine.ts";
import { HandoffStand, joined, PARTITIONS, recordOf } from "./handoff-stand.test.ts";
import { decodeHintRow, encodeHintRow, TARGETS_MAX } from "./hint-row.ts";
import { HINT_PARTITIONS, Hints } from "./hints.ts";

const KEY_BYTES = keyOf("b", "k").length;
const SMALL = recordOf(1, 10);
const LARGE = recordOf(1, 500);
const OTHER = recordOf(2, 10);
const BOTH = joined(SMALL, OTHER);

function sizes(...records: readonly Uint8Array[]): number {
  return records.reduce((sum, { length }) => sum + KEY_BYTES + length, 0);
}

test("hints: a count is of keys and records, for each target", () => {
  const stand = HandoffStand.ready();
  assert.equal(stand.keep("k", "a", SMALL), "durable");
  assert.equal(stand.keep("l", "a", LARGE), "durable");
  assert.equal(stand.keep("k", "b", SMALL), "durable");
  assert.deepEqual(stand.count("a"), [2, sizes(SMALL, LARGE)]);
  assert.deepEqual(stand.count("b"), [1, sizes(SMALL)]);
  assert.deepEqual(stand.count("c"), [0, 0]);
});

test("hints: what is joined counts once, for all who wait for the key", () => {
  const stand = HandoffStand.ready();
  for (const target of ["a", "b"]) stand.keep("k", target, SMALL);
  for (let i = 0; i < 100; i++) stand.keep("k", "a", SMALL);
  assert.deepEqual(stand.count("a"), [1, sizes(SMALL)]);
  stand.keep("k", "a", OTHER);
  assert.deepEqual(stand.count("a"), [1, sizes(BOTH)]);
  assert.deepEqual(stand.count("b"), [1, sizes(BOTH)]);
});

test("hints: a target has a cap, and what needs no more room passes under it", () => {
  const stand = HandoffStand.ready({ config: { hintBytesPerTargetMax: sizes(SMALL, SMALL) } });
  assert.equal(stand.keep("k", "a", SMALL), "durable");
  assert.equal(stand.keep("l", "a", SMALL), "durable");
  assert.equal(stand.keep("m", "a", SMALL), "full");
  assert.equal(stand.keep("k", "a", OTHER), "full");
  assert.equal(stand.keep("k", "a", SMALL), "durable");
  assert.equal(stand.keep("m", "b", SMALL), "durable", "another target has its own");
  assert.deepEqual(stand.count("a"), [2, sizes(SMALL, SMALL)]);
});

test("hints: a further target of a record that is kept already needs room as well", () => {
  const config = { hintBytesPerTargetMax: sizes(LARGE) };
  const stand = HandoffStand.ready({ config });
  assert.equal(stand.keep("k", "a", LARGE), "durable");
  assert.equal(stand.keep("l", "b", SMALL), "durable");
  assert.equal(stand.keep("k", "b", LARGE), "full");
  assert.deepEqual(stand.count("b"), [1, sizes(SMALL)]);
});

test("hints: what grows for one target grows for all, and each must have the room", () => {
  const stand = HandoffStand.ready({ config: { hintBytesPerTargetMax: sizes(SMALL, SMALL) } });
  for (const target of ["a", "b"]) stand.keep("k", target, SMALL);
  stand.keep("l", "a", SMALL);
  assert.equal(stand.keep("k", "b", OTHER), "full", "a has no room for more");
  assert.deepEqual(stand.count("b"), [1, sizes(SMALL)]);
});

test("hints: all targets together have a cap", () => {
  const stand = HandoffStand.ready({ config: { hintBytesMax: sizes(SMALL, SMALL) } });
  assert.equal(stand.keep("k", "a", SMALL), "durable");
  assert.equal(stand.keep("k", "b", SMALL), "durable");
  assert.equal(stand.keep("k", "c", SMALL), "full");
  assert.equal(stand.keep("l", "a", SMALL), "full");
  stand.link("a");
  stand.serve(1_000);
  assert.deepEqual(stand.count("a"), [0, 0]);
  assert.equal(stand.keep("k", "c", SMALL), "durable", "what was told has made room");
});

test("hints: with a cap of nothing, nothing is kept", () => {
  for (const config of [{ hintBytesMax: 0 }, { hintBytesPerTargetMax: 0 }]) {
    assert.equal(HandoffStand.ready({ config }).keep("k", "a", SMALL), "full");
  }
});

test("hints: a row has no more targets than can be read", () => {
  const names = Array.from({ length: TARGETS_MAX + 1 }, (_, i) => `n${i}`);
  const { hints, engine } = smallHints();
  for (const name of names.slice(0, TARGETS_MAX)) {
    assert.equal(
      hints.keep(0, keyOf("b", "k"), nodeId(name), SMALL, () => {}),
      undefined,
    );
  }
  const refusal = hints.keep(0, keyOf("b", "k"), nodeId(names.at(-1)!), SMALL, () => {});
  assert.equal(refusal, "full");
  const row = engine.get(HINT_PARTITIONS, keyOf("b", "k"));
  assert.equal(row instanceof Uint8Array && decodeHintRow(row)?.targets.length, TARGETS_MAX);
});

test("hints: bytes that are no record are none to keep", () => {
  const stand = HandoffStand.ready();
  assert.equal(stand.keep("k", "a", Uint8Array.of(0xff, 1)), "malformed");
  assert.deepEqual(stand.count("a"), [0, 0]);
});

test("hints: who owns nothing of a key is no target", () => {
  const stand = HandoffStand.ready();
  assert.equal(stand.keep("k", "z", SMALL), "not-owner");
});

test("hints: a full disk leaves the count as it was", () => {
  const stand = HandoffStand.ready();
  stand.keep("k", "a", SMALL);
  stand.disk = "full";
  assert.equal(stand.keep("k", "a", OTHER), "full");
  assert.equal(stand.keep("k", "b", SMALL), "full");
  assert.equal(stand.keep("l", "b", SMALL), "full");
  assert.deepEqual(stand.count("a"), [1, sizes(SMALL)]);
  assert.deepEqual(stand.count("b"), [0, 0]);
});

test("hints: a start finds what an earlier life has left, and counts it exactly", () => {
  const before = HandoffStand.ready();
  for (let i = 0; i < 300; i++) before.keep(`k${i}`, i % 3 === 0 ? "a" : "b", SMALL);
  for (let i = 0; i < 20; i++) before.keep(`k${i}`, "c", OTHER);
  const after = HandoffStand.ready({ engine: before.engine });
  assert.equal(after.obey({ kind: "list" }).isCounted, true);
  for (const target of ["a", "b", "c"]) assert.deepEqual(after.count(target), before.count(target));
});

test("hints: what is kept, told and refused while a start is counted is counted once", () => {
  for (let seed = 0; seed < 50; seed++) {
    const random = new Random(seed);
    const { hints: before, engine, world } = smallHints();
    change(random, before, world, 200);
    while (!before.isCounted) before.countOn();
    const { hints, world: again } = smallHints(engine);
    while (!hints.isCounted) {
      again.disk = random.chance(0.2) ? "full" : "durable";
      change(random, hints, again, random.integer(8));
      if (random.chance(0.7)) complete(hints, again);
      hints.countOn();
    }
    complete(hints, again);
    for (const target of TARGETS) {
      assert.deepEqual(hints.countFor(target), counted(engine, target), `seed ${seed} ${target}`);
    }
  }
});

test("hints: a walk that meets nothing leaves alone what a full disk has yet to refuse", () => {
  const { hints, engine, world } = smallHints();
  const [a, key] = [TARGETS[0]!, KEYS[0]!];
  world.disk = "full";
  hints.keep(0, key, a, SMALL, () => {});
  hints.noneFor(a);
  complete(hints, world);
  world.disk = "durable";
  hints.keep(0, key, a, SMALL, () => {});
  complete(hints, world);
  assert.deepEqual(hints.countFor(a), counted(engine, a));
});

test("hints: a row that rotted after it was counted is forgotten when a walk meets nothing", () => {
  const stand = HandoffStand.ready();
  stand.keep("k", "a", SMALL);
  const partition = HINT_PARTITIONS + stand.layout.partitioner.of(keyOf("b", "k"));
  stand.engine.write([{ partition, key: keyOf("b", "k"), row: Uint8Array.of(0) }], 0);
  assert.deepEqual(stand.count("a"), [1, sizes(SMALL)]);
  stand.link("a");
  assert.deepEqual(stand.serve(1_000), []);
  assert.deepEqual(stand.count("a"), [0, 0]);
});

test("hints: a row that can be read only after it was counted comes home with the next link", () => {
  const before = HandoffStand.ready();
  before.keep("k", "a", SMALL);
  const partition = HINT_PARTITIONS + before.layout.partitioner.of(keyOf("b", "k"));
  const row = before.engine.get(partition, keyOf("b", "k"));
  assert.ok(row instanceof Uint8Array);
  before.engine.write([{ partition, key: keyOf("b", "k"), row: Uint8Array.of(0) }], 0);
  const stand = HandoffStand.ready({ engine: before.engine });
  stand.engine.write([{ partition, key: keyOf("b", "k"), row }], 0);
  stand.keep("l", "a", SMALL);
  stand.link("a");
  assert.equal(stand.serve(1_000).length, 2);
  assert.deepEqual(stand.count("a"), [0, 0]);
  assert.equal(stand.keep("m", "a", SMALL), "durable");
  assert.equal(stand.serve(1_000).length, 1);
});

test("hints: a walk that meets nothing forgets nothing that a full disk has yet to take back", () => {
  const { hints, world } = smallHints();
  while (!hints.isCounted) hints.countOn();
  const [target] = TARGETS;
  world.disk = "full";
  assert.equal(
    hints.keep(0, KEYS[0]!, target!, SMALL, () => {}),
    undefined,
  );
  hints.noneFor(target!);
  for (const { token, answer } of world.completions.splice(0)) hints.completed(0, token, answer);
  world.disk = "durable";
  hints.keep(0, KEYS[1]!, target!, SMALL, () => {});
  assert.equal(hints.countFor(target!).keys, 1, "or nobody would bring it home");
  for (const { token, answer } of world.completions.splice(0)) hints.completed(0, token, answer);
  assert.equal(hints.mayKeepFor(target!), true);
});

const TARGETS = ["a", "b", "c"].map(nodeId);
const KEYS = Array.from({ length: 40 }, (_, i) => keyOf("b", `k${i}`));

interface World {
  disk: DiskAnswer;
  completions: { readonly token: number; readonly answer: DiskAnswer }[];
}

function smallHints(
  engine: MemoryEngine = new MemoryEngine({ completed: () => {}, failed: () => {} }),
): { readonly hints: Hints; readonly engine: MemoryEngine; readonly world: World } {
  const world: World = { disk: "durable", completions: [] };
  const hints = new Hints({
    rows: engine,
    partitions: PARTITIONS,
    limits: { hintBytesMax: 1e9, hintBytesPerTargetMax: 1e9 },
    effects: {
      send: () => {},
      reply: () => {},
      note: () => {},
      contact: () => {},
      persist: (writes: readonly RowWrite[], token: number) => {
        if (world.disk === "durable") engine.write(writes, token);
        world.completions.push({ token, answer: world.disk });
      },
    },
  });
  return { hints, engine, world };
}

function change(random: Random, hints: Hints, world: World, count: number): void {
  for (let i = 0; i < count; i++) {
    const index = random.integer(KEYS.length);
    const place = [index % PARTITIONS, KEYS[index]!, random.pick(TARGETS)] as const;
    if (random.chance(0.4)) {
      hints.done(
        ...place,
        () => true,
        () => {},
      );
    } else {
      hints.keep(...place, recordOf(random.between(1, 3), random.integer(30)), () => {});
    }
    if (random.chance(0.3)) complete(hints, world);
  }
}

function complete(hints: Hints, world: World): void {
  for (const { token, answer } of world.completions.splice(0)) hints.completed(1, token, answer);
}

/** What a look at everything finds. */
function counted(engine: MemoryEngine, target: string): { keys: number; bytes: number } {
  let keys = 0;
  let bytes = 0;
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const { entries } = engine.scan(HINT_PARTITIONS + partition, undefined, 1e6);
    for (const { key, row } of entries) {
      const hint = decodeHintRow(row)!;
      assert.deepEqual(encodeHintRow(hint), row);
      if (!hint.targets.some((each) => each === target)) continue;
      keys++;
      bytes += key.length + hint.record.length;
    }
  }
  return { keys, bytes };
}
