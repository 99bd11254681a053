/**
 * The time of a call that takes several requests: each of them gets what is left.
 */
import type { CallOptions } from "./call-options.ts";
import { GrammeError } from "./gramme-error.ts";

export class TimeBudget {
  /** An instant of `performance.now()`; Infinity when nobody limited the call. */
  readonly deadlineAt: number;

  constructor(timeoutMs: number | undefined) {
    this.deadlineAt = timeoutMs === undefined ? Infinity : performance.now() + timeoutMs;
  }

  /** The options for the next request. Throws when there is no time for one. */
  share<Options extends CallOptions>(options: Options): Options {
    if (this.deadlineAt === Infinity) return options;
    const timeoutMs = this.deadlineAt - performance.now();
    if (timeoutMs <= 0) throw timedOut();
    return { ...options, timeoutMs };
  }
}

export function timedOut(): GrammeError {
  return new GrammeError("TIMED_OUT", "the time of the call was over before the next request");
}
