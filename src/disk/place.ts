/**
 * Tells a directory from a copy of it: the number of its inode, and when that was made. A
 * copy and a restored archive have others. A copy of the whole file system has the same.
 */
import * as fs from "node:fs";
import { DirectoryError } from "./directory-error.ts";

/** Longer than the steps in which file systems count time. */
const TICK_MS = 25;
const SEPARATOR = "/";

export function placeOf(path: string): string {
  try {
    const first = fs.statSync(path);
    if (first.birthtimeMs !== first.ctimeMs) return placeText(first);
    // Just made, or a system without times of birth, which tells the last change instead: that
    // one moves.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, TICK_MS);
    fs.utimesSync(path, first.atime, first.mtime);
    const second = fs.statSync(path);
    return second.birthtimeMs === first.birthtimeMs ? placeText(second) : `${second.ino}`;
  } catch (error) {
    throw DirectoryError.of(path, "look at it", error);
  }
}

/** Whether this place lies on a file system that tells when something was made. */
export function knowsBirth(place: string): boolean {
  return place.includes(SEPARATOR);
}

function placeText({ ino, birthtimeMs }: fs.Stats): string {
  return birthtimeMs > 0 ? `${ino}${SEPARATOR}${birthtimeMs}` : `${ino}`;
}
