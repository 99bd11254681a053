/**
 * Who is alive, as far as this node can tell: SWIM with the extensions of Lifeguard.
 *
 *     start, receive, advance, leave     ┐                     ┌─▶ send, contact
 *     onLinked, onLost   (hints)         ├─▶ prober, relays, ──┼─▶ note
 *     follow             (a new layout)  ┘   gossiper, …       └─▶ view
 *
 * It is a detector, and detectors are wrong now and then. So nothing but routing follows from a
 * view: liveness is not ownership (law 5). A lost connection is not death either, only a reason to
 * look. Verdicts are made by monotonic time that comes as an argument; the same inputs make the
 * same outputs.
 *
 * A node that was itself away (a stopped process, a paused machine) knows nothing of that time.
 * When its earliest deadline is late by more than two intervals, it drops every probe under way,
 * begins every suspicion again, and exchanges everything before it accuses anybody.
 */
import type { Random } from "../base/random.ts";
import { unreachable } from "../base/assert.ts";
import { DeadlineWheel } from "../deadlines.ts";
import type { Instant } from "../effects.ts";
import type { MemberState, MembershipMessage, Rumour } from "../membership-messages.ts";
import { probeAck } from "../membership-messages.ts";
import type { NodeId } from "../ring/node-id.ts";
import { Awareness } from "./awareness.ts";
import { Doorkeeper } from "./doorkeeper.ts";
import { Exchange } from "./exchange.ts";
import { Gossiper } from "./gossiper.ts";
import type { NamedMember } from "./members.ts";
import { accusationOf, isUp, Members } from "./members.ts";
import type { MembershipConfig } from "./membership-config.ts";
import { Opinions } from "./opinions.ts";
import type { OwnIdentity } from "./own-self.ts";
import { OwnSelf } from "./own-self.ts";
import { Prober } from "./prober.ts";
import { Rejoin } from "./rejoin.ts";
import { Relays } from "./relays.ts";
import { suspicionMsMin } from "./scale.ts";
import type { MembershipEffects, Seat } from "./seat.ts";
import { locate } from "./whereabouts.ts";

/** Intervals that a timer may be late before its node distrusts itself. */
const LATE_INTERVALS_MAX = 2;
/** Members who are told of a start, and asked after a stall. */
const FIRST_SYNCS = 3;

export interface MembershipSetup extends OwnIdentity {
  readonly config: MembershipConfig;
  /** Of this process alone: the number that tells two boots apart is drawn from it. */
  readonly random: Random;
  /** The members of the ring, with or without this node. */
  readonly members: readonly NamedMember[];
  /** Ids that will never be members again. */
  readonly removed: readonly NodeId[];
  /** Addresses to try where nobody is known. */
  readonly seeds: readonly string[];
  readonly effects: MembershipEffects;
}

/** What this node holds of a member. */
export interface MemberView {
  readonly state: MemberState;
  /** 0: never heard of, and given the benefit of the doubt. */
  readonly generation: number;
  readonly incarnation: number;
  readonly address: string;
  /** When it came into this state. */
  readonly sinceMs: Instant;
}

export class Membership {
  readonly #seat: Seat;
  readonly #gossiper: Gossiper;
  readonly #doorkeeper: Doorkeeper;
  readonly #opinions: Opinions;
  readonly #prober: Prober;
  readonly #relays: Relays;
  readonly #exchange: Exchange;
  readonly #rejoin: Rejoin;
  #startedAt: Instant = 0;

  constructor(setup: MembershipSetup) {
    const { config, random, effects } = setup;
    const awareness = new Awareness(config.awarenessMax, (score) =>
      effects.note({ kind: "awareness-changed", score }),
    );
    const self = new OwnSelf(setup, random.next());
    const deadlines = new DeadlineWheel();
    const seat = { config, random, effects, deadlines, self, members: new Members(), awareness };
    const gossiper = new Gossiper(seat);
    const doorkeeper = new Doorkeeper(seat, new Set(setup.removed));
    const opinions = new Opinions(seat, gossiper, doorkeeper, (now, id) =>
      this.#exchange.soon(now, id),
    );
    this.#seat = seat;
    this.#gossiper = gossiper;
    this.#doorkeeper = doorkeeper;
    this.#opinions = opinions;
    this.#prober = new Prober(seat, gossiper, opinions);
    this.#relays = new Relays(seat, gossiper);
    this.#exchange = new Exchange(seat);
    this.#rejoin = new Rejoin(seat, setup.seeds, gossiper, doorkeeper);
    this.follow(0, setup.members, setup.removed);
  }

  start(now: Instant): void {
    const { members, self } = this.#seat;
    this.#startedAt = now;
    for (const member of members.values()) member.sinceMs = now;
    this.#gossiper.tell(now, self.rumour);
    this.#prober.start(now);
    this.#exchange.start(now);
    this.#rejoin.start(now);
    this.#exchange.now(FIRST_SYNCS);
  }

