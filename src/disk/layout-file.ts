/**
 * The layout that a data directory was written under, as a line of text:
 *
 *     3 replicas of 256 partitions, placed balanced, on n0 n1 n2
 *
 * Which partitions a node keeps follows from it. A node started on the same rows with other members
 * would look for keys where nobody ever put them, and find nothing. So another line is refused,
 * with both of them; addresses may change.
 */
import type { Disk } from "../core/storage/disk.ts";
import { UNREADABLE } from "../core/storage/disk.ts";
import { utf8Decode, utf8Encode } from "../core/base/utf8.ts";
import { DirectoryError } from "./directory-error.ts";
import { written } from "./written.ts";

const FILE = "layout";
const BYTES_MAX = 1024 * 1024;

/** Rejects with a DirectoryError when another one is written there; writes it when none is. */
export async function agreeOnLayout(disk: Disk, path: string, line: string): Promise<void> {
  const bytes = disk.read(FILE, 0, BYTES_MAX);
  const stored = bytes === UNREADABLE ? "(it cannot be read)" : (utf8Decode(bytes) ?? "").trim();
  if (stored === line) return;
  if (stored !== "") {
    const problem = `its layout is "${stored}", and that of the settings "${line}"`;
    throw new DirectoryError(path, problem, "go back to those settings, or name another directory");
  }
  await written(path, "the layout", (done) => disk.append(FILE, [utf8Encode(`${line}\n`)], done));
  await written(path, "the layout", (done) => disk.sync(FILE, done));
}
