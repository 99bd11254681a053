/**
 * A whole cluster in one thread: virtual time, a network, disks, clients, and the verbs that make
 * their lives hard.
 *
 *     const sim = new Simulation({ seed: 7, nodes: 3 });
 *     const put = sim.client("c1").put("cart", "book");      a handle, not a promise
 *     sim.network.partition(["n1"], ["n2", "n3"]);
 *     sim.runFor(2_000);                                     virtual milliseconds
 *     sim.network.heal();
 *     sim.runUntil(() => sim.converged, { within: 60_000 });
 *
 * Nothing is random but by the seed, nothing happens but by an event, and events run in one order:
 * the same seed and the same verbs give the same run. Parts that draw have generators of their own,
 * so that one that draws more often leaves the others as they were.
 */
import { assert, AssertionFailure } from "../core/base/assert.ts";
import { bytesEqual } from "../core/base/bytes.ts";
import { Random } from "../core/base/random.ts";
import type { SipKey } from "../core/base/siphash.ts";
import { encodeRecord } from "../core/causality/record-codec.ts";
import { EMPTY_RECORD } from "../core/causality/record.ts";
import type { NodeConfig } from "../core/config.ts";
import type { Instant } from "../core/effects.ts";
import type { Fact } from "../core/facts.ts";
import { HINT_PARTITIONS } from "../core/handoff/hints.ts";
import { isOverRow } from "../core/replica/row.ts";
import type { EraAnswer } from "../core/identity/settling.ts";
import type { StoredIdentity } from "../core/identity/identity-file.ts";
import type { Message } from "../core/messages.ts";
import { recordBytesOf } from "../core/replica/row.ts";
import type { Key } from "../core/ring/key.ts";
import type { Layout } from "../core/ring/layout.ts";
import type { NodeId } from "../core/ring/node-id.ts";
import type { RowEntry, RowRead } from "../core/storage/engine.ts";
import { DAMAGED } from "../core/storage/engine.ts";
import type { Phase, RunView } from "./checker.ts";
import { Client } from "./client.ts";
import type { ClientOperation } from "./client-operation.ts";
import type { OperationOptions } from "./clients.ts";
import { Clients } from "./clients.ts";
import { Connections } from "./connections.ts";
import type { FaultKind } from "./faults.ts";
import type { HistoryEntry } from "./history.ts";
import { Network, QUIET_NETWORK } from "./network.ts";
import { NodeHandle } from "./node-handle.ts";
import type { StorageKind } from "./node-storage.ts";
import type { Observer } from "./observer.ts";
import { Recorder } from "./recorder.ts";
import type { ScheduledEvent } from "./scheduler.ts";
import { ACT, DELIVER, Scheduler } from "./scheduler.ts";
import type { SimulationOptions, SimulationSettings } from "./settings.ts";
import { clusterLayout, nodeNames, settingsOf } from "./settings.ts";
import { SimulatedHost } from "./simulated-host.ts";
import { WallClock } from "./wall-clock.ts";

/** A node threw. It is down from then on. */
export interface Bug {
  readonly node: NodeId;
  /** What it was given when it threw. */
  readonly input: string;
  readonly at: Instant;
  readonly error: Error;
}

/** How often `runUntil` looks at its condition, in virtual milliseconds. */
const LOOK_EVERY_MS = 1;
/** From a question to its answer, half of it for each way. */
const ASK_MS = 2;
/** A process that its disk failed is started again after this, in virtual milliseconds. */
const RESTARTED_AFTER_MS = 300;

export class Simulation implements RunView {
  readonly settings: SimulationSettings;
  readonly network: Network;
  readonly nodes: readonly NodeId[];
  readonly layout: Layout;
  readonly secret: SipKey;
  readonly bugs: Bug[] = [];
  phase: Phase = "safety";
  readonly #scheduler = new Scheduler();
  readonly #recorder = new Recorder(this.#scheduler);
  readonly #connections: Connections;
  readonly #hosts: readonly SimulatedHost[];
  readonly #handles: readonly NodeHandle[];
  readonly #clients: Clients;
  #isBuilt = false;

