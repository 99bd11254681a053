/**
 * One file of the simulated disk: what the process sees, and what the disk holds.
 *
 *     seen      ├── clean ──┤──── dirty ────┤     appended, readable, in memory only
 *     stored    ├───────────┤                     a sync copies the dirty bytes here
 *
 *     after a cut at c                            after a failed sync
 *     seen      ├── c ──┤ new ┤                   seen    ├── clean ──┤─ forgotten ─┤ dirty ┤
 *     stored    ├── c ──┤──── old ────┤           stored  ├───────────┤
 *
 * Only the dirty bytes are ever written. So forgotten ones are never, though a process reads them
 * until the machine stops: then only what is stored is left. Nothing here is drawn; `power-loss.ts`
 * draws what a crash leaves.
 */
import { GrowingBytes } from "./growing-bytes.ts";

/** What a disk writes whole or not, reads or cannot read. */
export const SECTOR_BYTES = 512;

export class DiskFile {
  readonly seen: GrowingBytes = new GrowingBytes();
  readonly stored: GrowingBytes = new GrowingBytes();
  /** Its name survives a crash. */
  isNamed = false;
  #dirtyFrom = 0;
  /** Sectors that cannot be read. */
  readonly #broken = new Set<number>();

  /** A file whose bytes are all durable. */
  static holding(bytes: Uint8Array): DiskFile {
    const file = new DiskFile();
    file.append(bytes);
    file.sync();
    file.isNamed = true;
    return file;
  }

  /** Where the next sync begins to write. */
  get dirtyFrom(): number {
    return this.#dirtyFrom;
  }

  /** How much of what the process sees is stored, from the start on. */
  get cleanBytes(): number {
    return Math.min(this.#dirtyFrom, this.stored.length);
  }

  append(bytes: Uint8Array): void {
    this.seen.write(this.seen.length, bytes);
  }

  cut(from: number): void {
    if (from >= this.seen.length) return;
    this.seen.cut(from);
    this.#dirtyFrom = Math.min(this.#dirtyFrom, from);
    this.#mendBehind(from);
  }

  /** What is seen is stored, but for what was forgotten. */
  sync(): void {
    const { seen, stored } = this;
    if (this.#dirtyFrom < seen.length) {
      stored.write(this.#dirtyFrom, seen.view(this.#dirtyFrom, seen.length));
    }
    stored.cut(seen.length);
    this.#dirtyFrom = seen.length;
  }

  /** A sync failed: how many bytes will never be written. */
  forget(): number {
    const forgotten = this.seen.length - this.#dirtyFrom;
    this.#dirtyFrom = this.seen.length;
    return forgotten;
  }

  /** The machine has stopped: what is stored is all there is. */
  remount(): void {
    const { seen, stored } = this;
    seen.cut(0);
    seen.write(0, stored.view(0, stored.length));
    this.#dirtyFrom = seen.length;
    this.isNamed = true;
    this.#mendBehind(seen.length);
  }

  /** The file is shorter, here and on the disk, and no sync brings the rest back. */
  truncate(length: number): void {
    this.cut(length);
    this.stored.cut(length);
  }

  /** Puts other bytes in the place of clean ones, as far as there are any. */
  overwrite(at: number, bytes: Uint8Array): void {
    const changed = bytes.subarray(0, Math.max(0, this.cleanBytes - at));
    if (changed.length === 0) return;
    this.seen.write(at, changed);
    this.stored.write(at, changed);
  }

  /** A clean bit is not what it was. */
  flipBit(at: number, bit: number): void {
    this.seen.flipBit(at, bit);
    this.stored.flipBit(at, bit);
  }

  breakSector(sector: number): void {
    this.#broken.add(sector);
  }

  isReadable(from: number, to: number): boolean {
    if (this.#broken.size === 0) return true;
    for (let sector = sectorOf(from); sector < sectorsOf(to); sector++) {
      if (this.#broken.has(sector)) return false;
    }
    return true;
  }

  /** A copy of what is seen, with zeros for what cannot be read. */
  copy(): Uint8Array {
    const bytes = this.seen.copy(0, this.seen.length);
    for (const sector of this.#broken) {
      bytes.fill(0, sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES);
    }
    return bytes;
  }

  /** A sector that is written anew can be read again: the disk takes a spare one. */
  #mendBehind(length: number): void {
    for (const sector of this.#broken) {
      if (sector * SECTOR_BYTES >= length) this.#broken.delete(sector);
    }
  }
}

/** In which sector a byte is. */
export function sectorOf(offset: number): number {
  return Math.floor(offset / SECTOR_BYTES);
}

/** How many sectors so many bytes take. */
export function sectorsOf(bytes: number): number {
  return Math.ceil(bytes / SECTOR_BYTES);
}
