import assert from "node:assert/strict";
import { test } from "node:test";
import { settle, type Exchange } from "./settle.ts";

/** Partitions by owner, one owner each, and who may own which. */
class Board implements Exchange {
  readonly counts: Uint32Array;
  readonly moves: string[] = [];
  readonly #ownerOf: number[];
  readonly #allowed: readonly (readonly number[])[];

  constructor(
    nodeCount: number,
    ownerOf: readonly number[],
    allowed: readonly (readonly number[])[],
  ) {
    this.counts = new Uint32Array(nodeCount);
    this.#ownerOf = [...ownerOf];
    this.#allowed = allowed;
    for (const owner of ownerOf) this.counts[owner]! += 1;
  }

  find(from: number, to: number): number {
    return this.#ownerOf.findIndex(
      (owner, partition) => owner === from && this.#allowed[partition]!.includes(to),
    );
  }

  move(partition: number, from: number, to: number): void {
    assert.equal(this.#ownerOf[partition], from);
    this.#ownerOf[partition] = to;
    this.counts[from]! -= 1;
    this.counts[to]! += 1;
    this.moves.push(`${partition}:${from}->${to}`);
  }
}

const exactly = (...counts: number[]): { low: Uint32Array; high: Uint32Array } => ({
  low: Uint32Array.from(counts),
  high: Uint32Array.from(counts),
});

test("settle: gives directly where it can", () => {
  const board = new Board(2, [0, 0, 0, 0], [[0], [0, 1], [0, 1], [0]]);
  settle(board, exactly(2, 2));
  assert.deepEqual([...board.counts], [2, 2]);
  assert.deepEqual(board.moves, ["1:0->1", "2:0->1"]);
});

test("settle: passes on through others where it must, by the shortest chain", () => {
  const allowed = [[0, 2], [0], [2, 3], [1, 3], [2, 1]];
  const board = new Board(4, [0, 0, 2, 1, 2], allowed);
  settle(board, exactly(1, 1, 2, 1));
  assert.deepEqual([...board.counts], [1, 1, 2, 1]);
  assert.deepEqual(board.moves, ["2:2->3", "0:0->2"]);
});

test("settle: between bounds nothing moves, and too few are helped even if nobody has too many", () => {
  const everywhere = Array.from({ length: 5 }, () => [0, 1, 2]);
  const calm = new Board(3, [0, 0, 1, 1, 2], everywhere);
  settle(calm, { low: Uint32Array.of(1, 1, 1), high: Uint32Array.of(2, 2, 2) });
  assert.deepEqual(calm.moves, []);
  const wanting = new Board(3, [0, 0, 1, 1, 1], everywhere);
  settle(wanting, { low: Uint32Array.of(1, 1, 1), high: Uint32Array.of(3, 3, 3) });
  assert.equal(wanting.moves.length, 1);
  assert.equal(wanting.counts[2], 1);
});

test("settle: does what it can where the bounds cannot be met", () => {
  const board = new Board(2, [0, 0], [[0], [0]]);
  settle(board, exactly(1, 1));
  assert.deepEqual(board.moves, []);
});
