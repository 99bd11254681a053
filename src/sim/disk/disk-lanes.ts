/**
 * What is under way on a simulated disk: a lane of operations for each file.
 *
 *     log 1     append 4 · sync 5 · append 8 ──▶     due in this order, whatever each one takes
 *     log 2     append 6 · remove 7 ──▶              overtakes the other file, or not
 *
 * The world is told when a ticket is due and brings it back: then it is the turn of the oldest
 * operation of that file, so that none overtakes another however the world rounds its instants. A
 * ticket is never given twice, and one that comes after its process died means nothing.
 */
import { assert } from "../../core/base/assert.ts";
import type { Instant } from "../../core/effects.ts";
import type { AppendAnswer, DiskProblem } from "../../core/storage/disk.ts";
import type { DiskFault } from "./disk-faults.ts";

/** What the disk needs of the world: the time, a word later, and somebody who counts. */
export interface DiskWorld {
  readonly now: Instant;
  /** Has `settle(ticket)` called after the delay, never at once. */
  complete(delayMs: number, ticket: number): void;
  onFault(fault: DiskFault): void;
}

export type SyncAnswer = "done" | DiskProblem;

export interface Append {
  readonly kind: "append";
  readonly name: string;
  readonly pieces: readonly Uint8Array[];
  readonly answer: (answer: AppendAnswer) => void;
}

export interface Sync {
  readonly kind: "sync";
  readonly name: string;
  /** The removals up to this one were answered when it was asked for. */
  readonly unlinks: number;
  readonly answer: (answer: SyncAnswer) => void;
}

export interface Removal {
  readonly kind: "remove";
  readonly name: string;
  readonly from: number;
  readonly answer: (answer: SyncAnswer) => void;
}

export type DiskOperation = Append | Sync | Removal;

interface Lane {
  /** Oldest first. */
  readonly operations: DiskOperation[];
  /** When the last one is due: a later one never overtakes it. */
  lastDueAt: Instant;
}

export class DiskLanes {
  readonly #world: DiskWorld;
  readonly #lanes = new Map<string, Lane>();
  /** The file of each ticket under way. */
  readonly #names = new Map<number, string>();
  #lastTicket = 0;

  constructor(world: DiskWorld) {
    this.#world = world;
  }

  /** It is due after this time, or with the last one of its file. */
  add(operation: DiskOperation, takesMs: number): void {
    const { now } = this.#world;
    const ticket = ++this.#lastTicket;
    let lane = this.#lanes.get(operation.name);
    if (lane === undefined) {
      lane = { operations: [], lastDueAt: 0 };
      this.#lanes.set(operation.name, lane);
    }
    lane.operations.push(operation);
    lane.lastDueAt = Math.max(now + takesMs, lane.lastDueAt);
    this.#names.set(ticket, operation.name);
    this.#world.complete(lane.lastDueAt - now, ticket);
  }

  /** The operation whose turn has come; none if it was abandoned. */
  take(ticket: number): DiskOperation | undefined {
    assert(ticket <= this.#lastTicket, `nothing was asked for under ticket ${ticket}`);
    const name = this.#names.get(ticket);
    if (name === undefined) return undefined;
    this.#names.delete(ticket);
    const { operations } = this.#lanes.get(name)!;
    const operation = operations.shift();
    if (operations.length === 0) this.#lanes.delete(name);
    return operation;
  }

  /** Nothing is under way any more. Answers what was, by file, oldest first. */
  abandon(): readonly (readonly DiskOperation[])[] {
    const abandoned = [...this.#lanes.values()].map(({ operations }) => operations);
    this.#lanes.clear();
    this.#names.clear();
    return abandoned;
  }
}
