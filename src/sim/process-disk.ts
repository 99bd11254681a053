/**
 * The disk as one process sees it: what the disk answers is an input of the process, and waits
 * behind a pause or a queue like any other, while the disk itself goes on.
 */
import type { AppendAnswer, Disk, FileEntry, UNREADABLE } from "../core/storage/disk.ts";
import type { SyncAnswer } from "./disk/disk-lanes.ts";

export class ProcessDisk implements Disk {
  readonly #disk: Disk;
  readonly #input: (run: () => void) => void;

  /** `input` runs it when the process gets to it, or never when that dies before. */
  constructor(disk: Disk, input: (run: () => void) => void) {
    this.#disk = disk;
    this.#input = input;
  }

  list(): readonly FileEntry[] {
    return this.#disk.list();
  }

  read(file: string, offset: number, length: number): Uint8Array | typeof UNREADABLE {
    return this.#disk.read(file, offset, length);
  }

  append(
    file: string,
    pieces: readonly Uint8Array[],
    answer: (answer: AppendAnswer) => void,
  ): void {
    this.#disk.append(file, pieces, (given) => this.#input(() => answer(given)));
  }

  sync(file: string, answer: (answer: SyncAnswer) => void): void {
    this.#disk.sync(file, (given) => this.#input(() => answer(given)));
  }

  remove(file: string, from: number, answer: (answer: SyncAnswer) => void): void {
    this.#disk.remove(file, from, (given) => this.#input(() => answer(given)));
  }
}
