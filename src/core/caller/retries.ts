/**
 * What a caller does about a failure: ask again, after which wait, or tell it, and which.
 *
 *     failure ─▶ repeatable, one left, time left, budget left ─▶ waitMs ─▶ next ─▶ asked again
 *        └────── else ───────────────────────────────────────────────────────────▶ failure
 *
 * It decides and does nothing: the client library runs it over timers and sockets, the simulator
 * over virtual time, and so what ships is what was simulated. It is made at the first failure; a
 * call that succeeds at once pays nothing for it.
 *
 * The wait is drawn evenly from zero to a bound that doubles ("full jitter"), on top of what the
 * node asked for: callers that failed together do not come back together. And however much fails,
 * at most a tenth more is asked for it: the budget is one for all calls of a client. What a node
 * that is gone has left open is outside of it, once for each call: it would have been answered, and
 * there may be far more of it than a budget can have saved up.
 */
import { assert } from "../base/assert.ts";
import { ShareBudget } from "../base/share-budget.ts";
import type { Instant } from "../effects.ts";
import type { ClientRequest } from "../requests.ts";
import { withEnvelope } from "../requests.ts";
import type { DoorFailed, DoorFailureCode } from "./door-outcome.ts";

const WAIT_MS_FIRST = 10;
const WAIT_MS_MAX = 1_000;
/** Of the requests, so many may be asked again; and so many at once, when a node has just gone. */
const RETRY_SHARE = 0.1;
const RETRIES_AT_ONCE = 100;

/** What one client may ask again. Every request earns, every repetition takes. */
export function retryBudget(): ShareBudget {
  return new ShareBudget(RETRY_SHARE, RETRIES_AT_ONCE);
}

export class Retries {
  readonly #request: ClientRequest;
  readonly #deadlineAt: Instant;
  readonly #budget: ShareBudget;
  #left: number;
  #wasLost = false;
  #isHeldBack = false;
  #waitMsBound = WAIT_MS_FIRST;
  #told: DoorFailed | undefined = undefined;

  /** Without a time limit the deadline is Infinity, and every try leaves its time to the node. */
  constructor(request: ClientRequest, retries: number, deadlineAt: Instant, budget: ShareBudget) {
    this.#budget = budget;
    this.#request = request;
    this.#left = retries;
    this.#deadlineAt = deadlineAt;
  }

  /**
   * How long to wait before the request is sent again; undefined when it is not. `fraction` is
   * drawn evenly from [0, 1).
   */
  waitMsAfter(failure: DoorFailed, now: Instant, fraction: number): number | undefined {
    this.#note(failure);
    const waitMs = failure.retryAfterMs + fraction * this.#waitMsBound;
    const hasTime = now + waitMs + 1 <= this.#deadlineAt;
    if (this.#left === 0 || !hasTime || !isRepeatable(failure.code, this.#request)) {
      return undefined;
    }
    this.#isHeldBack = !this.#isFree(failure) && !this.#budget.take();
    if (this.#isHeldBack) return undefined;
    this.#left--;
    this.#waitMsBound = Math.min(WAIT_MS_MAX, 2 * this.#waitMsBound);
    return waitMs;
  }

  /** The request with the time that is left; undefined when the waiting took all of it. */
  next(now: Instant): ClientRequest | undefined {
    const leftMs = Math.floor(this.#deadlineAt - now);
    if (leftMs < 1) return undefined;
    const { id, wallMs, forwarded } = this.#request;
    const timeoutMs = leftMs === Infinity ? 0 : leftMs;
    return withEnvelope(this.#request, { id, timeoutMs, wallMs, forwarded });
  }

  /** What the caller is told when the request is not sent again. */
  get failure(): DoorFailed {
    assert(this.#told !== undefined, "there is nothing to tell before the first failure");
    return this.#isHeldBack ? { ...this.#told, heldBack: "retry-budget" } : this.#told;
  }

  #isFree({ isOfLoss }: DoorFailed): boolean {
    if (isOfLoss !== true || this.#wasLost) return false;
    this.#wasLost = true;
    return true;
  }

  /** After a try that may have been done, no later failure may say that nothing was. */
  #note(failure: DoorFailed): void {
    const isUnknown = failure.code === "OUTCOME_UNKNOWN";
    if (isUnknown || this.#told?.code !== "OUTCOME_UNKNOWN") this.#told = failure;
  }
}

/** After these, nothing has been changed, whatever was asked: asking again is always right. */
const UNTOUCHED: ReadonlySet<DoorFailureCode> = new Set<DoorFailureCode>([
  "QUORUM_NOT_MET",
  "OVERLOADED",
  "NOT_OWNER",
  "STALE_EPOCH",
  "DAMAGED",
  "UNAVAILABLE",
]);

/**
 * Whether to send this request again after this failure means the same as to have sent it once.
 *
 * After OUTCOME_UNKNOWN the first one may have been done. To do it twice is right only when the
 * second replaces whatever there is: a blind overwrite, a delete. A put with a context, or one into
 * a bucket that keeps siblings, is not repeated: meanwhile somebody may have read its value and
 * deleted or merged it, and it would come back.
 */
export function isRepeatable(code: DoorFailureCode, request: ClientRequest): boolean {
  if (UNTOUCHED.has(code)) return true;
  if (code !== "OUTCOME_UNKNOWN") return false;
  const { operation, mode, context } = request;
  if (operation !== "put") return true;
  return context.length === 0 && (mode === "overwrite" || mode === "lww");
}