  receive(now: Instant, from: NodeId, message: MembershipMessage): void {
    this.#watch(now);
    if (message.kind === "unwelcome") return this.#doorkeeper.onRefusedBy(from, message);
    const { speaker } = message;
    if (!this.#doorkeeper.admits(from, speaker)) return;
    this.#opinions.hearSpeaker(now, from, speaker);
    switch (message.kind) {
      case "probe":
        this.#hearAll(now, from, message.rumours);
        return this.#answer(from, message.sequence);
      case "probe-ack":
        this.#hearAll(now, from, message.rumours);
        this.#prober.onAck(message.sequence);
        return this.#relays.onAck(from, message.sequence);
      case "probe-for":
        this.#hearAll(now, from, message.rumours);
        return this.#relays.onProbeFor(now, from, message.sequence, message.target);
      case "probe-nack":
        return this.#prober.onNack(from, message.sequence);
      case "gossip":
        return this.#hearAll(now, from, message.rumours);
      case "sync":
        this.#opinions.hearAll(now, from, message.rumours, "sync");
        this.#prober.unmute();
        return this.#exchange.onSync(from, message);
      default:
        return unreachable(message);
    }
  }

  advance(now: Instant): void {
    this.#watch(now);
    this.#seat.deadlines.advance(now);
  }

  /** When to call `advance` next; early is harmless. */
  get nextDeadline(): Instant | undefined {
    return this.#seat.deadlines.earliest;
  }

  /** Says goodbye. It goes on telling its news while it is called, and judges nobody any more. */
  leave(now: Instant): void {
    const { self } = this.#seat;
    self.leave();
    this.#prober.stop();
    this.#exchange.stop();
    this.#rejoin.stop();
    this.#gossiper.tell(now, self.rumour);
    this.#gossiper.spread(now);
  }

  /** The transport has a connection, and knows by its greeting whose. */
  onLinked(now: Instant, id: NodeId, generation: number): void {
    const { members, self } = this.#seat;
    if (id === self.id || self.hasLeft || this.#doorkeeper.isRemoved(id)) return;
    const member = members.get(id);
    const isKnown = member !== undefined && isUp(member) && member.generation >= generation;
    if (!isKnown) this.#exchange.soon(now, id);
  }

  /** A node said in its greeting where it can be reached. */
  onLocated(id: NodeId, generation: number, address: string): void {
    const member = this.#seat.members.get(id);
    if (member !== undefined) locate(this.#seat, member, generation, address);
  }

  /** A connection ended, which is not death, but a reason to look. */
  onLost(id: NodeId): void {
    this.#prober.next(id);
  }

  /** The layout has these members now, and has removed those for ever. */
  follow(now: Instant, ring: readonly NamedMember[], removed: readonly NodeId[]): void {
    const { members, self, effects } = this.#seat;
    this.#doorkeeper.removed = new Set(removed);
    for (const id of removed) {
      const member = members.get(id);
      if (member !== undefined) members.remove(member);
      this.#gossiper.forget(id);
    }
    const former = new Set<NodeId>();
    for (const member of members.values()) {
      if (member.isRing) former.add(member.id);
      member.isRing = false;
    }
    for (const named of ring) {
      if (named.id === self.id || this.#doorkeeper.isRemoved(named.id)) continue;
      const known = members.get(named.id);
      const member = known ?? members.add(now, named, true);
      member.isRing = true;
      // Where it is was heard before it mattered.
      const isOfInterest = known !== undefined && !former.has(named.id) && known.address !== "";
      if (isOfInterest) effects.contact(known.address, named.id);
      if (member.addressGeneration === 0 && named.address !== "") member.address = named.address;
    }
  }

  /** Undefined for nobody that was ever heard of. */
  view(id: NodeId): MemberView | undefined {
    const { self, members } = this.#seat;
    if (id === self.id) {
      const { state, generation, incarnation, address } = self.rumour;
      return { state, generation, incarnation, address, sinceMs: this.#startedAt };
    }
    const member = members.get(id);
    if (member === undefined) return undefined;
    const { state, generation, incarnation, address, sinceMs } = member;
    return { state, generation, incarnation, address, sinceMs };
  }

  /** The state of `view`, for those who ask often; of other nodes. */
  stateOf(id: NodeId): MemberState | undefined {
    return this.#seat.members.get(id)?.state;
  }

  /** All but this node itself, whatever their state. */
  members(): NodeId[] {
    return Array.from(this.#seat.members.values(), ({ id }) => id);
  }

  /** 0 is healthy; see `Awareness`. */
  get awareness(): number {
    return this.#seat.awareness.score;
  }

  /** Rumours that are still to be told: none when the cluster is at rest, or a goodbye is out. */
  get pendingRumours(): number {
    return this.#gossiper.pending;
  }

  #answer(to: NodeId, sequence: number): void {
    const { effects, self, members } = this.#seat;
    const asker = members.get(to);
    const accusation = asker === undefined ? undefined : accusationOf(asker);
    effects.send(to, probeAck(self.speaker, sequence, this.#gossiper.rumoursWith(accusation)));
  }

  #hearAll(now: Instant, from: NodeId, rumours: readonly Rumour[]): void {
    this.#opinions.hearAll(now, from, rumours, "gossip");
  }

  /** Did this node sleep? Looked at before anything else, whoever wakes it. */
  #watch(now: Instant): void {
    const { config, deadlines } = this.#seat;
    const due = deadlines.earliest;
    if (due === undefined) return;
    const lateMs = now - due;
    if (lateMs > LATE_INTERVALS_MAX * config.probeIntervalMs) this.#onStall(now, lateMs);
  }

  #onStall(now: Instant, lateMs: number): void {
    const { config, deadlines, members, awareness, effects, self } = this.#seat;
    effects.note({ kind: "stall-noticed", lateMs });
    if (!self.hasLeft) {
      const { suspicionMult, probeIntervalMs } = config;
      awareness.adjust(1);
      this.#relays.discard();
      this.#opinions.restartSuspicions(now);
      const patienceMs = suspicionMsMin(suspicionMult, members.clusterSize, probeIntervalMs);
      this.#prober.discard(now, now + patienceMs);
      this.#exchange.now(FIRST_SYNCS);
    }
    deadlines.advance(now);
  }
}
