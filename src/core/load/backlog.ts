/**
 * How long a message has waited that arrives just after this node was asleep.
 *
 *     ├────────── asleep for 2 s ──────────┤
 *       ▲  ▲ ▲   ▲     ▲  ▲   ▲   ▲  ▲  ▲   read now: they have waited 1 s, one by another
 *
 * A message carries the time that its asker had left when it was sent. A process that was stopped,
 * or busy for long with something else, finds all of that time's messages in its sockets, and
 * cannot see how old each is; half of the time it was away is what to expect. Work for which less
 * is left than that is not begun: most likely nobody waits for it, and all of it at once is what
 * would make the node late for those who do. A write that is left out is like a message that was
 * lost: whoever asked counts it as silent, and it is mended.
 */
import type { Instant } from "../effects.ts";

/** A shorter sleep is none. */
const ASLEEP_MS_MIN = 100;
const EXPECTED_SHARE = 1 / 2;
/**
 * What was sent meanwhile is read within so much of the time that it came in, and within so long:
 * connections hold only so much, and what comes later is new.
 */
const READ_SHARE = 1 / 10;
const READ_MS_MAX = 250;

export class Backlog {
  #waitedMs = 0;
  #readUntil: Instant = Number.NEGATIVE_INFINITY;

  /** The event loop came to a deadline so late. */
  onLate(now: Instant, lateMs: number): void {
    if (lateMs < ASLEEP_MS_MIN) return;
    this.#waitedMs = lateMs * EXPECTED_SHARE;
    this.#readUntil = now + Math.min(lateMs * READ_SHARE, READ_MS_MAX);
  }

  /** Whether the time of a message that is read now is over, with so much left when it was sent. */
  hasExpired(now: Instant, remainingMs: number): boolean {
    if (remainingMs === 0) return true;
    return now < this.#readUntil && remainingMs <= this.#waitedMs;
  }
}
