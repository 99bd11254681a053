/**
 * A cluster member, without any I/O: four doors in, and the four of `effects.ts` out.
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
import type { Random } from "./base/random.ts";
import { unreachable } from "./base/assert.ts";
import type { SipKey } from "./base/siphash.ts";
import type { ActorId } from "./causality/actor.ts";
import { decodeRecord } from "./causality/record-codec.ts";
import type { NodeConfig } from "./config.ts";
import { Coordinator } from "./coordinator/coordinator.ts";
import { DeadlineWheel } from "./deadlines.ts";
import type { Effects, Instant } from "./effects.ts";
import { Handoff } from "./handoff/handoff.ts";
import type { HintOrder, HintReport } from "./hint-orders.ts";
import type { HintRows } from "./handoff/hints.ts";
import type { DropReason } from "./facts.ts";
import type { BackgroundKind } from "./load/background-budget.ts";
import type { LoadReport } from "./load/load.ts";
import { Load, watchingDisk } from "./load/load.ts";
import type { MembershipConfig } from "./membership/membership-config.ts";
import { Membership } from "./membership/membership.ts";
import { Reach } from "./membership/reach.ts";
import type { MembershipFact } from "./membership-facts.ts";
import type {
  Hello,
  Hint,
  HintedAsk,
  Message,
  Read,
  Refusal,
  Repair as RepairMessage,
  Write,
} from "./messages.ts";
import { held, LAYOUT_ASK, layoutTold, memberTalk, refused, repairTalk } from "./messages.ts";
import { same, written } from "./messages.ts";
import type { RepairConfig } from "./repair/repair-config.ts";
import { Repair } from "./repair/repair.ts";
import type { EpochLease } from "./replica/epochs.ts";
import { Replica } from "./replica/replica.ts";
import { rowDigest } from "./replica/row.ts";
import type { ClientRequest } from "./requests.ts";
import type { Key } from "./ring/key.ts";
import type { Layout } from "./ring/layout.ts";
import type { NodeId } from "./ring/node-id.ts";
import type { DiskAnswer } from "./storage/engine.ts";
import { DAMAGED } from "./storage/engine.ts";

export interface NodeSetup {
  readonly id: NodeId;
  /** How others reach this node, as they are told. */
  readonly address: string;
  readonly actor: ActorId;
  readonly generation: number;
  readonly config: NodeConfig;
  readonly membership: MembershipConfig;
  readonly repair: RepairConfig;
  readonly layout: Layout;
  readonly epochs: EpochLease;
  /** Shared by all nodes of a cluster: seals the contexts that clients carry. */
  readonly secret: SipKey;
  readonly random: Random;
  readonly rows: HintRows;
  readonly effects: Effects;
}

const NEVER = Number.POSITIVE_INFINITY;

