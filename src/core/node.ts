/**
 * A cluster member, without any I/O: four doors in, and the five of `effects.ts` out.
 *
 *     request    a client asks, abandon ┐
 *     receive    a peer speaks          ├─▶ coordinator, replica, … ─▶ send, persist, …
 *     completed  a write is durable     │
 *     advance    time has passed        ┘
 *
 * Every input runs to completion. This file introduces the subsystems to each other and routes; it
 * decides nothing. Time is an argument, randomness was given, wall time comes stamped on a request:
 * the same inputs make the same outputs.
 */
import { assert, unreachable } from "./base/assert.ts";
import { WallTime } from "./base/wall-time.ts";
import { Coordinator } from "./coordinator/coordinator.ts";
import { DeadlineWheel } from "./deadlines.ts";
import type { Effects, Instant } from "./effects.ts";
import { Handoff } from "./handoff/handoff.ts";
import type { HintOrder, HintReport } from "./hint-orders.ts";
import type { DropReason } from "./facts.ts";
import type { BackgroundKind } from "./load/background-budget.ts";
import type { LoadReport } from "./load/load.ts";
import { Load, watchingDisk } from "./load/load.ts";
import { Membership } from "./membership/membership.ts";
import { Reach } from "./membership/reach.ts";
import type { MembershipFact } from "./membership-facts.ts";
import type { Hello, Message, Refusal } from "./messages.ts";
import type { NodeSetup } from "./node-setup.ts";
import { LAYOUT_ASK, layoutTold, memberTalk, refused, repairTalk } from "./messages.ts";
import { written } from "./messages.ts";
import type { PurgeReport } from "./purge/purge.ts";
import { Purge } from "./purge/purge.ts";
import { PURGE_TOKENS_MIN } from "./purge/witness.ts";
import type { RepairOrder, RepairReport } from "./repair-orders.ts";
import { Repair } from "./repair/repair.ts";
import { Replica } from "./replica/replica.ts";
import { isOverRow, mayBeOverRow, rowDigest } from "./replica/row.ts";
import type { ClientRequest } from "./requests.ts";
import { Service } from "./service.ts";
import type { Layout } from "./ring/layout.ts";
import type { NodeId } from "./ring/node-id.ts";
import type { DiskAnswer } from "./storage/engine.ts";

const NEVER = Number.POSITIVE_INFINITY;

export class Node {
  readonly id: NodeId;
  readonly generation: number;
  readonly #effects: Effects;
  readonly #deadlines: DeadlineWheel = new DeadlineWheel();
  readonly #membership: Membership;
  readonly #peers: Reach;
  readonly #repair: Repair;
  readonly #purge: Purge;
  readonly #replica: Replica;
  readonly #handoff: Handoff;
  readonly #service: Service;
  readonly #coordinator: Coordinator;
  readonly #load: Load;
  readonly #wall: WallTime = new WallTime();
  #layout: Layout;
  #isStarted = false;
  /** Of the input that is being run. */
  #now: Instant = 0;

