/**
 * The reading part of an operation: ask owners until enough have answered, join what they hold,
 * mend who is behind.
 *
 *     own row ──digest──▶ needed − 1 others    same: counts    held: counts, and is joined
 *                         └─ silent, lost or refusing: ask others too
 *
 * Only the digest travels when everybody agrees. Owners that turn out to hold less than the joined
 * record are sent it, also on answers that come after the client was served. Repairs carry joined
 * state, never a new dot. An owner whose row is damaged does not count, and is mended like one that
 * is behind.
 *
 * When too few owners can be reached, those who may have kept writes for the others are asked. One
 * that has something counts in place of its owner; one that has nothing says nothing about the key.
 */
import { ABSENT_DIGEST, decodeRecord, digestOf, encodeRecord } from "../causality/record-codec.ts";
import type { Digest } from "../causality/record-codec.ts";
import { EMPTY_RECORD } from "../causality/record.ts";
import type { Record } from "../causality/record.ts";
import type { Instant } from "../effects.ts";
import type { Refusal } from "../messages.ts";
import { hintedAsk, read, repair } from "../messages.ts";
import type { NodeId } from "../ring/node-id.ts";
import { DAMAGED } from "../storage/engine.ts";
import type { Desk } from "./desk.ts";
import type { Admitted } from "./operation.ts";
import { remainingMs } from "./operation.ts";
import { bitCount, Tally } from "./quorum.ts";
import { Substitutes } from "./substitutes.ts";

/** Of one read: whoever is first in line has what there is, but for changes of who is there. */
const SUBSTITUTES_ASKED_MAX = 4;

export class Gather {
  readonly tally: Tally;
  readonly #desk: Desk;
  readonly #admitted: Admitted;
  readonly #self: number;
  /** Made when the first is needed. */
  #substitutes: Substitutes | undefined = undefined;
  #substitutesLeft = SUBSTITUTES_ASKED_MAX;
  /** What was kept for owners that cannot be reached. */
  #kept: Record | undefined = undefined;
  /** Owners that were sent a read, as bits. */
  #asked = 0;
  /** When each of them was, by owner; undefined while that was when the operation began. */
  #askedAt: Instant[] | undefined = undefined;
  /** The owner that was asked because others took longer than usual; -1 when none was. */
  #hedge = -1;
  #damaged = 0;
  #digest: Digest = ABSENT_DIGEST;
  #own: Record = EMPTY_RECORD;
  /** What owners other than this node hold, by owner; undefined until the first that differs. */
  #others: (Record | undefined)[] | undefined = undefined;
  #merged: Record | undefined = undefined;
  #isSettled = false;

  constructor(desk: Desk, admitted: Admitted) {
    this.#desk = desk;
    this.#admitted = admitted;
    this.tally = new Tally(admitted.owners.length, admitted.readNeeded, admitted.readProper);
    this.#self = admitted.owners.indexOf(desk.self);
  }

