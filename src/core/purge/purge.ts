/**
 * Deletions that nobody needs to remember any more: the home of a key finds out that nothing of
 * what was deleted is left anywhere, and has the tombstone removed.
 *
 *     tombstone stored ─▶ graves ─▶ round: all members vouch for it ─▶ owners remove it
 *                            ▲               └── not clear, or somebody is away ──┘
 *
 * There is no time after which a tombstone goes: it goes when all members have said so, and while
 * one of them is away it stays: an owner that comes back late would bring back what was deleted.
 * See `eras.ts` for what is under way, `purge-round.ts` for the questions, `witness.ts` for the
 * answers.
 */
import type { Random } from "../base/random.ts";
import { unreachable } from "../base/assert.ts";
import type { Digest } from "../causality/record-codec.ts";
import type { Effects, Instant } from "../effects.ts";
import type { PurgeResult } from "../purge-facts.ts";
import type { PurgeMessage, PurgeNow, PurgeTold, Tombstone } from "../purge-messages.ts";
import { purgeTalk } from "../messages.ts";
import type { Key } from "../ring/key.ts";
import type { Layout } from "../ring/layout.ts";
import type { NodeId } from "../ring/node-id.ts";
import type { DiskAnswer } from "../storage/engine.ts";
import { Eras } from "./eras.ts";
import { Graves } from "./graves.ts";
import type { PurgeConfig } from "./purge-config.ts";
import { PurgeRound } from "./purge-round.ts";
import type { PurgeStore } from "./purge-store.ts";
import { Witness } from "./witness.ts";

export interface PurgeSetup {
  readonly self: NodeId;
  readonly config: PurgeConfig;
  readonly random: Random;
  readonly store: PurgeStore;
  readonly effects: Pick<Effects, "send" | "note">;
  readonly layout: () => Layout;
  readonly isUp: (peer: NodeId) => boolean;
  /** Whether there is time for background work. */
  readonly mayWork: (now: Instant) => boolean;
  /** Some was done, after which it usually rests so long. */
  readonly onWorked: (now: Instant, usualMs: number) => void;
  /** What began before this era is to be given up. */
  readonly onEra: (now: Instant, oldest: number) => void;
}

/** How tombstones fare, for an operator. */
export interface PurgeReport {
  readonly era: number;
  /** The era in which a round under way may end: for those whose rows were put back. */
  readonly eraAhead: number;
  /** Tombstones that this node leads and knows of; more while it still scans. */
  readonly tombstones: number;
  readonly isScanned: boolean;
  readonly purged: number;
  /** Who must come back before any can go. */
  readonly waitsFor: readonly NodeId[];
}

const NEVER = Number.POSITIVE_INFINITY;
const ID_START_MAX: number = 2 ** 48;
/** Of a question: the smallest frame that a host may be set to has room for it. */
const WATCH_BYTES_MAX: number = 96 * 1024;
/** After rounds that failed: everyMs × 2^3 at the latest. */
const DOUBLINGS_MAX = 3;

export class Purge {
  readonly #setup: PurgeSetup;
  readonly #eras: Eras;
  readonly #graves: Graves;
  readonly #witness: Witness;
  #round: PurgeRound | undefined = undefined;
  #nextId: number;
  #startAt: Instant = NEVER;
  #askAt: Instant = NEVER;
  #scanAt: Instant = NEVER;
  #expireAt: Instant = NEVER;
  /** The disk had no room for the present era: it is tried again. */
  #keepEraAt: Instant = NEVER;
  #failures = 0;
  #purgedCount = 0;
  /** What this node says to itself: heard when the present input is done. */
  readonly #own: PurgeMessage[] = [];

