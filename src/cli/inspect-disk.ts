/**
 * A disk that is looked at and not changed: whatever would change it is answered as done, and is
 * not. A recovery on it tells what a start would find, and leaves the directory for that start.
 *
 * It need not remember what it has not done: a recovery does not read again what it has cut off or
 * removed.
 */
import type { Disk, FileEntry } from "../core/storage/disk.ts";
import type { UNREADABLE } from "../core/storage/disk.ts";

type Done = (answer: "done") => void;

export class ReadOnlyDisk implements Disk {
  readonly #disk: Disk;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  list(): readonly FileEntry[] {
    return this.#disk.list();
  }

  read(file: string, offset: number, length: number): Uint8Array | typeof UNREADABLE {
    return this.#disk.read(file, offset, length);
  }

  append(_file: string, _pieces: readonly Uint8Array[], answer: Done): void {
    later(answer);
  }

  sync(_file: string, answer: Done): void {
    later(answer);
  }

  remove(_file: string, _from: number, answer: Done): void {
    later(answer);
  }
}

/** Never from inside the call. */
function later(answer: Done): void {
  setImmediate(answer, "done");
}
