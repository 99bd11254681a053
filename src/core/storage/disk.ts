/**
 * The port to a directory of append-only files: five operations, which is all that the log engine
 * and the identity of a node need of a disk. The simulator implements them with every fault that
 * disks have; the host with real files.
 *
 *     list      what is there
 *     read      at once: bytes of one file
 *     append    later: bytes behind the last ones, whole or not at all
 *     sync      later: everything appended before is durable, and so is the name of the file
 *     remove    later: the end of a file, or the file
 *
 * What is answered later is answered once, in the order of asking for one file, and never from
 * inside the call. What was appended can be read once the append was answered.
 *
 * Without a sync everything may be lost at a crash, in pieces: later bytes may survive earlier
 * ones, a file may be shorter, and a removed one may be back.
 */

export interface FileEntry {
  readonly name: string;
  readonly bytes: number;
}

/** The disk could not read them: a broken sector, not the end of the file. */
export const UNREADABLE = "unreadable";

/** `full`: there was no room, and nothing of it was appended. */
export type AppendAnswer = "done" | "full" | DiskProblem;

/**
 * It did not work, and nothing can be said about what is on the disk now. Nobody may go on as if it
 * had worked later: after a failed sync the system may have forgotten the bytes, and a second sync
 * succeeds without them.
 */
export interface DiskProblem {
  readonly problem: string;
}

export interface Disk {
  /** In the order of their names. */
  list(): readonly FileEntry[];
  /** Fewer bytes at the end of the file, none behind it or without such a file. */
  read(file: string, offset: number, length: number): Uint8Array | typeof UNREADABLE;
  /**
   * Creates the file when it is not there. The pieces belong to the disk until the answer: nobody
   * changes them.
   */
  append(file: string, pieces: readonly Uint8Array[], answer: (answer: AppendAnswer) => void): void;
  sync(file: string, answer: (answer: "done" | DiskProblem) => void): void;
  /** Everything from an offset on; from 0 on, the file itself. It need not be there. */
  remove(file: string, from: number, answer: (answer: "done" | DiskProblem) => void): void;
}
