/**
 * Hinted hand-off: this node keeps writes for owners that cannot be reached, and brings them home.
 *
 *     coordinator ──hint──▶ stand-in: keeps, durable ──written──▶ coordinator
 *                                  └─ the owner is back: Delivery ──write──▶ owner
 *
 * A coordinator without a stand-in keeps the hint itself; it does not count towards W then, since
 * the coordinator's own row does.
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
import type { HintCount, HintLimits, HintRefusal, HintRows } from "./hints.ts";
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
  isLinked(node: NodeId): boolean;
  /** The hint with this number of that coordinator is durable, or there was no room. */
  onStored(now: Instant, to: NodeId, id: number, answer: DiskAnswer): void;
  /** Joins a record into the own row. */
  repair(partition: number, key: Key, record: Uint8Array): void;
}

/** Partitions that are counted in one tick after a start. */
const COUNTED_A_TICK = 64;
const COUNT_TICK_MS = 5;

export class Handoff implements Timed {
  readonly #setup: HandoffSetup;
  readonly #hints: Hints;
  readonly #deliveries: Map<NodeId, Delivery> = new Map();
  readonly #handed: Numbered<Handed>;
  readonly #deliverySetup: DeliverySetup;
  readonly #counting: Deadline = new Deadline(this);
  /** Since when those cannot be reached for whom something is kept; in this life of the node. */
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
      isLinked: (node) => setup.isLinked(node),
      repair: (partition, key, record) => setup.repair(partition, key, record),
    };
    deadlines.set(this.#counting, 0);
  }

  /** For whom hints are kept, and about how many. */
  counts(): ReadonlyMap<NodeId, HintCount> {
    return new Map(this.#hints.targets.map((node) => [node, this.#hints.countFor(node)]));
  }

  /** Keeps what a coordinator sends, and tells it when that is durable. */
  take(now: Instant, from: NodeId, hint: Hint): HintRefusal | undefined {
    const { id, target, key, delta } = hint;
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

  onLinked(now: Instant, peer: NodeId): void {
    this.#awaySince.delete(peer);
    this.#beginFor(now, peer);
  }

  onLost(peer: NodeId): void {
    this.#deliveries.get(peer)?.stop();
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

  /** Counts what a start has found, then begins with those who are there. */
  onDeadline(now: Instant): void {
    for (let i = 0; i < COUNTED_A_TICK; i++) {
      if (this.#hints.countOn()) continue;
      for (const target of this.#hints.targets) this.#beginFor(now, target);
      return;
    }
    this.#setup.deadlines.set(this.#counting, now + COUNT_TICK_MS);
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
    this.#setup.effects.note({ kind: "hint-kept", key, target });
    this.#beginFor(now, target);
    return undefined;
  }

  /** By this node's own time: what a clock says may jump. */
  #isAwayTooLong(now: Instant, target: NodeId): boolean {
    if (this.#setup.isLinked(target)) return false;
    const since = this.#awaySince.get(target) ?? now;
    this.#awaySince.set(target, since);
    return now - since > this.#setup.config.hintAwayMsMax;
  }

  /** After a while, and not all of those who kept something at the same moment. */
  #beginFor(now: Instant, target: NodeId): void {
    const { config, random } = this.#setup;
    if (!this.#setup.isLinked(target) || this.#hints.countFor(target).keys === 0) return;
    let delivery = this.#deliveries.get(target);
    if (delivery === undefined) {
      delivery = new Delivery(target, this.#deliverySetup);
      this.#deliveries.set(target, delivery);
    }
    if (delivery.isActive) return;
    delivery.begin(now, config.handoffAfterMs + random.integer(config.handoffAfterMs + 1));
  }

  #partitionOf(key: Key): number {
    return this.#setup.layout().partitioner.of(key);
  }
}
