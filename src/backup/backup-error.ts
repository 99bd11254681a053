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

  /** Of something that the file system refused. */
  static ofSystem(path: string, error: unknown): BackupError {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    return new BackupError("directory", `${path}: ${code}`);
  }
}
