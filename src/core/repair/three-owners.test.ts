/**
 * A few owners of one partition, for the tests of this room: records are real, messages go through
 * their codec and over a network that loses, doubles, delays and reorders. Time is that of the
 * events.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteReader, ByteWriter } from "../base/bytes.ts";
import { Heap } from "../base/heap.ts";
import { Random } from "../base/random.ts";
import { sipKeyOf } from "../base/siphash.ts";
import type { ActorId } from "../causality/actor.ts";
import type { Digest } from "../causality/record-codec.ts";
import { ABSENT_DIGEST, decodeRecord, digestOf, encodeRecord } from "../causality/record-codec.ts";
import type { Context } from "../causality/context.ts";
import type { Record } from "../causality/record.ts";
import { deleteDelta, EMPTY_RECORD, putDelta, REGISTER } from "../causality/record.ts";
import type { RepairFact } from "../repair-facts.ts";
import type { ExchangeMessage } from "../repair-messages.ts";
import type { Key } from "../ring/key.ts";
import { keyOf } from "../ring/key.ts";
import { Layout } from "../ring/layout.ts";
import type { NodeId } from "../ring/node-id.ts";
import { nodeId } from "../ring/node-id.ts";
import type { RowEntry, ScanPosition, ScanSlice } from "../storage/engine.ts";
import { DAMAGED } from "../storage/engine.ts";
import { readExchange, writeExchange } from "../wire/repair-codec.ts";
import { KeyHasher } from "./key-hasher.ts";
import { MerkleTree } from "./merkle-tree.ts";
import type { DigestRead, RepairStore } from "./repair-store.ts";
import type { RepairConfig } from "./repair-config.ts";
import { DEFAULT_REPAIR_CONFIG } from "./repair-config.ts";
import { Repair } from "./repair.ts";

const SECRET = sipKeyOf(new Uint8Array(16).fill(5));

/** What an owner may get wrong: each of these must be found. */
export interface Bugs {
  /** The digest of a record, as the trees and listings take it. */
  readonly digest?: (record: Uint8Array) => Digest;
  readonly isDamagedAbsent?: boolean;
  /** What becomes of a message on its way. */
  readonly tamper?: (message: ExchangeMessage) => ExchangeMessage;
}

export interface Weather {
  readonly loss: number;
  readonly twice: number;
  readonly delayMs: number;
  readonly writeDelayMs: number;
  /** How many arrive after half a minute. */
  readonly veryLate: number;
}

export const CALM: Weather = { loss: 0, twice: 0, delayMs: 1, writeDelayMs: 1, veryLate: 0 };
export const STORM: Weather = {
  loss: 0.15,
  twice: 0.2,
  delayMs: 200,
  writeDelayMs: 500,
  veryLate: 0.03,
};

type Parcel = { readonly exchange: Uint8Array } | { readonly key: Key; readonly delta: Uint8Array };

interface Delivery {
  readonly at: number;
  readonly number: number;
  readonly from: NodeId;
  readonly to: NodeId;
  readonly parcel: Parcel;
}

/** Every key of these tests lies in the partition of its tag. */
export function taggedKey(n: number): Key {
  return keyOf("b", `{tag}${n}`);
}

export class Owner implements RepairStore {
  readonly id: NodeId;
  readonly rows: Map<Key, Uint8Array | typeof DAMAGED> = new Map();
  readonly facts: RepairFact[] = [];
  repair: Repair;
  readonly #cluster: Cluster;
  readonly #actor: ActorId;
  #epoch = 1;
  isBusy = false;
  /** What it pauses after its work, at the usual pace. */
  pausedMs = 0;
  /** Keys that there is no room for. */
  readonly refused: Set<Key> = new Set();

  constructor(cluster: Cluster, id: NodeId, index: number) {
    this.id = id;
    this.#cluster = cluster;
    this.#actor = { high: 1, low: index };
    this.repair = this.#newRepair();
  }

  /** Its process ends, and another begins on the same rows. */
  restart(snapshot: Uint8Array | undefined): void {
    this.repair = this.#newRepair();
    if (snapshot !== undefined) assert.ok(this.repair.restore(snapshot));
    this.repair.onLayout(this.#cluster.now);
  }

  #newRepair(): Repair {
    const cluster = this.#cluster;
    return new Repair({
      self: this.id,
      secret: SECRET,
      config: cluster.config,
      random: cluster.random.fork(this.id),
      store: this,
      effects: {
        send: (to, message) => cluster.send(this.id, to, message),
        note: (fact) => this.facts.push(fact),
      },
      isUp: (peer) => !cluster.away.has(peer),
      mayWork: () => !this.isBusy,
      onWorked: (_now, usualMs) => (this.pausedMs += usualMs),
      layout: () => cluster.layout,
      era: () => 0,
      isOver: () => false,
    });
  }

