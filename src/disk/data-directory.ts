/**
 * The directory of a node, opened in the one order that is safe:
 *
 *     make ─▶ lock ─▶ place ─▶ list ─▶ identity        and back: close the files ─▶ unlock
 *
 * Nothing is read before the lock is held, since a node that stops may still write its identity;
 * and nothing is written here, since what a boot makes of the identity (`core/identity/boot.ts`)
 * hangs on what the engine finds.
 */
import { IdentityFile } from "../core/identity/identity-file.ts";
import type { DiskProblem } from "../core/storage/disk.ts";
import { DirectoryLock } from "./directory-lock.ts";
import { FileDisk } from "./file-disk.ts";
import { makeDirectory } from "./make-directory.ts";
import { placeOf } from "./place.ts";
import { codeOf } from "./system-error.ts";

export interface DataDirectory {
  /** Absolute. */
  readonly path: string;
  readonly disk: FileDisk;
  /** Says in `stored` what was found. */
  readonly identityFile: IdentityFile;
  /** Tells it from a copy. */
  readonly place: string;
  /** The last call: closes the disk, then lets others into the directory. */
  close(closed: (answer: "done" | DiskProblem) => void): void;
}

/**
 * Throws a DirectoryError; a DirectoryHeldError when another process works in there. Who only looks
 * needs no lock on a file system that nobody can write to.
 */
export function openDataDirectory(path: string, use: "work" | "look" = "work"): DataDirectory {
  const absolute = makeDirectory(path);
  const lock = lockOf(absolute, use);
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
          lock?.release();
          closed(answer);
        });
      },
    };
  } catch (error) {
    lock?.release();
    throw error;
  }
}

function lockOf(path: string, use: "work" | "look"): DirectoryLock | undefined {
  try {
    return DirectoryLock.take(path);
  } catch (error) {
    const { cause } = error as { readonly cause?: unknown };
    if (use === "look" && codeOf(cause) === "EROFS") return undefined;
    throw error;
  }
}