  constructor(setup: PurgeSetup) {
    const { self, config, store } = setup;
    this.#setup = setup;
    this.#nextId = setup.random.integer(ID_START_MAX);
    this.#eras = new Eras(store);
    this.#graves = new Graves(store, config.rememberedMax);
    this.#witness = new Witness({
      self,
      eras: this.#eras,
      random: setup.random,
      eraMs: config.eraMs,
      store,
      layout: setup.layout,
      beginEra: (now, era) => this.#begin(now, era),
      send: (to, message) => this.#send(to, message),
    });
  }

  /** What begins now bears this era. */
  get era(): number {
    return this.#eras.durable;
  }

  /**
   * Whether what bears this era is not listened to any more: it may have been under way for so long
   * that what it says was forgotten meanwhile. Who sent it learns the present era; a later one is
   * begun.
   */
  isOver(now: Instant, from: NodeId, era: number): boolean {
    this.#begin(now, era);
    if (era >= this.#eras.oldest) return false;
    this.#tellEra(from);
    return true;
  }

  /** At the start, and whenever the layout has changed. */
  onLayout(now: Instant): void {
    const { self, config } = this.#setup;
    const layout = this.#setup.layout();
    const led: number[] = [];
    for (let partition = 0; partition < layout.partitionCount; partition++) {
      if (layout.owners(partition)[0] === self) led.push(partition);
    }
    this.#graves.own(led);
    this.#witness.forgetAll();
    if (this.#round !== undefined) this.#finish(now, "refused", undefined);
    this.#startAt = now + config.everyMs;
    this.#scanAt = now;
    this.#expireAt = now + config.expireMs;
  }

  /** A row was stored in which nothing is alive, or nothing will be at some time. */
  onRow(partition: number, key: Key, row: Uint8Array): void {
    const { self, layout } = this.#setup;
    if (layout().owners(partition)[0] === self) this.#graves.onRow(partition, key, row);
  }

  /** A row of this key is stored, or a hint is kept. */
  onChange(key: Key): void {
    this.#witness.onChange(key);
  }

  /** It is in this era: what comes from it was sent by somebody who knew. */
  onPeerUp(now: Instant, era: number): void {
    this.#begin(now, era);
  }

  #tellEra(to: NodeId): void {
    this.#send(to, { kind: "era-told", era: this.era });
  }

  receive(now: Instant, from: NodeId, message: PurgeMessage): void {
    this.#hear(now, from, message);
    this.#hearOwn(now);
  }

  completed(now: Instant, token: number, answer: DiskAnswer): void {
    this.#witness.completed(token, answer);
    // Until it is durable nobody listens to what this node begins.
    if (!this.#eras.isDurable) this.#keepEraAt = now + this.#setup.config.repeatMs;
    this.#hearOwn(now);
  }

  advance(now: Instant): void {
    const { config, mayWork } = this.#setup;
    if (now >= this.#keepEraAt) {
      this.#keepEraAt = NEVER;
      if (!this.#eras.isDurable) this.#witness.keepEra();
    }
    if (now >= this.#expireAt) {
      this.#graves.rescanExpiring();
      this.#expireAt = now + config.expireMs;
      this.#scanAt = now;
    }
    if (now >= this.#scanAt) {
      if (mayWork(now) && !this.#graves.isScanned) {
        this.#graves.scan(config.sliceRows);
        this.#setup.onWorked(now, config.slicePauseMs);
      }
      this.#scanAt = this.#graves.isScanned ? now + config.everyMs : now + config.slicePauseMs;
    }
    const round = this.#round;
    if (round !== undefined && now >= round.startedAt + this.#roundMs) {
      this.#finish(now, "silent", round.waiting[0]);
    } else if (now >= this.#askAt) {
      this.#ask(now);
    }
    if (this.#round === undefined && now >= this.#startAt) this.#start(now);
    this.#hearOwn(now);
  }

  #hearOwn(now: Instant): void {
    const { self } = this.#setup;
    for (let next = this.#own.shift(); next !== undefined; next = this.#own.shift()) {
      this.#hear(now, self, next);
    }
  }

  #hear(now: Instant, from: NodeId, message: PurgeMessage): void {
    switch (message.kind) {
      case "purge-watch":
        return this.#witness.onWatch(from, message);
      case "purge-step":
        return this.#witness.onStep(now, from, message);
      case "purge-told":
        return this.#onTold(now, from, message);
      case "purge-refused":
        return message.id === this.#round?.id ? this.#finish(now, "refused", from) : undefined;
      case "purge-now":
        return this.#onNow(from, message);
      case "era-told":
        return this.#begin(now, message.era);
      default:
        return unreachable(message);
    }
  }

  /** When to call `advance` next; early is harmless. */
  get nextDeadline(): Instant | undefined {
    const own = Math.min(this.#scanAt, this.#expireAt, this.#keepEraAt);
    const at = Math.min(own, this.#round === undefined ? this.#startAt : this.#askAt);
    return at === NEVER ? undefined : at;
  }

  report(): PurgeReport {
    const { count, isScanned } = this.#graves;
    const tombstones = count + (this.#round?.tombstones.length ?? 0);
    const waitsFor = this.#away();
    const { eraAhead } = this.#witness;
    const counts = { tombstones, isScanned, purged: this.#purgedCount, waitsFor };
    return { era: this.era, eraAhead, ...counts };
  }

  get #roundMs(): number {
    const { roundMs, eraMs } = this.#setup.config;
    return roundMs + 2 * eraMs;
  }

  #away(): readonly NodeId[] {
    const { self, layout, isUp } = this.#setup;
    return layout()
      .nodes.map(({ id }) => id)
      .filter((id) => id !== self && !isUp(id));
  }

  #start(now: Instant): void {
    const { config, mayWork, onWorked, layout } = this.#setup;
    this.#startAt = now + config.everyMs;
    if (!mayWork(now) || this.#away().length > 0) return;
    const tombstones: Tombstone[] = [];
    const size = { keysMax: config.keysMax, bytesMax: WATCH_BYTES_MAX };
    for (const { partition, key } of this.#graves.begin(size)) {
      const digest = this.#tombstoneAt(partition, key);
      if (digest === undefined) this.#graves.done(key);
      else tombstones.push({ key, high: digest.high, low: digest.low });
    }
    onWorked(now, config.slicePauseMs);
    if (tombstones.length === 0) return;
    this.#round = new PurgeRound(now, ++this.#nextId, layout(), tombstones);
    this.#ask(now);
  }

  #tombstoneAt(partition: number, key: Key): Digest | undefined {
    const row = this.#setup.store.get(partition, key);
    return row === undefined || typeof row === "string"
      ? undefined
      : this.#setup.store.tombstoneIn(row);
  }

  #ask(now: Instant): void {
    const round = this.#round;
    if (round === undefined) {
      this.#askAt = NEVER;
      return;
    }
    this.#askAt = now + this.#setup.config.repeatMs;
    for (const member of round.waiting) this.#send(member, round.question(member));
  }

  #onTold(now: Instant, from: NodeId, told: PurgeTold): void {
    this.#begin(now, told.era);
    const round = this.#round;
    if (round?.id !== told.id) return;
    if (round.onTold(from, told)) this.#ask(now);
    else if (round.isOver) this.#finish(now, "purged", undefined);
  }

  #finish(now: Instant, result: PurgeResult, waitedFor: NodeId | undefined): void {
    const round = this.#round!;
    const { config, effects } = this.#setup;
    this.#round = undefined;
    this.#askAt = NEVER;
    this.#failures = result === "purged" ? 0 : Math.min(this.#failures + 1, DOUBLINGS_MAX);
    this.#startAt = now + config.everyMs * (1 << this.#failures);
    const asked = round.tombstones.length;
    const elapsedMs = now - round.startedAt;
    const purged = round.clear.length;
    effects.note({ kind: "purge-finished", result, asked, purged, waitedFor, elapsedMs });
    this.#purgedCount += purged;
    const { partitioner } = this.#setup.layout();
    for (const { key } of round.clear) {
      // A value that had expired is only deleted by now.
      if (this.#tombstoneAt(partitioner.of(key), key) === undefined) this.#graves.done(key);
    }
  }

  #onNow(from: NodeId, { id, epoch, tombstones }: PurgeNow): void {
    const { store, layout } = this.#setup;
    const { partitioner, epoch: current } = layout();
    for (const tombstone of epoch === current ? tombstones : []) {
      const { key } = tombstone;
      // One that was damaged meanwhile nobody could mend: the others have none any more.
      const isVouchedFor = this.#witness.vouchesFor(from, id, key);
      store.remove(partitioner.of(key), key, tombstone, isVouchedFor);
    }
    this.#witness.forget(from);
    if (epoch !== current) return this.#send(from, { kind: "purge-refused", id });
    this.#send(from, { kind: "purge-told", id, watch: 0, step: 5, era: this.era, unclear: [] });
  }

  #begin(now: Instant, era: number): void {
    if (!this.#eras.begin(now, era)) return;
    this.#witness.keepEra();
    this.#setup.effects.note({ kind: "era-begun", era });
    this.#setup.onEra(now, this.#eras.oldest);
  }

  #send(to: NodeId, message: PurgeMessage): void {
    const { self, effects } = this.#setup;
    if (to === self) this.#own.push(message);
    else effects.send(to, purgeTalk(message));
  }
}
