/**
 * The process around one node: it boots it, feeds it one input at a time, and carries out its
 * effects.
 *
 *     down ──boot──▶ running ──pause──▶ paused: inputs queue, disk and clocks go on (SIGSTOP)
 *              │       │  ◀─resume── all that queued runs at once
 *              │       ├──slow──▶ every input takes its time, later ones queue behind it
 *              │       └──crash, stop──▶ down: the node and its queue are forgotten
 *              └──▶ put back: there is no node yet, the others are asked what its rows are worth
 *
 * A node is told the instants of its own process, which begin somewhere else at every boot: to
 * compare two nodes' instants is a bug that shows here. Whatever a node throws is a bug too (law
 * 9): it is reported and the host goes down.
 */
import type { Effects, Instant } from "../core/effects.ts";
import type { Fact } from "../core/facts.ts";
import { HINT_PARTITIONS } from "../core/handoff/hints.ts";
import { ask, hello, type Hello, type Message } from "../core/messages.ts";
import { LAN_MEMBERSHIP } from "../core/membership/membership-config.ts";
import { Node } from "../core/node.ts";
import type { EraAnswer } from "../core/identity/settling.ts";
import { ERA_PARTITION } from "../core/purge/eras.ts";
import { PURGE_TOKENS_MIN } from "../core/purge/witness.ts";
import { DEFAULT_REPAIR_CONFIG } from "../core/repair/repair-config.ts";
import type { Outcome } from "../core/outcomes.ts";
import { type ClientRequest, withEnvelope } from "../core/requests.ts";
import type { NodeId } from "../core/ring/node-id.ts";
import type { DiskAnswer, RowWrite } from "../core/storage/engine.ts";
import type { HostSetup, Surroundings } from "./host-setup.ts";
import { ANY_LIFE, hostStorage } from "./host-storage.ts";
import type { LogProcess } from "./log-storage.ts";
import type { Boot, Death, NodeStorage, OpenedStorage } from "./node-storage.ts";
import { PutBack } from "./put-back.ts";
import type { Recorder } from "./recorder.ts";
import type { ScheduledEvent, Scheduler } from "./scheduler.ts";
import { COMPLETE, DELIVER, onGrid, WAKE } from "./scheduler.ts";
import type { WallClock } from "./wall-clock.ts";
import { frameOf, messageOf, outcomeThroughWire, throughWire } from "./wire.ts";

/** What one input costs a node that runs at full speed; slower ones take a multiple. */
const INPUT_MS = 0.05;
/** What a used frame is filled with. */
const OVERWRITTEN = 0xdb;
const GRID_STEP_MS = 1 / 1024;
const ORIGIN_MS_MAX = 1_000_000;
const REQUEST = 5;
/** The other end of a write: the disk had no room. */
const REFUSE = 6;
/** The storage does something within the process. */
const STORE = 7;

type InputKind = ScheduledEvent["kind"] | typeof REQUEST | typeof REFUSE | typeof STORE;

interface Input {
  readonly kind: InputKind;
  readonly source: number;
  readonly token: number;
  readonly message: Message | undefined;
  readonly request: ClientRequest | undefined;
  readonly store: (() => void) | undefined;
}

export class SimulatedHost implements Effects {
  readonly index: number;
  readonly id: NodeId;
  readonly storage: NodeStorage;
  readonly wall: WallClock;
  /** While it is not known what its rows are worth, there is no node. */
  readonly putBack: PutBack;
  readonly #setup: HostSetup;
  readonly #scheduler: Scheduler;
  readonly #recorder: Recorder;
  readonly #surroundings: Surroundings;
  readonly #indexes: ReadonlyMap<NodeId, number>;
  #node: Node | undefined = undefined;
  /** The youngest boot of each peer that this life has met. */
  readonly #generations: Map<NodeId, number> = new Map();
  /** Grows with every end: events of an earlier life are void. */
  #life = 0;
  #originMs = 0;
  #wallMs = 0;
  #wakeAt: Instant = Infinity;
  #inbox: Input[] = [];
  #isPaused = false;
  #slowness = 1;
  #busyUntil: Instant = 0;
  #isWorkDue = false;
  /** What a stop in order has left, for the next life if that one finds it clean. */
  #trees: Uint8Array | undefined = undefined;
  /** The disk had no room for a row in this life. */
  #wasRefused = false;

