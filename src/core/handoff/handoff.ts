/**
 * Hinted hand-off: this node keeps writes for owners that cannot be reached, and brings them home.
 *
 *     coordinator ──hint──▶ stand-in: keeps, durable ──written──▶ coordinator
 *                                  └─ the owner is back: Delivery ──write──▶ owner
 *
 * A coordinator without a stand-in keeps the hint itself; it does not count towards W then, since
 * the coordinator's own row does.
 *
 * An operator may look at what is kept, have it delivered at once, and have it forgotten.
 */
import { Numbered } from "../base/numbered.ts";
import type { Random } from "../base/random.ts";
import { Deadline, type DeadlineWheel, type Timed } from "../deadlines.ts";
import type { Effects, Instant } from "../effects.ts";
import type { Hint, Refusal } from "../messages.ts";
import type { Key } from "../ring/key.ts";
import type { Layout } from "../ring/layout.ts";
import type { NodeId } from "../ring/node-id.ts";
import type { DiskAnswer } from "../storage/engine.ts";
import type { DeliveryPace, DeliverySetup, Handed } from "./delivery.ts";
import { Delivery } from "./delivery.ts";
import { HintDrop } from "./hint-drop.ts";
import type { HintOrder, HintReport, HintsFor } from "../hint-orders.ts";
import type { HintLimits } from "./hint-tally.ts";
import type { HintRefusal, HintRows } from "./hints.ts";
import { Hints } from "./hints.ts";

export interface HandoffConfig extends DeliveryPace, HintLimits {
  /** For who is away longer nothing more is kept. */
  readonly hintAwayMsMax: number;
}

export interface HandoffSetup {
  readonly self: NodeId;
  readonly config: HandoffConfig;
  readonly rows: HintRows;
  readonly random: Random;
  readonly effects: Effects;
  readonly deadlines: DeadlineWheel;
  layout(): Layout;
  era(): number;
  isLinked(node: NodeId): boolean;
  /** Something is kept of this key, or was: it may be gone again soon. */
  onKept(key: Key): void;
  /** Of its usual pace, what there is time for. */
  share(now: Instant): number;
  /** The hint with this number of that coordinator is durable, or there was no room. */
  onStored(now: Instant, to: NodeId, id: number, answer: DiskAnswer): void;
  /**
   * Joins a record into the own row: answers why not, or says so later with `onWritten` or
   * `onRefused`, as a peer would.
   */
  storeOwn(id: number, key: Key, record: Uint8Array): Refusal | "malformed" | undefined;
}

/** Slices and bytes that are counted in one tick after a start. */
const SLICES_A_TICK = 64;
const COUNTED_BYTES_A_TICK: number = 1024 * 1024;
const COUNT_TICK_MS = 5;

export class Handoff implements Timed {
  readonly #setup: HandoffSetup;
  readonly #hints: Hints;
  readonly #deliveries: Map<NodeId, Delivery> = new Map();
  readonly #drops: Map<NodeId, HintDrop> = new Map();
  readonly #handed: Numbered<Handed>;
  readonly #deliverySetup: DeliverySetup;
  readonly #counting: Deadline = new Deadline(this);
  /** Since when peers cannot be reached; in this life of the node. */
  readonly #awaySince: Map<NodeId, Instant> = new Map();