  constructor(options: SimulationOptions) {
    this.settings = settingsOf(options);
    const random = new Random(this.settings.seed);
    this.nodes = nodeNames(this.settings.nodes);
    this.layout = clusterLayout(this.settings, this.nodes);
    this.secret = drawnSecret(random.fork("secret"));
    this.network = this.#makeNetwork(random.fork("network"));
    this.#hosts = this.nodes.map((id, index) => this.#makeHost(index, random.fork(`node ${id}`)));
    this.#connections = this.#makeConnections();
    this.#clients = new Clients({
      scheduler: this.#scheduler,
      recorder: this.#recorder,
      random: random.fork("clients"),
      hosts: this.#hosts,
      config: this.config,
      layout: this.layout,
      secret: this.secret,
    });
    this.#handles = this.#hosts.map((host) => this.#makeHandle(host));
    for (const host of this.#hosts) host.boot("first");
    this.#isBuilt = true;
    this.#connections.refresh();
  }

  // The verbs.

  client(name: string, usual: OperationOptions = {}): Client {
    return new Client(this.#clients, name, usual);
  }

  node(name: string): NodeHandle {
    const handle = this.#handles[this.nodes.indexOf(name as NodeId)];
    assert(handle !== undefined, `there is no node ${name}`);
    return handle;
  }

  runFor(ms: number): void {
    this.#runTo(this.now + ms);
  }

  /**
   * True as soon as the condition holds; false when it does not within so many virtual
   * milliseconds.
   */
  runUntil(condition: () => boolean, { within }: { readonly within: number }): boolean {
    const end = this.now + within;
    while (!condition()) {
      if (this.now >= end) return false;
      this.#runTo(Math.min(end, this.now + LOOK_EVERY_MS));
    }
    return true;
  }

  /** Calls back after so many virtual milliseconds, between two events. */
  after(ms: number, action: () => void): void {
    this.#scheduler.act(ms, action);
  }

  /**
   * From now on network and disks are at their best. What is cut, clogged, paused or down stays so.
   */
  calm(): void {
    this.network.options = QUIET_NETWORK;
    for (const { storage } of this.#hosts) storage.trouble.calm();
  }

  observe(observer: Observer): void {
    this.#recorder.observe(observer);
  }

  /** A fault that is made of several verbs, counted by its name. */
  count(kind: FaultKind): void {
    this.#recorder.fault(kind);
  }

  /** Something worth counting that no node noted. */
  note(name: string): void {
    this.#recorder.count(name);
  }

  // The view.

  get now(): Instant {
    return this.#scheduler.now;
  }

  get config(): NodeConfig {
    return this.settings.config;
  }

  get history(): readonly HistoryEntry[] {
    return this.#recorder.history;
  }

  get keys(): readonly Key[] {
    return this.#clients.keys;
  }

  get events(): number {
    return this.#scheduler.executed;
  }

  get traceHash(): string {
    return this.#recorder.trace.hash;
  }

  /** Facts by kind and detail, as `epoch-taken/boot-floor`. */
  get factDetails(): ReadonlyMap<string, number> {
    return this.#recorder.factDetails;
  }

  get faults(): ReadonlyMap<FaultKind, number> {
    return this.#recorder.faults;
  }

  /** Operations that a node still owes a reply for. */
  get owed(): readonly ClientOperation[] {
    return this.#clients.owed;
  }

  get areAllUp(): boolean {
    return this.#hosts.every(({ isUp }) => isUp);
  }

  isUp(node: NodeId): boolean {
    return this.#host(node).isUp;
  }

  /** It has rows that were put back, and has not found out yet what they are worth. */
  isUnsettled(node: NodeId): boolean {
    return this.#host(node).putBack.isWaiting;
  }

  openRequests(node: NodeId): number {
    return this.#host(node).openRequests;
  }

  requestsInFlight(node: NodeId): number {
    return this.#host(node).requestsInFlight;
  }

  owners(key: Key): readonly NodeId[] {
    return this.layout.ownersOf(key);
  }

  contents(node: NodeId): readonly RowEntry[] {
    return this.node(node).rows;
  }

  row(node: NodeId, key: Key): RowRead {
    return this.#host(node).storage.visible(this.layout.partitioner.of(key), key);
  }

  durableRow(node: NodeId, key: Key): RowRead {
    return this.#host(node).storage.durable(this.layout.partitioner.of(key), key);
  }

  hint(node: NodeId, key: Key): RowRead {
    const partition = HINT_PARTITIONS + this.layout.partitioner.of(key);
    return this.#host(node).storage.visible(partition, key);
  }

  durableHint(node: NodeId, key: Key): RowRead {
    const partition = HINT_PARTITIONS + this.layout.partitioner.of(key);
    return this.#host(node).storage.durable(partition, key);
  }

  /** All that nodes keep for others. */
  wallMs(node: NodeId): number {
    return this.node(node).wallMs;
  }

  /** Rows in which nothing is alive for anybody. */
  get tombstones(): readonly { readonly node: NodeId; readonly key: Key }[] {
    const wallMs = Math.min(...this.nodes.map((node) => this.wallMs(node)));
    return this.nodes.flatMap((node) =>
      this.contents(node)
        .filter(({ row }) => isOverRow(row, wallMs))
        .map(({ key }) => ({ node, key })),
    );
  }

  get hints(): readonly { readonly node: NodeId; readonly key: Key }[] {
    return this.nodes.flatMap((node) => this.node(node).hints.map((key) => ({ node, key })));
  }

  get storage(): StorageKind {
    return this.settings.storage;
  }

  storedIdentity(node: NodeId): StoredIdentity | undefined {
    return this.#host(node).storage.storedIdentity;
  }

  factCount(kind: Fact["kind"]): number {
    let total = 0;
    for (const [detail, count] of this.factDetails) {
      if (detail === kind || detail.startsWith(`${kind}/`)) total += count;
    }
    return total;
  }

  /** Of every kind together. */
  get faultsInjected(): number {
    return this.#recorder.faultsInjected;
  }

  faultCount(kind: FaultKind): number {
    return this.faults.get(kind) ?? 0;
  }

  /** Every owner of every key holds the same record, byte for byte. */
  get converged(): boolean {
    return this.keys.every((key) => this.agreeOn(key));
  }

  agreeOn(key: Key): boolean {
    const [first, ...others] = this.owners(key).map((owner) => this.row(owner, key));
    return others.every((row) => sameRecord(first, row));
  }

  #runTo(end: Instant): void {
    for (;;) {
      const event = this.#scheduler.next(end);
      if (event === undefined) return;
      this.#dispatch(event);
    }
  }

  #dispatch(event: ScheduledEvent): void {
    const { kind, source, target, message } = event;
    const { trace } = this.#recorder;
    trace.event(event.step, kind, source, target);
    if (kind === ACT) return event.action!();
    if (kind === DELIVER) {
      trace.message(message!);
      if (!this.network.admits(source, target, message!)) return;
    }
    this.#hosts[target]!.onEvent(event);
  }

  /** Whoever looks after a machine starts a process again that has ended by itself. */
  #onFailed({ id }: SimulatedHost): void {
    const node = this.node(id);
    node.onDown({ silent: false });
    this.#scheduler.act(RESTARTED_AFTER_MS, () => {
      if (node.isDown) node.restart();
    });
  }

  /** Over connections of their own: who cannot be reached, or is asleep, says nothing. */
  #askEras(asker: SimulatedHost): void {
    const { life } = asker;
    const answers: EraAnswer[] = [];
    const whenReached = (other: SimulatedHost, action: () => void): void =>
      this.#scheduler.act(ASK_MS, () => {
        if (this.network.isConnected(asker.index, other.index)) action();
      });
    for (const other of this.#hosts) {
      if (other === asker) continue;
      whenReached(other, () => {
        const { eraAnswer } = other;
        if (eraAnswer !== undefined) whenReached(other, () => void answers.push(eraAnswer));
      });
    }
    this.#scheduler.act(3 * ASK_MS, () => {
      if (asker.life === life) asker.putBack.hear(answers);
    });
  }

  /** Somebody looks at who has which rows, and lets this node begin without any. */
  #onOperatorNeeded({ id }: SimulatedHost): void {
    this.note("rows-put-back/emptied");
    const node = this.node(id);
    node.crash();
    node.restart("new-identity");
  }

  /**
   * A peer refuses a boot for an older one than it knows: a transport says so, and the process
   * ends, to begin again as somebody else.
   */
  #onRefused(id: NodeId, generation: number): void {
    const { storage } = this.#host(id);
    const refused = storage.generation;
    this.#scheduler.act(this.settings.connections.goodbyeMs, () => {
      const node = this.node(id);
      if (!node.isUp || storage.generation !== refused) return;
      this.count("outlived");
      storage.outlived(generation);
      node.crash();
      node.restart();
    });
  }

  #onBug(host: SimulatedHost, input: string, thrown: unknown): void {
    const error = thrown instanceof Error ? thrown : new AssertionFailure(String(thrown));
    this.node(host.id).onDown({ silent: false });
    this.bugs.push({ node: host.id, input, at: this.now, error });
    if (this.settings.onBug === "throw") throw error;
  }

  #host(node: NodeId): SimulatedHost {
    const host = this.#hosts[this.nodes.indexOf(node)];
    assert(host !== undefined, `there is no node ${node}`);
    return host;
  }

  #makeNetwork(random: Random): Network {
    return new Network({
      scheduler: this.#scheduler,
      random,
      nodes: this.nodes,
      options: this.settings.network,
      onFault: (kind) => this.#recorder.fault(kind),
      onChange: () => this.#connections.refresh(),
    });
  }

  #makeConnections(): Connections {
    const hosts = this.#hosts;
    const ends = {
      count: hosts.length,
      isUp: (node: number) => hosts[node]!.isUp,
      helloOf: (node: number) => hosts[node]!.hello,
      receive: (source: number, target: number, message: Message) =>
        hosts[target]!.receive(source, message),
    };
    return new Connections(this.#scheduler, this.network, {
      ends,
      options: this.settings.connections,
    });
  }

  #makeHost(index: number, random: Random): SimulatedHost {
    const { config, purge, storage, disk, log, leaseBlock, wire, wall } = this.settings;
    const drawn = random.fork("wall");
    const host: SimulatedHost = new SimulatedHost({
      index,
      nodes: this.nodes,
      scheduler: this.#scheduler,
      recorder: this.#recorder,
      random,
      config,
      purge,
      layout: this.layout,
      secret: this.secret,
      storage,
      disk,
      log,
      leaseBlock,
      wire,
      wall: new WallClock({
        offsetMs: drawn.between(-wall.offsetMsMax, wall.offsetMsMax),
        driftPpm: drawn.between(-wall.driftPpmMax, wall.driftPpmMax),
      }),
      surroundings: {
        send: (target, message) => this.network.send(index, target, message),
        reply: (request, outcome) => this.#clients.onReply(host, request, outcome),
        onUp: () => {
          if (this.#isBuilt) this.#connections.refresh();
        },
        askEras: () => this.#askEras(host),
        onOperatorNeeded: () => this.#onOperatorNeeded(host),
        onRefused: (peer, generation) => this.#onRefused(peer, generation),
        onFailed: () => this.#onFailed(host),
        onBug: (input, error) => this.#onBug(host, input, error),
      },
    });
    return host;
  }

  #makeHandle(host: SimulatedHost): NodeHandle {
    return new NodeHandle({
      host,
      connections: this.#connections,
      clients: this.#clients,
      recorder: this.#recorder,
      partitionCount: this.layout.partitionCount,
      partitionOf: (key) => this.layout.partitioner.of(key),
    });
  }
}

function sameRecord(left: RowRead, right: RowRead): boolean {
  if (left === DAMAGED || right === DAMAGED) return false;
  return bytesEqual(seenBy(left), seenBy(right));
}

const NOTHING_SEEN = encodeRecord(EMPTY_RECORD);

/** A row that has seen nothing says the same as no row. */
function seenBy(row: Uint8Array | undefined): Uint8Array {
  return row === undefined ? NOTHING_SEEN : recordBytesOf(row);
}

function drawnSecret(random: Random): SipKey {
  return { k0Hi: random.next(), k0Lo: random.next(), k1Hi: random.next(), k1Lo: random.next() };
}
