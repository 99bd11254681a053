/**
 * The rules of epochs, one by one: a model of one key on three replicas that forget, go back in
 * time, and lose single rows, run on the replica as it is. With all the rules no acknowledged write
 * is lost. Without any one of them some are, so none of them is there for nothing.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../base/random.ts";
import { encodeRecord } from "../causality/record-codec.ts";
import { deleteDelta, EMPTY_RECORD, putDelta, REGISTER } from "../causality/record.ts";
import type { Dot, Record } from "../causality/record.ts";
import type { EpochReason } from "../facts.ts";
import { keyOf } from "../ring/key.ts";
import { nodeId } from "../ring/node-id.ts";
import type { RowRead } from "../storage/engine.ts";
import { DAMAGED } from "../storage/engine.ts";
import { EpochLease } from "./epochs.ts";
import { Replica } from "./replica.ts";
import { decodeRow, encodeRow } from "./row.ts";

const PLACE = { partition: 0, key: keyOf("b", "k") };
const NOBODY = { to: nodeId("nobody"), id: 0 };
const LEASE = 4;
const STEPS = 22;

type Fault = "forget" | "damage" | "roll-back-and-restart" | "roll-back-silently" | "restart";

/** What happens to the replicas, how their clients behave, and which rules are switched off. */
interface World {
  readonly faults: readonly Fault[];
  /** Every put reads all three replicas first, and no message is late. */
  readonly isCareful?: boolean;
  readonly without?: EpochReason;
  /** A clean restart takes the floor back that an unclean one before it has raised. */
  readonly lowersFloor?: boolean;
}

const HARSH: World = { faults: ["forget", "damage", "roll-back-and-restart", "restart"] };
const CAREFUL: World = { faults: ["roll-back-silently"], isCareful: true };

class Site {
  readonly index: number;
  readonly #world: World;
  row: RowRead = undefined;
  /** Every row that ever stood here, oldest first. */
  past: RowRead[] = [undefined];
  replica!: Replica;
  #lastToken = 0;
  #leaseEnd = 1;
  #floor = 0;
  #lastReason: EpochReason | undefined = undefined;

  constructor(index: number, world: World) {
    this.index = index;
    this.#world = world;
    this.#boot();
  }

  get identity(): { high: number; low: number } {
    return { high: this.index, low: -this.index };
  }

