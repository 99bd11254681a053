/**
 * Makes a directory and those above it, and sees that it can be used. The name of a new directory
 * stands in the one above it, which must be synced too: else a crash may take the directory, with
 * everything in it that was synced.
 */
import * as fs from "node:fs";
import { dirname, resolve } from "node:path";
import { DirectoryError } from "./directory-error.ts";
import { codeOf } from "./system-error.ts";

/** Windows keeps names durable by itself, and opens no directories. */
export const SYNCS_DIRECTORIES: boolean = process.platform !== "win32";

/** Answers the absolute path. Throws a DirectoryError. */
export function makeDirectory(path: string): string {
  const absolute = resolve(path);
  try {
    const first = fs.mkdirSync(absolute, { recursive: true, mode: 0o700 });
    fs.accessSync(absolute, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK);
    if (first !== undefined) syncNames(absolute, resolve(first));
  } catch (error) {
    // There may be something to look at all the same; who wants to write is refused then.
    if (codeOf(error) === "EROFS" && fs.existsSync(absolute)) return absolute;
    throw DirectoryError.of(absolute, "make it", error);
  }
  return absolute;
}

/** From the directory up to the first that was made, each one's name. */
function syncNames(path: string, first: string): void {
  if (!SYNCS_DIRECTORIES) return;
  for (let made = path; ; made = dirname(made)) {
    const descriptor = fs.openSync(dirname(made), "r");
    try {
      fs.fsyncSync(descriptor);
    } finally {
      fs.closeSync(descriptor);
    }
    if (made === first || made === dirname(made)) return;
  }
}
