/**
 * How rows get into a library: in pieces, one on its way at a time. Both library engines share it.
 *
 *     put, remove ─▶ waiting ──flush──▶ under way ──▶ library
 *     read            looks here first, then here, then there
 *
 * What the library has not confirmed stays in front of it, so a write is visible at once. Whatever
 * is written while a piece is under way goes with the next one: its writers share one sync, and one
 * promise. A piece that fails is never tried again: after a failed sync nobody can say what is on
 * the disk.
 */
import { assert } from "../core/base/assert.ts";
import { EMPTY_BYTES } from "../core/base/bytes.ts";
import {
  DAMAGED,
  type DiskAnswer,
  type EngineEvents,
  type EngineStats,
  type RowRead,
  type RowWrite,
} from "../core/storage/engine.ts";
import type { StoreMark } from "../core/storage/store-mark.ts";
import { LibraryRoom } from "./library-engine-room.ts";
import { sealedTotals, type Totals, TOTALS_PLACE } from "./library-engine-totals.ts";

/** Instead of stored bytes, of which there are never none: nothing lies there any more. */
export const REMOVED: Uint8Array = EMPTY_BYTES;

/** Rows, or that they are removed, by their place, a binary string: the key of the library. */
export type Piece = ReadonlyMap<string, Uint8Array>;

/** What the library engines need of a library. */
export interface Library {
  /** Throws when it cannot read. The bytes are the caller's. */
  read(place: string): Uint8Array | undefined;
  /** All or nothing; kept when the rows are as durable as they shall be. */
  commit(piece: Piece): Promise<void>;
  close(): Promise<void>;
}

interface Waiting {
  readonly rows: Map<string, Uint8Array>;
  readonly tokens: number[];
  readonly answers: DiskAnswer[];
}

const NO_ROWS: Piece = new Map();

export class LibraryCommits {
  readonly #library: Library;
  readonly #events: EngineEvents;
  readonly #room: LibraryRoom;
  #keys: number;
  #bytes: number;
  /** As the library will have it when all pieces are committed that were sent. */
  #mark: StoreMark;
  #waiting: Waiting = nothingWaiting();
  #underWay: Piece = NO_ROWS;
  #isUnderWay = false;
  /** Something waits that was flushed while another piece was under way. */
  #isDue = false;
  #problem: string | undefined = undefined;
  #isTold = false;
  #closed: (() => void) | undefined = undefined;
  #isClosing = false;
  /** What was read last: who writes a key has just read it. */
  #lastPlace = "";
  #lastStored: RowRead = undefined;

  constructor(library: Library, events: EngineEvents, totals: Totals, freeBytes: () => number) {
    this.#library = library;
    this.#events = events;
    this.#room = new LibraryRoom(freeBytes);
    this.#keys = totals.keys;
    this.#bytes = totals.bytes;
    this.#mark = totals.mark;
  }

