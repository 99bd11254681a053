/**
 * The open descriptors of a disk: a bounded number of them, or a store of many segments would meet
 * the limit of its process.
 *
 * The least recently used one is closed for a new one, but none of a file with an operation under
 * way: its number could be given to another file in the middle of it. Files with bytes that are not
 * synced go last. The system reports a failed write-back to those who have the file open, and may
 * have forgotten it by the time it is opened again.
 */
import * as fs from "node:fs";
import type { DiskFile } from "./disk-file.ts";
import { NONE } from "./disk-file.ts";
import type { Failure, FileCalls } from "./file-calls.ts";
import { codeOf } from "./system-error.ts";

const { O_CREAT, O_DSYNC, O_RDONLY, O_RDWR, O_WRONLY } = fs.constants;
/** What is stored is nobody else's to read. */
const MODE = 0o600;

export class Descriptors {
  readonly #calls: FileCalls;
  readonly #countMax: number;
  readonly #onCloseFailed: (file: DiskFile, error: Error) => void;
  readonly #open: Set<DiskFile> = new Set();
  #uses = 0;

  constructor(
    calls: FileCalls,
    countMax: number,
    onCloseFailed: (file: DiskFile, error: Error) => void,
  ) {
    this.#calls = calls;
    this.#countMax = countMax;
    this.#onCloseFailed = onCloseFailed;
  }

  get count(): number {
    return this.#open.size;
  }

  /** At once, for a file that is there. Throws what the system says. */
  use(file: DiskFile): number {
    if (file.descriptor === NONE) {
      this.#makeRoom();
      this.#keep(file, this.#openAtOnce(file.path));
    }
    file.lastUse = ++this.#uses;
    return file.descriptor;
  }

  /** Later, unless it is open: creates the file when it is not there. */
  open(file: DiskFile, answer: (error: Failure) => void): void {
    this.#makeRoom();
    const flags = file.exists ? O_RDWR : O_RDWR | O_CREAT;
    this.#calls.open(file.path, flags, MODE, (error, descriptor) => {
      if (error !== null) return answer(error);
      // A read may have opened it meanwhile.
      if (file.descriptor === NONE) this.#keep(file, descriptor);
      else this.#calls.close(descriptor, () => {});
      file.lastUse = ++this.#uses;
      answer(null);
    });
  }

  /** A second one, of a file that has one: what is written to it is durable at once. */
  openDurable(file: DiskFile, answer: (error: Failure) => void): void {
    if (file.durableDescriptor !== NONE) return answer(null);
    this.#calls.open(file.path, O_WRONLY | O_DSYNC, MODE, (error, descriptor) => {
      if (error === null) file.durableDescriptor = descriptor;
      answer(error);
    });
  }

  /** The file keeps no descriptor; `answer` is called when the system has let go of it. */
  close(file: DiskFile, answer: () => void): void {
    const descriptors = [file.descriptor, file.durableDescriptor].filter((each) => each !== NONE);
    file.descriptor = NONE;
    file.durableDescriptor = NONE;
    this.#open.delete(file);
    let left = descriptors.length;
    for (const descriptor of descriptors) {
      this.#calls.close(descriptor, (error) => {
        if (error !== null) this.#onCloseFailed(file, error);
        if (--left === 0) answer();
      });
    }
  }

  closeAll(answer: () => void): void {
    let left = this.#open.size;
    if (left === 0) return void setImmediate(answer);
    for (const file of [...this.#open]) {
      this.close(file, () => {
        if (--left === 0) answer();
      });
    }
  }

  /** Where nothing can be written there is still something to read. */
  #openAtOnce(path: string): number {
    try {
      return this.#calls.openSync(path, O_RDWR);
    } catch (error) {
      if (codeOf(error) !== "EROFS") throw error;
      return this.#calls.openSync(path, O_RDONLY);
    }
  }

  #keep(file: DiskFile, descriptor: number): void {
    file.descriptor = descriptor;
    this.#open.add(file);
  }

  /** Where every file is busy there are more for a moment: as many as are worked on at once. */
  #makeRoom(): void {
    while (this.#open.size >= this.#countMax) {
      let oldest: DiskFile | undefined;
      for (const file of this.#open) {
        if (!file.isBusy && (oldest === undefined || goesBefore(file, oldest))) oldest = file;
      }
      if (oldest === undefined) return;
      this.close(oldest, () => {});
    }
  }
}

function goesBefore(left: DiskFile, right: DiskFile): boolean {
  if (left.isUnsynced !== right.isUnsynced) return right.isUnsynced;
  return left.lastUse < right.lastUse;
}
