/** How a backup, a check or a restore that cannot go on ends the process. */
import { BackupError, type BackupProblem } from "../backup/backup-error.ts";
import { CommandError, EXIT, type ExitCode } from "./exit-codes.ts";

const EXIT_OF: { readonly [Problem in BackupProblem]: ExitCode } = {
  directory: EXIT.storage,
  damaged: EXIT.damaged,
  unavailable: EXIT.unavailable,
};

export async function orCommandError<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    throw new CommandError(EXIT_OF[error.problem], error.message, error.hint);
  }
}
