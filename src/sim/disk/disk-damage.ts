/**
 * What befalls durable bytes: rot, broken sectors, files that are shorter or gone, writes that
 * landed elsewhere.
 *
 * A fault names its file and sector, or lets them be drawn among those that have something to lose;
 * it answers where it struck, or `undefined` when there was nothing. The process sees it at once,
 * as if the system had just dropped what it kept in memory.
 */
import type { Random } from "../../core/base/random.ts";
import type { DiskDirectory } from "./disk-directory.ts";
import type { DiskFault } from "./disk-faults.ts";
import type { DiskFile } from "./disk-file.ts";
import { SECTOR_BYTES, sectorOf, sectorsOf } from "./disk-file.ts";

const ROTTEN_BYTES_MAX = 8;

export interface DamagedSector {
  readonly file: string;
  readonly sector: number;
}

export class DiskDamage {
  readonly #directory: DiskDirectory;
  readonly #random: Random;
  readonly #onFault: (fault: DiskFault) => void;

  constructor(directory: DiskDirectory, random: Random, onFault: (fault: DiskFault) => void) {
    this.#directory = directory;
    this.#random = random;
    this.#onFault = onFault;
  }

  /** Flips a bit in each of a few neighbouring bytes. */
  rot(name?: string, sector?: number): DamagedSector | undefined {
    const place = this.#draw(name, sector);
    if (place === undefined) return undefined;
    const file = this.#directory.get(place.file)!;
    const start = place.sector * SECTOR_BYTES;
    const bytes = Math.min(SECTOR_BYTES, file.cleanBytes - start);
    const first = this.#random.integer(bytes);
    const end = Math.min(bytes, first + this.#random.between(1, ROTTEN_BYTES_MAX));
    for (let at = first; at < end; at++) file.flipBit(start + at, this.#random.integer(8));
    this.#onFault("sector-rotted");
    return place;
  }

  /** It cannot be read until it is removed. */
  breakSector(name?: string, sector?: number): DamagedSector | undefined {
    const place = this.#draw(name, sector);
    if (place === undefined) return undefined;
    this.#directory.get(place.file)!.breakSector(place.sector);
    this.#onFault("sector-broken");
    return place;
  }

  /** The file loses its end, durably; by default a drawn part. Answers its name. */
  truncate(name?: string, length?: number): string | undefined {
    const place = this.#draw(name, undefined);
    if (place === undefined) return undefined;
    const file = this.#directory.get(place.file)!;
    const kept = length ?? this.#random.integer(file.cleanBytes);
    if (kept >= file.seen.length) return undefined;
    file.truncate(kept);
    this.#onFault("file-truncated");
    return place.file;
  }

  /** The file is gone, durably. Who appends to it makes a new one. Answers its name. */
  lose(name?: string): string | undefined {
    const place = this.#draw(name, undefined);
    if (place === undefined) return undefined;
    this.#directory.lose(place.file);
    this.#onFault("file-lost");
    return place.file;
  }

  /**
   * A sync that writes a sector of this file over another one. False, and nothing done, when it had
   * nothing to write or there is no other sector.
   */
  misdirect(source: DiskFile): boolean {
    const { dirtyFrom, seen } = source;
    if (dirtyFrom === seen.length) return false;
    const own = this.#random.between(sectorOf(dirtyFrom), sectorOf(seen.length - 1));
    const targets = this.#directory
      .entries()
      .map(([, file]) => ({ file, sectors: otherSectors(file, file === source ? own : undefined) }))
      .filter(({ sectors }) => sectors > 0);
    if (targets.length === 0) return false;
    const start = own * SECTOR_BYTES;
    const before = new Uint8Array(SECTOR_BYTES);
    before.set(source.stored.view(start, start + SECTOR_BYTES));
    source.sync();
    const written = source.stored.copy(start, start + SECTOR_BYTES);
    source.overwrite(start, before);
    const { file, sectors } = this.#random.pick(targets);
    file.overwrite(this.#random.integer(sectors) * SECTOR_BYTES, written);
    this.#onFault("write-misdirected");
    return true;
  }

  #draw(name: string | undefined, sector: number | undefined): DamagedSector | undefined {
    const entries = this.#directory
      .entries()
      .filter(([file, { cleanBytes }]) => cleanBytes > 0 && file === (name ?? file));
    if (entries.length === 0) return undefined;
    const [file, { cleanBytes }] = this.#random.pick(entries);
    const sectors = sectorsOf(cleanBytes);
    const drawn = sector ?? this.#random.integer(sectors);
    return drawn < sectors ? { file, sector: drawn } : undefined;
  }
}

/** How many sectors of a file hold clean bytes, apart from a dirty one: it can share the last. */
function otherSectors(file: DiskFile, own: number | undefined): number {
  const sectors = sectorsOf(file.cleanBytes);
  return own !== undefined && own < sectors ? sectors - 1 : sectors;
}