  constructor(setup: NodeSetup) {
    this.id = setup.id;
    this.generation = setup.generation;
    this.#effects = setup.effects;
    this.#layout = setup.layout;
    this.#membership = new Membership({
      self: setup.id,
      clusterId: setup.layout.clusterId,
      generation: setup.generation,
      address: setup.address,
      config: setup.membership,
      random: setup.random.fork("membership"),
      members: setup.layout.nodes,
      removed: [],
      seeds: setup.seeds,
      effects: {
        send: (to, talk) => setup.effects.send(to, memberTalk(talk)),
        contact: (address, member) => setup.effects.contact(address, member),
        note: (fact) => this.#onMemberFact(fact),
      },
    });
    this.#peers = new Reach(this.#membership, (id) => this.#load.disk.isDegraded(this.#now, id));
    this.#replica = new Replica({
      identity: setup.actor,
      epochs: setup.epochs,
      rows: setup.rows,
      effects: watchingDisk(
        setup.effects,
        () => this.#now,
        () => this.#load.disk,
      ),
      acknowledger: this,
      onRow: ({ partition, key }, before, row) => {
        this.#repair.onRow(this.#now, partition, key, before);
        this.#purge.onChange(key);
        if (row !== undefined && mayBeOverRow(row)) this.#purge.onRow(partition, key, row);
      },
    });
    this.#purge = this.#makePurge(setup);
    this.#repair = this.#makeRepair(setup);
    this.#handoff = new Handoff({
      self: setup.id,
      config: setup.config,
      rows: setup.rows,
      random: setup.random.fork("handoff"),
      effects: setup.effects,
      deadlines: this.#deadlines,
      layout: () => this.#layout,
      era: () => this.#purge.era,
      isLinked: (node) => this.#peers.isLinked(node),
      onKept: (key) => this.#purge.onChange(key),
      share: (now) => this.#load.background.share(now, "hints"),
      onStored: (now, to, id, answer) => this.onStored(now, to, id, answer),
      storeOwn: (id, key, record) => {
        const partition = this.#layout.partitioner.of(key);
        return this.#replica.receive({ partition, key }, record, { to: setup.id, id });
      },
    });
    this.#service = new Service({
      self: setup.id,
      effects: setup.effects,
      replica: this.#replica,
      handoff: this.#handoff,
      layout: () => this.#layout,
      hasExpired: (remainingMs) => this.#hasExpired(remainingMs),
      isOver: (from, era) => this.#isOver(from, era),
    });
    this.#coordinator = this.#makeCoordinator(setup);
    this.#load = new Load(this.#coordinator, {
      self: setup.id,
      effects: setup.effects,
      deadlines: this.#deadlines,
      members: () => this.#layout.nodes.map(({ id }) => id),
      isLinked: (node) => this.#peers.isLinked(node),
    });
  }

  /** From now on it looks after others, and after its own rows, also when nobody asks it. */
  start(now: Instant): void {
    this.#isStarted = true;
    this.#handoff.start(now);
    this.#membership.start(now);
    this.#repair.onLayout(now);
    this.#purge.onLayout(now);
  }

  /**
   * What `trees` of its last life has left, when its rows are exactly those of that moment. To be
   * called before `start`; bytes that are no trees are passed over.
   */
  restoreTrees(trees: Uint8Array): void {
    assert(!this.#isStarted, "trees are restored before the first write");
    this.#repair.restore(trees);
  }

  /** Sums of the rows as they are now, to be kept with them over a clean stop. */
  trees(): Uint8Array | undefined {
    return this.#repair.snapshot();
  }

  /** The node is about to stop in order: others need not find out for themselves. */
  leave(now: Instant): void {
    this.#membership.leave(now);
  }

  request(now: Instant, request: ClientRequest): void {
    this.#now = now;
    this.#coordinator.request(now, request, undefined);
  }

  /** Whoever asked is gone: what is not needed any more is not done, and the answer is nobody's. */
  abandon(now: Instant, requests: ReadonlySet<number>): void {
    this.#now = now;
    this.#coordinator.abandon(now, requests);
  }

  receive(now: Instant, from: NodeId, message: Message): void {
    this.#now = now;
    switch (message.kind) {
      case "write":
        return this.#service.onWrite(from, message);
      case "written":
        return this.#onWritten(now, from, message.id);
      case "read":
        return this.#service.onRead(from, message);
      case "same":
        return this.#coordinator.onSame(now, from, message.id);
      case "held":
        return this.#coordinator.onHeld(now, from, message.id, message.record);
      case "refused":
        this.#service.onRefusalEpoch(from, message.epoch);
        return this.#onRefused(now, from, message.id, message.reason);
      case "repair":
        return this.#service.onRepair(from, message);
      case "hint":
        return this.#service.onHint(now, from, message);
      case "hinted-ask":
        return this.#service.onHintedAsk(from, message);
      case "ask":
        return this.#onAsk(now, from, message.request);
      case "answer":
        return this.#coordinator.onAnswer(now, from, message.id, message.outcome);
      case "hello":
        return this.#onHello(now, from, message);
      case "goodbye":
        return this.#onGoodbye(now, from);
      case "located":
        return this.#membership.onLocated(from, message.generation, message.address);
      case "member-talk":
        return this.#membership.receive(now, from, message.talk);
      case "repair-talk":
        return this.#repair.receive(now, from, message.talk);
      case "purge-talk":
        return this.#purge.receive(now, from, message.talk);
      case "condition":
        return this.#load.disk.onTold(now, from, message);
      case "layout-ask":
        return this.#effects.send(from, layoutTold(this.#layout));
      case "layout-told":
        return this.#onLayout(now, message.layout);
      default:
        return unreachable(message);
    }
  }

  completed(now: Instant, token: number, answer: DiskAnswer): void {
    this.#now = now;
    // Hints number their writes downwards.
    if (token < 0) this.#handoff.completed(now, token, answer);
    else if (token > PURGE_TOKENS_MIN) this.#purge.completed(now, token, answer);
    else {
      this.#load.disk.onDurable(now, token);
      this.#replica.completed(now, token, answer);
    }
  }

  /** `wallMs` is what the clock on the wall says: values expire also where nobody asks. */
  advance(now: Instant, wallMs: number): void {
    this.#now = now;
    this.#wall.see(wallMs);
    if (this.#isStarted) this.#load.onLate(now, now - this.#dueAt);
    this.#deadlines.advance(now);
    if (!this.#isStarted) return;
    // Its own wheel: what it must notice first is that it comes late itself.
    this.#membership.advance(now);
    this.#repair.advance(now);
    this.#purge.advance(now);
  }

  /** What is kept for others, for an operator to see and to steer. */
  hints(now: Instant, order: HintOrder): HintReport {
    this.#now = now;
    return this.#handoff.obey(now, order);
  }

  /** What begins now bears it. */
  get era(): number {
    return this.#purge.era;
  }

  /** How far the forgetting of deletions has got. */
  tombstones(): PurgeReport {
    return this.#purge.report();
  }

  /** Anti-entropy, for an operator to see and to hurry. */
  repair(now: Instant, order: RepairOrder): RepairReport {
    this.#now = now;
    return this.#repair.obey(now, this.generation, order);
  }

  /** When to call `advance` next; early is harmless. */
  get nextDeadline(): Instant | undefined {
    if (!this.#isStarted) return this.#deadlines.earliest;
    const background = Math.min(
      this.#repair.nextDeadline ?? NEVER,
      this.#purge.nextDeadline ?? NEVER,
    );
    const at = Math.min(this.#dueAt, background);
    return at === NEVER ? undefined : at;
  }

  /** When it was to be called by the deadlines that are never set into the past. */
  get #dueAt(): Instant {
    const own = this.#deadlines.earliest ?? NEVER;
    return Math.min(own, this.#membership.nextDeadline ?? NEVER);
  }

  get layout(): Layout {
    return this.#layout;
  }

  /** Of its usual pace, what such work of the host has time for: above 0, at most 1. */
  backgroundShare(now: Instant, kind: BackgroundKind): number {
    return this.#load.background.share(now, kind);
  }

  /** How busy it is, and what gives way to that. */
  load(now: Instant): LoadReport {
    return this.#load.report(now);
  }

  /** Operations that still wait for somebody. Zero when the node is at rest. */
  get openRequests(): number {
    return this.#coordinator.openCount;
  }

  /**
   * A write of this replica is durable (or there was no room for it): tell whoever waits for it.
   */
  onStored(now: Instant, to: NodeId, id: number, answer: DiskAnswer): void {
    const isOwn = to === this.id;
    if (answer === "full") {
      if (isOwn) this.#onRefused(now, this.id, id, "full");
      else this.#effects.send(to, refused(id, "full", this.#layout.epoch));
    } else if (isOwn) {
      this.#onWritten(now, this.id, id);
    } else {
      this.#effects.send(to, written(id));
    }
  }

  #makeRepair(setup: NodeSetup): Repair {
    return new Repair({
      self: setup.id,
      secret: setup.secret,
      config: setup.repair,
      random: setup.random.fork("repair"),
      store: {
        digest: (partition, key) => this.#replica.digest(partition, key),
        record: (partition, key) => this.#replica.recordBytes(partition, key),
        merge: (partition, key, record) => void this.#service.mend(partition, key, record),
        scan: (partition, from, limit) => setup.rows.scan(partition, from, limit),
        rowDigest,
      },
      effects: {
        send: (to, talk) => setup.effects.send(to, repairTalk(talk)),
        note: (fact) => setup.effects.note(fact),
      },
      isUp: (peer) => this.#peers.isLinked(peer),
      mayWork: (now) => this.#load.background.mayCompare(now),
      onWorked: (now, usualMs) => this.#load.background.onCompared(now, usualMs),
      layout: () => this.#layout,
      era: () => this.#purge.era,
      isOver: (from, era) => this.#isOver(from, era),
    });
  }

  #makePurge(setup: NodeSetup): Purge {
    return new Purge({
      self: setup.id,
      config: setup.purge,
      random: setup.random.fork("purge"),
      store: {
        get: (partition, key) => setup.rows.get(partition, key),
        scan: (partition, from, limit) => setup.rows.scan(partition, from, limit),
        mayBeOver: mayBeOverRow,
        tombstoneIn: (row) => (isOverRow(row, this.#wall.ms) ? rowDigest(row) : undefined),
        isTombstone: (partition, key, digest) =>
          this.#replica.isTombstone({ partition, key }, digest, this.#wall.ms),
        keepsHint: (partition, key) => this.#handoff.keeps(partition, key),
        remove: (partition, key, digest, isVouchedFor) =>
          this.#replica.purge({ partition, key }, digest, isVouchedFor, this.#wall.ms),
        persist: (write, token) => setup.effects.persist([write], token),
      },
      effects: setup.effects,
      layout: () => this.#layout,
      isUp: (peer) => this.#peers.isLinked(peer),
      mayWork: (now) => this.#load.background.mayCompare(now),
      onWorked: (now, usualMs) => this.#load.background.onCompared(now, usualMs),
      onEra: (now, oldest) => {
        this.#coordinator.endBefore(now, oldest);
        this.#repair.endBefore(now, oldest);
      },
    });
  }

  #makeCoordinator(setup: NodeSetup): Coordinator {
    return new Coordinator({
      self: setup.id,
      identity: setup.actor,
      config: setup.config,
      secret: setup.secret,
      random: setup.random,
      effects: setup.effects,
      liveness: this.#peers,
      replica: this.#replica,
      hints: this.#handoff,
      deadlines: this.#deadlines,
      layout: () => this.#layout,
      wall: this.#wall,
      era: () => this.#purge.era,
      mayRepair: (now) => this.#load.background.mayRepair(now),
    });
  }

  #onWritten(now: Instant, from: NodeId, id: number): void {
    if (!this.#handoff.onWritten(now, from, id)) this.#coordinator.onWritten(now, from, id);
  }

  #onRefused(now: Instant, from: NodeId, id: number, reason: Refusal): void {
    if (this.#handoff.onRefused(now, from, id, reason)) return;
    this.#coordinator.onRefused(now, from, id, reason);
  }

  #onAsk(now: Instant, from: NodeId, request: ClientRequest): void {
    const { timeoutMs } = request;
    // None said is the default, not none left.
    if (timeoutMs > 0 && this.#hasExpired(timeoutMs)) return this.#drop(from, "expired");
    this.#coordinator.request(now, request, from);
  }

  /** Whoever is called dead or gone will not answer, whatever its connection says. */
  #onMemberFact(fact: MembershipFact): void {
    this.#effects.note(fact);
    if (fact.kind !== "member-changed") return;
    const { member, state } = fact;
    this.#peers.onTold(member, state);
    if (state === "dead" || state === "left") {
      this.#coordinator.onPeerLost(this.#now, member);
      this.#handoff.onLost(this.#now, member);
      this.#repair.onPeerLost(this.#now, member);
    } else if (fact.before === "dead" || fact.before === "left") {
      this.#handoff.onLinked(this.#now, member);
      this.#repair.onPeerUp(this.#now, member);
    }
  }

  #onHello(now: Instant, from: NodeId, { generation, layoutEpoch, era }: Hello): void {
    if (!this.#peers.onLinked(from, generation)) return this.#drop(from, "old-generation");
    this.#effects.note({ kind: "peer-linked", peer: from, generation });
    this.#membership.onLinked(now, from, generation);
    this.#handoff.onLinked(now, from);
    this.#repair.onPeerUp(now, from);
    this.#purge.onPeerUp(now, era);
    if (layoutEpoch > this.#layout.epoch) this.#effects.send(from, LAYOUT_ASK);
  }

  #onGoodbye(now: Instant, from: NodeId): void {
    this.#peers.onLost(from);
    this.#effects.note({ kind: "peer-lost", peer: from });
    this.#membership.onLost(from);
    this.#handoff.onLost(now, from);
    this.#repair.onPeerLost(now, from);
    this.#coordinator.onPeerLost(now, from);
  }

  #onLayout(now: Instant, layout: Layout): void {
    const current = this.#layout;
    if (layout.epoch <= current.epoch || layout.clusterId !== current.clusterId) return;
    this.#layout = layout;
    this.#effects.note({ kind: "layout-adopted", epoch: layout.epoch });
    this.#membership.follow(now, layout.nodes, []);
    this.#handoff.onLayout(now);
    this.#repair.onLayout(now);
    this.#purge.onLayout(now);
  }

  /**
   * A member that has not said hello may be in a later era, and what comes from it of an earlier
   * life. Who is none, as the host that restores a backup, has no earlier life.
   */
  #isOver(from: NodeId, era: number): boolean {
    if (this.#purge.isOver(this.#now, from, era)) return true;
    return !this.#peers.hasConnection(from) && this.#layout.node(from) !== undefined;
  }

  /** So much was left of its asker's time when a message was sent. */
  #hasExpired(remainingMs: number): boolean {
    return this.#load.hasExpired(this.#now, remainingMs);
  }

  #drop(from: NodeId, reason: DropReason): void {
    this.#effects.note({ kind: "message-dropped", from, reason });
  }
}
