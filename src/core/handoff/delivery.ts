/**
 * Brings the hints of one target home, when it is back.
 *
 *     linked ──stable for a while──▶ walking all partitions ──nothing met──▶ over
 *                    ▲                    │ refused, or no answer in time
 *                    └───── resting ◀─────┘
 *
 * A hint leaves this node only after the target has said that it holds it durably, one by one; a
 * delivery that is repeated is harmless. A few are under way at a time, and so many in a second as
 * the node allows: a node that comes back has enough to do. The slower it answers, the fewer are
 * under way; one that does not answer is left alone for a while, or its own hints would keep it
 * slow.
 *
 * A target that does not own the key any more is not told, and not waited for: the owners of now
 * are told, this node among them if it is one, and the hint is done when most of them hold it.
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
import type { HintState } from "../hint-orders.ts";
import type { Hints } from "./hints.ts";
import { Rate } from "./rate.ts";

export interface DeliverySetup {
  readonly self: NodeId;
  readonly hints: Hints;
  readonly effects: Effects;
  readonly deadlines: DeadlineWheel;
  /** Numbers of writes: the replies name them. */
  readonly numbers: Numbered<Handed>;
  readonly pace: DeliveryPace;
  layout(): Layout;
  era(): number;
  isLinked(node: NodeId): boolean;
  /** Of the pace, what there is time for: above 0, at most 1. */
  share(now: Instant): number;
  /** Joins a record into the own row: answers why not, or says so later, as a peer would. */
  storeOwn(id: number, key: Key, record: Uint8Array): Refusal | "malformed" | undefined;
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

/** A hint that was met and not sent yet. */
interface Met {
  readonly partition: number;
  readonly key: Key;
}

