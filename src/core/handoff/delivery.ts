/**
 * Brings the hints of one target home, when it is back.
 *
 *     linked ──stable for a while──▶ walking all partitions ──nothing met──▶ resting until linked
 *                    ▲                    │ refused, or no answer in time
 *                    └───── resting ◀─────┘
 *
 * A hint leaves this node only after the target has said that it holds it durably, one by one; a
 * delivery that is repeated is harmless. A few are under way at a time, and so many in a second as
 * the node allows: a node that comes back has enough to do. One that is slow is left alone for a
 * while, or its own hints would keep it slow.
 *
 * A target that does not own the key any more is not told: the owners of now are, and the hint is
 * done when most of them hold it.
 */
import { Deadline, type DeadlineWheel, type Timed } from "../deadlines.ts";
import type { Effects, Instant } from "../effects.ts";
import { bytesEqual } from "../base/bytes.ts";
import type { Numbered } from "../base/numbered.ts";
import type { Refusal } from "../messages.ts";
import { write } from "../messages.ts";
import type { Key } from "../ring/key.ts";
import type { Layout } from "../ring/layout.ts";
import type { NodeId } from "../ring/node-id.ts";
import type { DiskAnswer, ScanPosition } from "../storage/engine.ts";
import type { HintRow } from "./hint-row.ts";
import type { Hints } from "./hints.ts";

export interface DeliverySetup {
  readonly self: NodeId;
  readonly hints: Hints;
  readonly effects: Effects;
  readonly deadlines: DeadlineWheel;
  /** Numbers of writes: the replies name them. */
  readonly numbers: Numbered<Handed>;
  readonly pace: DeliveryPace;
  layout(): Layout;
  isLinked(node: NodeId): boolean;
  /** Joins a record into the own row. */
  repair(partition: number, key: Key, record: Uint8Array): void;
}

export interface DeliveryPace {
  /** A target that is back is left in peace for so long. */
  readonly handoffAfterMs: number;
  readonly handoffRowsPerSecond: number;
}

/** A hint that was sent. */
export interface Handed {
  readonly delivery: Delivery;
  readonly partition: number;
  readonly key: Key;
  readonly record: Uint8Array;
  readonly sentAt: Instant;
  /** Who may still say yes; when `needed` of them have, the hint is done. */
  readonly open: Set<NodeId>;
  needed: number;
}

const WINDOW = 32;
const TICK_MS = 20;
const ANSWER_MS = 5_000;
const REST_MS = 10_000;
/** Partitions that are looked into in one tick. */
const PARTITIONS_A_TICK = 64;
const BURST_ROWS = 32;

export class Delivery implements Timed {
  readonly target: NodeId;
  readonly #setup: DeliverySetup;
  readonly #deadline: Deadline = new Deadline(this);
  readonly #underWay: Map<number, Handed> = new Map();
  #queue: { readonly partition: number; readonly key: Key; readonly hint: HintRow }[] = [];
  #partition = 0;
  #from: ScanPosition | undefined = undefined;
  #metInWalk = 0;
  #wasRefused = false;
  #tokens = BURST_ROWS;
  #tickedAt: Instant = 0;

  constructor(target: NodeId, setup: DeliverySetup) {
    this.target = target;
    this.#setup = setup;
  }

  get isActive(): boolean {
    return this.#deadline.isSet;
  }

  /** The target is back, or somebody asks for it now. */
  begin(now: Instant, afterMs: number): void {
    this.#restart();
    this.#tickedAt = now + afterMs;
    this.#setup.deadlines.set(this.#deadline, now + afterMs);
  }

  /** What is under way may have arrived: it will be told again. */
  stop(): void {
    this.#setup.deadlines.cancel(this.#deadline);
    this.#forgetUnderWay();
    this.#restart();
  }

