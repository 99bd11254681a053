/**
 * The simulated network: a link for each direction between two nodes, and everything that goes
 * wrong on one.
 *
 *     send ──lost?──▶ delay, spike ──▶ due ──cut?──▶ lost
 *        └─ doubled? a second copy, soon     └─ clogged or held? waits for `release`
 *        └─ late? a further copy, seconds later, also to another life of the receiver
 *
 * Messages overtake each other unless `inOrder` says that a link keeps its order, as one connection
 * would. A cut is looked at twice, at sending and when due: what is in flight when a network
 * partition begins is lost. Partitions overlap: a link carries again when every partition that cut
 * it is healed.
 */
import { assert } from "../core/base/assert.ts";
import type { Random } from "../core/base/random.ts";
import type { Instant } from "../core/effects.ts";
import type { Message } from "../core/messages.ts";
import type { NodeId } from "../core/ring/node-id.ts";
import type { FaultKind } from "./faults.ts";
import type { Scheduler } from "./scheduler.ts";

export interface NetworkOptions {
  /** Every message takes `delayMs`, and exponentially more with the given mean. */
  readonly delayMs: number;
  readonly delayMsMean: number;
  /** Probability of a delay of up to `spikeMsMax` on top. */
  readonly spikeRate: number;
  readonly spikeMsMax: number;
  readonly lossRate: number;
  readonly duplicateRate: number;
  /** Probability that a message comes once more after `lateMsMin` to `lateMsMax`. */
  readonly lateRate: number;
  readonly lateMsMin: number;
  readonly lateMsMax: number;
  readonly inOrder: boolean;
}

export const QUIET_NETWORK: NetworkOptions = {
  delayMs: 0.25,
  delayMsMean: 0.25,
  spikeRate: 0,
  spikeMsMax: 0,
  lossRate: 0,
  duplicateRate: 0,
  lateRate: 0,
  lateMsMin: 0,
  lateMsMax: 0,
  inOrder: false,
};

export type Direction = "both" | "one-way";

interface Link {
  /** Each link draws for itself: traffic on one does not move the fate of another's. */
  readonly random: Random;
  /** Partitions that cut it, and holds that stop it. */
  cuts: number;
  holds: number;
  /** Due while held, in order. */
  readonly waiting: Message[];
  lastDueAt: Instant;
}

/** A network partition in force. */
export interface Partition {
  readonly isHealed: boolean;
  heal(): void;
}

export interface NetworkSetup {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly nodes: readonly NodeId[];
  readonly options: NetworkOptions;
  onFault(kind: FaultKind): void;
  /** Links were cut or healed. */
  onChange(): void;
}

export class Network {
  options: NetworkOptions;
  readonly #setup: NetworkSetup;
  readonly #scheduler: Scheduler;
  readonly #links: readonly Link[];
  readonly #partitions = new Set<Partition>();

