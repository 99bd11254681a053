/**
 * One request of the API, from its first try to the end of its promise.
 *
 *     start ─▶ door ─▶ done ──────────────────────────────▶ resolve
 *                 └──▶ failed ─ may be repeated, time left ─▶ wait ─▶ door
 *                            └─ else ──────────────────────▶ reject
 *     signal aborted, at any time ────────────────────────▶ reject
 *
 * This is the hot path: a call costs one promise (its caller makes it), this object, and one
 * function for the door. Timers, listeners and clocks are touched only when somebody asked for them
 * or something failed.
 *
 * The wait before a repetition is drawn evenly from zero to a bound that doubles ("full jitter"),
 * on top of what the node asked for: callers that failed together do not come back together.
 */
import type { ClientRequest } from "../core/requests.ts";
import { withEnvelope } from "../core/requests.ts";
import type { AnyOptions } from "./call-options.ts";
import { RETRIES_DEFAULT } from "./call-options.ts";
import type { Door, DoorFailed, DoorOutcome } from "./door.ts";
import { errorOf, GrammeError, isRepeatable } from "./gramme-error.ts";

const WAIT_MS_FIRST = 10;
const WAIT_MS_MAX = 1_000;

/** How a request ended that did not fail. */
export type Done = Exclude<DoorOutcome, DoorFailed>;

/** What a call needs of its store. */
export interface Line {
  readonly door: Door;
  readonly isClosed: boolean;
}

/**
 * Who gets the result of a call: what `read` makes of the outcome, or the reason why there is none.
 */
export interface Caller<T> {
  readonly read: (done: Done, request: ClientRequest) => T;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
}

export class Call<T> {
  readonly #line: Line;
  readonly #request: ClientRequest;
  readonly #caller: Caller<T>;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: (() => void) | undefined;
  readonly #deadlineAt: number;
  #retriesLeft: number;
  #tries = 0;
  #id = 0;
  #timer: NodeJS.Timeout | undefined = undefined;
  #isOver = false;
  /** A try of a write that may have been done: no later failure may say that nothing was. */
  #unknown: DoorFailed | undefined = undefined;

  constructor(line: Line, request: ClientRequest, options: AnyOptions, caller: Caller<T>) {
    this.#line = line;
    this.#request = request;
    this.#caller = caller;
    this.#retriesLeft = options.retries ?? RETRIES_DEFAULT;
    this.#deadlineAt = request.timeoutMs === 0 ? Infinity : performance.now() + request.timeoutMs;
    this.#signal = options.signal;
    this.#onAbort = options.signal === undefined ? undefined : () => this.#abort();
  }

  start(): void {
    if (this.#line.isClosed) return this.#caller.reject(closed());
    if (this.#signal !== undefined) {
      if (this.#signal.aborted) return this.#caller.reject(aborted(this.#signal));
      this.#signal.addEventListener("abort", this.#onAbort!, { once: true });
    }
    this.#submit(this.#request);
  }

  #submit(request: ClientRequest): void {
    this.#tries++;
    this.#id = this.#line.door.submit(request, this.#onOutcome);
  }

  /** The door calls this: nothing that it throws would reach anybody. */
  readonly #onOutcome = (outcome: DoorOutcome): void => {
    // Aborted while the outcome was on its way here.
    if (this.#isOver) return;
    if (outcome.kind === "failed") return this.#onFailed(outcome);
    this.#forget();
    try {
      this.#caller.resolve(this.#caller.read(outcome, this.#request));
    } catch (error) {
      this.#caller.reject(error);
    }
  };

  #onFailed(failure: DoorFailed): void {
    if (failure.code === "OUTCOME_UNKNOWN") this.#unknown = failure;
    const waitMs = failure.retryAfterMs + Math.random() * waitMsAfter(this.#tries);
    const hasTime = performance.now() + waitMs + 1 <= this.#deadlineAt;
    const repeats = this.#retriesLeft > 0 && hasTime && !this.#line.isClosed;
    if (!repeats || !isRepeatable(failure.code, this.#request)) return this.#fail(failure);
    this.#retriesLeft--;
    this.#timer = setTimeout(() => this.#repeat(failure), waitMs);
  }

  #repeat(failure: DoorFailed): void {
    this.#timer = undefined;
    const leftMs = Math.floor(this.#deadlineAt - performance.now());
    if (leftMs < 1 || this.#line.isClosed) return this.#fail(failure);
    const { id, wallMs, forwarded } = this.#request;
    const timeoutMs = leftMs === Infinity ? 0 : leftMs;
    this.#submit(withEnvelope(this.#request, { id, timeoutMs, wallMs, forwarded }));
  }

  #fail(failure: DoorFailed): void {
    this.#forget();
    this.#caller.reject(errorOf(this.#unknown ?? failure, this.#request));
  }

  #abort(): void {
    if (this.#timer === undefined) this.#line.door.cancel(this.#id);
    this.#forget();
    this.#caller.reject(aborted(this.#signal!));
  }

  #forget(): void {
    this.#isOver = true;
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#signal?.removeEventListener("abort", this.#onAbort!);
  }
}

export function aborted(signal: AbortSignal): GrammeError {
  return new GrammeError("ABORTED", "the signal was aborted", { cause: signal.reason });
}

export function closed(): GrammeError {
  return new GrammeError("CLOSED", "the store is closed");
}

function waitMsAfter(tries: number): number {
  return Math.min(WAIT_MS_MAX, WAIT_MS_FIRST * 2 ** (tries - 1));
}
