/**
 * The deadlines of a node: rows in a wheel, not timers of the platform. The host keeps one timer
 * for the earliest.
 *
 * Nearly every deadline is cancelled long before it is due (its request was answered), so setting
 * and cancelling are what must be cheap: both relink one row, and a cancelled row is unreachable at
 * once. A heap with late removal would keep the values of a second's worth of finished requests
 * alive, and that is what a garbage collector hates most.
 *
 *     slot = due millisecond mod 1024        a row that is rounds away stays until its own round
 *
 * `earliest` is a lower bound: cancelling does not raise it. A node woken early finds nothing due
 * and looks ahead.
 */
import { assert } from "./base/assert.ts";
import type { Instant } from "./effects.ts";

const SLOTS = 1024;

export interface Timed {
  onDeadline(now: Instant): void;
}

/** A row of the wheel. Its owner keeps it and sets it again as often as it likes. */
export class Deadline {
  readonly target: Timed;
  /** Whole milliseconds, rounded up: never early. */
  dueMs = 0;
  before: Deadline | undefined = undefined;
  after: Deadline | undefined = undefined;
  isSet = false;

  constructor(target: Timed) {
    this.target = target;
  }
}

export class DeadlineWheel {
  readonly #first: (Deadline | undefined)[] = new Array<undefined>(SLOTS).fill(undefined);
  readonly #last: (Deadline | undefined)[] = new Array<undefined>(SLOTS).fill(undefined);
  #count = 0;
  #earliest = Number.POSITIVE_INFINITY;
  /** Every deadline up to here has been called. */
  #passedMs = 0;

  get count(): number {
    return this.#count;
  }

  get earliest(): Instant | undefined {
    return this.#count === 0 ? undefined : this.#earliest;
  }

  set(deadline: Deadline, at: Instant): void {
    if (deadline.isSet) this.cancel(deadline);
    const dueMs = Math.max(Math.ceil(at), this.#passedMs + 1);
    deadline.dueMs = dueMs;
    deadline.isSet = true;
    const slot = dueMs % SLOTS;
    const last = this.#last[slot];
    deadline.before = last;
    deadline.after = undefined;
    if (last === undefined) this.#first[slot] = deadline;
    else last.after = deadline;
    this.#last[slot] = deadline;
    if (this.#count++ === 0 || dueMs < this.#earliest) this.#earliest = dueMs;
  }

  cancel(deadline: Deadline): void {
    if (!deadline.isSet) return;
    const { before, after } = deadline;
    const slot = deadline.dueMs % SLOTS;
    if (before === undefined) this.#first[slot] = after;
    else before.after = after;
    if (after === undefined) this.#last[slot] = before;
    else after.before = before;
    deadline.before = undefined;
    deadline.after = undefined;
    deadline.isSet = false;
    this.#count--;
  }

  /** Calls everything that is due, in order of due time, then of setting. */
  advance(now: Instant): void {
    const nowMs = Math.floor(now);
    while (this.#count > 0 && this.#earliest <= nowMs) {
      const tick = this.#earliest;
      this.#passedMs = Math.max(this.#passedMs, tick);
      this.#callSlot(tick, now);
      this.#earliest = this.#nextAfter(tick);
    }
    this.#passedMs = Math.max(this.#passedMs, nowMs);
  }

  #callSlot(tick: number, now: Instant): void {
    // A target may set and cancel deadlines, also in this slot: start over from the first after
    // every call.
    for (;;) {
      let row = this.#first[tick % SLOTS];
      while (row !== undefined && row.dueMs > tick) row = row.after;
      if (row === undefined) return;
      assert(row.dueMs === tick, `deadline ${row.dueMs} was passed over before ${tick}`);
      this.cancel(row);
      row.target.onDeadline(now);
    }
  }

  #nextAfter(tick: number): number {
    if (this.#count === 0) return Number.POSITIVE_INFINITY;
    for (let ahead = tick + 1; ahead <= tick + SLOTS; ahead++) {
      for (let row = this.#first[ahead % SLOTS]; row !== undefined; row = row.after) {
        if (row.dueMs === ahead) return ahead;
      }
    }
    let earliest = Number.POSITIVE_INFINITY;
    for (const first of this.#first) {
      for (let row = first; row !== undefined; row = row.after) {
        earliest = Math.min(earliest, row.dueMs);
      }
    }
    return earliest;
  }
}
