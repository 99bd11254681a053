/**
 * What every call may say beside its key and value, and what follows from it for the request.
 *
 * All of it is optional, comes last, and concerns this one call. An option that does not exist or
 * cannot be is refused by name: one that silently does nothing is the dearest kind of mistake.
 */
import { type ClientRequest, type Level, TTL_MS_MAX } from "../core/requests.ts";
import type { Context } from "./context.ts";
import { kindOf } from "./codec.ts";
import { GrammeError } from "./gramme-error.ts";

/** So many owners, or a word that means a number of them. */
export type OwnerCount = number | "one" | "quorum" | "all";

export interface CallOptions {
  /** Aborts waiting. A write that has left may still be stored. */
  readonly signal?: AbortSignal | undefined;
  /**
   * For the whole call, retries included. Without it every try has the time that the nodes'
   * settings give it.
   */
  readonly timeoutMs?: number | undefined;
  /** How often to try again after a failure where that is right. */
  readonly retries?: number | undefined;
  /** Sets r and w, where they are not set themselves. */
  readonly consistency?: "one" | "quorum" | "all" | undefined;
  /**
   * What a read or write of a session has shown, every later read of a session shows, whoever makes
   * it: a majority of the owners at least, no stand-ins, and a read that waits until a majority
   * holds what it returns.
   */
  readonly session?: boolean | undefined;
}

export interface GetOptions extends CallOptions {
  /** Owners that must answer, and how many of them must be owners proper. */
  readonly r?: OwnerCount | undefined;
  readonly pr?: OwnerCount | undefined;
}

interface WriteOptions extends CallOptions {
  /** Owners that must hold the write, and how many of them must be owners proper. */
  readonly w?: OwnerCount | undefined;
  readonly pw?: OwnerCount | undefined;
}

interface LifeOptions {
  /** For how long the value lives, in milliseconds. Without it, for ever. */
  readonly ttlMs?: number | undefined;
}

interface ContextOptions {
  /** From a read: replace what it saw, and leave what it did not. */
  readonly context?: Context | undefined;
}

export interface PutOptions extends WriteOptions, ContextOptions, LifeOptions {}

/** Without a context a deletion first reads what there is to delete, from r owners. */
export interface DeleteOptions extends GetOptions, WriteOptions, ContextOptions {}

/** `ttlMs` is that of the value which the update puts. */
export interface UpdateOptions extends GetOptions, WriteOptions, LifeOptions {}

/** Everything that a call may be given: what they all are checked against. */
export type AnyOptions = DeleteOptions & LifeOptions;

export const RETRIES_DEFAULT = 1;
const RETRIES_MAX = 100;
const TIMEOUT_MS_MAX = 600_000;
const COUNT_MAX = 16;
const NONE: AnyOptions = {};

type CallName = "get" | "put" | "delete" | "update";
type OptionName = keyof AnyOptions;

const CALL: readonly OptionName[] = ["signal", "timeoutMs", "retries", "consistency", "session"];
const READ: readonly OptionName[] = ["r", "pr"];
const WRITE: readonly OptionName[] = ["w", "pw"];
const GET: ReadonlySet<string> = new Set<OptionName>([...CALL, ...READ]);
const PUT: ReadonlySet<string> = new Set<OptionName>([...CALL, ...WRITE, "context", "ttlMs"]);
const DELETE: ReadonlySet<string> = new Set<OptionName>([...CALL, ...READ, ...WRITE, "context"]);
const UPDATE: ReadonlySet<string> = new Set<OptionName>([...CALL, ...READ, ...WRITE, "ttlMs"]);
const KNOWN: { readonly [Name in CallName]: ReadonlySet<string> } = {
  get: GET,
  put: PUT,
  delete: DELETE,
  update: UPDATE,
};

/** The options, checked; no options are none. Throws for the first one that cannot be. */
export function checkOptions(call: CallName, options: AnyOptions | undefined): AnyOptions {
  if (options === undefined) return NONE;
  const known = KNOWN[call];
  for (const name in options) {
    if (known.has(name)) continue;
    const hint = `A ${call} knows ${[...known].join(", ")}`;
    throw new GrammeError("INVALID_ARGUMENT", `there is no option ${name} for a ${call}`, { hint });
  }
  const { signal, timeoutMs, retries, consistency, session, r, pr, w, pw } = options;
  // Not instanceof: a test environment brings an AbortSignal of its own.
  if (signal !== undefined && typeof signal?.addEventListener !== "function") {
    throw invalid("signal", "an AbortSignal", signal);
  }
  if (timeoutMs !== undefined && !isTimeout(timeoutMs)) {
    throw invalid("timeoutMs", `above 0 and at most ${TIMEOUT_MS_MAX}`, timeoutMs);
  }
  if (retries !== undefined && !isIntegerIn(retries, 0, RETRIES_MAX)) {
    throw invalid("retries", `an integer from 0 to ${RETRIES_MAX}`, retries);
  }
  if (consistency !== undefined && !isWord(consistency)) {
    throw invalid("consistency", "one, quorum or all", consistency);
  }
  if (session !== undefined && typeof session !== "boolean") {
    throw invalid("session", "true or false", session);
  }
  const { ttlMs } = options;
  if (ttlMs !== undefined && !isIntegerIn(ttlMs, 1, TTL_MS_MAX)) {
    throw invalid("ttlMs", `an integer from 1 to ${TTL_MS_MAX}`, ttlMs);
  }
  checkCount("r", r);
  checkCount("pr", pr);
  checkCount("w", w);
  checkCount("pw", pw);
  return options;
}

export function readLevel(options: AnyOptions): Level {
  return options.r ?? options.consistency ?? "default";
}

export function writeLevel(options: AnyOptions): Level {
  return options.w ?? options.consistency ?? "default";
}

/** Whole milliseconds for a request; 0 leaves it to the node. */
export function requestTimeoutMs(options: AnyOptions): ClientRequest["timeoutMs"] {
  return options.timeoutMs === undefined ? 0 : Math.ceil(options.timeoutMs);
}

function checkCount(name: string, count: OwnerCount | undefined): void {
  if (count === undefined || isWord(count) || isIntegerIn(count, 1, COUNT_MAX)) return;
  throw invalid(name, `one, quorum, all or an integer from 1 to ${COUNT_MAX}`, count);
}

function isWord(value: unknown): boolean {
  return value === "one" || value === "quorum" || value === "all";
}

function isTimeout(value: unknown): boolean {
  return typeof value === "number" && value > 0 && value <= TIMEOUT_MS_MAX;
}

function isIntegerIn(value: unknown, min: number, max: number): boolean {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
}

function invalid(name: string, wanted: string, got: unknown): GrammeError {
  const isShown = typeof got === "number" || typeof got === "boolean";
  const shown = typeof got === "string" ? JSON.stringify(got.slice(0, 40)) : kindOf(got);
  return new GrammeError(
    "INVALID_ARGUMENT",
    `${name} must be ${wanted}, got ${isShown ? got : shown}`,
  );
}
