/**
 * Where a node's epochs come from: a counter leased in blocks.
 *
 * The end of the lease is durable before any epoch below it is handed out, and after a restart the
 * counter goes on at the leased end: epochs of a forgotten run are skipped, never repeated. At 80 %
 * of a block the node asks for the next; without one it stops minting, because an epoch that is not
 * leased may have been handed out in another life.
 *
 * `bootFloor` is the leased end as found at boot when the stop before it was not proven clean: the
 * tail of what was stored may be gone, so dots of epochs up to there may exist elsewhere and none
 * of those epochs is used again. It is kept with the lease and never goes down: a clean stop later
 * does not bring back what an earlier one lost.
 */
import { assert } from "../base/assert.ts";
import { EPOCH_MAX } from "../causality/actor.ts";

export const LEASE_BLOCK = 100_000;

export class EpochLease {
  readonly bootFloor: number;
  #next: number;
  #end: number;

  /** Epochs `next` up to but not including `end` are this run's to hand out. */
  constructor(lease: { readonly next: number; readonly end: number; readonly bootFloor: number }) {
    assert(lease.next > 0 && lease.next <= lease.end, `bad lease ${lease.next}..${lease.end}`);
    assert(lease.end <= EPOCH_MAX, `lease end ${lease.end} beyond ${EPOCH_MAX}`);
    assert(lease.bootFloor < lease.next, `boot floor ${lease.bootFloor} not below ${lease.next}`);
    this.bootFloor = lease.bootFloor;
    this.#next = lease.next;
    this.#end = lease.end;
  }

  /**
   * A lease for a node whose identity lives as long as its process: nothing to persist, nothing to
   * exhaust.
   */
  static forProcess(): EpochLease {
    return new EpochLease({ next: 1, end: EPOCH_MAX, bootFloor: 0 });
  }

  take(): number | undefined {
    if (this.#next >= this.#end) return undefined;
    return this.#next++;
  }

  get end(): number {
    return this.#end;
  }

  /** Time to make a further block durable and then call `extend`. */
  get runsLow(): boolean {
    return this.#end - this.#next <= LEASE_BLOCK / 5;
  }

  extend(end: number): void {
    assert(end > this.#end && end <= EPOCH_MAX, `lease cannot go from ${this.#end} to ${end}`);
    this.#end = end;
  }
}
