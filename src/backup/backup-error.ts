/** A backup or a restore that cannot go on, in words for its operator. */
export type BackupProblem = "directory" | "damaged" | "unavailable";

export class BackupError extends Error {
  override readonly name = "BackupError";
  readonly problem: BackupProblem;
  /** What to do about it; empty when the message says it all. */
  readonly hint: string;

  constructor(problem: BackupProblem, message: string, hint = "") {
    super(message);
    this.problem = problem;
    this.hint = hint;
  }

  /** Of something that the file system refused; anything else stays what it is. */
  static ofSystem(path: string, error: unknown): unknown {
    const code = systemCodeOf(error);
    if (code === undefined) return error;
    const isFull = code === "ENOSPC" || code === "EDQUOT";
    const hint = isFull ? "make room there, or name a directory elsewhere; then begin again" : "";
    return new BackupError("directory", `${path}: ${(error as Error).message}`, hint);
  }
}

/** Undefined for an error that no call of the system has given. */
export function systemCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("errno" in error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
