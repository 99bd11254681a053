/**
 * How the command line ends, as a number that scripts can act on.
 *
 *     0  done                                         10  sim: a node threw
 *     1  the key is not there                         11  sim: a promise was broken
 *     2  wrong usage, or an invalid setting           12  sim: the cluster did not recover
 *     3  unavailable: too few nodes, or overload      13  sim: what must happen never did
 *     4  nobody knows whether the write happened      70  a bug in this program
 *     5  a directory cannot be used, or its disk failed
 *     6  inspect, backup, verify, restore: damage was found
 *
 * Absent, not-enough-replies and unknown-outcome are three different numbers because they are three
 * different answers (law 4): the first is a fact, the second may be tried again at once, the third
 * only by somebody who knows what the write means.
 */
import type { ErrorCode } from "../client/gramme-error.ts";

export const EXIT = {
  ok: 0,
  notFound: 1,
  usage: 2,
  unavailable: 3,
  unknownOutcome: 4,
  storage: 5,
  damaged: 6,
  simCrash: 10,
  simSafety: 11,
  simLiveness: 12,
  simHole: 13,
  bug: 70,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** An end that was foreseen: what to say, and how to end. Anything else that is thrown is a bug. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly exitCode: ExitCode;
  /** What to do about it; empty when the message says it all. */
  readonly hint: string;

  constructor(exitCode: ExitCode, message: string, hint = "") {
    super(message);
    this.exitCode = exitCode;
    this.hint = hint;
  }
}

export function exitCodeOf(code: ErrorCode): ExitCode {
  switch (code) {
    case "INVALID_REQUEST":
    case "INVALID_ARGUMENT":
    case "CONTEXT_INVALID":
    case "VALUE_TOO_LARGE":
    case "TOO_MANY_SIBLINGS":
      return EXIT.usage;
    case "OUTCOME_UNKNOWN":
      return EXIT.unknownOutcome;
    case "QUORUM_NOT_MET":
    case "OVERLOADED":
    case "NOT_OWNER":
    case "STALE_EPOCH":
    case "DAMAGED":
    case "UNAVAILABLE":
    case "TIMED_OUT":
    case "OPEN_FAILED":
      return EXIT.unavailable;
    case "ABORTED":
    case "CLOSED":
    case "CODEC_FAILED":
    case "RESOLVER_FAILED":
      return EXIT.bug;
  }
}
