/**
 * The process around one node: it boots it, feeds it one input at a time, and carries out its
 * effects.
 *
 *     down ──boot──▶ running ──pause──▶ paused: inputs queue, disk and clocks go on (SIGSTOP)
 *                      │  ◀─resume── all that queued runs at once
 *                      ├──slow──▶ every input takes its time, later ones queue behind it
 *                      └──crash, stop──▶ down: the node and its queue are forgotten
 *
 * A node is told the instants of its own process, which begin somewhere else at every boot: to
 * compare two nodes' instants is a bug that shows here. Whatever a node throws is a bug too (law
 * 9): it is reported and the host goes down.
 */
import type { Random } from "../core/base/random.ts";
import type { SipKey } from "../core/base/siphash.ts";
import type { NodeConfig } from "../core/config.ts";
import type { Effects, Instant } from "../core/effects.ts";
import type { Fact } from "../core/facts.ts";
import type { Hello, Message } from "../core/messages.ts";
import { ask, hello } from "../core/messages.ts";
import { Node } from "../core/node.ts";
import type { Outcome } from "../core/outcomes.ts";
import type { ClientRequest } from "../core/requests.ts";
import { withEnvelope } from "../core/requests.ts";
import type { Layout } from "../core/ring/layout.ts";
import type { NodeId } from "../core/ring/node-id.ts";
import type { RowWrite } from "../core/storage/engine.ts";
import { Identity } from "./identity.ts";
import type { RestartKind } from "./observer.ts";
import type { Recorder } from "./recorder.ts";
import type { ScheduledEvent, Scheduler } from "./scheduler.ts";
import { COMPLETE, DELIVER, onGrid, WAKE } from "./scheduler.ts";
import type { DiskOptions, DiskQueue } from "./storage.ts";
import { SimulatedEngine } from "./storage.ts";
import type { WallClock } from "./wall-clock.ts";
import { frameOf, messageOf, outcomeThroughWire, throughWire } from "./wire.ts";

export interface HostSetup {
  readonly index: number;
  readonly nodes: readonly NodeId[];
  readonly scheduler: Scheduler;
  readonly recorder: Recorder;
  readonly random: Random;
  readonly config: NodeConfig;
  readonly layout: Layout;
  readonly secret: SipKey;
  readonly disk: DiskOptions;
  readonly leaseBlock: number;
  readonly wall: WallClock;
  /** Messages and outcomes pass as bytes, which are overwritten once they were read. */
  readonly wire: boolean;
  readonly surroundings: Surroundings;
}

/** Where the effects of a node go. */
export interface Surroundings {
  send(source: number, target: number, message: Message): void;
  reply(host: SimulatedHost, request: number, outcome: Outcome): void;
  /** The node threw: it is wrong, and now it is down. */
  onBug(host: SimulatedHost, input: string, error: unknown): void;
}

/** What one input costs a node that runs at full speed; slower ones take a multiple. */
const INPUT_MS = 0.05;
/** What a used frame is filled with. */
const OVERWRITTEN = 0xdb;
const GRID_STEP_MS = 1 / 1024;
const ORIGIN_MS_MAX = 1_000_000;
const REQUEST = 5;
/** The other end of a write: the disk had no room. */
const REFUSE = 6;

type InputKind = ScheduledEvent["kind"] | typeof REQUEST | typeof REFUSE;

interface Input {
  readonly kind: InputKind;
  readonly source: number;
  readonly token: number;
  readonly message: Message | undefined;
  readonly request: ClientRequest | undefined;
}

export class SimulatedHost implements Effects {
  readonly index: number;
  readonly id: NodeId;
  readonly engine: SimulatedEngine;
  readonly wall: WallClock;
  readonly #setup: HostSetup;
  readonly #scheduler: Scheduler;
  readonly #recorder: Recorder;
  readonly #surroundings: Surroundings;
  readonly #identity: Identity;
  readonly #indexes: ReadonlyMap<NodeId, number>;
  #node: Node | undefined = undefined;
  /** Grows with every boot: events of an earlier life are void. */
  #life = 0;
  #originMs = 0;
  #wakeAt: Instant = Infinity;
  #inbox: Input[] = [];
  #isPaused = false;
  #slowness = 1;
  #busyUntil: Instant = 0;
  #isWorkDue = false;
  #isLeasing = false;
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
    this.#identity = new Identity(setup.random.fork("identity"), setup.leaseBlock);
    this.#indexes = new Map(setup.nodes.map((id, index) => [id, index]));
    this.engine = new SimulatedEngine(setup.random.fork("disk"), setup.disk, this.#diskQueue());
  }

