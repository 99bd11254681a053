/**
 * The network of a simulated membership: delays, losses, and cuts of single directions.
 *
 * It is much simpler than `sim/network.ts`, which keeps a link with its own chance for every pair:
 * a million of them for a thousand members. Here one generator serves all.
 *
 * A cut is looked at twice, when a message leaves and when it is due: what is in flight when a
 * partition begins is lost.
 */
import type { Random } from "../../core/base/random.ts";

export interface MemberNetworkOptions {
  /** Every message takes `delayMs`, and exponentially more with the given mean. */
  readonly delayMs: number;
  readonly delayMsMean: number;
  readonly lossRate: number;
  readonly duplicateRate: number;
}

export const CALM: MemberNetworkOptions = {
  delayMs: 0.25,
  delayMsMean: 0.5,
  lossRate: 0,
  duplicateRate: 0,
};

export interface Cut {
  readonly from: ReadonlySet<number>;
  readonly to: ReadonlySet<number>;
}

export class MemberNetwork {
  options: MemberNetworkOptions = CALM;
  readonly #random: Random;
  readonly #cuts: Set<Cut> = new Set();

  constructor(random: Random) {
    this.#random = random;
  }

  /** Nothing passes from these to those, until `heal`. */
  cut(from: Iterable<number>, to: Iterable<number>): Cut {
    const cut = { from: new Set(from), to: new Set(to) };
    this.#cuts.add(cut);
    return cut;
  }

  heal(cut: Cut): void {
    this.#cuts.delete(cut);
  }

  healAll(): void {
    this.#cuts.clear();
  }

  passes(from: number, to: number): boolean {
    for (const cut of this.#cuts) if (cut.from.has(from) && cut.to.has(to)) return false;
    return true;
  }

  isConnected(one: number, other: number): boolean {
    return this.passes(one, other) && this.passes(other, one);
  }

  /** How long each copy of a message takes: none when it is lost. */
  delaysMs(): readonly number[] {
    const { lossRate, duplicateRate } = this.options;
    if (lossRate > 0 && this.#random.chance(lossRate)) return [];
    if (duplicateRate > 0 && this.#random.chance(duplicateRate)) {
      return [this.#delayMs(), this.#delayMs()];
    }
    return [this.#delayMs()];
  }

  #delayMs(): number {
    return this.options.delayMs + this.#random.exponential(this.options.delayMsMean);
  }
}
