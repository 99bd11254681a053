/**
 * How far a backup, a check or a restore is: for people at a terminal, and silence for everybody
 * else.
 */
import { Progress } from "./progress.ts";

const MIB = 1024 * 1024;

/** Of a number of bytes. */
export class ByteProgress {
  readonly #unit: string;
  #progress: Progress | undefined = undefined;
  #bytes = 0;

  constructor(unit: string) {
    this.#unit = unit;
  }

  readonly add = (bytes: number, totalBytes: number): void => {
    if (!process.stderr.isTTY) return;
    this.#progress ??= new Progress(Math.ceil(totalBytes / MIB), this.#unit);
    const before = Math.floor(this.#bytes / MIB);
    this.#bytes += bytes;
    for (let mib = before; mib < Math.floor(this.#bytes / MIB); mib++) this.#progress.step();
  };

  /** The line is cleared; what comes later begins another. */
  end(): void {
    this.#progress?.end();
    this.#progress = undefined;
  }
}

/** Of a number of things, or nothing where nobody watches. */
export function countProgress(total: number, unit: string): Progress | undefined {
  return process.stderr.isTTY ? new Progress(total, unit) : undefined;
}