  get(key: Key): Record {
    const row = this.rows.get(key);
    if (row === undefined || row === DAMAGED) return EMPTY_RECORD;
    return decodeRecord(row)!;
  }

  /** A client's write here; the delta is what the others are to be told. */
  put(key: Key, value: string, context: Context = this.get(key).context): Uint8Array {
    // A new epoch each time: rows rot here, and a dot must never be made twice.
    const dot = {
      ...this.#actor,
      epoch: ++this.#epoch,
      n: 1,
      kind: REGISTER,
      path: "",
      payload: new TextEncoder().encode(value),
    };
    const delta = encodeRecord(putDelta(context, dot));
    this.merge(this.#cluster.partition, key, delta);
    return delta;
  }

  delete(key: Key): Uint8Array {
    const delta = encodeRecord(deleteDelta(this.get(key).context));
    this.merge(this.#cluster.partition, key, delta);
    return delta;
  }

  damage(key: Key): void {
    if (this.rows.has(key)) this.rows.set(key, DAMAGED);
  }

  rowDigest(row: Uint8Array): Digest {
    return (this.#cluster.bugs.digest ?? digestOf)(row);
  }

  digest(_partition: number, key: Key): DigestRead {
    const row = this.rows.get(key);
    if (row === DAMAGED) return this.#cluster.bugs.isDamagedAbsent === true ? ABSENT_DIGEST : row;
    return row === undefined ? ABSENT_DIGEST : this.rowDigest(row);
  }

  record(_partition: number, key: Key): Uint8Array | undefined | typeof DAMAGED {
    return this.rows.get(key);
  }

  merge(partition: number, key: Key, record: Uint8Array): void {
    if (this.refused.has(key)) return;
    const isAbsent = this.digest(partition, key) === ABSENT_DIGEST;
    this.repair.onRow(this.#cluster.now, partition, key, isAbsent ? undefined : this.rows.get(key));
    const joined = this.get(key).join(decodeRecord(record)!);
    // A record that has seen nothing is the same as none.
    if (joined.context.length > 0) this.rows.set(key, encodeRecord(joined));
  }

  scan(partition: number, from: ScanPosition | undefined, limit: number): ScanSlice {
    if (partition !== this.#cluster.partition) return { entries: [], next: undefined };
    const entries: RowEntry[] = [];
    const damaged: Key[] = [];
    const first = Number(from ?? 0);
    let position = 0;
    for (const [key, row] of this.rows) {
      if (position++ < first) continue;
      if (position > first + limit) return { entries, damaged, next: first + limit };
      if (row !== DAMAGED) entries.push({ key, row });
      else if (this.#cluster.bugs.isDamagedAbsent !== true) damaged.push(key);
    }
    return { entries, damaged, next: undefined };
  }

  finished(): Extract<RepairFact, { kind: "exchange-finished" }>[] {
    return this.facts.filter((fact) => fact.kind === "exchange-finished");
  }
}

export interface ClusterOptions {
  readonly owners?: number;
  readonly config?: Partial<RepairConfig>;
  readonly weather?: Weather;
  readonly bugs?: Bugs;
}

export class Cluster {
  readonly random: Random;
  readonly config: RepairConfig;
  readonly bugs: Bugs;
  layout: Layout;
  readonly partition: number;
  readonly owners: readonly Owner[];
  readonly away: Set<NodeId> = new Set();
  weather: Weather;
  now = 0;
  /** Of exchanges: how many messages, and their bytes. */
  sent = 0;
  sentBytes = 0;
  lastSent: ExchangeMessage | undefined = undefined;
  /** Bytes of the largest message of each kind. */
  readonly largest: Map<ExchangeMessage["kind"], number> = new Map();
  readonly #flying: Heap<Delivery> = new Heap((left, right) => {
    return left.at !== right.at ? left.at < right.at : left.number < right.number;
  });
  #number = 0;

  constructor(seed: number | string, options: ClusterOptions = {}) {
    this.random = new Random(seed);
    this.config = { ...DEFAULT_REPAIR_CONFIG, ...options.config };
    this.bugs = options.bugs ?? {};
    this.weather = options.weather ?? CALM;
    const count = options.owners ?? 3;
    this.layout = layoutOf(count, 1);
    this.partition = this.layout.partitioner.of(taggedKey(0));
    const { nodes } = this.layout;
    this.owners = nodes.map(({ id }, index) => new Owner(this, id, index));
  }

  start(): void {
    for (const { repair } of this.owners) repair.onLayout(this.now);
  }

  setLayout(epoch: number): void {
    this.layout = layoutOf(this.owners.length, epoch);
    this.start();
  }

  send(from: NodeId, to: NodeId, message: ExchangeMessage): void {
    const writer = new ByteWriter();
    const tampered = this.bugs.tamper?.(message) ?? message;
    writeExchange(writer, tampered);
    const exchange = writer.finish();
    assert.deepEqual(readExchange(new ByteReader(exchange)), tampered);
    this.sent++;
    this.lastSent = tampered;
    const largest = this.largest.get(message.kind) ?? 0;
    this.largest.set(message.kind, Math.max(largest, exchange.length));
    this.sentBytes += exchange.length;
    this.#carry(from, to, { exchange });
  }

  /** Tells the other owners of a write, as far as the weather lets it. */
  replicate(from: Owner, key: Key, delta: Uint8Array): void {
    for (const { id } of this.owners) {
      if (id !== from.id) this.#carry(from.id, id, { key, delta });
    }
  }

  run(forMs: number): void {
    const end = this.now + forMs;
    for (;;) {
      let next = this.#flying.peek()?.at ?? Infinity;
      for (const { repair } of this.owners) {
        next = Math.min(next, repair.nextDeadline ?? Infinity);
      }
      if (next > end) break;
      this.now = Math.max(this.now, next);
      while ((this.#flying.peek()?.at ?? Infinity) <= this.now) this.#deliver();
      for (const { repair } of this.owners) {
        if ((repair.nextDeadline ?? Infinity) <= this.now) repair.advance(this.now);
      }
    }
    this.now = end;
  }

  /** Runs until every owner's trees are built. */
  build(): void {
    this.start();
    while (this.owners.some(({ repair }) => repair.tree(this.partition) === undefined)) {
      this.run(10);
    }
  }

  get areEqual(): boolean {
    const [first, ...others] = this.owners;
    return others.every((other) => {
      if (other.rows.size !== first!.rows.size) return false;
      return [...first!.rows].every(([key, row]) => sameRow(row, other.rows.get(key)));
    });
  }

  assertTreesAreTrue(): void {
    for (const { id, repair, rows } of this.owners) {
      const tree = new MerkleTree(new KeyHasher(SECRET));
      for (const [key, row] of rows) {
        if (row !== DAMAGED) tree.update(key, ABSENT_DIGEST, (this.bugs.digest ?? digestOf)(row));
      }
      assert.ok(repair.tree(this.partition)!.equals(tree), `the tree of ${id}`);
    }
  }

  #carry(from: NodeId, to: NodeId, parcel: Parcel): void {
    const { random, weather } = this;
    for (let copies = random.chance(weather.twice) ? 2 : 1; copies > 0; copies--) {
      if (random.chance(weather.loss)) continue;
      const lateMs = random.chance(weather.veryLate) ? 30_000 : 0;
      const delayMs = "delta" in parcel ? weather.writeDelayMs : weather.delayMs;
      const at = this.now + lateMs + random.fraction() * delayMs;
      this.#flying.push({ at, number: this.#number++, from, to, parcel });
    }
  }

  #deliver(): void {
    const { from, to, parcel } = this.#flying.pop()!;
    const owner = this.owners.find(({ id }) => id === to)!;
    if (this.away.has(to) || this.away.has(from)) return;
    if ("delta" in parcel) return owner.merge(this.partition, parcel.key, parcel.delta);
    owner.repair.receive(this.now, from, readExchange(new ByteReader(parcel.exchange))!);
  }
}

function sameRow(
  left: Uint8Array | typeof DAMAGED,
  right: Uint8Array | typeof DAMAGED | undefined,
): boolean {
  if (typeof left === "string" || typeof right !== "object") return false;
  return Buffer.compare(left, right) === 0;
}

function layoutOf(owners: number, epoch: number): Layout {
  const ids = Array.from({ length: owners }, (_, index) => nodeId(`n${index}`));
  return new Layout({
    epoch,
    clusterId: "test",
    strategy: "by-hand",
    replicas: owners,
    partitionCount: 16,
    nodes: ids.map((id) => ({ id, address: `${id}.example:7000`, weight: 1, zone: "" })),
    ownerIndexes: Uint16Array.from({ length: 16 * owners }, (_, entry) => entry % owners),
  });
}

test("owners: what is told to all of them is the same everywhere", () => {
  const cluster = new Cluster(1);
  cluster.build();
  const [first] = cluster.owners;
  for (let n = 0; n < 20; n++) {
    cluster.replicate(first!, taggedKey(n), first!.put(taggedKey(n), `${n}`));
  }
  cluster.run(10);
  assert.ok(cluster.areEqual);
  cluster.assertTreesAreTrue();
});