const WINDOW_ROWS = 32;
/** A target that takes so many times as long as at its best, and so long, has enough to do. */
const SLOW_TIMES = 4;
const SLOW_ANSWER_MS = 10;
/** Under way, but for a record that is longer by itself: what peers take is bounded too. */
const WINDOW_BYTES: number = 4 * 1024 * 1024;
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
  readonly #rate: Rate = new Rate();
  #underWayBytes = 0;
  /** So many may be under way: one more with every quick answer, half as many with a slow one. */
  #windowRows = WINDOW_ROWS;
  #quickestMs = Number.POSITIVE_INFINITY;
  #state: Exclude<HintState, "dropping"> = "waiting";
  #queue: Met[] = [];
  #partition = 0;
  #from: ScanPosition | undefined = undefined;
  /** What this walk has met, or what was kept while it went: another walk has to follow. */
  #metCount = 0;
  /** Something could not be told now, and is tried again after a rest. */
  #isLeft = false;
  /** Partitions were passed over in which the target is waited for. */
  #hasPassed = false;
  #tokens = BURST_ROWS;
  #tickedAt: Instant = 0;

  constructor(target: NodeId, setup: DeliverySetup) {
    this.target = target;
    this.#setup = setup;
  }

  get isActive(): boolean {
    return this.#deadline.isSet;
  }

  get state(): Exclude<HintState, "dropping"> {
    return this.isActive ? this.#state : "waiting";
  }

  rowsPerSecond(now: Instant): number {
    return this.#rate.perSecond(now);
  }

  /** The target is back, or somebody asks for it now. */
  begin(now: Instant, afterMs: number): void {
    this.#wait(now + afterMs, "waiting");
  }

  /** What is under way may have arrived: it will be told again. */
  stop(): void {
    this.#setup.deadlines.cancel(this.#deadline);
    this.#forgetUnderWay();
    this.#restart();
  }

  /** The walk may have passed it already. */
  onKept(): void {
    this.#metCount++;
  }

  onDeadline(now: Instant): void {
    const { pace, deadlines } = this.#setup;
    if (this.#isLate(now)) return this.#rest(now);
    this.#state = "delivering";
    const perSecond = pace.handoffRowsPerSecond * this.#setup.share(now);
    const earned = ((now - this.#tickedAt) * perSecond) / 1000;
    this.#tokens = Math.min(this.#tokens + Math.max(0, earned), BURST_ROWS);
    this.#tickedAt = now;
    if (this.#handOn(now) && !this.#deadline.isSet) deadlines.set(this.#deadline, now + TICK_MS);
  }

  onWritten(now: Instant, from: NodeId, id: number, handed: Handed): void {
    if (!handed.open.delete(from) || --handed.needed > 0) return;
    this.#turnWindow(now - handed.sentAt);
    this.#forget(id, handed);
    this.#rate.add(now);
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
    this.#forget(id, handed);
    // Of a damaged row others have to mend first what was in it; the other rows go on.
    if (reason === "damaged") this.#isLeft = true;
    else this.#rest(now);
  }

  /** Answers whether there is more to do. */
  #handOn(now: Instant): boolean {
    let partitions = PARTITIONS_A_TICK;
    while (this.#hasRoom()) {
      const next = this.#queue.pop();
      if (next !== undefined) {
        this.#hand(now, next);
      } else if (this.#partition < this.#setup.layout().partitionCount) {
        if (partitions-- === 0) return true;
        this.#look();
      } else {
        // Those under way may have to be told again.
        return this.#underWay.size > 0 || this.#walkAgain(now);
      }
    }
    return true;
  }

  #hasRoom(): boolean {
    const { size } = this.#underWay;
    return size < this.#windowRows && this.#underWayBytes < WINDOW_BYTES && this.#tokens >= 1;
  }

  /** A walk is over. What is kept for the target was met, or waits for it. */
  #walkAgain(now: Instant): boolean {
    if (this.#isLeft) {
      this.#rest(now);
      return true;
    }
    const isOver = this.#metCount === 0;
    if (isOver && !this.#hasPassed) this.#setup.hints.noneFor(this.target);
    this.#restart();
    return !isOver;
  }

  #look(): void {
    const setup = this.#setup;
    const partition = this.#partition;
    const owners = setup.layout().owners(partition);
    if (owners.includes(this.target) && !setup.isLinked(this.target)) {
      this.#hasPassed = true;
      this.#partition++;
      return;
    }
    const { hints: found, next } = setup.hints.slice(partition, this.#from, this.target);
    this.#metCount += found.length;
    // To begin what cannot be finished would hold up all that can.
    const isForLater = found.length > 0 && !this.#canTell(owners);
    if (isForLater) this.#isLeft = true;
    else for (const { key } of found) this.#queue.push({ partition, key });
    this.#from = isForLater ? undefined : next;
    if (this.#from === undefined) this.#partition++;
  }

  #canTell(owners: readonly NodeId[]): boolean {
    const setup = this.#setup;
    if (owners.includes(this.target)) return true;
    const there = owners.filter((owner) => owner === setup.self || setup.isLinked(owner));
    return there.length >= majorityOf(owners);
  }

  #hand(now: Instant, { partition, key }: Met): void {
    const { numbers, effects, self, hints } = this.#setup;
    // As it is now: what nobody keeps any more must not be told either.
    const kept = hints.heldFor(partition, key, this.target);
    if (kept === undefined) return;
    const layout = this.#setup.layout();
    const owners = layout.owners(partition);
    const isOwner = owners.includes(this.target);
    const told = isOwner ? [this.target] : owners;
    const record = kept.slice();
    const id = numbers.next();
    const handed: Handed = {
      delivery: this,
      partition,
      key,
      record,
      sentAt: now,
      open: new Set(told),
      needed: isOwner ? 1 : majorityOf(owners),
    };
    numbers.set(id, handed);
    this.#underWay.set(id, handed);
    this.#underWayBytes += record.length;
    this.#tokens--;
    const message = write(id, layout.epoch, this.#setup.era(), ANSWER_MS, key, record);
    for (const owner of told) if (owner !== self) effects.send(owner, message, true);
    if (!told.includes(self) || this.#setup.storeOwn(id, key, record) === undefined) return;
    handed.open.delete(self);
    if (handed.open.size >= handed.needed) return;
    this.#forget(id, handed);
    this.#isLeft = true;
  }

  #turnWindow(tookMs: number): void {
    this.#quickestMs = Math.min(this.#quickestMs, tookMs);
    const isSlow = tookMs > SLOW_ANSWER_MS && tookMs > SLOW_TIMES * this.#quickestMs;
    if (isSlow) this.#windowRows = Math.max(1, this.#underWay.size >> 1);
    else this.#windowRows = Math.min(this.#windowRows + 1, WINDOW_ROWS);
  }

  /** Without room to take it off it would be told again at once, for ever. */
  #onDone(now: Instant, answer: DiskAnswer): void {
    if (answer === "full") this.#rest(now);
  }

  #isLate(now: Instant): boolean {
    for (const { sentAt } of this.#underWay.values()) return now - sentAt > ANSWER_MS;
    return false;
  }

  #rest(now: Instant): void {
    this.#wait(now + REST_MS, "resting");
  }

  #wait(until: Instant, state: "waiting" | "resting"): void {
    this.#forgetUnderWay();
    this.#restart();
    this.#state = state;
    this.#tickedAt = until;
    this.#setup.deadlines.set(this.#deadline, until);
  }

  #restart(): void {
    this.#queue = [];
    this.#partition = 0;
    this.#from = undefined;
    this.#metCount = 0;
    this.#isLeft = false;
    this.#hasPassed = false;
  }

  #forget(id: number, { record }: Handed): void {
    if (!this.#underWay.delete(id)) return;
    this.#underWayBytes -= record.length;
    this.#setup.numbers.take(id);
  }

  #forgetUnderWay(): void {
    for (const id of this.#underWay.keys()) this.#setup.numbers.take(id);
    this.#underWay.clear();
    this.#underWayBytes = 0;
  }
}

function majorityOf(owners: readonly NodeId[]): number {
  return (owners.length >> 1) + 1;
}