export class Node {
  readonly id: NodeId;
  readonly generation: number;
  readonly #effects: Effects;
  readonly #deadlines: DeadlineWheel = new DeadlineWheel();
  readonly #membership: Membership;
  readonly #peers: Reach;
  readonly #repair: Repair;
  readonly #replica: Replica;
  readonly #handoff: Handoff;
  readonly #coordinator: Coordinator;
  readonly #load: Load;
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
      seeds: [],
      effects: {
        send: (to, talk) => setup.effects.send(to, memberTalk(talk)),
        // All members are in the layout, and the transport dials them without being told.
        contact: () => {},
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
      onRow: ({ partition, key }, before) => this.#repair.onRow(this.#now, partition, key, before),
    });
    this.#repair = new Repair({
      self: setup.id,
      secret: setup.secret,
      config: setup.repair,
      random: setup.random.fork("repair"),
      store: {
        digest: (partition, key) => this.#replica.digest(partition, key),
        record: (partition, key) => this.#replica.recordBytes(partition, key),
        merge: (partition, key, record) => void this.#mend(partition, key, record),
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
    });
    this.#handoff = new Handoff({
      self: setup.id,
      config: setup.config,
      rows: setup.rows,
      random: setup.random.fork("handoff"),
      effects: setup.effects,
      deadlines: this.#deadlines,
      layout: () => this.#layout,
      isLinked: (node) => this.#peers.isLinked(node),
      share: (now) => this.#load.background.share(now, "hints"),
      onStored: (now, to, id, answer) => this.onStored(now, to, id, answer),
      storeOwn: (id, key, record) => {
        const partition = this.#layout.partitioner.of(key);
        return this.#replica.receive({ partition, key }, record, { to: setup.id, id });
      },
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
        return this.#onWrite(from, message);
      case "written":
        return this.#onWritten(now, from, message.id);
      case "read":
        return this.#onRead(from, message);
      case "same":
        return this.#coordinator.onSame(now, from, message.id);
      case "held":
        return this.#coordinator.onHeld(now, from, message.id, message.record);
      case "refused":
        this.#onRefusalEpoch(from, message.epoch);
        return this.#onRefused(now, from, message.id, message.reason);
      case "repair":
        return this.#onRepair(from, message);
      case "hint":
        return this.#onHint(now, from, message);
      case "hinted-ask":
        return this.#onHintedAsk(from, message);
      case "ask":
        return this.#onAsk(now, from, message.request);
      case "answer":
        return this.#coordinator.onAnswer(now, from, message.id, message.outcome);
      case "hello":
        return this.#onHello(now, from, message);
      case "goodbye":
        return this.#onGoodbye(now, from);
      case "member-talk":
        return this.#membership.receive(now, from, message.talk);
      case "repair-talk":
        return this.#repair.receive(now, from, message.talk);
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
    else {
      this.#load.disk.onDurable(now, token);
      this.#replica.completed(now, token, answer);
    }
  }

  advance(now: Instant): void {
    this.#now = now;
    if (this.#isStarted) this.#load.onLate(now, now - this.#dueAt);
    this.#deadlines.advance(now);
    if (!this.#isStarted) return;
    // Its own wheel: what it must notice first is that it comes late itself.
    this.#membership.advance(now);
    this.#repair.advance(now);
  }

  /** What is kept for others, for an operator to see and to steer. */
  hints(now: Instant, order: HintOrder): HintReport {
    this.#now = now;
    return this.#handoff.obey(now, order);
  }

  /** When to call `advance` next; early is harmless. */
  get nextDeadline(): Instant | undefined {
    if (!this.#isStarted) return this.#deadlines.earliest;
    const at = Math.min(this.#dueAt, this.#repair.nextDeadline ?? NEVER);
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

  #onWrite(from: NodeId, { id, epoch, remainingMs, key, delta }: Write): void {
    if (this.#hasExpired(remainingMs)) return this.#drop(from, "expired");
    const partition = this.#layout.partitioner.of(key);
    const problem =
      this.#misplaced(from, partition, epoch) ??
      this.#replica.receive({ partition, key }, delta, { to: from, id });
    if (problem === "malformed") return this.#drop(from, problem);
    if (problem !== undefined) this.#refuse(from, id, problem);
  }

  #onRead(from: NodeId, message: Read): void {
    const { id, epoch, remainingMs, key, digestHigh, digestLow } = message;
    if (this.#hasExpired(remainingMs)) return this.#drop(from, "expired");
    const partition = this.#layout.partitioner.of(key);
    const misplaced = this.#misplaced(from, partition, epoch);
    if (misplaced !== undefined) return this.#refuse(from, id, misplaced);
    const digest = this.#replica.digest(partition, key);
    if (digest === DAMAGED) return this.#refuse(from, id, "damaged");
    if (digest.high === digestHigh && digest.low === digestLow) {
      return this.#effects.send(from, same(id));
    }
    this.#sendHeld(from, id, partition, key);
  }

  #sendHeld(to: NodeId, id: number, partition: number, key: Key): void {
    const bytes = this.#replica.recordBytes(partition, key);
    if (bytes === DAMAGED) return this.#refuse(to, id, "damaged");
    this.#effects.send(to, held(id, bytes ?? new Uint8Array(0)));
  }

  #onRepair(from: NodeId, { epoch, key, record: bytes }: RepairMessage): void {
    const partition = this.#layout.partitioner.of(key);
    const misplaced = this.#misplaced(from, partition, epoch);
    if (misplaced !== undefined) return this.#drop(from, misplaced);
    if (!this.#mend(partition, key, bytes)) this.#drop(from, "malformed");
  }

  /** False when the bytes are no record. */
  #mend(partition: number, key: Key, bytes: Uint8Array): boolean {
    const record = decodeRecord(bytes);
    if (record !== undefined) this.#replica.repair({ partition, key }, { record, bytes });
    return record !== undefined;
  }

  /** Whoever is called dead or gone will not answer, whatever its connection says. */
  #onMemberFact(fact: MembershipFact): void {
    this.#effects.note(fact);
    if (fact.kind !== "member-changed") return;
    const { member, state } = fact;
    if (state === "dead" || state === "left") {
      this.#coordinator.onPeerLost(this.#now, member);
      this.#handoff.onLost(this.#now, member);
      this.#repair.onPeerLost(this.#now, member);
    } else if (fact.before === "dead" || fact.before === "left") {
      this.#handoff.onLinked(this.#now, member);
      this.#repair.onPeerUp(this.#now, member);
    }
  }

  #onHint(now: Instant, from: NodeId, message: Hint): void {
    if (this.#hasExpired(message.remainingMs)) return this.#drop(from, "expired");
    const problem = this.#otherEpoch(from, message.epoch) ?? this.#handoff.take(now, from, message);
    if (problem === "malformed") return this.#drop(from, problem);
    if (problem !== undefined) this.#refuse(from, message.id, problem);
  }

  #onHintedAsk(from: NodeId, { id, epoch, remainingMs, target, key }: HintedAsk): void {
    if (this.#hasExpired(remainingMs)) return this.#drop(from, "expired");
    const problem = this.#otherEpoch(from, epoch);
    if (problem !== undefined) return this.#refuse(from, id, problem);
    const record = this.#handoff.heldFor(key, target);
    if (record === undefined) return this.#refuse(from, id, "not-owner");
    this.#effects.send(from, held(id, record));
  }

  #onHello(now: Instant, from: NodeId, { generation, layoutEpoch }: Hello): void {
    if (!this.#peers.onLinked(from, generation)) return this.#drop(from, "old-generation");
    this.#effects.note({ kind: "peer-linked", peer: from, generation });
    this.#membership.onLinked(now, from, generation);
    this.#handoff.onLinked(now, from);
    this.#repair.onPeerUp(now, from);
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
  }

  /** Why a message about a partition cannot be served here: another epoch, or another owner. */
  #misplaced(
    from: NodeId,
    partition: number,
    epoch: number,
  ): "stale-epoch" | "not-owner" | undefined {
    const problem = this.#otherEpoch(from, epoch);
    if (problem !== undefined) return problem;
    return this.#layout.isOwner(this.id, partition) ? undefined : "not-owner";
  }

  #otherEpoch(from: NodeId, epoch: number): "stale-epoch" | undefined {
    if (epoch === this.#layout.epoch) return undefined;
    this.#onRefusalEpoch(from, epoch);
    return "stale-epoch";
  }

  #onRefusalEpoch(from: NodeId, epoch: number): void {
    if (epoch > this.#layout.epoch) this.#effects.send(from, LAYOUT_ASK);
  }

  #refuse(to: NodeId, id: number, reason: Refusal): void {
    this.#effects.send(to, refused(id, reason, this.#layout.epoch));
  }

  /** So much was left of its asker's time when a message was sent. */
  #hasExpired(remainingMs: number): boolean {
    return this.#load.hasExpired(this.#now, remainingMs);
  }

  #drop(from: NodeId, reason: DropReason): void {
    this.#effects.note({ kind: "message-dropped", from, reason });
  }
}