  get isUp(): boolean {
    return this.#node !== undefined;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  get openRequests(): number {
    return this.#node?.openRequests ?? 0;
  }

  get hello(): Hello {
    const { generation } = this.#identity;
    return hello(generation, this.#node?.layout.epoch ?? this.#setup.layout.epoch);
  }

  /** `restart` is undefined for the first boot of all. */
  boot(restart: RestartKind | undefined): void {
    const { random, config, layout, secret } = this.#setup;
    const identity = this.#identity;
    if (restart !== undefined) identity.onRestart(restart);
    if (restart === "lost" || restart === "new-identity") this.engine.wipe();
    const generation = ++identity.generation;
    this.#life++;
    const bootRandom = random.fork(`boot ${generation}`);
    this.#originMs = bootRandom.integer(ORIGIN_MS_MAX);
    this.#node = new Node({
      id: this.id,
      actor: identity.actor,
      generation,
      config,
      layout,
      epochs: identity.lease,
      secret,
      random: bootRandom.fork("node"),
      rows: this.engine,
      effects: this,
    });
    if (restart !== undefined) this.#recorder.restart(this.id, restart);
  }

  /** The process dies between two inputs. */
  crash(): void {
    this.engine.crash();
    this.#forget();
    this.#recorder.crash(this.id);
  }

  /**
   * The process ends in order: what was written is durable. False when that does not make it a
   * clean stop: of a dot whose row the disk refused only the node's memory knows, and other owners
   * may hold it, so the next life must not go on from the row.
   */
  stop(): boolean {
    const isClean = !this.#wasRefused;
    this.engine.settleAll();
    this.#forget();
    return isClean;
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
    if (life !== this.#life || !this.isUp) return;
    if (kind === COMPLETE) return this.#onSettled(token);
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

  // Effects: the four doors out of the node.

  send(to: NodeId, message: Message): void {
    const sent = this.#setup.wire ? throughWire(message) : message;
    this.#recorder.send(this.id, to, sent);
    this.#surroundings.send(this.index, this.#indexes.get(to)!, sent);
  }

  persist(writes: readonly RowWrite[], token: number): void {
    this.engine.write(writes, token);
    if (!this.engine.isFull) return this.#recorder.persist(this.id, writes, token);
    this.#wasRefused = true;
    for (const { key } of writes) this.#recorder.fault("row-refused", this.id, key);
  }

  reply(request: number, outcome: Outcome): void {
    const kept = this.#setup.wire ? outcomeThroughWire(outcome) : outcome;
    this.#surroundings.reply(this, request, kept);
  }

  note(fact: Fact): void {
    this.#recorder.fact(this.id, fact);
  }

  #onSettled(write: number): void {
    const { token, answer } = this.engine.settle(write);
    if (answer === "durable") this.#recorder.durable(this.id, token);
    this.#input(answer === "durable" ? COMPLETE : REFUSE, -1, token, undefined, undefined);
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
    this.#inbox.push({ kind, source, token, message, request });
    this.#scheduleWork();
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
      const { kind, source, token, message, request } = this.#inbox.shift()!;
      this.#run(kind, source, token, message, request);
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
      else node.advance(now);
    } catch (error) {
      this.crash();
      this.#surroundings.onBug(this, describeInput(kind, message, request), error);
      return;
    }
    this.#scheduleWake(node);
    if (this.#identity.leaseRunsLow) this.#extendLease();
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
    const wallMs = this.wall.read(this.#scheduler.now);
    return withEnvelope(request, { id, timeoutMs, wallMs, forwarded });
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

  #extendLease(): void {
    if (this.#isLeasing) return;
    this.#isLeasing = true;
    const life = this.#life;
    this.#scheduler.act(this.engine.syncMs(), () => {
      if (life !== this.#life) return;
      this.#isLeasing = false;
      this.#identity.extendLease();
    });
  }

  #forget(): void {
    this.#node = undefined;
    this.#life++;
    this.#wakeAt = Infinity;
    this.#inbox = [];
    this.#isPaused = false;
    this.#busyUntil = 0;
    this.#isWorkDue = false;
    this.#isLeasing = false;
    this.#wasRefused = false;
  }

  #diskQueue(): DiskQueue {
    const scheduler = this.#scheduler;
    return {
      get now(): Instant {
        return scheduler.now;
      },
      complete: (delayMs, write): void => {
        scheduler.complete(delayMs, this.index, this.#life, write);
      },
      onStall: (): void => this.#recorder.fault("disk-stalled", this.id),
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
