/**
 * A few real nodes in one synchronous world: messages and completions lie in lists until a test
 * delivers, drops, doubles or holds them. There is no chance and no time but what the test says.
 *
 *     owners a b c ...   own every key, in this order      others x y ...   own nothing and forward
 */
import assert from "node:assert/strict";
import { Random } from "#src/core/base/random.ts";
import { sipKeyOf, type SipKey } from "#src/core/base/siphash.ts";
import type { Record } from "#src/core/causality/record.ts";
import { EMPTY_RECORD } from "#src/core/causality/record.ts";
import { siblingsOf } from "#src/core/causality/register.ts";
import { nodeConfig, type NodeConfig } from "#src/core/config.ts";
import type { Effects } from "#src/core/effects.ts";
import type { Fact } from "#src/core/facts.ts";
import { LAN_MEMBERSHIP } from "#src/core/membership/membership-config.ts";
import { DEFAULT_PURGE_CONFIG } from "#src/core/purge/purge-config.ts";
import { DEFAULT_REPAIR_CONFIG } from "#src/core/repair/repair-config.ts";
import { GOODBYE, hello, type Message } from "#src/core/messages.ts";
import { Node } from "#src/core/node.ts";
import type { Outcome } from "#src/core/outcomes.ts";
import { EpochLease } from "#src/core/replica/epochs.ts";
import { decodeRow } from "#src/core/replica/row.ts";
import { clientRequest, type ClientRequest } from "#src/core/requests.ts";
import { keyOf, type Key } from "#src/core/ring/key.ts";
import { Layout } from "#src/core/ring/layout.ts";
import { nodeId, type NodeId } from "#src/core/ring/node-id.ts";
import { DAMAGED, type DiskAnswer, type RowRead } from "#src/core/storage/engine.ts";
import { MemoryEngine } from "#src/core/storage/memory-engine.ts";

export interface Envelope {
  readonly from: string;
  readonly to: string;
  readonly message: Message;
}

/** Which messages: by kind, by the two ends, or by both. */
export interface Which {
  readonly kind?: Message["kind"];
  readonly from?: string;
  readonly to?: string;
}

export interface ClusterOptions {
  readonly owners?: number;
  readonly others?: number;
  readonly config?: Partial<NodeConfig>;
  readonly epochs?: (name: string) => EpochLease;
}

/** Nobody stands in, and nothing is kept: that is for `test/scenarios/handoff.test.ts`. */
const OWNERS_ONLY: Partial<NodeConfig> = {
  pr: "all",
  pw: "all",
  hintBytesMax: 0,
  hintBytesPerTargetMax: 0,
};

export const KEY: Key = keyOf("carts", "user:7");
export const SECRET: SipKey = sipKeyOf(new Uint8Array(16).fill(7));
const PARTITIONS = 16;
const OWNER_NAMES = ["a", "b", "c", "d", "e", "f", "g"];
const OTHER_NAMES = ["x", "y", "z", "u", "v"];

export class Member {
  readonly name: string;
  readonly node: Node;
  readonly facts: Fact[] = [];
  readonly #cluster: SmallCluster;
  readonly #engine: MemoryEngine;
  readonly #damaged = new Set<Key>();
  /** What the disk has finished and the node has not been told. */
  #completions: [token: number, answer: DiskAnswer][] = [];
  /** What the disk says of what it is given from now on. */
  disk: DiskAnswer = "durable";
  isDiskHeld = false;

  constructor(cluster: SmallCluster, name: string, layout: Layout, options: ClusterOptions) {
    this.name = name;
    this.#cluster = cluster;
    this.#engine = new MemoryEngine({ completed: () => {}, failed: () => {} });
    const config = nodeConfig({ ...OWNERS_ONLY, ...options.config });
    assert.ok(!("problem" in config), "problem" in config ? config.problem : "");
    this.node = new Node({
      id: nodeId(name),
      actor: { high: name.charCodeAt(0), low: -1 },
      address: `${name}:1`,
      generation: 1,
      config,
      membership: LAN_MEMBERSHIP,
      repair: DEFAULT_REPAIR_CONFIG,
      purge: DEFAULT_PURGE_CONFIG,
      layout,
      seeds: [],
      epochs: options.epochs?.(name) ?? EpochLease.forProcess(),
      secret: SECRET,
      random: new Random(name),
      rows: {
        get: (partition, key) => this.row(partition, key),
        scan: (partition, from, limit) => this.#engine.scan(partition, from, limit),
      },
      effects: this.#effects(),
    });
  }