  constructor(setup: HandoffSetup) {
    const { self, rows, config, random, effects, deadlines } = setup;
    this.#setup = setup;
    this.#hints = new Hints({
      rows,
      partitions: setup.layout().partitionCount,
      limits: config,
      effects,
    });
    this.#handed = new Numbered(random.next() * 0x1_0000 + random.integer(0x1_0000));
    this.#deliverySetup = {
      self,
      hints: this.#hints,
      effects,
      deadlines,
      numbers: this.#handed,
      pace: config,
      layout: () => setup.layout(),
      era: () => setup.era(),
      isLinked: (node) => setup.isLinked(node),
      share: (now) => setup.share(now),
      storeOwn: (id, key, record) => setup.storeOwn(id, key, record),
    };
  }

  /** Looks what an earlier life has left. */
  start(now: Instant): void {
    this.#setup.deadlines.set(this.#counting, now);
  }

  /** Does what an operator asks, and tells how things are then. */
  obey(now: Instant, order: HintOrder): HintReport {
    if (order.kind === "deliver") this.#deliver(now, order.target);
    if (order.kind === "drop") this.#drop(now, order.target);
    const { isCounted } = this.#hints;
    // What is being dropped may not be counted yet.
    const targets = [...new Set([...this.#hints.targets, ...this.#drops.keys()])].sort();
    return { isCounted, targets: targets.map((target) => this.#hintsFor(now, target)) };
  }

  /** Keeps what a coordinator sends, and tells it when that is durable. */
  take(now: Instant, from: NodeId, hint: Hint): HintRefusal | undefined {
    const { id, target, key, delta } = hint;
    if (!this.#isOwner(target, key)) return "not-owner";
    return this.#keep(now, key, target, delta, (at, answer) => {
      this.#setup.onStored(at, from, id, answer);
    });
  }

  /** Keeps what this node coordinates and has no stand-in for. Nobody waits. */
  keepOwn(now: Instant, key: Key, target: NodeId, record: Uint8Array): void {
    this.#keep(now, key, target, record, () => {});
  }

  heldFor(key: Key, target: NodeId): Uint8Array | undefined {
    return this.#hints.heldFor(this.#partitionOf(key), key, target);
  }

  /** Whether something is kept of this key, for whomever. */
  keeps(partition: number, key: Key): boolean {
    return this.#hints.keeps(partition, key);
  }

  onLinked(now: Instant, peer: NodeId): void {
    if (!this.#setup.isLinked(peer)) return;
    this.#awaySince.delete(peer);
    // A walk that is under way has passed over all that waits for it.
    this.#deliveries.get(peer)?.stop();
    if (this.#hints.mayKeepFor(peer)) this.#beginFor(now, peer);
  }

  onLost(now: Instant, peer: NodeId): void {
    if (!this.#awaySince.has(peer)) this.#awaySince.set(peer, now);
    this.#deliveries.get(peer)?.stop();
    if (this.#hints.countFor(peer).keys > 0) this.#beginFor(now, peer);
  }

  /** Others may own now what is kept for those who did. */
  onLayout(now: Instant): void {
    for (const target of this.#hints.targets) {
      this.#deliveries.get(target)?.stop();
      this.#beginFor(now, target);
    }
  }

  /** Whether the number is one of a hint under way. */
  onWritten(now: Instant, from: NodeId, id: number): boolean {
    const handed = this.#handed.get(id);
    handed?.delivery.onWritten(now, from, id, handed);
    return handed !== undefined;
  }

  onRefused(now: Instant, from: NodeId, id: number, reason: Refusal): boolean {
    const handed = this.#handed.get(id);
    handed?.delivery.onRefused(now, from, id, reason, handed);
    return handed !== undefined;
  }

  completed(now: Instant, token: number, answer: DiskAnswer): void {
    this.#hints.completed(now, token, answer);
  }

  /** Counts what a start has found, then begins. */
  onDeadline(now: Instant): void {
    let bytes = 0;
    for (let i = 0; i < SLICES_A_TICK && bytes < COUNTED_BYTES_A_TICK; i++) {
      if (!this.#hints.isCounted) bytes += this.#hints.countOn();
    }
    if (!this.#hints.isCounted) {
      this.#setup.deadlines.set(this.#counting, now + COUNT_TICK_MS);
      return;
    }
    for (const target of this.#hints.targets) {
      this.#noteAway(now, target);
      this.#beginFor(now, target);
    }
  }

  #keep(
    now: Instant,
    key: Key,
    target: NodeId,
    record: Uint8Array,
    stored: (now: Instant, answer: DiskAnswer) => void,
  ): HintRefusal | undefined {
    if (this.#isAwayTooLong(now, target)) return "full";
    const partition = this.#partitionOf(key);
    const refusal = this.#hints.keep(partition, key, target, record, stored);
    if (refusal !== undefined) return refusal;
    this.#setup.onKept(key);
    this.#setup.effects.note({ kind: "hint-kept", key, target });
    this.#deliveries.get(target)?.onKept();
    if (this.#setup.isLinked(target) || !this.#isOwner(target, key)) this.#beginFor(now, target);
    return undefined;
  }

  /** By this node's own time: what a clock says may jump. */
  #isAwayTooLong(now: Instant, target: NodeId): boolean {
    const since = this.#noteAway(now, target);
    return since !== undefined && now - since > this.#setup.config.hintAwayMsMax;
  }

  /** Answers since when the target is away; nothing when it is not. */
  #noteAway(now: Instant, target: NodeId): Instant | undefined {
    if (this.#setup.isLinked(target)) return undefined;
    const since = this.#awaySince.get(target) ?? now;
    this.#awaySince.set(target, since);
    return since;
  }

  /**
   * After a while, and not all of those who kept something at the same moment. For a target that is
   * away too: what it does not own any more does not wait for it.
   */
  #beginFor(now: Instant, target: NodeId): void {
    const { config, random } = this.#setup;
    if (this.#drops.has(target)) return;
    const delivery = this.#deliveryTo(target);
    if (delivery.isActive) return;
    delivery.begin(now, config.handoffAfterMs + random.integer(config.handoffAfterMs + 1));
  }

  #deliver(now: Instant, asked: NodeId | undefined): void {
    for (const target of this.#hints.targets) {
      if ((asked !== undefined && target !== asked) || this.#drops.has(target)) continue;
      const delivery = this.#deliveryTo(target);
      if (delivery.state !== "delivering") delivery.begin(now, 0);
    }
  }

  #drop(now: Instant, target: NodeId): void {
    const isNone = this.#hints.isCounted && this.#hints.countFor(target).keys === 0;
    if (isNone || this.#drops.has(target)) return;
    this.#deliveries.get(target)?.stop();
    const { deadlines } = this.#setup;
    const partitions = this.#setup.layout().partitionCount;
    const drop = new HintDrop(target, { hints: this.#hints, deadlines, partitions }, (at) => {
      this.#drops.delete(target);
      if (this.#hints.mayKeepFor(target)) this.#beginFor(at, target);
    });
    this.#drops.set(target, drop);
    drop.begin(now);
  }

  #hintsFor(now: Instant, target: NodeId): HintsFor {
    const count = this.#hints.countFor(target);
    const keys = Math.max(0, count.keys);
    const bytes = Math.max(0, count.bytes);
    const since = this.#noteAway(now, target);
    const delivery = this.#deliveries.get(target);
    const state = this.#drops.has(target) ? "dropping" : (delivery?.state ?? "waiting");
    const awayMs = since === undefined ? undefined : Math.max(0, Math.round(now - since));
    return { target, keys, bytes, state, awayMs, rowsPerSecond: delivery?.rowsPerSecond(now) ?? 0 };
  }

  #deliveryTo(target: NodeId): Delivery {
    let delivery = this.#deliveries.get(target);
    if (delivery === undefined) {
      delivery = new Delivery(target, this.#deliverySetup);
      this.#deliveries.set(target, delivery);
    }
    return delivery;
  }

  #isOwner(node: NodeId, key: Key): boolean {
    return this.#setup.layout().isOwner(node, this.#partitionOf(key));
  }

  #partitionOf(key: Key): number {
    return this.#setup.layout().partitioner.of(key);
  }
}
