/**
 * The open operations of a node: admission, start, and the way of each reply to its operation.
 *
 * Admission is where a node says no while it still can: a request that is malformed, asks for more
 * owners than there are, or would push the node beyond its bounds is answered at once and nothing
 * of it stays.
 */
import { assert } from "../base/assert.ts";
import { Numbered } from "../base/numbered.ts";
import type { WallTime } from "../base/wall-time.ts";
import { ShareBudget } from "../base/share-budget.ts";
import type { SipKey } from "../base/siphash.ts";
import type { Random } from "../base/random.ts";
import { openContext } from "../causality/sealed-context.ts";
import type { Context } from "../causality/context.ts";
import type { NodeConfig } from "../config.ts";
import type { DeadlineWheel } from "../deadlines.ts";
import type { Effects, Instant } from "../effects.ts";
import type { Refusal } from "../messages.ts";
import { answer } from "../messages.ts";
import type { Failed, Outcome } from "../outcomes.ts";
import { failed } from "../outcomes.ts";
import { type ClientRequest, type Level, TTL_MS_MAX } from "../requests.ts";
import type { Layout } from "../ring/layout.ts";
import type { NodeId } from "../ring/node-id.ts";
import { StandIns } from "../ring/stand-ins.ts";
import type { Begun, Desk, Liveness, OwnHints, OwnReplica } from "./desk.ts";
import { DeleteOperation } from "./delete.ts";
import { ForwardOperation } from "./forward.ts";
import { GetOperation } from "./get.ts";
import { InFlightLimit } from "./in-flight-limit.ts";
import type { Admitted, Operation } from "./operation.ts";
import { PutOperation } from "./put.ts";
import { levelCount } from "./quorum.ts";
import { SessionGetOperation } from "./session-get.ts";

/** All that a desk has but what the coordinator itself is. */
export interface CoordinatorSetup extends Omit<
  Desk,
  "standIns" | "hedges" | "isBusy" | "isCrowded" | "close" | "answered"
> {
  readonly random: Random;
  readonly era: () => number;
}

/** How many must answer or hold, and how many of those must be owners proper. */
interface Needed {
  readonly all: number;
  readonly proper: number;
}

const ONE: Needed = { all: 1, proper: 1 };

/** Hedges that a node has saved up when an owner begins to stall. */
const HEDGES_MAX = 20;

export class Coordinator implements Desk {
  readonly self: NodeId;
  readonly identity: { readonly high: number; readonly low: number };
  readonly config: NodeConfig;
  readonly secret: SipKey;
  readonly effects: Effects;
  readonly liveness: Liveness;
  readonly replica: OwnReplica;
  readonly hints: OwnHints;
  readonly standIns: StandIns = new StandIns();
  readonly deadlines: DeadlineWheel;
  readonly hedges: ShareBudget;
  readonly layout: () => Layout;
  readonly wall: WallTime;
  readonly #era: () => number;
  readonly mayRepair: (now: Instant) => boolean;
  readonly #operations: Numbered<Operation>;
  readonly #limit: InFlightLimit;
  #inFlight = 0;
  #requestedAt: Instant = Number.NEGATIVE_INFINITY;
  #inFlightBytes = 0;
  /** Bytes of all operations, also of those that are answered and wait for late owners. */
  #openBytes = 0;