  row(partition: number, key: Key): RowRead {
    return this.#damaged.has(key) ? DAMAGED : this.#engine.get(partition, key);
  }

  damage(key: Key): void {
    this.#damaged.add(key);
  }

  isDamaged(key: Key): boolean {
    return this.#damaged.has(key);
  }

  /** Puts bytes that are no row where the row of this key was. */
  scramble(key: Key): void {
    const partition = this.node.layout.partitioner.of(key);
    this.#engine.write([{ partition, key, row: Uint8Array.of(0, 9, 9) }], 0);
  }

  record(key: Key = KEY): Record {
    const row = this.row(this.node.layout.partitioner.of(key), key);
    assert.notEqual(row, DAMAGED);
    return row instanceof Uint8Array ? decodeRow(row)!.record : EMPTY_RECORD;
  }

  /** The values that this node alone holds of a key, newest first. */
  values(key: Key = KEY): string[] {
    return siblingsOf(this.record(key), this.#cluster.now).map(({ value }) => textOf(value));
  }

  factsOf<Kind extends Fact["kind"]>(kind: Kind): Extract<Fact, { kind: Kind }>[] {
    return this.facts.filter((fact) => fact.kind === kind) as Extract<Fact, { kind: Kind }>[];
  }

  /** Tells the node what its disk has finished; answers whether there was anything. */
  complete(): boolean {
    const completions = this.#completions;
    this.#completions = [];
    for (const [token, answer] of completions) {
      this.node.completed(this.#cluster.now, token, answer);
    }
    return completions.length > 0;
  }

  #effects(): Effects {
    return {
      send: (to, message) => this.#cluster.transit.push({ from: this.name, to, message }),
      reply: (id, outcome) => this.#cluster.onReply(id, outcome),
      note: (fact) => this.facts.push(fact),
      contact: () => {},
      persist: (writes, token) => {
        this.#completions.push([token, this.disk]);
        if (this.disk === "full") return;
        for (const { key } of writes) this.#damaged.delete(key);
        this.#engine.write(writes, token);
      },
    };
  }
}

export class SmallCluster {
  now = 1000;
  transit: Envelope[] = [];
  readonly members: ReadonlyMap<string, Member>;
  readonly replies: Map<number, Outcome> = new Map();
  readonly #owners: number;
  #lastRequest = 0;

