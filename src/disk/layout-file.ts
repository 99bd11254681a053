/**
 * The layout that a data directory was written under, as a line of text:
 *
 *     3 replicas of 256 partitions, placed balanced, on n0 n1 n2
 *
 * Which partitions a node keeps follows from it. A node started on the same rows with other members
 * would look for keys where nobody ever put them, and find nothing. So another line is refused,
 * with both of them; addresses may change.
 *
 * The file is written once in the life of a directory. So it also marks the place: a directory
 * whose files were removed and put back from a backup has another one.
 */
import { join } from "node:path";
import type { AppendAnswer, Disk } from "../core/storage/disk.ts";
import { UNREADABLE } from "../core/storage/disk.ts";
import { utf8Decode, utf8Encode } from "../core/base/utf8.ts";
import { placeOf } from "./data-directory.ts";
import { DirectoryError } from "./directory-error.ts";

const FILE = "layout";
const BYTES_MAX = 1024 * 1024;

/**
 * Rejects with a DirectoryError when another one is written there; writes it when none is. Answers
 * what tells this file from a copy of it.
 */
export async function agreeOnLayout(disk: Disk, path: string, line: string): Promise<string> {
  const bytes = disk.read(FILE, 0, BYTES_MAX);
  const stored = bytes === UNREADABLE ? "(it cannot be read)" : (utf8Decode(bytes) ?? "").trim();
  if (stored === line) return placeOf(join(path, FILE));
  if (stored !== "") {
    const problem = `its layout is "${stored}", and that of the settings "${line}"`;
    throw new DirectoryError(path, problem, "go back to those settings, or name another directory");
  }
  await done((answer) => disk.append(FILE, [utf8Encode(`${line}\n`)], answer), path);
  await done((answer) => disk.sync(FILE, answer), path);
  return placeOf(join(path, FILE));
}

async function done(
  start: (answer: (answer: AppendAnswer) => void) => void,
  path: string,
): Promise<void> {
  const answer = await new Promise<AppendAnswer>(start);
  if (answer === "done") return;
  const problem = answer === "full" ? "the disk is full" : answer.problem;
  throw new DirectoryError(path, `the layout cannot be written: ${problem}`, "make room there");
}
