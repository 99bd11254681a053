/**
 * A member's part in the rounds of others: it says which tombstones it cannot vouch for, and goes
 * from era to era with the rest.
 *
 * From the first question of a round on it watches the keys: a row that is stored or a hint that is
 * kept meanwhile, be it for a moment, makes a key unclear. What it vouches for is durable when it
 * says so: a crash must not bring back the row before the tombstone, nor a hint that was delivered.
 * A round that it does not know, since it has started anew, it refuses. The leader repeats the
 * number of the watch, which is another one each time: a first question that comes twice vouches
 * for no time in which nobody watched.
 */
import { Numbered } from "../base/numbered.ts";
import type { Random } from "../base/random.ts";
import type { Instant } from "../effects.ts";
import type {
  PurgeMessage,
  PurgeStep,
  PurgeStepNumber,
  PurgeWatch,
  Tombstone,
} from "../purge-messages.ts";
import type { Key } from "../ring/key.ts";
import type { Layout } from "../ring/layout.ts";
import type { NodeId } from "../ring/node-id.ts";
import type { DiskAnswer } from "../storage/engine.ts";
import type { Eras } from "./eras.ts";
import type { PurgeStore } from "./purge-store.ts";

export interface WitnessSetup {
  readonly self: NodeId;
  readonly eras: Eras;
  readonly random: Random;
  readonly eraMs: number;
  readonly store: PurgeStore;
  readonly layout: () => Layout;
  readonly beginEra: (now: Instant, era: number) => void;
  readonly send: (to: NodeId, message: PurgeMessage) => void;
}

interface Watched {
  readonly leader: NodeId;
  readonly id: number;
  readonly watch: number;
  readonly tombstones: readonly Tombstone[];
  readonly places: ReadonlyMap<Key, number>;
  readonly unclear: Set<number>;
  /** The last that was answered. */
  step: 0 | 1 | PurgeStepNumber;
  /** The one that the third question has begun. */
  era: number;
}

interface Pending {
  readonly era: number;
  /** What to say then, and of which round; nothing of an era that nobody asked for. */
  readonly watched: Watched | undefined;
  readonly step: 1 | PurgeStepNumber;
}

/** Tokens of writes: replicas count upwards from zero, hints downwards. */
export const PURGE_TOKENS_MIN: number = 2 ** 52;

const WATCH_MAX: number = 2 ** 32;

export class Witness {
  readonly #setup: WitnessSetup;
  readonly #rounds: Map<NodeId, Watched> = new Map();
  readonly #pending: Numbered<Pending> = new Numbered(PURGE_TOKENS_MIN);

  constructor(setup: WitnessSetup) {
    this.#setup = setup;
  }

  onWatch(from: NodeId, { id, epoch, tombstones }: PurgeWatch): void {
    if (epoch !== this.#setup.layout().epoch) return this.#refuse(from, id);
    const known = this.#rounds.get(from);
    if (known?.id === id) return known.step === 0 ? undefined : this.#answer(known, 1);
    const places = new Map(tombstones.map(({ key }, place) => [key, place]));
    const watched: Watched = {
      leader: from,
      id,
      watch: this.#setup.random.integer(WATCH_MAX),
      tombstones,
      places,
      unclear: new Set(),
      step: 0,
      era: 0,
    };
    this.#rounds.set(from, watched);
    this.#look(watched);
    this.#answerDurably(watched, 1);
  }

  onStep(now: Instant, from: NodeId, { id, watch, step, era }: PurgeStep): void {
    const watched = this.#rounds.get(from);
    if (watched?.id !== id || watched.watch !== watch || watched.step === 0) {
      return this.#refuse(from, id);
    }
    const { eras, eraMs, beginEra } = this.#setup;
    if (step === 2 || watched.step >= step) return this.#answer(watched, step);
    if (eras.current < era) {
      if (eras.ageMs(now) < eraMs) return;
      beginEra(now, era);
    }
    if (step === 3) watched.era = era;
    if (step === 4) this.#look(watched);
    this.#answerDurably(watched, step);
  }

  /**
   * The era that a round may have ended in by the time that anybody hears of this: one that only
   * waits for the fourth answer of this member is as good as over.
   */
  get eraAhead(): number {
    let ahead = this.#setup.eras.current;
    for (const { step, era } of this.#rounds.values()) {
      if (step === 3) ahead = Math.max(ahead, era + 1);
    }
    return ahead;
  }

  /**
   * Whether it has answered all questions of that round, and since the first of them nothing has
   * come to this key: what it cannot read now is what it has vouched for.
   */
  vouchesFor(leader: NodeId, id: number, key: Key): boolean {
    const watched = this.#rounds.get(leader);
    if (watched?.id !== id || watched.step !== 4) return false;
    const place = watched.places.get(key);
    return place !== undefined && !watched.unclear.has(place);
  }

  /** A row of this key was stored, or a hint was kept. */
  onChange(key: Key): void {
    for (const { places, unclear } of this.#rounds.values()) {
      const place = places.get(key);
      if (place !== undefined) unclear.add(place);
    }
  }

  /** The round is over, or what its leader says is not to be relied upon any more. */
  forget(leader: NodeId): void {
    this.#rounds.delete(leader);
  }

  forgetAll(): void {
    this.#rounds.clear();
  }

  /** An era was begun that nobody here was asked for. */
  keepEra(): void {
    this.#answerDurably(undefined, 1);
  }

  completed(token: number, answer: DiskAnswer): void {
    const pending = this.#pending.take(token);
    if (pending === undefined) return;
    const { era, watched, step } = pending;
    if (answer === "durable") this.#setup.eras.onDurable(era);
    if (watched === undefined) return;
    if (this.#rounds.get(watched.leader) !== watched) return;
    if (answer === "durable") this.#answer(watched, step);
    else if (step === 1) this.forget(watched.leader);
  }

  #look({ tombstones, unclear }: Watched): void {
    const { store, layout, self } = this.#setup;
    const { partitioner } = layout();
    for (const [place, tombstone] of tombstones.entries()) {
      if (unclear.has(place)) continue;
      const { key } = tombstone;
      const partition = partitioner.of(key);
      const isOwner = layout().isOwner(self, partition);
      const isHeld = !isOwner || store.isTombstone(partition, key, tombstone);
      if (!isHeld || store.keepsHint(partition, key)) unclear.add(place);
    }
  }

  /** Once everything is durable that was written before. */
  #answerDurably(watched: Watched | undefined, step: 1 | PurgeStepNumber): void {
    const { store, eras } = this.#setup;
    const token = this.#pending.next();
    this.#pending.set(token, { era: eras.current, watched, step });
    store.persist(eras.row(), token);
  }

  #answer(watched: Watched, step: 1 | PurgeStepNumber): void {
    const { leader, id, watch } = watched;
    if (watched.step < step) watched.step = step;
    const unclear = [...watched.unclear].sort((left, right) => left - right);
    const era = this.#setup.eras.current;
    this.#setup.send(leader, { kind: "purge-told", id, watch, step, era, unclear });
  }

  #refuse(to: NodeId, id: number): void {
    this.#setup.send(to, { kind: "purge-refused", id });
  }
}
