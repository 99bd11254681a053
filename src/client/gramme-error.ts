/**
 * The one error that the public API throws or rejects with.
 *
 * A program decides by `code` (a closed union) and by `retryable`, a person reads the message: it
 * says what happened, with both numbers where there are two, and what to do. It names fields,
 * limits, nodes, buckets and resolvers; it never holds a value, because messages end up in logs.
 * For the same reason the key is a field and not in the message.
 */
import type { DoorFailed, DoorFailureCode, HeldBack } from "../core/caller/door-outcome.ts";
import { isRepeatable } from "../core/caller/retries.ts";
import type { ClientRequest } from "../core/requests.ts";

/**
 * The codes of a node and of the way to it, and those of this side:
 *
 *     ABORTED            the call's signal was aborted
 *     TIMED_OUT          its time was over before anything was sent
 *     CLOSED             the store is closed
 *     OPEN_FAILED        the store could not be opened; `cause` says why
 *     CODEC_FAILED       a codec refused a value, or cannot read what is stored
 *     RESOLVER_FAILED    a merge resolver threw
 *     INVALID_ARGUMENT   a key, option or setting that cannot be
 */
export type ErrorCode =
  | DoorFailureCode
  | "ABORTED"
  | "TIMED_OUT"
  | "CLOSED"
  | "OPEN_FAILED"
  | "CODEC_FAILED"
  | "RESOLVER_FAILED"
  | "INVALID_ARGUMENT";

export interface ErrorDetails {
  /** What to do instead of the usual hint for this code. */
  readonly hint?: string;
  readonly retryable?: boolean;
  readonly needed?: number;
  readonly got?: number;
  readonly retryAfterMs?: number;
  readonly heldBack?: HeldBack;
  readonly key?: string;
  readonly cause?: unknown;
}

export class GrammeError extends Error {
  override readonly name = "GrammeError";
  readonly code: ErrorCode;
  /** Whether the same call may be made again and means the same then. */
  readonly retryable: boolean;
  /** What to do about it. */
  readonly hint: string;
  /**
   * For a quorum: owners needed and owners that said yes. For a limit: the limit and what was
   * asked.
   */
  declare readonly needed?: number;
  declare readonly got?: number;
  /** How long the node asks to be left alone. */
  declare readonly retryAfterMs?: number;
  /**
   * The client kept to its own bounds: `retry-budget`, it has asked a tenth of its requests again
   * and did not ask this one again; `throttle`, it did not send it, because the nodes refuse most.
   */
  declare readonly heldBack?: HeldBack;
  /** Bucket and key, as "bucket/key"; the key's bytes as characters 0 to 255. */
  declare readonly key?: string;

  constructor(code: ErrorCode, problem: string, details: ErrorDetails = {}) {
    const {
      hint = HINTS[code],
      retryable = false,
      needed,
      got,
      retryAfterMs,
      heldBack,
      key,
    } = details;
    super(`${code}: ${problem}. ${hint}.`, "cause" in details ? { cause: details.cause } : {});
    this.code = code;
    this.retryable = retryable;
    this.hint = hint;
    // What there is nothing to say of is not there, so that a printed error shows only what it
    // says.
    if (needed !== undefined) this.needed = needed;
    if (got !== undefined) this.got = got;
    if (retryAfterMs !== undefined) this.retryAfterMs = retryAfterMs;
    if (heldBack !== undefined) this.heldBack = heldBack;
    if (key !== undefined) this.key = key;
  }

  /** Narrows what a catch clause caught, to this class and to a code if one is named. */
  static is<Code extends ErrorCode = ErrorCode>(
    error: unknown,
    code?: Code,
  ): error is GrammeError & { readonly code: Code } {
    return error instanceof GrammeError && (code === undefined || error.code === code);
  }
}

const HINTS: { readonly [Code in ErrorCode]: string } = {
  INVALID_REQUEST: "Change what the request asks for",
  CONTEXT_INVALID: "Read the key again and write with the context of that read",
  VALUE_TOO_LARGE: "Store less under one key, or raise valueBytesMax on every node",
  TOO_MANY_SIBLINGS: "Merge them: use update, or getSiblings and a put with its context",
  QUORUM_NOT_MET: "Try again, bring back the owners, or ask for fewer with r or w",
  OUTCOME_UNKNOWN:
    "Read the key before deciding: the write may have been stored, or may appear later",
  OVERLOADED: "Try again after retryAfterMs, with fewer requests at a time",
  NOT_OWNER: "Try again: the layout has just changed",
  STALE_EPOCH: "Try again: the layout has just changed",
  DAMAGED: "Read the key, which mends it from the other owners, and try again",
  UNAVAILABLE: "Check the addresses and that the nodes run, and try again",
  ABORTED: "The caller asked for it; a write that had left may still be stored",
  TIMED_OUT: "Give it more time with timeoutMs",
  CLOSED: "Open the store again",
  OPEN_FAILED: "See the cause",
  CODEC_FAILED: "Put and get the key with the same codec; see the cause",
  RESOLVER_FAILED: "A resolver takes every list of siblings and throws for none; see the cause",
  INVALID_ARGUMENT: "Change the argument",
};

/** A failure at the door, as the error that the caller of the API gets. */
export function errorOf(failure: DoorFailed, request: ClientRequest): GrammeError {
  const { code, detail, needed, got, retryAfterMs, heldBack } = failure;
  const numbers = needed === 0 && got === 0 ? "" : `needed ${needed}, got ${got}: `;
  const repetition =
    heldBack === "retry-budget" ? "; not asked again: the retry budget is empty" : "";
  return new GrammeError(code, `${request.operation} failed, ${numbers}${detail}${repetition}`, {
    retryable: isRepeatable(code, request),
    ...(numbers === "" ? {} : { needed, got }),
    ...(retryAfterMs === 0 ? {} : { retryAfterMs }),
    ...(heldBack === undefined ? {} : { heldBack }),
    key: request.key,
  });
}