  constructor(options: ClusterOptions = {}) {
    this.#owners = options.owners ?? 3;
    const names = OWNER_NAMES.slice(0, this.#owners);
    names.push(...OTHER_NAMES.slice(0, options.others ?? 0));
    const layout = this.layout(1, names, this.#owners);
    this.members = new Map(names.map((name) => [name, new Member(this, name, layout, options)]));
    for (const one of names) for (const other of names) if (one < other) this.link(one, other);
    this.run();
  }

  /** A layout in which the first of these nodes own everything. */
  layout(epoch: number, names: readonly string[], owners: number, clusterId = "small"): Layout {
    const ids = names.toSorted();
    const row = names.slice(0, owners).map((name) => ids.indexOf(name));
    return new Layout({
      epoch,
      clusterId,
      strategy: "by-hand",
      replicas: owners,
      partitionCount: PARTITIONS,
      nodes: ids.map((id) => ({ id: nodeId(id), address: `${id}:1`, weight: 1, zone: "" })),
      ownerIndexes: Uint16Array.from(Array.from({ length: PARTITIONS }, () => row).flat()),
    });
  }

  at(name: string): Member {
    const member = this.members.get(name);
    assert.ok(member !== undefined, `no member ${name}`);
    return member;
  }

  link(one: string, other: string): void {
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      this.receive(from, to, hello(1, this.at(from).node.layout.epoch, this.at(from).node.era));
    }
  }

  /** The connection ends: what was on its way between the two is lost. */
  unlink(one: string, other: string): void {
    this.drop({ from: one, to: other });
    this.drop({ from: other, to: one });
    this.receive(one, other, GOODBYE);
    this.receive(other, one, GOODBYE);
  }

  receive(from: string, to: string, message: Message): void {
    this.at(to).node.receive(this.now, nodeId(from), message);
  }

  /** Gives a request to a node and answers its number; nothing is delivered yet. */
  ask(at: string, given: Partial<ClientRequest> & Pick<ClientRequest, "operation">): number {
    const id = ++this.#lastRequest;
    this.at(at).node.request(this.now, clientRequest({ key: KEY, wallMs: this.now, ...given, id }));
    return id;
  }

  /** Asks, and lets everything happen. */
  do(at: string, given: Partial<ClientRequest> & Pick<ClientRequest, "operation">): Outcome {
    const id = this.ask(at, given);
    this.run();
    return this.reply(id);
  }

  put(at: string, text: string, given: Partial<ClientRequest> = {}): Outcome {
    return this.do(at, { operation: "put", value: bytesOf(text), ...given });
  }

  get(at: string, given: Partial<ClientRequest> = {}): Outcome {
    return this.do(at, { operation: "get", ...given });
  }

  delete(at: string, given: Partial<ClientRequest> = {}): Outcome {
    return this.do(at, { operation: "delete", ...given });
  }

  reply(id: number): Outcome {
    const outcome = this.replies.get(id);
    assert.ok(outcome !== undefined, `request ${id} has no answer`);
    return outcome;
  }

  onReply(id: number, outcome: Outcome): void {
    assert.ok(!this.replies.has(id), `request ${id} was answered twice`);
    this.replies.set(id, outcome);
  }

  /** Messages on their way, oldest first. */
  waiting(which: Which = {}): Envelope[] {
    return this.transit.filter((envelope) => matches(envelope, which));
  }

  /** Takes messages off the way; they may be delivered by hand later, or never. */
  drop(which: Which = {}): Envelope[] {
    const taken = this.waiting(which);
    this.transit = this.transit.filter((envelope) => !taken.includes(envelope));
    return taken;
  }

  /** Delivers what is on its way now, not what that brings about. Answers how many it were. */
  deliver(which: Which = {}): number {
    const taken = this.drop(which);
    for (const { from, to, message } of taken) this.receive(from, to, message);
    return taken.length;
  }

  /** Disks finish what they were given. */
  complete(): boolean {
    const members = [...this.members.values()].filter(({ isDiskHeld }) => !isDiskHeld);
    return members.map((member) => member.complete()).includes(true);
  }

  /**
   * Delivers and completes until nothing is left to happen without the passing of time; at the one
   * that is deaf nothing arrives.
   */
  run(deaf?: string): void {
    let rounds = 0;
    const step = (): boolean => {
      if (deaf !== undefined) this.drop({ to: deaf });
      return this.deliver() > 0 || this.complete();
    };
    while (step()) assert.ok(++rounds < 1000, "it never ends");
  }

  /** Time passes in small steps, and whatever is sent arrives, but at the one that is deaf. */
  live(ms: number, deaf?: string): void {
    for (const end = this.now + ms; this.now < end; this.pass(10)) this.run(deaf);
  }

  /** Time passes; every node wakes at its own deadlines. Nothing is delivered. */
  pass(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      const deadlines = [...this.members.values()].map(({ node }) => node.nextDeadline ?? Infinity);
      const next = Math.min(...deadlines);
      if (next > until) break;
      this.now = Math.max(this.now, next);
      for (const { node } of this.members.values()) node.advance(this.now, this.now);
    }
    this.now = until;
  }

  /** Time passes until nobody waits for anything; then nothing may be left open anywhere. */
  finish(): void {
    this.run();
    this.pass(120_000);
    this.run();
    for (const { name, node } of this.members.values()) {
      assert.equal(node.openRequests, 0, `${name} has open requests`);
      assert.equal(node.nextDeadline, undefined, `${name} has a deadline`);
    }
    assert.equal(this.replies.size, this.#lastRequest, "a request without an answer");
  }

  get names(): NodeId[] {
    return [...this.members.keys()].map(nodeId);
  }
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

/** The values of an answer to a get, newest first; none when there is none. */
export function valuesOf(outcome: Outcome): string[] {
  if (outcome.kind === "not-found") return [];
  assert.equal(outcome.kind, "found", JSON.stringify(outcome));
  return outcome.kind === "found" ? outcome.siblings.map(({ value }) => textOf(value)) : [];
}

/** "stored", or for a failure its code. */
export function wordOf(outcome: Outcome): string {
  return outcome.kind === "failed" ? outcome.code : outcome.kind;
}

function matches({ from, to, message }: Envelope, which: Which): boolean {
  return (
    (which.kind === undefined || which.kind === message.kind) &&
    (which.from === undefined || which.from === from) &&
    (which.to === undefined || which.to === to)
  );
}
