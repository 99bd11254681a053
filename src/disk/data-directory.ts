/**
 * The directory of a node, opened in the one order that is safe:
 *
 *     make ─▶ lock ─▶ place ─▶ list ─▶ identity        and back: close the files ─▶ unlock
 *
 * Nothing is read before the lock is held, since a node that stops may still write its identity;
 * and nothing is written here, since what a boot makes of the identity (`core/identity/boot.ts`)
 * hangs on what the engine finds.
 *
 * The place tells a directory from a copy of it: the number of its inode, and when that was made. A
 * copy and a restored archive have others. A copy of the whole file system has the same, and is
 * found out by the peers of the node alone.
 */
import * as fs from "node:fs";
import { IdentityFile } from "../core/identity/identity-file.ts";
import type { DiskProblem } from "../core/storage/disk.ts";
import { DirectoryError } from "./directory-error.ts";
import { DirectoryLock } from "./directory-lock.ts";
import { FileDisk } from "./file-disk.ts";
import { makeDirectory } from "./make-directory.ts";

export interface DataDirectory {
  /** Absolute. */
  readonly path: string;
  readonly disk: FileDisk;
  /** Says in `stored` what was found. */
  readonly identityFile: IdentityFile;
  readonly place: string;
  /** The last call: closes the disk, then lets others into the directory. */
  close(closed: (answer: "done" | DiskProblem) => void): void;
}

/** Throws a DirectoryError; a DirectoryHeldError when another process works in there. */
export function openDataDirectory(path: string): DataDirectory {
  const absolute = makeDirectory(path);
  const lock = DirectoryLock.take(absolute);
  try {
    const place = placeOf(absolute);
    const disk = new FileDisk(absolute);
    return {
      path: absolute,
      disk,
      identityFile: new IdentityFile(disk),
      place,
      close(closed) {
        disk.close((answer) => {
          lock.release();
          closed(answer);
        });
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** Longer than the steps in which file systems count time. */
const TICK_MS = 25;

/** Tells a directory or a file from a copy of it. */
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

function placeText({ ino, birthtimeMs }: fs.Stats): string {
  return birthtimeMs > 0 ? `${ino}/${birthtimeMs}` : `${ino}`;
}