  onDeadline(now: Instant): void {
    const { pace, deadlines } = this.#setup;
    if (!this.#setup.isLinked(this.target)) return this.stop();
    if (this.#isLate(now)) return this.#rest(now);
    const earned = ((now - this.#tickedAt) * pace.handoffRowsPerSecond) / 1000;
    this.#tokens = Math.min(this.#tokens + Math.max(0, earned), BURST_ROWS);
    this.#tickedAt = now;
    if (this.#handOn(now) && !this.#deadline.isSet) deadlines.set(this.#deadline, now + TICK_MS);
  }

  onWritten(now: Instant, from: NodeId, id: number, handed: Handed): void {
    if (!handed.open.delete(from) || --handed.needed > 0) return;
    this.#forget(id);
    const { partition, key, record } = handed;
    // More may have been joined to it meanwhile: then it is told once more.
    const isSame = (kept: Uint8Array): boolean => bytesEqual(kept, record);
    const { hints, effects, deadlines } = this.#setup;
    hints.done(partition, key, this.target, isSame, (at, answer) => this.#onDone(at, answer));
    effects.note({ kind: "hint-delivered", key, target: this.target });
    if (this.#deadline.isSet) deadlines.set(this.#deadline, now);
  }

  onRefused(now: Instant, from: NodeId, id: number, reason: Refusal, handed: Handed): void {
    handed.open.delete(from);
    if (handed.open.size >= handed.needed) return;
    this.#forget(id);
    // Of a damaged row others have to mend first what was in it; the other rows go on.
    if (reason === "damaged") this.#wasRefused = true;
    else this.#rest(now);
  }

  /** Answers whether there is more to do. */
  #handOn(now: Instant): boolean {
    let partitions = PARTITIONS_A_TICK;
    while (this.#underWay.size < WINDOW && this.#tokens >= 1) {
      const next = this.#queue.pop();
      if (next !== undefined) {
        this.#hand(now, next.partition, next.key, next.hint);
        continue;
      }
      if (this.#partition < this.#setup.layout().partitionCount) {
        if (partitions-- === 0) return true;
        this.#look();
        continue;
      }
      // Those under way may have to be told again.
      if (this.#underWay.size > 0) return true;
      if (this.#metInWalk === 0) {
        this.#setup.hints.noneFor(this.target);
        return false;
      }
      if (this.#wasRefused) this.#rest(now);
      this.#restart();
      return true;
    }
    return true;
  }

  #look(): void {
    const { hints } = this.#setup;
    const partition = this.#partition;
    const { hints: found, next } = hints.slice(partition, this.#from, this.target);
    for (const { key, hint } of found) this.#queue.push({ partition, key, hint });
    this.#metInWalk += found.length;
    this.#from = next;
    if (next === undefined) this.#partition++;
  }

  #hand(now: Instant, partition: number, key: Key, hint: HintRow): void {
    const { numbers, effects, self } = this.#setup;
    const layout = this.#setup.layout();
    const { epoch } = layout;
    const owners = layout.owners(partition);
    const isOwner = owners.includes(this.target);
    const told = isOwner ? [this.target] : owners.filter((owner) => owner !== self);
    const record = hint.record.slice();
    if (!isOwner && owners.includes(self)) this.#setup.repair(partition, key, record);
    const needed = isOwner
      ? 1
      : Math.max(1, (owners.length >> 1) + 1 - (owners.length - told.length));
    const id = numbers.next();
    const handed = {
      delivery: this,
      partition,
      key,
      record,
      sentAt: now,
      open: new Set(told),
      needed,
    };
    numbers.set(id, handed);
    this.#underWay.set(id, handed);
    this.#tokens--;
    const message = write(id, epoch, ANSWER_MS, key, record);
    for (const owner of told) effects.send(owner, message);
  }

  /** Without room to take it off it would be told again at once, for ever. */
  #onDone(now: Instant, answer: DiskAnswer): void {
    if (answer === "full" && this.#setup.isLinked(this.target)) this.#rest(now);
  }

  #isLate(now: Instant): boolean {
    for (const { sentAt } of this.#underWay.values()) return now - sentAt > ANSWER_MS;
    return false;
  }

  #rest(now: Instant): void {
    this.#forgetUnderWay();
    this.#restart();
    this.#tickedAt = now + REST_MS;
    this.#setup.deadlines.set(this.#deadline, now + REST_MS);
  }

  #restart(): void {
    this.#queue = [];
    this.#partition = 0;
    this.#from = undefined;
    this.#metInWalk = 0;
    this.#wasRefused = false;
  }

  #forget(id: number): void {
    this.#underWay.delete(id);
    this.#setup.numbers.take(id);
  }

  #forgetUnderWay(): void {
    for (const id of this.#underWay.keys()) this.#setup.numbers.take(id);
    this.#underWay.clear();
  }
}
