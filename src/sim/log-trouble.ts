/** The faults of the disk under a log, as a nemesis asks for them. */
import { AssertionFailure } from "../core/base/assert.ts";
import type { Random } from "../core/base/random.ts";
import type { Key } from "../core/ring/key.ts";
import type { Disk } from "../core/storage/disk.ts";
import type { DiskCopy } from "./disk/disk-directory.ts";
import type { DiskPace } from "./disk/disk-pace.ts";
import { QUICK_PACE } from "./disk/disk-pace.ts";
import type { SimulatedDisk } from "./disk/simulated-disk.ts";
import type { Harm, StorageTrouble } from "./node-storage.ts";

/** The name of no file. */
const SPARED = "";

export class LogTrouble implements StorageTrouble {
  /** Empty until there is one. */
  backup: DiskCopy = new Map();
  readonly #disk: SimulatedDisk;
  readonly #random: Random;
  #usualPace: DiskPace;

  constructor(disk: SimulatedDisk, pace: DiskPace, random: Random) {
    this.#random = random;
    this.#disk = disk;
    this.#usualPace = pace;
  }

  slow(syncMs: number): void {
    this.#disk.pace = { ...this.#usualPace, syncMs };
  }

  quicken(): void {
    this.#disk.pace = this.#usualPace;
  }

  /** What there is fills it to the last byte. */
  fill(): void {
    this.#disk.capacityBytes = this.#disk.list().reduce((sum, { bytes }) => sum + bytes, 0);
  }

  free(): void {
    this.#disk.capacityBytes = Infinity;
  }

  /** Rows lie somewhere on the disk: some sector rots, and whoever reads it finds out. */
  damage(_partition: number, _key: Key): boolean {
    this.#disk.damage.rot(this.#victim);
    return false;
  }

  harm(harm: Harm): boolean {
    const { damage, faults } = this.#disk;
    switch (harm) {
      case "sector-rotted":
        return damage.rot(this.#victim) !== undefined;
      case "sector-broken":
        return damage.breakSector(this.#victim) !== undefined;
      case "file-truncated":
        return damage.truncate(this.#sealed) !== undefined;
      case "file-lost":
        return damage.lose(this.#victim) !== undefined;
      default:
        faults.arm(harm);
        return true;
    }
  }

  /** Of what is kept twice the first copy is spared: one of the two is to be whole. */
  get #victim(): string | undefined {
    const files = this.#disk.list().filter(({ name }) => !name.endsWith("-0"));
    return files.length === 0 ? SPARED : this.#random.pick(files).name;
  }

  /**
   * Not the segment that grows: what its end was, nobody has written down, and no reader could tell
   * a truncated one from a shorter one.
   */
  get #sealed(): string {
    const files = this.#disk.list().filter(({ name }) => name.startsWith("segment-"));
    const last = files.findLast(({ name }) => name.endsWith(".log"))?.name;
    const sealed = files.filter(({ name }) => name !== last);
    return sealed.length === 0 ? SPARED : this.#random.pick(sealed).name;
  }

  backUp(): void {
    this.backup = this.#disk.copy();
  }

  calm(): void {
    this.#usualPace = QUICK_PACE;
    this.quicken();
    this.free();
    this.#disk.faults.calm();
  }

  /** The files as a crash leaves them that loses all it can. */
  get durableFiles(): Disk {
    const disk = this.#disk;
    const never = (): never => {
      throw new AssertionFailure("what is durable is only looked at");
    };
    return {
      list: () => disk.list().filter(({ name }) => disk.durable(name) !== undefined),
      read: (name, offset, length) =>
        (disk.durable(name) ?? new Uint8Array(0)).subarray(offset, offset + length),
      append: never,
      sync: never,
      remove: never,
    };
  }
}