  constructor(setup: CoordinatorSetup) {
    this.self = setup.self;
    this.identity = setup.identity;
    this.config = setup.config;
    this.secret = setup.secret;
    this.effects = setup.effects;
    this.liveness = setup.liveness;
    this.replica = setup.replica;
    this.hints = setup.hints;
    this.deadlines = setup.deadlines;
    this.hedges = new ShareBudget(setup.config.hedgeShare, HEDGES_MAX);
    this.layout = setup.layout;
    this.wall = setup.wall;
    this.#era = setup.era;
    this.mayRepair = setup.mayRepair;
    this.#limit = new InFlightLimit(setup.config.inFlightMax);
    // Replies may arrive after a restart. A random start of 48 bits keeps the numbers of two lives
    // apart.
    this.#operations = new Numbered(
      setup.random.next() * 0x1_0000 + setup.random.integer(0x1_0000),
    );
  }

  /** Requests without an answer yet. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Operations that somebody is still waited for, answered or not. */
  get openCount(): number {
    return this.#operations.size;
  }

  /** When the last came. */
  get requestedAt(): Instant {
    return this.#requestedAt;
  }

  /** So many of them the node takes now. */
  get inFlightLimit(): number {
    return this.#limit.value;
  }

  /** What a request takes of late, and what it took at best. */
  get latencyMs(): number {
    return this.#limit.latencyMs;
  }

  get bestLatencyMs(): number {
    return this.#limit.bestMs;
  }

  get isBusy(): boolean {
    const { inFlightBytesMax } = this.config;
    return this.#inFlight * 2 > this.#limit.value || this.#inFlightBytes * 2 > inFlightBytesMax;
  }

  get isCrowded(): boolean {
    const { inFlightMax, inFlightBytesMax } = this.config;
    return this.#operations.size > inFlightMax * 2 || this.#openBytes > inFlightBytesMax;
  }

  request(now: Instant, request: ClientRequest, asker: NodeId | undefined): void {
    this.#requestedAt = now;
    const admitted = this.#admit(now, request, asker);
    if ("kind" in admitted) return this.#refuse(request, asker, admitted);
    const operation = this.#operationFor(admitted);
    if (operation === undefined) {
      const { epoch } = admitted;
      const detail = `${this.self} does not own this key at layout epoch ${epoch}`;
      return this.#refuse(request, asker, failed("NOT_OWNER", detail));
    }
    this.#limit.onAdmitted(++this.#inFlight);
    this.#inFlightBytes += admitted.bytes;
    this.#openBytes += admitted.bytes;
    this.#operations.set(admitted.id, operation);
    operation.start(now);
  }

  /** The clients of these requests are gone. Whoever forwarded one still waits for it. */
  abandon(now: Instant, requests: ReadonlySet<number>): void {
    for (const id of this.#operations.numbers()) {
      const operation = this.#operations.get(id);
      if (operation === undefined || operation.isAnswered) continue;
      const { asker, request } = operation.admitted;
      if (asker === undefined && requests.has(request.id)) operation.abandon(now);
    }
  }

  onWritten(now: Instant, from: NodeId, id: number): void {
    const operation = this.#operationOf(from, id);
    if (operation === undefined) return;
    const owner = operation.admitted.owners.indexOf(from);
    if (owner >= 0) operation.onWritten(now, owner);
    else operation.onHinted(now, from);
  }

  onSame(now: Instant, from: NodeId, id: number): void {
    const operation = this.#operationOf(from, id);
    const owner = operation?.admitted.owners.indexOf(from) ?? -1;
    if (owner >= 0) operation?.onSame(now, owner);
  }

  onHeld(now: Instant, from: NodeId, id: number, record: Uint8Array): void {
    const operation = this.#operationOf(from, id);
    if (operation === undefined) return;
    const owner = operation.admitted.owners.indexOf(from);
    if (owner >= 0) operation.onHeld(now, owner, record);
    else operation.onHeldFor(now, from, record);
  }

  onRefused(now: Instant, from: NodeId, id: number, reason: Refusal): void {
    const operation = this.#operationOf(from, id);
    if (operation === undefined) return;
    const owner = operation.admitted.owners.indexOf(from);
    if (owner >= 0) operation.onRefused(now, owner, reason);
    else operation.onStandInRefused(now, from, reason);
  }

  onAnswer(now: Instant, from: NodeId, id: number, outcome: Outcome): void {
    const operation = this.#operations.get(id);
    if (operation === undefined) return this.#dropped(from);
    operation.onAnswer(now, from, outcome);
  }

  /** Everybody who waits for this peer learns that it will not answer. */
  onPeerLost(now: Instant, peer: NodeId): void {
    // What one of them does may close another.
    for (const id of this.#operations.numbers()) this.#operations.get(id)?.onPeerLost(now, peer);
  }

  /** What began in an earlier era knows what others may have forgotten since: it is over. */
  endBefore(now: Instant, era: number): void {
    for (const id of this.#operations.numbers()) {
      const operation = this.#operations.get(id);
      if (operation !== undefined && operation.admitted.era < era) operation.expire(now);
    }
  }

  close(id: number): void {
    const operation = this.#operations.take(id);
    assert(operation !== undefined, `operation ${id} closed twice`);
    this.#openBytes -= operation.admitted.bytes;
  }

  answered(now: Instant, { startedAt, deadlineAt, bytes }: Begun): void {
    this.#inFlight--;
    this.#inFlightBytes -= bytes;
    // What is refused at once says nothing of how long anything takes.
    if (now > startedAt) this.#limit.onAnswered(now, now - startedAt, deadlineAt - startedAt);
    assert(this.#inFlight >= 0 && this.#inFlightBytes >= 0, "more answers than requests");
  }

  #operationFor(admitted: Admitted): Operation | undefined {
    const { owners, request } = admitted;
    if (!owners.includes(this.self)) {
      return request.forwarded ? undefined : new ForwardOperation(this, admitted);
    }
    if (this.#stepsBack(admitted)) return new ForwardOperation(this, admitted);
    switch (request.operation) {
      case "get":
        return request.session
          ? new SessionGetOperation(this, admitted)
          : new GetOperation(this, admitted);
      case "put":
        return new PutOperation(this, admitted);
      case "delete":
        return new DeleteOperation(this, admitted);
    }
  }

  /** With a slow disk it leaves what it owns to an owner that is well, unless one has asked it. */
  #stepsBack({ owners, request }: Admitted): boolean {
    const { liveness, self } = this;
    if (request.forwarded || !liveness.isDegraded(self)) return false;
    return owners.some((owner) => {
      return owner !== self && liveness.isLinked(owner) && liveness.isWell(owner);
    });
  }

  #admit(now: Instant, request: ClientRequest, asker: NodeId | undefined): Admitted | Failed {
    const layout = this.layout();
    const { key } = request;
    this.wall.see(request.wallMs);
    const partition = layout.partitioner.of(key);
    const owners = layout.owners(partition);
    const bytes = key.length + request.value.length + request.context.length;
    const problem = this.#overload(bytes) ?? this.#limitBroken(request);
    if (problem !== undefined) return problem;
    const isGet = request.operation === "get";
    const reading = this.#needed("r", request.r, request.pr, owners.length);
    if ("kind" in reading) return reading;
    const writing = isGet ? ONE : this.#needed("w", request.w, request.pw, owners.length);
    if ("kind" in writing) return writing;
    const context = this.#openContext(request);
    if (context !== undefined && "kind" in context) return context;
    const { session } = request;
    const read = session ? majority(reading.all, owners.length) : reading;
    const write = session ? majority(writing.all, owners.length) : writing;
    const timeoutMs = request.timeoutMs === 0 ? this.config.requestTimeoutMs : request.timeoutMs;
    return {
      id: this.#operations.next(),
      request,
      place: { partition, key },
      owners,
      epoch: layout.epoch,
      era: this.#era(),
      readNeeded: read.all,
      writeNeeded: write.all,
      readProper: read.proper,
      writeProper: write.proper,
      context,
      asker,
      startedAt: now,
      deadlineAt: now + timeoutMs,
      bytes,
    };
  }

  #overload(bytes: number): Failed | undefined {
    const { inFlightMax, inFlightBytesMax } = this.config;
    const { value } = this.#limit;
    if (this.#inFlight >= value) {
      const most = value === inFlightMax ? `${value}` : `${value} of ${inFlightMax} for now`;
      const detail = `${this.#inFlight} requests in flight, at most ${most}`;
      return this.#overloaded(detail, value, this.#inFlight);
    }
    const after = this.#inFlightBytes + bytes;
    if (after <= inFlightBytesMax || this.#inFlight === 0) return undefined;
    const detail = `${after} bytes in flight, at most ${inFlightBytesMax}`;
    return this.#overloaded(detail, inFlightBytesMax, after);
  }

  #overloaded(detail: string, needed: number, got: number): Failed {
    this.#limit.onRefused();
    return failed("OVERLOADED", detail, { needed, got, retryAfterMs: this.#limit.retryAfterMs });
  }

  #limitBroken(request: ClientRequest): Failed | undefined {
    const { valueBytesMax, requestTimeoutMsMax } = this.config;
    const { value, timeoutMs } = request;
    if (value.length > valueBytesMax) {
      const detail = `the value has ${value.length} bytes, at most ${valueBytesMax}`;
      return failed("VALUE_TOO_LARGE", detail, { needed: valueBytesMax, got: value.length });
    }
    if (!(timeoutMs >= 0 && timeoutMs <= requestTimeoutMsMax)) {
      const detail = `timeoutMs ${timeoutMs} is not from 1 to ${requestTimeoutMsMax}`;
      return failed("INVALID_REQUEST", detail, { needed: requestTimeoutMsMax, got: timeoutMs });
    }
    return lifeBroken(request) ?? levelBroken(request);
  }

  /** Who demands more owners proper than owners demands as many owners. */
  #needed(name: "r" | "w", level: Level, ofThem: Level, owners: number): Needed | Failed {
    const { config } = this;
    const wanted = level === "default" ? config[name] : level;
    const all = levelCount(wanted, owners);
    if (all === undefined) return levelTooHigh(name, wanted, owners);
    if (ofThem === "default") {
      const usual = levelCount(config[`p${name}`], owners) ?? owners;
      return { all, proper: Math.min(usual, all) };
    }
    const proper = levelCount(ofThem, owners);
    if (proper === undefined) return levelTooHigh(`p${name}`, ofThem, owners);
    return { all: Math.max(all, proper), proper };
  }

  #openContext(request: ClientRequest): Context | Failed | undefined {
    if (request.context.length === 0) return undefined;
    const { vectorEntriesMax } = this.config;
    const context = openContext(this.secret, request.key, request.context, vectorEntriesMax);
    if (context !== undefined) return context;
    const detail =
      "the context is not one of this cluster for this key, " +
      `or has more than ${vectorEntriesMax} entries`;
    return failed("CONTEXT_INVALID", detail);
  }

  #refuse(request: ClientRequest, asker: NodeId | undefined, outcome: Failed): void {
    const { operation } = request;
    this.effects.note({ kind: "request-finished", operation, outcome: outcome.code, elapsedMs: 0 });
    if (asker === undefined) this.effects.reply(request.id, outcome);
    else this.effects.send(asker, answer(request.id, outcome));
  }

  /**
   * The operation that an owner's reply belongs to; a reply to nothing, or of nobody, is dropped.
   */
  #operationOf(from: NodeId, id: number): Operation | undefined {
    const operation = this.#operations.get(id);
    if (operation !== undefined) {
      const { owners } = operation.admitted;
      if (owners.includes(from) || operation.hasStandIn(from)) return operation;
    }
    this.#dropped(from);
    return undefined;
  }

  /** Too late for its operation, but it has spoken. */
  #dropped(from: NodeId): void {
    this.liveness.onSpoke(from);
    this.effects.note({ kind: "message-dropped", from, reason: "unknown-id" });
  }
}