  /**
   * Reads the own row and asks the most promising owners; those without a connection are out at
   * once.
   */
  start(now: Instant): void {
    const { owners } = this.#admitted;
    if (this.#readOwn()) this.tally.accept(this.#self);
    else this.#markDamaged(this.#self);
    for (let owner = 0; owner < owners.length; owner++) {
      if (owner !== this.#self && !this.#desk.liveness.isLinked(owners[owner]!)) {
        this.tally.reject(owner);
      }
    }
    this.#askMissing(now);
  }

  /** The longest that the asked owners usually take; Infinity when one of them is unknown. */
  usualMaxMs(): number {
    const { owners } = this.#admitted;
    let longest = 0;
    for (let owner = 0; owner < owners.length; owner++) {
      if (!this.isAwaited(owner)) continue;
      longest = Math.max(longest, this.#desk.liveness.usualMaxMs(owners[owner]!));
    }
    return longest;
  }

  /** They take longer than that: ask one more, the most promising, if there is budget for it. */
  hedge(now: Instant): void {
    const owner = this.#cheapest();
    if (owner < 0 || !this.#desk.hedges.take()) return;
    const { owners, place } = this.#admitted;
    this.#hedge = owner;
    this.#desk.effects.note({ kind: "hedge-asked", key: place.key, peer: owners[owner]! });
    this.#ask(now, owner);
  }

  /**
   * Those who were asked are silent for too long: ask all other owners as well, and in place of one
   * that was to have kept something the next that may have.
   */
  askSpares(now: Instant): void {
    const { owners, place } = this.#admitted;
    for (let owner = 0; owner < owners.length; owner++) {
      if (!this.#canAsk(owner)) continue;
      this.#desk.effects.note({ kind: "spare-asked", key: place.key, peer: owners[owner]! });
      this.#ask(now, owner);
    }
    for (let owner = 0; owner < owners.length; owner++) {
      if (this.tally.isAwaited(owner)) this.#askSubstitute(now, owner);
    }
  }

  onSame(now: Instant, owner: number): void {
    this.#onReply(now, owner);
    this.tally.accept(owner);
    if (!this.#isSettled) return;
    this.#mendBehind(now, owner, this.#own);
    this.#mendDamaged(true);
  }

  onHeld(now: Instant, owner: number, bytes: Uint8Array): void {
    const record = bytes.length === 0 ? EMPTY_RECORD : decodeRecord(bytes.slice());
    // What is no record stands in a row that its owner cannot read either.
    if (record === undefined) return this.onRefused(now, owner, "damaged");
    this.#onReply(now, owner);
    const { effects } = this.#desk;
    const { place, owners } = this.#admitted;
    effects.note({ kind: "digest-differed", key: place.key, peer: owners[owner]! });
    this.#others ??= new Array<Record | undefined>(owners.length).fill(undefined);
    this.#others[owner] = record;
    this.tally.accept(owner);
    if (this.#isSettled) this.#onLateRecord(now, owner, record);
  }

  onRefused(now: Instant, owner: number, reason: Refusal): void {
    this.#onReply(now, owner);
    if (reason === "damaged") this.#markDamaged(owner);
    this.onLost(now, owner);
    if (this.#isSettled) this.#mendDamaged(true);
  }

  /** This owner will not answer; another is asked in its place. */
  onLost(now: Instant, owner: number): void {
    this.tally.reject(owner);
    if (!this.tally.isMet) this.#askMissing(now);
  }

  hasStandIn(node: NodeId): boolean {
    return this.#substitutes?.isAwaited(node) === true;
  }

  onHeldFor(now: Instant, node: NodeId, bytes: Uint8Array): void {
    const record = decodeRecord(bytes.slice());
    if (record === undefined) return this.onStandInLost(now, node);
    this.#kept = this.#kept === undefined ? record : this.#kept.join(record);
    this.tally.standIn(this.#substitutes!.onKept(node));
  }

  onStandInLost(now: Instant, node: NodeId): void {
    const owner = this.#substitutes!.onLost(node);
    if ((this.tally.stoodIn & (1 << owner)) !== 0) return;
    this.tally.forsake(owner);
    if (!this.tally.isMet) this.#askSubstitutes(now);
    if (this.#substitutes!.isAnyAwaited(owner)) this.tally.expect(owner);
  }

  giveUpOnSilent(now: Instant): void {
    const silent = this.#asked & ~(this.tally.yes | this.tally.no);
    if (silent === 0) return;
    const { owners } = this.#admitted;
    for (let owner = 0; owner < owners.length; owner++) {
      if ((silent & (1 << owner)) === 0) continue;
      this.#desk.liveness.onGivenUp(owners[owner]!, now - this.#askedAtOf(owner));
    }
  }

  /** This owner was asked and is silent. */
  isAwaited(owner: number): boolean {
    return (this.#asked & (1 << owner)) !== 0 && this.tally.isSilent(owner);
  }

  /** Nobody who was asked is still silent. */
  get isComplete(): boolean {
    return this.tally.awaited === 0 && (this.#asked & ~(this.tally.yes | this.tally.no)) === 0;
  }

  /** Everything that the owners who answered hold, joined. */
  merged(): Record {
    if (this.#merged !== undefined) return this.#merged;
    let merged = this.#own;
    for (const other of this.#others ?? []) if (other !== undefined) merged = merged.join(other);
    if (this.#kept !== undefined) merged = merged.join(this.#kept);
    return (this.#merged = merged);
  }

  /** Owners that hold exactly the joined record. */
  heldMask(): number {
    const merged = this.merged();
    const own = this.#own;
    let mask = 0;
    for (let owner = 0; owner < this.#admitted.owners.length; owner++) {
      if ((this.tally.yes & (1 << owner)) === 0) continue;
      if ((this.#others?.[owner] ?? own).absorbs(merged)) mask |= 1 << owner;
    }
    return mask;
  }

  /**
   * The quorum is met: mend whoever is known to be behind, but for those who are told otherwise.
   * From now on every late answer is compared as well.
   */
  settle(now: Instant, told: number): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#noteHedge();
    // Everybody agreed: nothing is decoded for the sake of repair.
    if (this.#others === undefined && this.#kept === undefined && this.#damaged === 0) return;
    const merged = this.merged();
    const own = this.#own;
    for (let owner = 0; owner < this.#admitted.owners.length; owner++) {
      const bit = 1 << owner;
      if ((this.tally.yes & ~told & bit) === 0) continue;
      if (!(this.#others?.[owner] ?? own).absorbs(merged)) this.#mendIfTime(now, owner, false);
    }
    this.#mendDamaged(false);
  }

  /**
   * The quorum cannot be met. If all that is missing is unreadable rows, nobody knows more than
   * those who answered: mend from them now, or the key would stay unreadable for ever.
   */
  settleUnmet(): void {
    this.#mendDamaged(false);
  }

  /**
   * A row that cannot be read is replaced by what a majority of the owners hold, or everybody else:
   * mended from fewer it would count as an answer again, and might miss an acknowledged write. With
   * nobody who can read a copy it stays as it is: what was there is unknown, not absent.
   */
  #mendDamaged(late: boolean): void {
    const { owners } = this.#admitted;
    const everybody = (1 << owners.length) - 1;
    const damaged = this.#damaged;
    if (damaged === 0 || this.tally.yes === 0) return;
    const isMajority = bitCount(this.tally.yes) * 2 > owners.length;
    if (!isMajority && (this.tally.yes | damaged) !== everybody) return;
    this.#damaged = 0;
    for (let owner = 0; owner < owners.length; owner++) {
      if ((damaged & (1 << owner)) !== 0) this.#mend(owner, this.merged(), late);
    }
  }

  #onLateRecord(now: Instant, owner: number, record: Record): void {
    const before = this.merged();
    this.#merged = before.join(record);
    if (!record.absorbs(this.#merged)) this.#mendIfTime(now, owner, true);
    this.#mendDamaged(true);
    if (this.#merged === before) return;
    // The late one knew more: now everybody who answered before is behind.
    for (let other = 0; other < this.#admitted.owners.length; other++) {
      if (other === owner || (this.tally.yes & (1 << other)) === 0) continue;
      this.#mendIfTime(now, other, true);
    }
  }

  #mendBehind(now: Instant, owner: number, theirs: Record): void {
    if (!theirs.absorbs(this.merged())) this.#mendIfTime(now, owner, true);
  }

  /** Who is behind is found behind again; who cannot read its row is mended in any case. */
  #mendIfTime(now: Instant, owner: number, late: boolean): void {
    if (this.#desk.mayRepair(now)) this.#mend(owner, this.merged(), late);
  }

  #mend(owner: number, merged: Record, late: boolean): void {
    const { place, owners, epoch, era } = this.#admitted;
    const { effects, replica } = this.#desk;
    const target = owners[owner]!;
    const bytes = encodeRecord(merged);
    if (owner === this.#self) replica.repair(place, { record: merged, bytes });
    else effects.send(target, repair(epoch, era, place.key, bytes));
    effects.note({ kind: "read-repaired", key: place.key, target, late });
  }

  /** False when the own row cannot be read; bytes that are no record are no row either. */
  #readOwn(): boolean {
    const { place } = this.#admitted;
    const bytes = this.#desk.replica.recordBytes(place.partition, place.key);
    if (bytes === undefined) return true;
    const record = bytes === DAMAGED ? undefined : decodeRecord(bytes);
    if (bytes === DAMAGED || record === undefined) return false;
    this.#own = record;
    this.#digest = digestOf(bytes);
    return true;
  }

  #markDamaged(owner: number): void {
    this.#damaged |= 1 << owner;
    this.tally.reject(owner);
  }

  #askMissing(now: Instant): void {
    const waiting = this.#asked & ~(this.tally.yes | this.tally.no);
    let missing = this.tally.needed - this.tally.got - bitCount(waiting);
    while (missing-- > 0) {
      const owner = this.#cheapest();
      if (owner < 0) return this.#askSubstitutes(now);
      this.#ask(now, owner);
    }
  }

  /** Everybody else is asked already: those who keep writes for the owners that are out. */
  #askSubstitutes(now: Instant): void {
    const { tally } = this;
    const waiting = this.#asked & ~(tally.yes | tally.no);
    let missing = tally.needed - tally.got - bitCount(waiting) - bitCount(tally.awaited);
    for (let owner = 0; owner < this.#admitted.owners.length && missing > 0; owner++) {
      const bit = 1 << owner;
      const isOut = (tally.no & ~(tally.stoodIn | tally.awaited | this.#damaged) & bit) !== 0;
      if (isOut && this.#askSubstitute(now, owner)) missing--;
    }
  }

  #askSubstitute(now: Instant, owner: number): boolean {
    if (this.#substitutesLeft === 0) return false;
    this.#substitutesLeft--;
    this.#substitutes ??= new Substitutes(this.#desk, this.#admitted);
    const node = this.#substitutes.nextInOrder(owner);
    if (node === undefined) return false;
    const { id, epoch, place, owners } = this.#admitted;
    this.tally.expect(owner);
    const left = remainingMs(this.#admitted, now);
    this.#desk.effects.send(node, hintedAsk(id, epoch, left, owners[owner]!, place.key));
    return true;
  }

  #cheapest(): number {
    let best = -1;
    let bestCost = Number.POSITIVE_INFINITY;
    for (let owner = 0; owner < this.#admitted.owners.length; owner++) {
      if (!this.#canAsk(owner)) continue;
      const cost = this.#desk.liveness.cost(this.#admitted.owners[owner]!);
      if (cost < bestCost) {
        best = owner;
        bestCost = cost;
      }
    }
    return best;
  }

  #canAsk(owner: number): boolean {
    return (this.#asked & (1 << owner)) === 0 && this.tally.isSilent(owner) && owner !== this.#self;
  }

  #ask(now: Instant, owner: number): void {
    const { id, epoch, place, owners, startedAt } = this.#admitted;
    const target = owners[owner]!;
    this.#asked |= 1 << owner;
    if (now !== startedAt) {
      this.#askedAt ??= new Array<Instant>(owners.length).fill(startedAt);
      this.#askedAt[owner] = now;
    }
    this.#desk.liveness.onAsked(target);
    this.#desk.effects.send(
      target,
      read(id, epoch, remainingMs(this.#admitted, now), place.key, this.#digest),
    );
  }

  #onReply(now: Instant, owner: number): void {
    if (!this.tally.isSilent(owner)) return;
    const { owners } = this.#admitted;
    this.#desk.liveness.onRead(owners[owner]!, now - this.#askedAtOf(owner));
  }

  #askedAtOf(owner: number): Instant {
    return this.#askedAt?.[owner] ?? this.#admitted.startedAt;
  }

  /** Without the answer of the further owner the quorum would not be met yet. */
  #noteHedge(): void {
    if (this.#hedge < 0 || (this.tally.yes & (1 << this.#hedge)) === 0) return;
    const { place, owners } = this.#admitted;
    this.#desk.effects.note({ kind: "hedge-won", key: place.key, peer: owners[this.#hedge]! });
  }
}