  constructor(setup: HostSetup) {
    this.#setup = setup;
    this.index = setup.index;
    this.id = setup.nodes[setup.index]!;
    this.wall = setup.wall;
    this.#scheduler = setup.scheduler;
    this.#recorder = setup.recorder;
    this.#surroundings = setup.surroundings;
    this.#indexes = new Map(setup.nodes.map((id, index) => [id, index]));
    this.storage = hostStorage(setup, this.#process(), () => this.#life);
    this.putBack = new PutBack({
      storage: this.storage,
      others: setup.nodes.length - 1,
      later: (delayMs, action) => this.#scheduler.act(delayMs, action),
      count: (name) => this.#recorder.count(name),
      ask: () => this.#surroundings.askEras(),
      begin: (opened) => this.#begin(opened),
      giveUp: () => this.#giveUp(),
      callOperator: () => this.#surroundings.onOperatorNeeded(),
    });
  }

  get isUp(): boolean {
    return this.#node !== undefined;
  }

  /** Nothing of it runs, and nothing is about to. */
  get isDown(): boolean {
    return this.#node === undefined && !this.putBack.isWaiting && !this.storage.isStarting;
  }

  /** Numbers the lives of the process. */
  get life(): number {
    return this.#life;
  }

  /** What it says of itself to one that is not settled. */
  get eraAnswer(): EraAnswer | undefined {
    if (this.#isPaused) return undefined;
    if (this.#node !== undefined) {
      return { era: this.#node.tombstones().eraAhead, isSettled: true };
    }
    return this.putBack.answer;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** The latest that its node was told in this life. */
  get wallMs(): number {
    return this.#wallMs;
  }

  get openRequests(): number {
    return this.#node?.openRequests ?? 0;
  }

  get requestsInFlight(): number {
    return this.#node?.load(this.#scheduler.now + this.#originMs).inFlight ?? 0;
  }

  get hello(): Hello {
    const { generation } = this.storage;
    const layout = this.#node?.layout ?? this.#setup.layout;
    return hello(generation, layout.epoch, this.#node?.era ?? 0);
  }

  boot(boot: Boot): void {
    this.storage.open(boot);
  }

  /** The process dies between two inputs, or with its machine. */
  crash(death: Death = "process"): void {
    this.storage.crash(death);
    this.#forget();
    this.#recorder.crash(this.id);
  }

  /**
   * The process ends in order: what was written is durable. That does not make it a clean stop when
   * only the node's memory knows of a dot whose row the disk refused, and other owners may hold it:
   * the next life must not go on from the row.
   */
  stop(): void {
    this.#finishStoring();
    // Its disk may have failed it meanwhile.
    if (!this.isUp) return;
    const isClean = !this.#wasRefused;
    this.#trees = isClean ? this.#node!.trees() : undefined;
    this.#node!.leave(this.#scheduler.now + this.#originMs);
    this.#forget();
    this.storage.close(isClean);
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#scheduleWork();
  }

  /** Every input takes `factor` times as long; 1 is full speed again. */
  slow(factor: number): void {
    this.#slowness = factor;
    this.#scheduleWork();
  }

  onEvent(event: ScheduledEvent): void {
    const { kind, life, token, source, message } = event;
    if (kind === DELIVER) return this.receive(source, message!);
    if (life !== this.#life && life !== ANY_LIFE) return;
    if (kind === COMPLETE) return this.storage.onDue(token);
    if (kind !== WAKE) return this.#work();
    if (this.#scheduler.now !== this.#wakeAt) return;
    this.#wakeAt = Infinity;
    this.#input(WAKE, -1, 0, undefined, undefined);
  }

  /** A message of a peer, a hello or a goodbye has arrived at the machine. */
  receive(source: number, message: Message): void {
    this.#input(DELIVER, source, 0, message, undefined);
  }

  request(request: ClientRequest): void {
    this.#input(REQUEST, -1, 0, undefined, request);
  }

  // Effects: the five doors out of the node.

  send(to: NodeId, message: Message): void {
    const sent = this.#setup.wire ? throughWire(message) : message;
    this.#recorder.send(this.id, to, sent);
    this.#surroundings.send(this.#indexes.get(to)!, sent);
  }

  persist(writes: readonly RowWrite[], token: number): void {
    const isStored = this.storage.write(writes, token);
    const first = writes[0]!;
    if (first.partition === ERA_PARTITION) return;
    if (first.partition >= HINT_PARTITIONS) {
      return isStored ? this.#recorder.hint(this.id, first) : undefined;
    }
    if (isStored) return this.#recorder.persist(this.id, writes, token);
    this.#wasRefused = true;
    for (const { key } of writes) this.#recorder.fault("row-refused", this.id, key);
  }

  reply(request: number, outcome: Outcome): void {
    const kept = this.#setup.wire ? outcomeThroughWire(outcome) : outcome;
    this.#surroundings.reply(request, kept);
  }

  /** Nobody moves here: the network knows everybody by id. */
  contact(): void {}

  note(fact: Fact): void {
    this.storage.onFact(fact);
    this.#recorder.fact(this.id, fact);
    if (fact.kind === "peer-linked") this.#generations.set(fact.peer, fact.generation);
    const { generation } = this.storage;
    const isOutlived = fact.kind === "clone-seen" && fact.member === this.id;
    if (isOutlived && fact.generation > generation) {
      return this.#surroundings.onRefused(this.id, fact.generation);
    }
    if (fact.kind !== "message-dropped" || fact.reason !== "old-generation") return;
    this.#surroundings.onRefused(fact.from, this.#generations.get(fact.from)!);
  }

  #onOpened(opened: OpenedStorage): void {
    const { restart, isSettled } = opened;
    if (restart !== undefined) this.#recorder.fault(`restart-${restart}`, this.id);
    if (isSettled) return this.#begin(opened);
    if (restart !== undefined) this.#recorder.restart(this.id, restart);
    this.putBack.start(opened);
  }

  /** The rows are moved out of the way: the process goes on as one whose disk is gone. */
  #giveUp(): void {
    this.storage.crash("process");
    this.#forget();
    this.storage.open("lost");
  }

  #begin({ actor, generation, epochs, restart }: OpenedStorage): void {
    const { random, config, purge, layout, secret } = this.#setup;
    const bootRandom = random.fork(`boot ${generation}`);
    this.#originMs = bootRandom.integer(ORIGIN_MS_MAX);
    this.#wallMs = 0;
    this.#node = new Node({
      id: this.id,
      address: `${this.id}:1`,
      actor,
      generation,
      config,
      membership: LAN_MEMBERSHIP,
      repair: { ...DEFAULT_REPAIR_CONFIG, settleMs: 2 * config.requestTimeoutMs },
      purge,
      layout,
      seeds: [],
      epochs,
      secret,
      random: bootRandom.fork("node"),
      rows: this.storage,
      effects: this,
    });
    if (restart !== undefined) this.#recorder.restart(this.id, restart);
    if (restart === "clean" && this.#trees !== undefined) this.#node.restoreTrees(this.#trees);
    this.#trees = undefined;
    this.#surroundings.onUp();
    this.#node.start(this.#scheduler.now + this.#originMs);
    this.#scheduleWake(this.#node);
  }

  #onCompleted(token: number, answer: DiskAnswer): void {
    const isDurable = answer === "durable";
    const isOfRow = token >= 0 && token < PURGE_TOKENS_MIN;
    if (isDurable && isOfRow) this.#recorder.durable(this.id, token);
    this.#input(isDurable ? COMPLETE : REFUSE, -1, token, undefined, undefined);
  }

  #onFailed(problem: string): void {
    this.#recorder.fault(this.isUp ? "fail-stop" : "boot-failed", this.id);
    this.#recorder.failed(this.id, problem);
    this.crash();
    this.#surroundings.onFailed();
  }

  /**
   * Runs the input now, or queues it: behind a pause, or behind what a slow node is still busy
   * with.
   */
  #input(
    kind: InputKind,
    source: number,
    token: number,
    message: Message | undefined,
    request: ClientRequest | undefined,
  ): void {
    if (this.#node === undefined) return;
    if (!this.#isPaused && this.#slowness === 1 && this.#inbox.length === 0) {
      this.#run(kind, source, token, message, request);
      return;
    }
    this.#inbox.push({ kind, source, token, message, request, store: undefined });
    this.#scheduleWork();
  }

  /** The same for what the storage does, also while there is no node yet or any more. */
  #inputOfStorage(store: () => void): void {
    if (!this.#isPaused && this.#slowness === 1 && this.#inbox.length === 0) {
      return this.#runStore(store);
    }
    const nothing = { source: -1, token: 0, message: undefined, request: undefined };
    this.#inbox.push({ kind: STORE, ...nothing, store });
    this.#scheduleWork();
  }

