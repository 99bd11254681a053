/**
 * What can go wrong on a simulated disk, by name, and the switches for what goes wrong while it
 * works.
 *
 *     rates      a share of the appends, syncs, reads and crashes meets the fault
 *     arm        the next one that can does, whatever the rate
 *
 * Each fault is reported once it did harm, not when it was switched on: a sweep in which one of
 * them never happened is red, because a fault that does not occur proves nothing. What befalls
 * bytes at rest is done by `DiskDamage`. What a crash leaves undone needs no switch: disks are so.
 */
import type { Random } from "../../core/base/random.ts";

export const DISK_FAULTS = [
  // While it works.
  "disk-stalled",
  "disk-slowed",
  "append-refused",
  "append-failed",
  "sync-failed",
  "bytes-forgotten",
  "write-misdirected",
  "sector-broken",
  "read-failed",
  // At rest.
  "sector-rotted",
  "file-truncated",
  "file-lost",
  "disk-wiped",
  "disk-restored",
  // At the death of the process, and of the machine.
  "append-cut-short",
  "sector-lost",
  "sector-torn",
  "sector-overtook",
  "sector-garbled",
  "cut-undone",
  "removal-undone",
  "name-lost",
] as const;

export type DiskFault = (typeof DISK_FAULTS)[number];

/** Probabilities. */
export interface DiskFaultRates {
  /** Of appends: refused as if the disk were full, and nothing of them is stored. */
  readonly "append-refused": number;
  /** Of appends: a problem, and a drawn prefix is stored. */
  readonly "append-failed": number;
  /**
   * Of syncs: a problem, and nothing of what should have been written ever is. It stays readable
   * until the machine stops, and the next sync succeeds without it.
   */
  readonly "sync-failed": number;
  /** Of syncs: one sector lands elsewhere, and what was there before stays in its own place. */
  readonly "write-misdirected": number;
  /** Of reads: a sector of what is read turns out broken, and stays so until it is removed. */
  readonly "sector-broken": number;
  /** Of files at a crash: a sector anywhere in the file holds garbage, also a durable one. */
  readonly "sector-garbled": number;
}

export type SwitchedFault = keyof DiskFaultRates;

export const NO_DISK_FAULTS: DiskFaultRates = {
  "append-refused": 0,
  "append-failed": 0,
  "sync-failed": 0,
  "write-misdirected": 0,
  "sector-broken": 0,
  "sector-garbled": 0,
};

export class DiskFaults {
  rates: DiskFaultRates;
  readonly #random: Random;
  readonly #armed = new Map<SwitchedFault, number>();

  constructor(random: Random, rates: DiskFaultRates) {
    this.#random = random;
    this.rates = rates;
  }

  /** The next operations that can meet this fault do. */
  arm(fault: SwitchedFault, times = 1): void {
    this.#armed.set(fault, (this.#armed.get(fault) ?? 0) + times);
  }

  /** How many armed ones have not struck. */
  armed(fault: SwitchedFault): number {
    return this.#armed.get(fault) ?? 0;
  }

  /** Takes back what was armed and switches every rate off. */
  calm(): void {
    this.#armed.clear();
    this.rates = NO_DISK_FAULTS;
  }

  /** Whether the operation at hand meets the fault. */
  strikes(fault: SwitchedFault): boolean {
    const armed = this.#armed.get(fault) ?? 0;
    if (armed > 0) {
      this.#armed.set(fault, armed - 1);
      return true;
    }
    const rate = this.rates[fault];
    return rate > 0 && this.#random.chance(rate);
  }
}
