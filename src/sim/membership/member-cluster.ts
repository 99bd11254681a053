/**
 * Many members in one virtual time: an event loop of its own, light enough for a thousand of them.
 *
 * Members are n0, n1, …; each has an address, and all are in the ring unless they are given seeds
 * only. Nothing but membership runs here, so that what is measured is membership. Everybody reaches
 * everybody by name, unless names are all that is known: then addresses must be found out.
 */
import { Random } from "../../core/base/random.ts";
import type { Instant } from "../../core/effects.ts";
import type { MembershipFact } from "../../core/membership-facts.ts";
import type { MembershipMessage, MemberState, Sync } from "../../core/membership-messages.ts";
import { membershipMessageBytes, sync } from "../../core/membership-messages.ts";
import type { MembershipConfig } from "../../core/membership/membership-config.ts";
import { LAN_MEMBERSHIP } from "../../core/membership/membership-config.ts";
import type { NamedMember } from "../../core/membership/members.ts";
import type { NodeId } from "../../core/ring/node-id.ts";
import { nodeId } from "../../core/ring/node-id.ts";
import { Scheduler } from "../scheduler.ts";
import { MemberLinks } from "./member-links.ts";
import { MemberNetwork } from "./member-network.ts";
import type { Boot } from "./member-process.ts";
import { MemberProcess } from "./member-process.ts";

export interface MemberClusterOptions {
  readonly seed: number | string;
  readonly count: number;
  readonly config?: Partial<MembershipConfig>;
  /** Members know these by index as seeds, and no ring. */
  readonly seeds?: readonly number[];
  /** Members know the names of the ring, and each the addresses of these by index as its seeds. */
  readonly asks?: (index: number) => readonly number[];
  /** What arrives, instead of what was sent: a codec, say. */
  readonly carry?: (message: MembershipMessage) => MembershipMessage;
}

export interface NotedFact {
  readonly at: Instant;
  readonly by: number;
  readonly fact: MembershipFact;
}

export interface Traffic {
  messages: number;
  bytes: number;
  /** Of a message that is not a sync. */
  packetBytesMax: number;
  syncBytesMax: number;
}

export class MemberCluster {
  readonly network: MemberNetwork;
  readonly processes: readonly MemberProcess[];
  readonly traffic: Traffic = { messages: 0, bytes: 0, packetBytesMax: 0, syncBytesMax: 0 };
  /** Sees every fact at once; the cluster keeps none. */
  onFact: (noted: NotedFact) => void = () => {};
  /** As in force for all members; may change under them. */
  readonly config: { -readonly [Field in keyof MembershipConfig]: MembershipConfig[Field] };
  readonly #options: MemberClusterOptions;
  readonly #scheduler: Scheduler = new Scheduler();
  readonly #named: readonly NamedMember[];
  readonly #indexOf: ReadonlyMap<NodeId, number>;
  readonly #removed: Set<NodeId> = new Set();
  readonly #heldUntil: Instant[];
  /** The first sync of each, which begins with what it says of itself. */
  readonly #links: MemberLinks = new MemberLinks();
  readonly #introductions: Map<number, Sync> = new Map();

