/**
 * What the clients of a run saw, one record an operation, however often it was tried: the only
 * evidence a black-box checker may use.
 *
 * `info` means that the operation may or may not have had an effect, for ever. `fail` is used only
 * when it provably had none. Every value written in a run is unique, so a value names its write.
 * Contexts are kept opened: a checker compares what was claimed with what was stored.
 */
import type { DoorFailureCode } from "../core/caller/door-outcome.ts";
import type { Context } from "../core/causality/context.ts";
import type { NodeId } from "../core/ring/node-id.ts";
import type { Key } from "../core/ring/key.ts";
import type { BucketMode, Level, Operation } from "../core/requests.ts";
import type { Receipt } from "../core/outcomes.ts";

export type Status = "open" | "ok" | "fail" | "info";

/** One request of an operation. */
export interface Try {
  readonly node: NodeId;
  readonly at: number;
  /** How it failed; undefined while it has not. */
  failure: DoorFailureCode | undefined;
  /** Its node stopped before it had answered. */
  wasLost?: true;
}

export interface HistoryEntry {
  readonly client: string;
  /** Position in the run: entries are numbered in order of invocation. */
  readonly sequence: number;
  /** The node that was asked first. */
  readonly node: NodeId;
  /** In the order in which they were made. */
  readonly tries: readonly Try[];
  readonly operation: Operation;
  readonly key: Key;
  readonly mode: BucketMode;
  readonly r: Level;
  readonly w: Level;
  readonly session: boolean;
  /** For how long a put was to live; 0 for ever. */
  readonly ttlMs: number;
  /** The value of a put, as text; unique in the run. */
  readonly value: string | undefined;
  /** The causal context that the operation carried, opened. */
  readonly given: Context | undefined;
  /** Virtual milliseconds of the run. */
  readonly invokedAt: number;
  completedAt: number | undefined;
  status: Status;
  code: DoorFailureCode | undefined;
  /** Values a get returned, newest first; empty for not found. */
  returned: readonly string[] | undefined;
  /** The context that the answer carried, opened. */
  context: Context | undefined;
  receipt: Receipt | undefined;
}

/**
 * How often it may have been carried out: once for each try that has not provably been without
 * effect. Above 1 a write may be stored again at any later time, also when it was acknowledged.
 */
export function effectsMax({ tries }: HistoryEntry): number {
  let count = 0;
  for (const { failure } of tries) {
    if (failure === undefined || failure === "OUTCOME_UNKNOWN") count++;
  }
  return count;
}