  /** What the disk has answered and nobody has looked at, before the process ends in order. */
  #finishStoring(): void {
    const inbox = this.#inbox;
    this.#inbox = [];
    for (const { store } of inbox) if (store !== undefined) this.#runStore(store);
  }

  #scheduleWork(): void {
    if (this.#isWorkDue || this.#isPaused || this.#inbox.length === 0) return;
    this.#isWorkDue = true;
    const waitMs = Math.max(0, this.#busyUntil - this.#scheduler.now);
    this.#scheduler.work(waitMs, this.index, this.#life);
  }

  /** Takes the queue up again: all of it at full speed, one input at a time on a slow node. */
  #work(): void {
    this.#isWorkDue = false;
    while (!this.#isPaused && this.#inbox.length > 0) {
      const { kind, source, token, message, request, store } = this.#inbox.shift()!;
      if (store !== undefined) this.#runStore(store);
      else this.#run(kind, source, token, message, request);
      if (this.#slowness === 1) continue;
      this.#busyUntil = this.#scheduler.now + onGrid(INPUT_MS * this.#slowness);
      return this.#scheduleWork();
    }
  }

  #run(
    kind: InputKind,
    source: number,
    token: number,
    message: Message | undefined,
    request: ClientRequest | undefined,
  ): void {
    const node = this.#node;
    if (node === undefined) return;
    const now = this.#scheduler.now + this.#originMs;
    try {
      if (kind === DELIVER) this.#deliver(node, now, source, message!);
      else if (kind === COMPLETE) node.completed(now, token, "durable");
      else if (kind === REFUSE) node.completed(now, token, "full");
      else if (kind === REQUEST) node.request(now, this.#stamped(request!));
      else node.advance(now, this.#readWall());
      this.#scheduleWake(node);
      this.storage.endInput();
    } catch (error) {
      this.#onBug(describeInput(kind, message, request), error);
    }
  }

  #runStore(store: () => void): void {
    try {
      store();
      this.storage.endInput();
    } catch (error) {
      this.#onBug("answer of its disk", error);
    }
  }

  #onBug(input: string, error: unknown): void {
    this.crash();
    this.#surroundings.onBug(input, error);
  }

  #deliver(node: Node, now: Instant, source: number, message: Message): void {
    const from = this.#setup.nodes[source]!;
    this.#recorder.receive(from, this.id, message);
    const frame = this.#setup.wire ? frameOf(message) : undefined;
    const received = frame === undefined ? message : messageOf(frame);
    const stamped = received.kind === "ask" ? ask(this.#stamped(received.request)) : received;
    node.receive(now, from, stamped);
    // Bytes in a message are views of its frame: whoever kept one instead of a copy finds it
    // changed.
    frame?.fill(OVERWRITTEN);
  }

  #stamped(request: ClientRequest): ClientRequest {
    const { id, timeoutMs, forwarded } = request;
    return withEnvelope(request, { id, timeoutMs, wallMs: this.#readWall(), forwarded });
  }

  #readWall(): number {
    const wallMs = this.wall.read(this.#scheduler.now);
    this.#wallMs = Math.max(this.#wallMs, wallMs);
    return wallMs;
  }

  #scheduleWake(node: Node): void {
    const deadline = node.nextDeadline;
    if (deadline === undefined) return;
    const { now } = this.#scheduler;
    // A deadline that has passed is looked at again, but time goes on meanwhile.
    const at = Math.max(onGrid(deadline - this.#originMs), now + GRID_STEP_MS);
    if (at >= this.#wakeAt) return;
    this.#wakeAt = at;
    this.#scheduler.wake(at - now, this.index, this.#life);
  }

  #forget(): void {
    this.#node = undefined;
    this.putBack.forget();
    this.#generations.clear();
    this.#life++;
    this.#wakeAt = Infinity;
    this.#inbox = [];
    this.#isPaused = false;
    this.#busyUntil = 0;
    this.#isWorkDue = false;
    this.#wasRefused = false;
  }

  #process(): LogProcess {
    return {
      opened: (storage) => this.#onOpened(storage),
      completed: (token, answer) => this.#onCompleted(token, answer),
      failed: (problem) => this.#onFailed(problem),
      booted: (identity) => this.#recorder.boot(this.id, identity),
      lost: (key) => this.#recorder.fault("row-damaged", this.id, key),
      read: (key, row) => this.#recorder.read(this.id, key, row),
      input: (run) => this.#inputOfStorage(run),
      later: (delayMs, action) => this.#scheduler.act(delayMs, action),
      wallMs: () => this.wall.read(this.#scheduler.now),
      count: (name) => this.#recorder.count(name),
    };
  }
}

function describeInput(
  kind: InputKind,
  message: Message | undefined,
  request: ClientRequest | undefined,
): string {
  if (message !== undefined) return `message ${message.kind}`;
  if (request !== undefined) return `request ${request.operation} ${request.key}`;
  if (kind === REFUSE) return "disk refusal";
  return kind === COMPLETE ? "disk completion" : "deadline";
}
