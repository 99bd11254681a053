/**
 * One simulated process with nothing in it but membership: it can stall, crash and boot again.
 *
 * A stalled process runs nothing. Its timers fire late and what arrives waits; when it goes on,
 * timers come first and sockets second, which is the order of an event loop, and the harder one for
 * a failure detector.
 */
import type { Random } from "../../core/base/random.ts";
import type { Instant } from "../../core/effects.ts";
import type { MembershipMessage } from "../../core/membership-messages.ts";
import type { MembershipConfig } from "../../core/membership/membership-config.ts";
import { Membership } from "../../core/membership/membership.ts";
import type { NamedMember } from "../../core/membership/members.ts";
import type { MembershipEffects } from "../../core/membership/seat.ts";
import type { NodeId } from "../../core/ring/node-id.ts";

export interface Boot {
  readonly generation: number;
  readonly config: MembershipConfig;
  readonly clusterId: string;
  readonly members: readonly NamedMember[];
  readonly removed: readonly NodeId[];
  readonly seeds: readonly string[];
}

/** What a process needs of the world. */
export interface ProcessSetup {
  readonly index: number;
  readonly id: NodeId;
  readonly address: string;
  readonly random: Random;
  readonly effects: MembershipEffects;
  /** To be woken at this instant. */
  wake(at: Instant): void;
}

export class MemberProcess {
  readonly index: number;
  readonly id: NodeId;
  /** Changes between boots alone. */
  address: string;
  generation = 0;
  isUp = false;
  hasLeft = false;
  /** When it last booted, crashed, or went on after a stall: since then it has been as it is. */
  changedAt: Instant = 0;
  stalledUntil: Instant = Number.NEGATIVE_INFINITY;
  readonly #setup: ProcessSetup;
  #membership: Membership | undefined = undefined;
  #inbox: ((now: Instant) => void)[] = [];
  #wakeAt: Instant = Number.POSITIVE_INFINITY;

  constructor(setup: ProcessSetup) {
    this.#setup = setup;
    this.index = setup.index;
    this.id = setup.id;
    this.address = setup.address;
  }

  /** Of the boot that runs, or ran last. */
  get membership(): Membership {
    return this.#membership!;
  }

  isStalled(now: Instant): boolean {
    return now < this.stalledUntil;
  }

  boot(now: Instant, boot: Boot): void {
    const { id, random, effects } = this.#setup;
    this.generation = boot.generation;
    this.isUp = true;
    this.hasLeft = false;
    this.changedAt = now;
    this.stalledUntil = Number.NEGATIVE_INFINITY;
    this.#inbox = [];
    this.#wakeAt = Number.POSITIVE_INFINITY;
    this.#membership = new Membership({
      ...boot,
      self: id,
      address: this.address,
      random: random.fork(`boot ${boot.generation}`),
      effects,
    });
    this.#membership.start(now);
    this.#plan();
  }

  crash(now: Instant): void {
    this.isUp = false;
    this.changedAt = now;
    this.#inbox = [];
  }

  stall(now: Instant, ms: number): void {
    if (!this.isUp) return;
    this.stalledUntil = Math.max(this.stalledUntil, now + ms);
    this.changedAt = this.stalledUntil;
    this.#setup.wake(this.stalledUntil);
  }

  receive(now: Instant, from: NodeId, message: MembershipMessage): void {
    this.run(now, (at) => this.membership.receive(at, from, message));
  }

  /** At once, or when the stall is over. */
  run(now: Instant, input: (now: Instant) => void): void {
    if (!this.isUp) return;
    if (this.isStalled(now)) {
      this.#inbox.push(input);
      return;
    }
    this.#catchUp(now);
    input(now);
    this.#plan();
  }

  onWake(now: Instant): void {
    if (!this.isUp || this.isStalled(now)) return;
    this.#wakeAt = Number.POSITIVE_INFINITY;
    this.membership.advance(now);
    this.#catchUp(now);
    this.#plan();
  }

  #catchUp(now: Instant): void {
    if (this.#inbox.length === 0) return;
    this.membership.advance(now);
    const inputs = this.#inbox;
    this.#inbox = [];
    for (const input of inputs) input(now);
  }

  #plan(): void {
    const next = this.membership.nextDeadline;
    if (next === undefined || next >= this.#wakeAt) return;
    this.#wakeAt = next;
    this.#setup.wake(next);
  }
}