  /** The stored bytes. */
  read(place: string): RowRead {
    if (place === this.#lastPlace) return this.#lastStored;
    const unwritten = this.unwrittenAt(place) ?? this.#readLibrary(place);
    this.#lastStored = unwritten === REMOVED ? undefined : unwritten;
    this.#lastPlace = place;
    return this.#lastStored;
  }

  /** Room is taken for a whole write, so that it is refused or put as a whole. */
  takeRoom(writes: readonly RowWrite[]): boolean {
    let bytes = 0;
    let isRemoval = true;
    for (const { key, row } of writes) {
      bytes += key.length;
      if (row === undefined) continue;
      bytes += row.length;
      isRemoval = false;
    }
    return this.#room.take(writes.length, bytes, isRemoval);
  }

  /** The bytes are the library's from now on. */
  put(place: string, stored: Uint8Array): void {
    this.#waiting.rows.set(place, stored);
    if (place === this.#lastPlace) this.#lastStored = stored;
  }

  /** There need not be anything. */
  remove(place: string): void {
    this.#waiting.rows.set(place, REMOVED);
    if (place === this.#lastPlace) this.#lastStored = undefined;
  }

  count(keys: number, bytes: number): void {
    this.#keys += keys;
    this.#bytes += bytes;
  }

  /** A write is whole: this is what will be answered for it. */
  end(token: number, answer: DiskAnswer): void {
    assert(this.#closed === undefined, "a write after close");
    this.#waiting.tokens.push(token);
    this.#waiting.answers.push(answer);
  }

  flush(): void {
    if (this.#waiting.tokens.length === 0) return;
    if (this.#isUnderWay) this.#isDue = true;
    else this.#send();
  }

  /** What the library does not know yet, of this beginning and behind this place. */
  unwritten(beginning: string, behind: string): Set<string> {
    const places = new Set<string>();
    for (const rows of [this.#underWay, this.#waiting.rows]) {
      for (const place of rows.keys()) {
        if (place > behind && place.startsWith(beginning)) places.add(place);
      }
    }
    return places;
  }

  unwrittenAt(place: string): Uint8Array | undefined {
    return this.#waiting.rows.get(place) ?? this.#underWay.get(place);
  }

  get mark(): StoreMark {
    return this.#mark;
  }

  stats(): EngineStats {
    return { keys: this.#keys, bytes: this.#bytes };
  }

  /** Says later, once, that the node must stop; at the latest before it is closed. */
  fail(problem: string): void {
    this.#problem ??= problem;
    setImmediate(() => this.#tell());
  }

  close(closed: () => void): void {
    assert(this.#closed === undefined, "closed twice");
    this.flush();
    this.#closed = closed;
    if (!this.#isUnderWay) this.#closeLibrary();
  }

  #readLibrary(place: string): RowRead {
    try {
      return this.#library.read(place);
    } catch {
      return DAMAGED;
    }
  }

  #send(): void {
    if (this.#problem !== undefined) return;
    const { rows, tokens, answers } = this.#waiting;
    this.#waiting = nothingWaiting();
    this.#isDue = false;
    this.#isUnderWay = true;
    if (rows.size > 0) this.#addTotals(rows);
    this.#underWay = rows;
    this.#room.onSent();
    // Refused writes alone make a piece without rows: they too are answered later.
    const commit = rows.size > 0 ? this.#library.commit(rows) : Promise.resolve();
    commit.then(
      () => this.#onCommitted(tokens, answers),
      (error: unknown) => this.#onFailed(error),
    );
  }

  #addTotals(rows: Map<string, Uint8Array>): void {
    const { store, writes } = this.#mark;
    this.#mark = { store, writes: writes + 1 };
    rows.set(TOTALS_PLACE, sealedTotals({ ...this.stats(), mark: this.#mark }));
  }

  #onCommitted(tokens: readonly number[], answers: readonly DiskAnswer[]): void {
    this.#isUnderWay = false;
    this.#underWay = NO_ROWS;
    // The disk works on while the node hears of what is done.
    if (this.#isDue) this.#send();
    for (let i = 0; i < tokens.length && this.#problem === undefined; i++) {
      this.#events.completed(tokens[i]!, answers[i]!);
    }
    if (this.#closed !== undefined && !this.#isUnderWay) this.#closeLibrary();
  }

  #onFailed(error: unknown): void {
    this.#isUnderWay = false;
    this.fail(`the rows could not be written: ${messageOf(error)}`);
    if (this.#closed !== undefined) this.#closeLibrary();
  }

  #closeLibrary(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    const closed = this.#closed!;
    const problem = (error: unknown): void => {
      this.#problem ??= `the rows could not be closed: ${messageOf(error)}`;
    };
    void this.#library
      .close()
      .catch(problem)
      .then(() => {
        // Who hears first that all is closed would call this a stop in order.
        this.#tell();
        closed();
      });
  }

  #tell(): void {
    if (this.#problem === undefined || this.#isTold) return;
    this.#isTold = true;
    this.#events.failed(this.#problem);
  }
}

function nothingWaiting(): Waiting {
  return { rows: new Map(), tokens: [], answers: [] };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