  constructor(setup: NetworkSetup) {
    this.#setup = setup;
    this.#scheduler = setup.scheduler;
    this.options = setup.options;
    const count = setup.nodes.length * setup.nodes.length;
    this.#links = Array.from({ length: count }, (_, index) => ({
      random: setup.random.fork(`link ${index}`),
      cuts: 0,
      holds: 0,
      waiting: [],
      lastDueAt: 0,
    }));
  }

  send(source: number, target: number, message: Message): void {
    const link = this.#link(source, target);
    if (link.cuts > 0) return;
    const { lossRate, duplicateRate, lateRate } = this.options;
    const { random } = link;
    if (lossRate > 0 && random.chance(lossRate)) {
      this.#setup.onFault("message-lost");
    } else {
      this.#post(link, source, target, message);
    }
    // A connection delivers a frame once, and nobody sends an `ask` again: it alone is not
    // idempotent.
    if (message.kind === "ask") return;
    if (duplicateRate > 0 && random.chance(duplicateRate)) {
      this.#setup.onFault("message-doubled");
      this.#post(link, source, target, message);
    }
    if (lateRate > 0 && random.chance(lateRate)) {
      this.#setup.onFault("message-late");
      const { lateMsMin, lateMsMax } = this.options;
      const lateMs = lateMsMin + random.fraction() * (lateMsMax - lateMsMin);
      this.#scheduler.deliver(lateMs, source, target, message);
    }
  }

  /** A message is due: true when it arrives, false when its link is cut or makes it wait. */
  admits(source: number, target: number, message: Message): boolean {
    const link = this.#link(source, target);
    if (link.cuts > 0) return false;
    if (link.holds === 0) return true;
    link.waiting.push(message);
    return false;
  }

  /** True when messages pass both ways. */
  isConnected(one: number, other: number): boolean {
    return this.#link(one, other).cuts === 0 && this.#link(other, one).cuts === 0;
  }

  /**
   * Nothing passes from `left` to `right` (by default: everybody else), nor back unless it is
   * one-way.
   */
  partition(
    left: readonly string[],
    right: readonly string[] = this.#setup.nodes.filter((id) => !left.includes(id)),
    { direction = "both" }: { readonly direction?: Direction } = {},
  ): Partition {
    const cut: Link[] = [];
    for (const from of left) {
      for (const to of right) {
        if (from === to) continue;
        cut.push(this.#linkOf(from, to));
        if (direction === "both") cut.push(this.#linkOf(to, from));
      }
    }
    for (const link of cut) link.cuts++;
    const partition = {
      isHealed: false,
      heal: (): void => {
        if (partition.isHealed) return;
        partition.isHealed = true;
        for (const link of cut) link.cuts--;
        this.#partitions.delete(partition);
        this.#setup.onChange();
      },
    };
    this.#partitions.add(partition);
    this.#setup.onChange();
    return partition;
  }

  /** Ends every partition, and lets go what was held. */
  heal(): void {
    for (const partition of [...this.#partitions]) partition.heal();
    const { nodes } = this.#setup;
    for (const from of nodes) {
      for (const to of nodes) if (from !== to) this.#letGo(from, to, true);
    }
  }

  /** Messages of this direction wait, also those in flight, until `release`. */
  hold(from: string, to: string): void {
    this.#linkOf(from, to).holds++;
  }

  /** What waits on a held link, in the order in which it came due. */
  held(from: string, to: string): readonly Message[] {
    return this.#linkOf(from, to).waiting;
  }

  /** Takes back one `hold`; after the last, what waited arrives at once and in order. */
  release(from: string, to: string): void {
    assert(this.#linkOf(from, to).holds > 0, `the link from ${from} to ${to} is not held`);
    this.#letGo(from, to, false);
  }

  /** Holds the link for a while. */
  clog(from: string, to: string, forMs: number): void {
    const link = this.#linkOf(from, to);
    link.holds++;
    this.#scheduler.act(forMs, () => {
      if (link.holds > 0) this.#letGo(from, to, false);
    });
  }

  #letGo(from: string, to: string, all: boolean): void {
    const link = this.#linkOf(from, to);
    link.holds = all ? 0 : link.holds - 1;
    if (link.holds > 0) return;
    const [source, target] = [this.#index(from), this.#index(to)];
    for (const message of link.waiting) this.#scheduler.deliver(0, source, target, message);
    link.waiting.length = 0;
  }

  #post(link: Link, source: number, target: number, message: Message): void {
    const { delayMs, delayMsMean, spikeRate, spikeMsMax, inOrder } = this.options;
    const { random } = link;
    let wait = delayMs + random.exponential(delayMsMean);
    if (spikeRate > 0 && random.chance(spikeRate)) {
      this.#setup.onFault("message-delayed");
      wait += random.fraction() * spikeMsMax;
    }
    if (inOrder) {
      const { now } = this.#scheduler;
      link.lastDueAt = Math.max(link.lastDueAt, now + wait);
      wait = link.lastDueAt - now;
    }
    this.#scheduler.deliver(wait, source, target, message);
  }

  #link(source: number, target: number): Link {
    return this.#links[source * this.#setup.nodes.length + target]!;
  }

  #linkOf(from: string, to: string): Link {
    return this.#link(this.#index(from), this.#index(to));
  }

  #index(name: string): number {
    const index = this.#setup.nodes.indexOf(name as NodeId);
    assert(index >= 0, `there is no node ${name}`);
    return index;
  }
}
