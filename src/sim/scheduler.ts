/**
 * Virtual time: what happens next, and when it is now.
 *
 * Events run in the order (instant, sequence), so that two events of one instant run in the order
 * in which they were scheduled, in every JavaScript engine. Instants lie on a grid of 1/1024
 * millisecond: such numbers add and subtract exactly, and a node that asks to be woken at a
 * deadline is woken at it, not a rounding error before.
 *
 * Hot events carry numbers and a message instead of a closure. What happens seldom (a fault, a
 * client's next step) brings a closure as its `action`.
 */
import { assert } from "../core/base/assert.ts";
import type { Instant } from "../core/effects.ts";
import type { Message } from "../core/messages.ts";

export const DELIVER = 0;
export const COMPLETE = 1;
export const WAKE = 2;
export const WORK = 3;
export const ACT = 4;
export type EventKind = typeof DELIVER | typeof COMPLETE | typeof WAKE | typeof WORK | typeof ACT;

/** Every event has every field: one hidden class, whatever happens. */
export interface ScheduledEvent {
  /** When, in steps of the grid: a small integer, which costs no memory of its own. */
  readonly step: number;
  readonly sequence: number;
  readonly kind: EventKind;
  /** Index of the node it happens to; -1 for none. */
  readonly target: number;
  /** Index of the node that sent the message. */
  readonly source: number;
  /** A disk token, or the life of a node that the event belongs to. */
  readonly token: number;
  readonly life: number;
  readonly message: Message | undefined;
  readonly action: (() => void) | undefined;
}

const STEPS_PER_MS = 1024;

/** The first instant of the grid that is not before this one. */
export function onGrid(ms: number): number {
  return Math.ceil(ms * STEPS_PER_MS) / STEPS_PER_MS;
}

export class Scheduler {
  readonly #heap: (ScheduledEvent | undefined)[] = [];
  #size = 0;
  #step = 0;
  #sequence = 0;
  #executed = 0;

  get now(): Instant {
    return this.#step / STEPS_PER_MS;
  }

  /** Events handed out so far. */
  get executed(): number {
    return this.#executed;
  }

  get pending(): number {
    return this.#size;
  }

  deliver(delayMs: number, source: number, target: number, message: Message): void {
    this.#push(delayMs, DELIVER, target, source, 0, 0, message, undefined);
  }

  complete(delayMs: number, target: number, life: number, token: number): void {
    this.#push(delayMs, COMPLETE, target, -1, token, life, undefined, undefined);
  }

  /** Time for a node to look at its deadlines, or to take the next input off its queue. */
  wake(delayMs: number, target: number, life: number): void {
    this.#push(delayMs, WAKE, target, -1, 0, life, undefined, undefined);
  }

  work(delayMs: number, target: number, life: number): void {
    this.#push(delayMs, WORK, target, -1, 0, life, undefined, undefined);
  }

  act(delayMs: number, action: () => void): void {
    this.#push(delayMs, ACT, -1, -1, 0, 0, undefined, action);
  }

  /**
   * The next event up to and including `limit` (the next instant of the grid, if it is none), and
   * time with it; without such an event, time goes to the limit.
   */
  next(limit: Instant): ScheduledEvent | undefined {
    const event = this.#heap[0];
    const lastStep = Math.ceil(limit * STEPS_PER_MS);
    if (event === undefined || event.step > lastStep) {
      if (lastStep > this.#step) this.#step = lastStep;
      return undefined;
    }
    this.#step = event.step;
    this.#executed++;
    this.#removeFirst();
    return event;
  }

  #push(
    delayMs: number,
    kind: EventKind,
    target: number,
    source: number,
    token: number,
    life: number,
    message: Message | undefined,
    action: (() => void) | undefined,
  ): void {
    assert(delayMs >= 0, `an event cannot be scheduled ${-delayMs} ms ago`);
    const step = this.#step + Math.ceil(delayMs * STEPS_PER_MS);
    const sequence = this.#sequence++;
    const event = { step, sequence, kind, target, source, token, life, message, action };
    this.#rise(event, this.#size++);
  }

  // A heap of four children a knot: half as deep as a binary one, and the comparison stands inline.

  #rise(event: ScheduledEvent, from: number): void {
    const heap = this.#heap;
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 2;
      const above = heap[parent]!;
      // A new event has the highest sequence of all: among equals it stays below.
      if (above.step <= event.step) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = event;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const size = --this.#size;
    const last = heap[size]!;
    heap[size] = undefined;
    if (size === 0) return;
    let index = 0;
    for (;;) {
      let least = index * 4 + 1;
      if (least >= size) break;
      const end = Math.min(least + 4, size);
      for (let child = least + 1; child < end; child++) {
        if (isBefore(heap[child]!, heap[least]!)) least = child;
      }
      if (!isBefore(heap[least]!, last)) break;
      heap[index] = heap[least];
      index = least;
    }
    heap[index] = last;
  }
}

function isBefore(left: ScheduledEvent, right: ScheduledEvent): boolean {
  return left.step < right.step || (left.step === right.step && left.sequence < right.sequence);
}