  restart(): void {
    if (this.#world.lowersFloor === true) this.#floor = 0;
    this.#boot();
  }

  restartAfterCrash(): void {
    if (this.#world.without !== "boot-floor") this.#floor = this.#leaseEnd - 1;
    this.#boot();
  }

  #boot(): void {
    const next = this.#leaseEnd;
    this.#leaseEnd += LEASE;
    const lease = new EpochLease({ next, end: this.#leaseEnd, bootFloor: this.#floor });
    this.replica = new Replica({
      identity: this.identity,
      epochs: lease,
      rows: { get: () => this.row },
      acknowledger: { onStored: () => {} },
      onRow: () => {},
      effects: {
        send: () => {},
        reply: () => {},
        contact: () => {},
        note: (fact) => {
          if (fact.kind === "epoch-taken") this.#lastReason = fact.reason;
          if (lease.end === this.#leaseEnd) lease.extend((this.#leaseEnd += LEASE));
        },
        persist: ([write], token) => {
          this.#keep(write!.row!);
          this.#lastToken = token;
        },
      },
    });
  }

  /** The disk is quick here: what was written is durable before anything else happens. */
  complete(): void {
    this.replica.completed(0, this.#lastToken, "durable");
  }

  record(): Record | undefined {
    if (this.row === DAMAGED) return undefined;
    return this.row === undefined ? EMPTY_RECORD : decodeRow(this.row)!.record;
  }

  #keep(row: Uint8Array): void {
    const { without } = this.#world;
    const isSwitchedOff = without !== undefined && this.#lastReason === without;
    this.#lastReason = undefined;
    // The rule takes an epoch and keeps it for the next dot: without the rule it is not kept.
    this.row = isSwitchedOff ? encodeRow(0, decodeRow(row)!.record) : row;
    this.past.push(this.row);
  }
}

interface Put {
  readonly value: number;
  readonly holders: Set<number>;
}

interface Sent {
  readonly to: Site;
  readonly delta: Record;
  readonly put: Put | undefined;
}

class Model {
  readonly #random: Random;
  readonly #world: World;
  readonly #sites: readonly Site[];
  readonly #sent: Sent[] = [];
  readonly #puts: Put[] = [];
  /** Values that some write has seen and replaced, so that nobody needs to find them again. */
  readonly #replaced = new Set<number>();
  readonly #dots = new Map<string, number>();
  #clientKnows: Record = EMPTY_RECORD;
  repeatedDots = 0;

  constructor(seed: number, world: World) {
    this.#random = new Random(seed);
    this.#world = world;
    this.#sites = [0, 1, 2].map((index) => new Site(index, world));
    for (let step = 0; step < STEPS; step++) this.#step();
    while (this.#sent.length > 0) this.#deliver(this.#sent.length - 1);
  }

  /** Acknowledged values that nobody replaced and that all three together do not have any more. */
  lost(): number {
    const live = valuesOf(this.#joined(this.#sites));
    return this.#expected().filter((value) => !live.has(value)).length;
  }

  #step(): void {
    const random = this.#random;
    const site = random.pick(this.#sites);
    const dice = random.fraction();
    if (dice < 0.4) return this.#put(site);
    if (dice < 0.45) return this.#delete(site);
    if (dice < 0.6) return this.#fault(site, random.pick(this.#world.faults));
    if (dice < 0.75) return this.#repair(site, random.pick(this.#sites));
    if (dice < 0.85) this.#clientKnows = this.#joined([site, random.pick(this.#sites)]);
    else if (this.#sent.length > 0) this.#deliver(random.integer(this.#sent.length));
  }

  #put(site: Site): void {
    const row = site.replica.load(PLACE.partition, PLACE.key);
    if (row === DAMAGED) return;
    const seen = this.#seenBy(row.record);
    const asked = "without" in seen ? undefined : seen.record.context;
    const believed = this.#world.without === "context-ahead" ? undefined : asked;
    const next = site.replica.nextDot(PLACE.key, row, believed);
    if (next === undefined) return;
    const put: Put = { value: this.#puts.length, holders: new Set([site.index]) };
    this.#puts.push(put);
    this.#replace(seen.record);
    const payload = Uint8Array.of(put.value);
    const dot: Dot = { ...site.identity, ...next, kind: REGISTER, path: "", payload };
    this.#checkDot(dot, put.value);
    const delta = putDelta(seen.record.context, dot);
    site.replica.storeOwn(PLACE, row, delta, NOBODY);
    site.complete();
    this.#spread(site, delta, put);
  }

  /** What a put replaces: all, what its client knows, what its coordinator holds, or nothing. */
  #seenBy(own: Record): { record: Record; without?: true } {
    if (this.#world.isCareful === true) return { record: this.#joined(this.#sites) };
    const dice = this.#random.fraction();
    if (dice < 0.5) return { record: this.#clientKnows };
    return { record: dice < 0.8 ? own : EMPTY_RECORD, without: true };
  }

  #delete(site: Site): void {
    const delta = deleteDelta(this.#clientKnows.context);
    this.#replace(this.#clientKnows);
    site.replica.apply(PLACE, { record: delta, bytes: encodeRecord(delta) }, NOBODY);
    this.#spread(site, delta, undefined);
  }

  #spread(from: Site, delta: Record, put: Put | undefined): void {
    for (const to of this.#sites) {
      if (to === from) continue;
      this.#sent.push({ to, delta, put });
      if (this.#world.isCareful === true || this.#random.chance(0.5)) {
        this.#deliver(this.#sent.length - 1);
      }
    }
  }

  #deliver(index: number): void {
    const { to, delta, put } = this.#sent[index]!;
    const isDoubled = this.#world.isCareful !== true && this.#random.chance(0.1);
    if (!isDoubled) this.#sent.splice(index, 1);
    const incoming = { record: delta, bytes: encodeRecord(delta) };
    if (to.replica.apply(PLACE, incoming, NOBODY) === undefined) put?.holders.add(to.index);
  }

  #repair(target: Site, source: Site): void {
    const record = source.record();
    if (record === undefined || target === source) return;
    target.replica.repair(PLACE, { record, bytes: encodeRecord(record) });
  }

  #fault(site: Site, fault: Fault): void {
    if (fault === "restart") return site.restart();
    // The last copy of an acknowledged value is never taken away: no rule could bring it back.
    const others = valuesOf(this.#joined(this.#sites.filter((other) => other !== site)));
    if (this.#expected().some((value) => !others.has(value))) return;
    if (fault === "forget") site.row = undefined;
    else if (fault === "damage") site.row = site.row === undefined ? undefined : DAMAGED;
    else site.row = this.#random.pick(site.past);
    if (fault === "roll-back-and-restart") site.restartAfterCrash();
  }

  #expected(): number[] {
    return this.#puts
      .filter(({ value, holders }) => holders.size >= 2 && !this.#replaced.has(value))
      .map(({ value }) => value);
  }

  #joined(sites: readonly Site[]): Record {
    return sites.reduce((joined, site) => joined.join(site.record() ?? EMPTY_RECORD), EMPTY_RECORD);
  }

  #replace(record: Record): void {
    for (const value of valuesOf(record)) this.#replaced.add(value);
  }

  #checkDot({ high, epoch, n }: Dot, value: number): void {
    const name = `${high},${epoch},${n}`;
    if (this.#dots.has(name)) this.repeatedDots++;
    this.#dots.set(name, value);
  }
}

test("amnesia: with all the rules no acknowledged write is lost and no dot is handed out twice", () => {
  for (let seed = 0; seed < 20_000; seed++) {
    const model = new Model(seed, HARSH);
    assert.equal(model.lost(), 0, `seed ${seed}`);
    assert.equal(model.repeatedDots, 0, `seed ${seed}`);
  }
});

test("amnesia: nor where rows go back in time unnoticed, while clients bring what they have seen", () => {
  for (let seed = 0; seed < 2_000; seed++) {
    const model = new Model(seed, CAREFUL);
    assert.equal(model.lost(), 0, `seed ${seed}`);
    assert.equal(model.repeatedDots, 0, `seed ${seed}`);
  }
});

for (const [without, world] of [
  ["replica-ahead", HARSH],
  ["boot-floor", HARSH],
  ["damaged", HARSH],
  ["context-ahead", CAREFUL],
] as const) {
  test(`amnesia: without the rule "${without}" acknowledged writes are lost`, () => {
    assert.equal(broken({ ...world, without }, 5_000, 1), 1);
  });
}

test("amnesia: where a clean restart lowers the floor of an unclean one, writes are lost", () => {
  assert.equal(broken({ ...HARSH, lowersFloor: true }, 5_000, 1), 1);
});

test("amnesia: without epochs, as with one number for the life of a node, many are lost", () => {
  const take = Object.getOwnPropertyDescriptor(EpochLease.prototype, "take")!;
  EpochLease.prototype.take = () => 1;
  try {
    assert.equal(broken({ faults: ["forget"], without: "boot-floor" }, 1_000, 100), 100);
  } finally {
    Object.defineProperty(EpochLease.prototype, "take", take);
  }
});

/** How many of the seeds lose a write, counted up to `enough`. */
function broken(world: World, seeds: number, enough: number): number {
  let count = 0;
  for (let seed = 0; seed < seeds && count < enough; seed++) {
    if (new Model(seed, world).lost() > 0) count++;
  }
  return count;
}

function valuesOf(record: Record): Set<number> {
  return new Set(record.dots.map(({ payload }) => payload[0]!));
}
