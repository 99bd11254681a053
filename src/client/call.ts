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
 * or something failed. What a failure means, `core/caller/retries.ts` decides.
 */
import type { ShareBudget } from "../core/base/share-budget.ts";
import type { DoorFailed, DoorOutcome } from "../core/caller/door-outcome.ts";
import { Retries } from "../core/caller/retries.ts";
import type { ClientRequest } from "../core/requests.ts";
import type { AnyOptions } from "./call-options.ts";
import { RETRIES_DEFAULT } from "./call-options.ts";
import type { Door } from "./door.ts";
import { errorOf, GrammeError } from "./gramme-error.ts";

/** How a request ended that did not fail. */
export type Done = Exclude<DoorOutcome, DoorFailed>;

/** What a call needs of its store. */
export interface Line {
  readonly door: Door;
  /** What its calls may ask again, all together. */
  readonly retryBudget: ShareBudget;
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
  readonly #retriesMax: number;
  #retries: Retries | undefined = undefined;
  #id = 0;
  #timer: NodeJS.Timeout | undefined = undefined;
  #isOver = false;

  constructor(line: Line, request: ClientRequest, options: AnyOptions, caller: Caller<T>) {
    this.#line = line;
    this.#request = request;
    this.#caller = caller;
    this.#retriesMax = options.retries ?? RETRIES_DEFAULT;
    this.#deadlineAt = request.timeoutMs === 0 ? Infinity : performance.now() + request.timeoutMs;
    this.#signal = options.signal;
    this.#onAbort = options.signal === undefined ? undefined : () => this.#abort();
  }

  start(): void {
    if (this.#line.isClosed) return this.#caller.reject(closed());
    this.#line.retryBudget.earn();
    if (this.#signal !== undefined) {
      if (this.#signal.aborted) return this.#caller.reject(aborted(this.#signal));
      this.#signal.addEventListener("abort", this.#onAbort!, { once: true });
    }
    this.#submit(this.#request);
  }

  #submit(request: ClientRequest): void {
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
    const retries = (this.#retries ??= new Retries(
      this.#request,
      this.#retriesMax,
      this.#deadlineAt,
      this.#line.retryBudget,
    ));
    const waitMs = retries.waitMsAfter(failure, performance.now(), Math.random());
    if (waitMs === undefined || this.#line.isClosed) return this.#fail(retries);
    this.#timer = setTimeout(() => this.#repeat(retries), waitMs);
  }

  #repeat(retries: Retries): void {
    this.#timer = undefined;
    const request = retries.next(performance.now());
    if (request === undefined || this.#line.isClosed) return this.#fail(retries);
    this.#submit(request);
  }

  #fail({ failure }: Retries): void {
    this.#forget();
    this.#caller.reject(errorOf(failure, this.#request));
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
