/**
 * Everything that can go wrong, told in one form: a line for people, a document for scripts, and an
 * exit code.
 *
 *     error: QUORUM_NOT_MET: put failed, needed 2, got 1: too few owners can be reached …
 *     { "error": { "code": "QUORUM_NOT_MET", "needed": 2, "got": 1, "retryable": true, … } }
 */
import type { ErrorCode } from "../client/gramme-error.ts";
import { GrammeError } from "../client/gramme-error.ts";
import { DirectoryError } from "../disk/directory-error.ts";
import { LibraryMissing } from "../disk/library-engine-missing.ts";
import { SettingsError } from "../host/settings-error.ts";
import { CommandError, EXIT, exitCodeOf, type ExitCode } from "./exit-codes.ts";
import { printJson, remark, remarkError } from "./output.ts";

interface Failure {
  readonly exitCode: ExitCode;
  /** With the hint, where the error brought one of its own. */
  readonly message: string;
  readonly document: ErrorDocument;
}

/** What `--json` prints under "error". Every field is always there. */
interface ErrorDocument {
  readonly code: ErrorCode | "BUG";
  readonly message: string;
  readonly retryable: boolean;
  readonly hint: string;
  readonly needed: number | null;
  readonly got: number | null;
  readonly retryAfterMs: number | null;
}

/** Says what happened and answers the exit code. */
export function reportFailure(error: unknown, json: boolean): ExitCode {
  const { exitCode, message, document } = failureOf(error);
  if (json) printJson({ error: document });
  else if (error instanceof GrammeError) remarkError(message);
  else remarkError(message, document.hint);
  if (exitCode === EXIT.bug) remark((error instanceof Error && error.stack) || String(error));
  return exitCode;
}

/** The document of one failure among others that succeeded. */
export function errorDocument(error: unknown): ErrorDocument {
  return failureOf(error).document;
}

export function exitCodeOfError(error: unknown): ExitCode {
  return failureOf(error).exitCode;
}

function failureOf(error: unknown): Failure {
  if (error instanceof GrammeError) return ofGrammeError(error);
  if (error instanceof CommandError) {
    const code = error.exitCode === EXIT.unavailable ? "UNAVAILABLE" : "INVALID_ARGUMENT";
    return failure(error.exitCode, code, error.message, error.hint);
  }
  if (error instanceof SettingsError) {
    return failure(EXIT.usage, "INVALID_ARGUMENT", error.message, error.hint);
  }
  if (error instanceof DirectoryError || error instanceof LibraryMissing) {
    // What to do stands in the message.
    return failure(EXIT.storage, "OPEN_FAILED", error.message, "");
  }
  return failure(EXIT.bug, "BUG", "this is a bug in gramme", "please report it");
}

function ofGrammeError(error: GrammeError): Failure {
  const { message, code, retryable, hint, needed, got, retryAfterMs } = error;
  const document: ErrorDocument = {
    code,
    message,
    retryable,
    hint,
    needed: needed ?? null,
    got: got ?? null,
    retryAfterMs: retryAfterMs ?? null,
  };
  return { exitCode: exitCodeOf(code), message, document };
}

function failure(
  exitCode: ExitCode,
  code: ErrorDocument["code"],
  message: string,
  hint: string,
): Failure {
  const numbers = { needed: null, got: null, retryAfterMs: null };
  return { exitCode, message, document: { code, message, retryable: false, hint, ...numbers } };
}
