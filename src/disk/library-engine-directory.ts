/**
 * The directory of a library. Libraries sync their files and mostly not the directory, but a file
 * whose name is lost in a power failure is lost with all that was synced into it. So the names are
 * made durable here.
 *
 * A name that came or went changes the time of the directory. That time ticks slowly: one that was
 * fresh when it was looked at may hide a later change, and says nothing.
 */
import { mkdirSync, readdirSync, statfsSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/** File systems count in ticks of up to two seconds. */
const FRESH_MS = 2_500;

export class LibraryDirectory {
  readonly path: string;
  /** The time of the directory when all its names were durable; nothing when that is not sure. */
  #settledMs: number | undefined = undefined;

  constructor(path: string) {
    this.path = resolve(path);
    mkdirSync(this.path, { recursive: true });
  }

  /** For a library that has just opened its files here: they and the directory keep their names. */
  async settleAll(): Promise<void> {
    await syncNames(dirname(this.path));
    await this.settle();
  }

  /** Every name that is there now survives a power failure when this is kept. */
  async settle(): Promise<void> {
    const { mtimeMs } = statSync(this.path);
    if (mtimeMs === this.#settledMs) return;
    const isFresh = Date.now() - mtimeMs < FRESH_MS;
    await syncNames(this.path);
    this.#settledMs = isFresh ? undefined : mtimeMs;
  }

  has(file: RegExp): boolean {
    return readdirSync(this.path).some((name) => file.test(name));
  }

  freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.path);
    return bavail * bsize;
  }
}

async function syncNames(directory: string): Promise<void> {
  // Windows has no such thing: there the file system keeps names by itself.
  if (process.platform === "win32") return;
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
