/**
 * The arithmetic of a quorum, apart from every message and timer: who of the owners said yes, who
 * said no, and what follows from it. It counts *owners*, never replies: a reply that came twice is
 * one owner (counting replies is the bug that every model of this protocol had first).
 *
 *     needed 2 of 3      yes no  open     yes yes  met     no no  impossible
 *
 * A yes after a no stands: the owner was thought lost and turned out to have done it.
 *
 * For an owner that is out, another node may stand in. It counts for that owner once, whoever else
 * says what; but so many owners proper must be among those who said yes:
 *
 *     needed 2 of 3, 1 proper      yes no(stood in) no         met
 *                                  no(stood in) no(stood in) open      not yet
 */
import { assert } from "../base/assert.ts";
import type { Level } from "../requests.ts";

export class Tally {
  readonly owners: number;
  readonly needed: number;
  /** Of those, owners proper. */
  readonly proper: number;
  /** Bit i is the i-th owner of the preference list. */
  yes = 0;
  no = 0;
  /** Owners for whom another node said yes, and for whom one has been asked. */
  stoodIn = 0;
  awaited = 0;

  constructor(owners: number, needed: number, proper = 1) {
    assert(owners >= 1 && owners <= 31, `${owners} owners do not fit a tally`);
    assert(needed >= 1 && needed <= owners, `needed ${needed} of ${owners} owners`);
    assert(proper <= needed, `${proper} owners proper of ${needed}`);
    this.owners = owners;
    this.needed = needed;
    this.proper = proper;
  }

  accept(owner: number): void {
    this.yes |= 1 << owner;
    this.no &= ~(1 << owner);
  }

  reject(owner: number): void {
    if ((this.yes & (1 << owner)) === 0) this.no |= 1 << owner;
  }

  /** Somebody was asked in place of this owner. */
  expect(owner: number): void {
    this.awaited |= 1 << owner;
  }

  standIn(owner: number): void {
    this.awaited &= ~(1 << owner);
    this.stoodIn |= 1 << owner;
  }

  /** Nobody stands in for this owner any more. */
  forsake(owner: number): void {
    this.awaited &= ~(1 << owner);
  }

  get got(): number {
    return bitCount(this.yes | this.stoodIn);
  }

  get isMet(): boolean {
    if (this.got < this.needed) return false;
    return this.stoodIn === 0 || bitCount(this.yes) >= this.proper;
  }

  get isImpossible(): boolean {
    const lost = this.no & ~(this.stoodIn | this.awaited);
    if (this.owners - bitCount(lost) < this.needed) return true;
    return this.owners - bitCount(this.no) < this.proper;
  }

  /** Every owner has said something, and so has everybody who stands in. */
  get isComplete(): boolean {
    return this.awaited === 0 && bitCount(this.yes | this.no) === this.owners;
  }

  /** Somebody was asked to stand in for this owner, and neither of them has said anything. */
  isAwaited(owner: number): boolean {
    return (this.awaited & ~this.yes & (1 << owner)) !== 0;
  }

  isSilent(owner: number): boolean {
    return ((this.yes | this.no) & (1 << owner)) === 0;
  }
}

/** How many owners a level means, or undefined when there are not that many. */
export function levelCount(level: Exclude<Level, "default">, owners: number): number | undefined {
  if (level === "one") return 1;
  if (level === "quorum") return (owners >> 1) + 1;
  if (level === "all") return owners;
  return Number.isInteger(level) && level >= 1 && level <= owners ? level : undefined;
}

export function bitCount(mask: number): number {
  let count = 0;
  for (let rest = mask; rest !== 0; rest &= rest - 1) count++;
  return count;
}
