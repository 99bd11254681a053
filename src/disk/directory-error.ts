/** A data directory that cannot be used: which one, why, and what to do about it. */
import { codeOf, hintOf, textOf } from "./system-error.ts";

export class DirectoryError extends Error {
  override readonly name: string = "DirectoryError";
  readonly path: string;
  readonly hint: string;

  constructor(path: string, problem: string, hint: string, cause?: unknown) {
    super(`data directory ${path}: ${problem}; ${hint}`, cause === undefined ? {} : { cause });
    this.path = path;
    this.hint = hint;
  }

  /** For what the system answered. An error that is not the system's is a bug, and goes on. */
  static of(path: string, doing: string, error: unknown): DirectoryError {
    const code = codeOf(error);
    if (code === undefined) throw error;
    if (code === "ENOTDIR" || code === "EEXIST") {
      const hint = "name a directory, or a path where one can be made";
      return new DirectoryError(path, "it is not a directory, or lies below a file", hint, error);
    }
    return new DirectoryError(path, `could not ${doing} (${textOf(error)})`, hintOf(error), error);
  }
}

/** Another process works in it, or this one does already. */
export class DirectoryHeldError extends DirectoryError {
  override readonly name = "DirectoryHeldError";
  readonly pid: number;

  constructor(path: string, pid: number, lockPath: string) {
    const who = pid === process.pid ? `this process (${pid})` : `the process ${pid}`;
    const hint = `stop that node, or give this one another directory (the lock is ${lockPath})`;
    super(path, `it is in use by ${who}`, hint);
    this.pid = pid;
  }
}