/** What a session needs: so many, but a majority at least, and all of them owners proper. */
function majority(wanted: number, owners: number): Needed {
  const all = Math.max(wanted, levelCount("quorum", owners) ?? owners);
  return { all, proper: all };
}

function lifeBroken({ operation, ttlMs }: ClientRequest): Failed | undefined {
  if (ttlMs === 0) return undefined;
  if (operation !== "put") {
    return failed("INVALID_REQUEST", `ttlMs ${ttlMs} with a ${operation}: only a value expires`);
  }
  if (Number.isInteger(ttlMs) && ttlMs > 0 && ttlMs <= TTL_MS_MAX) return undefined;
  const detail = `ttlMs ${ttlMs} is not an integer from 1 to ${TTL_MS_MAX}`;
  return failed("INVALID_REQUEST", detail, { needed: TTL_MS_MAX, got: ttlMs });
}

/** All four, also those that this operation does not look at: a forwarded request carries them. */
function levelBroken(request: ClientRequest): Failed | undefined {
  for (const name of ["r", "w", "pr", "pw"] as const) {
    const level = request[name];
    if (typeof level === "string" || (Number.isInteger(level) && level >= 1)) continue;
    const detail = `${name} must be one, quorum, all, or an integer from 1, got ${level}`;
    return failed("INVALID_REQUEST", detail);
  }
  return undefined;
}

function levelTooHigh(name: string, level: Level, owners: number): Failed {
  const detail = `${name} ${level} cannot be met by the ${owners} owners of a key`;
  return failed("INVALID_REQUEST", detail, {
    needed: typeof level === "number" ? level : 0,
    got: owners,
  });
}