  constructor(options: MemberClusterOptions) {
    const random = new Random(options.seed);
    this.#options = options;
    this.config = { ...LAN_MEMBERSHIP, ...options.config };
    this.network = new MemberNetwork(random.fork("network"));
    this.#named = Array.from({ length: options.count }, (_, index) => ({
      id: nodeId(`n${index}`),
      address: `10.0.${index >> 8}.${index & 255}:7400`,
    }));
    this.#heldUntil = this.#named.map(() => 0);
    this.#indexOf = new Map(this.#named.map(({ id }, index) => [id, index]));
    this.processes = this.#named.map(
      ({ id, address }, index) =>
        new MemberProcess({
          index,
          id,
          address,
          random: random.fork(`member ${index}`),
          effects: {
            send: (to, message) => this.#send(index, to, message),
            contact: (to, member) => this.#contact(index, to, member),
            note: (fact) => this.onFact({ at: this.now, by: index, fact }),
          },
          wake: (at) => this.#wake(index, at),
        }),
    );
  }

  get now(): Instant {
    return this.#scheduler.now;
  }

  get events(): number {
    return this.#scheduler.executed;
  }

  id(index: number): NodeId {
    return this.#named[index]!.id;
  }

  indexOf(id: NodeId): number {
    return this.#indexOf.get(id)!;
  }

  /** Everybody, in the first milliseconds. */
  startAll(): void {
    for (const process of this.processes) {
      this.at(process.index % 10, () => this.boot(process.index));
    }
    this.runFor(10);
  }

  /**
   * A cluster in which everybody has heard of everybody: each is handed what all say of themselves,
   * and none passes it on. To get there by gossip takes a thousand members a million rumours.
   */
  startWarm(): void {
    const { packetBytesMax, retransmitMult } = this.config;
    Object.assign(this.config, { packetBytesMax: 10_000_000, retransmitMult: 0 });
    this.startAll();
    const everybody = this.processes.map(
      ({ index }) => this.#introductions.get(index)!.rumours[0]!,
    );
    for (const process of this.processes) {
      const other = (process.index + 1) % this.processes.length;
      const told = sync(this.#introductions.get(other)!.speaker, false, everybody);
      process.receive(this.now, this.id(other), told);
    }
    this.runUntil(() => this.#isWarm(), 10_000);
    Object.assign(this.config, { packetBytesMax, retransmitMult });
    Object.assign(this.traffic, { messages: 0, bytes: 0, packetBytesMax: 0, syncBytesMax: 0 });
  }

  /** A new boot, one generation up unless another one is asked for. */
  boot(index: number, generation?: number): void {
    const process = this.processes[index]!;
    const boot = this.#bootOf(index);
    this.#links.forget(process);
    process.boot(this.now, { ...boot, generation: generation ?? process.generation + 1 });
  }

  /** A new boot somewhere else. */
  move(index: number): void {
    const process = this.processes[index]!;
    process.address = `10.1.${process.generation}.${index}:7400`;
    this.boot(index);
  }

  crash(index: number): void {
    this.processes[index]!.crash(this.now);
  }

  stall(index: number, ms: number): void {
    this.processes[index]!.stall(this.now, ms);
  }

  /** What it sends and receives waits so long; its timers go on. */
  hold(index: number, ms: number): void {
    this.#heldUntil[index] = this.now + ms;
  }

  leave(index: number): void {
    const process = this.processes[index]!;
    process.hasLeft = true;
    process.run(this.now, (now) => process.membership.leave(now));
  }

  /** Every member's layout says so, now. */
  remove(index: number): void {
    this.#removed.add(this.id(index));
    const { members, removed } = this.#bootOf(index);
    for (const process of this.processes) {
      process.run(this.now, (now) => process.membership.follow(now, members, removed));
    }
  }

  at(delayMs: number, action: () => void): void {
    this.#scheduler.act(delayMs, action);
  }

  runFor(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      const event = this.#scheduler.next(until);
      if (event === undefined) return;
      event.action!();
    }
  }

  /** Looks at every tenth of a second; true when it came true in time. */
  runUntil(isSo: () => boolean, withinMs: number): boolean {
    const until = this.now + withinMs;
    while (!isSo()) {
      if (this.now >= until) return false;
      this.runFor(100);
    }
    return true;
  }

  /** What one holds of another; undefined when it never heard of it. */
  stateOf(observer: number, subject: number): MemberState | undefined {
    return this.processes[observer]!.membership.view(this.id(subject))?.state;
  }

  /** True when everybody who is up holds this of the subject. */
  allHold(subject: number, state: MemberState): boolean {
    return this.processes.every(
      ({ isUp, hasLeft, index }) =>
        !isUp || hasLeft || index === subject || this.stateOf(index, subject) === state,
    );
  }

  #isWarm(): boolean {
    return this.processes.every(({ membership }) => {
      if (membership.pendingRumours > 0) return false;
      return this.#named.every(({ id }) => (membership.view(id)?.generation ?? 0) > 0);
    });
  }

  #bootOf(booting: number): Omit<Boot, "generation"> {
    const { seeds, asks } = this.#options;
    const removed = [...this.#removed];
    const ring =
      asks === undefined ? this.#named : this.#named.map(({ id }) => ({ id, address: "" }));
    const asked = asks?.(booting) ?? seeds ?? [];
    return {
      config: this.config,
      clusterId: "simulated",
      members: seeds === undefined ? ring.filter(({ id }) => !this.#removed.has(id)) : [],
      removed,
      seeds: asked.map((index) => this.#named[index]!.address),
    };
  }

  #send(from: number, to: NodeId, message: MembershipMessage): void {
    const target = this.#indexOf.get(to);
    if (target === undefined) return;
    this.#count(message);
    if (message.kind === "sync" && !this.#introductions.has(from)) {
      this.#introductions.set(from, message);
    }
    if (!this.network.passes(from, target) || !this.#areLinked(from, target)) return;
    const carried = this.#options.carry?.(message) ?? message;
    const heldMs = Math.max(this.#heldUntil[from]! - this.now, 0);
    for (const delayMs of this.network.delaysMs()) {
      this.#scheduler.act(heldMs + delayMs, () => this.#deliver(from, target, carried));
    }
  }

  #deliver(from: number, target: number, message: MembershipMessage): void {
    if (!this.network.passes(from, target)) return;
    const heldMs = this.#heldUntil[target]! - this.now;
    if (heldMs > 0) return this.#scheduler.act(heldMs, () => this.#deliver(from, target, message));
    this.processes[target]!.receive(this.now, this.id(from), message);
  }

  #areLinked(from: number, target: number): boolean {
    if (this.#options.asks === undefined) return true;
    return this.#links.areLinked(this.processes[from]!, this.processes[target]!);
  }

  #contact(from: number, address: string, member: NodeId | undefined): void {
    const one = this.processes[from]!;
    if (member !== undefined) {
      // Else everybody is connected with everybody.
      if (this.#options.asks === undefined) return;
      this.#links.know(one, this.processes[this.indexOf(member)]!, address);
    }
    const other = this.processes.find((process) => process.address === address);
    if (other === undefined || other === one) return;
    this.#scheduler.act(1, () => {
      if (!one.isUp || !other.isUp || other.address !== address) return;
      if (this.network.isConnected(one.index, other.index)) this.#meet(one, other);
    });
  }

  /** Both greet, and know then where the other is. */
  #meet(one: MemberProcess, other: MemberProcess): void {
    for (const [hearer, { id, generation, address }] of [
      [one, other],
      [other, one],
    ] as const) {
      hearer.run(this.now, (now) => {
        hearer.membership.onLocated(id, generation, address);
        if (this.#areLinked(one.index, other.index)) {
          hearer.membership.onLinked(now, id, generation);
        }
      });
    }
  }

  #wake(index: number, at: Instant): void {
    this.#scheduler.act(Math.max(at - this.now, 0), () => this.processes[index]!.onWake(this.now));
  }

  #count(message: MembershipMessage): void {
    const { traffic } = this;
    const bytes = membershipMessageBytes(message);
    traffic.messages++;
    traffic.bytes += bytes;
    if (message.kind === "sync") traffic.syncBytesMax = Math.max(traffic.syncBytesMax, bytes);
    else traffic.packetBytesMax = Math.max(traffic.packetBytesMax, bytes);
  }
}
