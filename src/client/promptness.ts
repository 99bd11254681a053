/**
 * How soon a node answers this client of late, so that one that is much slower than another owner
 * can be left alone.
 *
 *     expected = the longer of   a mean of the last answers, each a sixteenth of it
 *                                the time since anything came, while something is waited for
 *
 * The second is for a node that stands still: it gives no late answers, it gives none. A node that
 * refuses counts with the time after which it would have room, or it would look quick.
 *
 *     well ── slower than another for 10 ms ──▶ left alone for 500 ms … 8 s ──▶ one trial
 *      ▲                                              ▲                           │ │
 *      └────────────── answered like the others ──────┼───────────────────────────┘ │
 *                                                     └──── slow again: twice as long
 *
 * So to find out that it is still slow costs one request. Slow is always slower than another: when
 * all are, nobody is left alone.
 */
import type { Instant } from "../core/effects.ts";

/** Whoever takes longer than this, and so many times as long as another, is slow. */
const SLOW_MS = 10;
const SLOW_TIMES = 4;
/** After this process stood still, the answers of one node are read before those of the next. */
const DOUBT_MS = 10;
const MEAN_SHARE = 1 / 16;
const ALONE_MS_MIN = 500;
const ALONE_MS_MAX = 8_000;
/** Whoever was well for so long is left alone as shortly as at the first time. */
const FORGIVEN_AFTER_MS = 10_000;

export class Promptness {
  #open = 0;
  #meanMs = 0;
  /** When it last answered, or when the first of those was sent that it has not answered. */
  #spokeAt: Instant = 0;
  #doubtedAt: Instant | undefined = undefined;
  #isSlow = false;
  #aloneMs = ALONE_MS_MIN;
  #aloneUntil: Instant = 0;
  #triedAt: Instant = 0;
  /** What the trial may take. */
  #trialMs = 0;

  get isSlow(): boolean {
    return this.#isSlow;
  }

  expectedMs(now: Instant): number {
    return this.#open === 0 ? this.#meanMs : Math.max(this.#meanMs, now - this.#spokeAt);
  }

  /** Whether it has to be compared with another one at all. */
  isInDoubt(now: Instant): boolean {
    if (this.#isSlow || this.expectedMs(now) > SLOW_MS) return true;
    this.#doubtedAt = undefined;
    return false;
  }

  /** Whether this request goes to another one, of which an answer is expected after so long. */
  isLeftAlone(now: Instant, otherMs: number): boolean {
    const bearableMs = Math.max(SLOW_MS, SLOW_TIMES * otherMs);
    if (this.#isSlow) return otherMs !== Infinity && !this.#mayTry(now, bearableMs);
    if (this.expectedMs(now) <= bearableMs) this.#doubtedAt = undefined;
    else this.#doubtedAt ??= now;
    if (this.#doubtedAt === undefined || now - this.#doubtedAt < DOUBT_MS) return false;
    if (now > this.#aloneUntil + FORGIVEN_AFTER_MS) this.#aloneMs = ALONE_MS_MIN;
    this.#isSlow = true;
    this.#triedAt = Infinity;
    this.#leaveAlone(now);
    return true;
  }

  onSent(now: Instant): void {
    if (this.#open++ === 0) this.#spokeAt = now;
  }

  onAnswered(now: Instant, elapsedMs: number): void {
    this.#spokeAt = now;
    this.onSilent(now, elapsedMs);
  }

  /** It has not answered for so long, and is not waited for any more. */
  onSilent(now: Instant, elapsedMs: number): void {
    this.onForgotten();
    if (!this.#isSlow) {
      this.#meanMs += (elapsedMs - this.#meanMs) * MEAN_SHARE;
    } else if (now - elapsedMs >= this.#triedAt && elapsedMs <= this.#trialMs) {
      this.#isSlow = false;
      this.#meanMs = elapsedMs;
      this.#doubtedAt = undefined;
    }
  }

  /** Nobody waits for it any more, whatever it would have said. */
  onForgotten(): void {
    if (this.#open > 0) this.#open--;
  }

  /** The connection is gone, with all that was waited for. */
  onLost(): void {
    this.#open = 0;
  }

  #mayTry(now: Instant, trialMs: number): boolean {
    if (now < this.#aloneUntil) return false;
    this.#triedAt = now;
    this.#trialMs = trialMs;
    this.#leaveAlone(now);
    return true;
  }

  #leaveAlone(now: Instant): void {
    this.#aloneUntil = now + this.#aloneMs;
    this.#aloneMs = Math.min(this.#aloneMs * 2, ALONE_MS_MAX);
  }
}
