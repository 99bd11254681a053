/**
 * What of a node survives its process, beside its rows: who it is, how often it booted, and which
 * epochs are leased.
 *
 *     kept           the process was killed, or stopped after its disk had refused a row: epochs go
 *                    on at the leased end, the boot floor
 *     clean          the process stopped in order: epochs go on where they were
 *     lost           the rows are gone and nobody noticed: epochs go on where they were
 *     new-identity   everything is gone: another actor, epochs from the first
 *     restored       the rows are older ones: another actor, since the copy does not know how far
 *     copied         the old one came; a boot in another place finds out by itself
 *
 * `lost` is the worst case a node can survive without being told: no boot floor helps, so a dot
 * that it handed out before is kept from coming back by what clients and peers have seen of it
 * alone.
 */
import type { Random } from "../core/base/random.ts";
import type { ActorId } from "../core/causality/actor.ts";
import { EpochLease } from "../core/replica/epochs.ts";
import type { RestartKind } from "./observer.ts";

/** Knows how far it has come: a host that stops in order writes that down. */
class CountingLease extends EpochLease {
  next: number;

  constructor(lease: { readonly next: number; readonly end: number; readonly bootFloor: number }) {
    super(lease);
    this.next = lease.next;
  }

  override take(): number | undefined {
    const epoch = super.take();
    if (epoch !== undefined) this.next = epoch + 1;
    return epoch;
  }
}

export class Identity {
  actor: ActorId;
  generation = 0;
  readonly #random: Random;
  readonly #block: number;
  #lease: CountingLease;

  /** `block` epochs are leased at a time. */
  constructor(random: Random, block: number) {
    this.#random = random;
    this.#block = block;
    this.actor = drawnActor(random);
    this.#lease = new CountingLease({ next: 1, end: 1 + block, bootFloor: 0 });
  }

  get lease(): EpochLease {
    return this.#lease;
  }

  /** Before every boot but the first. */
  onRestart(kind: RestartKind): void {
    const { next, end, bootFloor } = this.#lease;
    switch (kind) {
      case "kept":
        this.#lease = new CountingLease({ next: end, end: end + this.#block, bootFloor: end - 1 });
        return;
      case "clean":
      case "lost":
        this.#lease = new CountingLease({ next, end, bootFloor });
        return;
      case "new-identity":
      case "restored":
      case "copied":
        this.actor = drawnActor(this.#random);
        this.#lease = new CountingLease({ next: 1, end: 1 + this.#block, bootFloor: 0 });
    }
  }

  /** Half of the block is used up: time to lease the next. */
  get leaseRunsLow(): boolean {
    return this.#lease.end - this.#lease.next <= this.#block / 2;
  }

  extendLease(): void {
    this.#lease.extend(this.#lease.end + this.#block);
  }
}

function drawnActor(random: Random): ActorId {
  return { high: random.next() | 0, low: random.next() | 0 };
}
