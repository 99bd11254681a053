/**
 * Callbacks of callers, kept for a moment when nothing of ours runs.
 *
 * A caller may ask again, throw, or take long. Called in the middle of things it would meet them
 * half done, so what it waits for is put here, and all are called one after the other at the end of
 * the turn. What one throws is its own mistake: it goes to the process's handler, and the next is
 * called.
 */
import { throwLater } from "./throw-later.ts";

interface Waiting<Outcome> {
  readonly callback: (outcome: Outcome) => void;
  readonly outcome: Outcome;
}

export class CallbackQueue<Outcome> {
  readonly #waiting: Map<number, Waiting<Outcome>> = new Map();

  push(id: number, callback: (outcome: Outcome) => void, outcome: Outcome): void {
    this.#waiting.set(id, { callback, outcome });
  }

  /** The callback of this number, if it was not called yet, never will be. */
  cancel(id: number): void {
    this.#waiting.delete(id);
  }

  /** Calls as many as are here now: what they push may wait, or a caller could keep us for ever. */
  run(): void {
    let left = this.#waiting.size;
    if (left === 0) return;
    for (const [id, { callback, outcome }] of this.#waiting) {
      if (left-- === 0) return;
      this.#waiting.delete(id);
      try {
        callback(outcome);
      } catch (error) {
        throwLater(error);
      }
    }
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }
}
