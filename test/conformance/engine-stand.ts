/**
 * What the conformance tests stand on: an engine with the account of its completions, and a model
 * of what it should hold.
 *
 * An engine is told apart from the others only by how it is made and how its completions come:
 * `settle` makes everything that was written durable, however long that takes a real one.
 */
import assert from "node:assert/strict";
import type { Random } from "#src/core/base/random.ts";
import { keyOf, type Key } from "#src/core/ring/key.ts";
import type {
  DiskAnswer,
  Engine,
  EngineEvents,
  ScanPosition,
  ScanSlice,
} from "#src/core/storage/engine.ts";

export interface EngineUnderTest {
  readonly engine: Engine;
  /** Flushes, and comes back when all that was written has been completed. */
  settle(): void | Promise<void>;
  /**
   * A disk that stands still until it is told to go on goes on. Asked for again and again while the
   * engine closes.
   */
  advance?(): void;
  /** Opens the rows of this engine, which was closed, again. An engine that forgets has none. */
  readonly reopen?: MakeEngine;
}

export type MakeEngine = (events: EngineEvents) => EngineUnderTest | Promise<EngineUnderTest>;

export interface Stand extends EngineUnderTest {
  readonly completions: [token: number, answer: DiskAnswer][];
  readonly canRestart: boolean;
  readonly close: () => Promise<void>;
  /** Closes, opens again and goes on counting completions. */
  readonly restarted: () => Promise<Stand>;
}

export type Open = () => Promise<Stand>;

export async function openStand(
  make: MakeEngine,
  completions: Stand["completions"],
): Promise<Stand> {
  const made = await make({
    completed: (token, answer) => void completions.push([token, answer]),
    failed: (problem) => assert.fail(problem),
  });
  const close = (): Promise<void> => closed(made);
  return {
    engine: made.engine,
    settle: () => made.settle(),
    completions,
    canRestart: made.reopen !== undefined,
    close,
    restarted: async () => {
      await close();
      assert.ok(made.reopen !== undefined, "an engine that remembers can be reopened");
      return openStand(made.reopen, completions);
    },
  };
}

export async function closed(made: EngineUnderTest): Promise<void> {
  let isClosed = false;
  made.engine.close(() => (isClosed = true));
  while (!isClosed) {
    made.advance?.();
    await turn();
  }
}

/** Whatever is ready in the event loop happens. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export function scanInPieces(engine: Engine, partition: number, limit: number): Key[] {
  const keys: Key[] = [];
  let from: ScanPosition | undefined = undefined;
  do {
    const slice: ScanSlice = engine.scan(partition, from, limit);
    assert.ok(slice.entries.length <= limit);
    keys.push(...slice.entries.map((entry) => entry.key));
    from = slice.next;
  } while (from !== undefined);
  return keys;
}

export type Model = Map<number, Map<Key, Uint8Array>>;

/** A write of one to four rows, some of them removed, to the engine and to the model. */
export function writeBoth(stand: Stand, model: Model, random: Random, token: number): void {
  const writes = Array.from({ length: 1 + random.integer(4) }, () => {
    const partition = [...model.keys()][random.integer(model.size)]!;
    const length = random.integer(random.chance(0.02) ? 20_000 : 100);
    const row = random.chance(0.25) ? undefined : new Uint8Array(length).fill(token);
    return { partition, key: key(`${random.integer(random.chance(0.5) ? 10 : 500)}`), row };
  });
  // The bytes are the caller's again after the call.
  const lent = writes.map((write) => ({ ...write, row: write.row?.slice() }));
  stand.engine.write(lent, token);
  for (const { row } of lent) row?.fill(0xee);
  for (const { partition, key: each, row } of writes) {
    if (row === undefined) model.get(partition)!.delete(each);
    else model.get(partition)!.set(each, row);
  }
}

export function assertScanned(
  engine: Engine,
  partition: number,
  rows: ReadonlyMap<Key, Uint8Array>,
  limit: number,
): void {
  const keys = scanInPieces(engine, partition, limit);
  assert.deepEqual(keys.toSorted(), [...rows.keys()].sort());
  for (const each of keys) assert.deepEqual(engine.get(partition, each), rows.get(each));
}

export function statsOf(model: Model): { keys: number; bytes: number } {
  const stats = { keys: 0, bytes: 0 };
  for (const rows of model.values()) {
    for (const [each, row] of rows) {
      stats.keys++;
      stats.bytes += each.length + row.length;
    }
  }
  return stats;
}

export function key(text: string): Key {
  return keyOf("bucket", text);
}

export function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}
