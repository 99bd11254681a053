/**
 * What a client may ask of a node, after the door has turned its words into bytes.
 *
 * Every request has every field, in one order, whatever its operation: one hidden class on the hot
 * path. `wallMs` is the one place where wall time enters the core: the host that runs the request
 * stamps it.
 */
import type { Key } from "./ring/key.ts";
import { EMPTY_BYTES } from "./base/bytes.ts";

export type Operation = "get" | "put" | "delete";

/**
 * How many owners must answer: a number, a word that means one for this bucket's N, or the node's
 * default. It is never lowered silently (law 1): more than N is refused.
 */
export type Level = number | "default" | "one" | "quorum" | "all";

/**
 * What a put does to values that it has not seen.
 *
 * - `overwrite`: without a context it replaces what the coordinator sees; with one, exactly what
 *   that covers
 * - `siblings`: without a context it is concurrent with everything
 * - `lww`: it replaces what the coordinator sees; of concurrent values the newest is shown alone
 * - `merge`: as `siblings`; the bucket's named resolver folds what a read returns
 */
export type BucketMode = "overwrite" | "siblings" | "lww" | "merge";

export interface ClientRequest {
  /** The asker's number for the answer. */
  readonly id: number;
  readonly operation: Operation;
  readonly key: Key;
  /** The value of a put; empty for the others. An empty value is a value. */
  readonly value: Uint8Array;
  /** A sealed causal context, or no bytes at all for none. */
  readonly context: Uint8Array;
  readonly mode: BucketMode;
  readonly r: Level;
  readonly w: Level;
  readonly pr: Level;
  readonly pw: Level;
  /**
   * What this client or another has read or written so it goes on seeing: only owners count, a
   * majority of them at least, and a read answers when a majority holds what it returns.
   */
  readonly session: boolean;
  /** Time left, counted from when the node receives the request; 0 means the node's default. */
  readonly timeoutMs: number;
  readonly wallMs: number;
  /** For how long the value of a put lives; 0 for ever. */
  readonly ttlMs: number;
  /** Sent on by a node that does not own the key. It is never sent on again. */
  readonly forwarded: boolean;
}

/** A century: what lives longer need not expire. */
export const TTL_MS_MAX: number = 36_525 * 24 * 60 * 60 * 1000;

type Given = Pick<ClientRequest, "operation" | "key"> & Partial<ClientRequest>;

export function clientRequest(given: Given): ClientRequest {
  return {
    id: given.id ?? 0,
    operation: given.operation,
    key: given.key,
    value: given.value ?? EMPTY_BYTES,
    context: given.context ?? EMPTY_BYTES,
    mode: given.mode ?? "overwrite",
    r: given.r ?? "default",
    w: given.w ?? "default",
    pr: given.pr ?? "default",
    pw: given.pw ?? "default",
    session: given.session ?? false,
    timeoutMs: given.timeoutMs ?? 0,
    wallMs: given.wallMs ?? 0,
    ttlMs: given.ttlMs ?? 0,
    forwarded: given.forwarded ?? false,
  };
}

/** The same request under the number, wall time and time left of whoever runs or forwards it. */
export function withEnvelope(
  request: ClientRequest,
  envelope: Pick<ClientRequest, "id" | "timeoutMs" | "wallMs" | "forwarded">,
): ClientRequest {
  return {
    id: envelope.id,
    operation: request.operation,
    key: request.key,
    value: request.value,
    context: request.context,
    mode: request.mode,
    r: request.r,
    w: request.w,
    pr: request.pr,
    pw: request.pw,
    session: request.session,
    timeoutMs: envelope.timeoutMs,
    wallMs: envelope.wallMs,
    ttlMs: request.ttlMs,
    forwarded: envelope.forwarded,
  };
}
