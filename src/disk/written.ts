/**
 * What a start must have on the disk before it goes on: there, or the start ends with an error that
 * names the directory.
 */
import type { AppendAnswer } from "../core/storage/disk.ts";
import { DirectoryError } from "./directory-error.ts";

/** Waits for what `start` asks of the disk. Rejects with a DirectoryError: `what` is not there. */
export async function written(
  path: string,
  what: string,
  start: (done: (answer: AppendAnswer) => void) => void,
): Promise<void> {
  const answer = await new Promise<AppendAnswer>(start);
  if (answer === "done") return;
  const problem = answer === "full" ? "the disk is full" : answer.problem;
  throw new DirectoryError(path, `${what} cannot be written: ${problem}`, "make room there");
}
