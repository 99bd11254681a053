/**
 * A cluster elsewhere, as a door: it knows the layout and sends each request straight to a node
 * that owns the key.
 *
 *     submit ─▶ the first owner that is connected, home first; else any node; else wait for one
 *     answer ─▶ settle; refused for an old layout: ask for the new one and send it again
 *     loss   ─▶ a read goes elsewhere; of a write nobody knows whether it happened: we say so
 *     slow   ─▶ a read goes elsewhere; a write waits
 *
 * Connections are dialled when a request would like to use them; until then it takes what is there,
 * and the node that it reaches sends it on. Only a read, or what was refused without effect, is
 * ever sent again, and only a few times: to repeat a write whose answer was lost is for the caller,
 * who knows what the write means.
 *
 * The node answers in time by itself and says more than we could, so our own deadline comes a
 * little after the one we ask it for. All deadlines are rows of one wheel behind one timer, and all
 * bounds are counted here (law 7).
 */
import { assert } from "../core/base/assert.ts";
import { Numbered } from "../core/base/numbered.ts";
import type { DoorFailed, DoorOutcome } from "../core/caller/door-outcome.ts";
import { ofLoss, unanswered, unavailable } from "../core/caller/door-outcome.ts";
import { Throttle } from "../core/caller/throttle.ts";
import type { Timed } from "../core/deadlines.ts";
import { Deadline, DeadlineWheel } from "../core/deadlines.ts";
import { ask } from "../core/messages.ts";
import type { Outcome } from "../core/outcomes.ts";
import { failed } from "../core/outcomes.ts";
import type { ClientRequest } from "../core/requests.ts";
import { withEnvelope } from "../core/requests.ts";
import type { Layout } from "../core/ring/layout.ts";
import type { NodeId } from "../core/ring/node-id.ts";
import type { HintOrder, HintReport } from "../core/hint-orders.ts";
import type { RepairOrder, RepairReport } from "../core/repair-orders.ts";
import type { HintsTold } from "../core/wire/admin-hints.ts";
import type { RepairTold } from "../core/wire/admin-repair.ts";
import type { CopyAnswer } from "../core/wire/copy-codec.ts";
import type { Greeting } from "../core/wire/greeting.ts";
import { clientGreeting } from "../core/wire/greeting.ts";
import type { NodeStatus } from "../host/node-status.ts";
import type { Address } from "../socket/address.ts";
import { formatAddress, parseAddress } from "../socket/address.ts";
import { Alarm } from "../socket/alarm.ts";
import type { Plant } from "../socket/frame-socket.ts";
import { throwLater } from "../socket/throw-later.ts";
import type { TurnTask } from "../socket/turn.ts";
import { Turn } from "../socket/turn.ts";
import { WriterPool } from "../socket/writer-pool.ts";
import { CallbackQueue } from "../socket/callback-queue.ts";
import { Drain } from "../socket/drain.ts";
import { Admission, OVERLOADED_RETRY_MS } from "./admission.ts";
import { ConnectError } from "./connect-error.ts";
import type { Connection } from "./connection.ts";
import { ConnectionPool, type PoolOwner } from "./connection-pool.ts";
import type { CopyQuestion } from "./copy-calls.ts";
import type { Door, Settle } from "./door.ts";
import { inTime } from "./in-time.ts";
import { LayoutCache } from "./layout-cache.ts";
import type { PendingOwner } from "./pending-request.ts";
import { PendingRequest } from "./pending-request.ts";
import type { RemoteOptions } from "./remote-options.ts";
import { DEFAULT_REMOTE_OPTIONS } from "./remote-options.ts";

/** A request is sent at most so often: where it failed first, elsewhere, and once more. */
const SEND_COUNT_MAX = 3;
/** How much later than the node we give up ourselves. */
const GRACE_MS = 100;
/** A node that is down fails again and again, and moves seldom. */
const PLACES_ASKED_EVERY_MS = 1_000;
const REQUEST_ID_END = 2 ** 30;
const CLOSED = "the client is closed";

export class RemoteClient implements Door, PoolOwner, PendingOwner, Timed, TurnTask {
  readonly plant: Plant = { turn: new Turn(), pool: new WriterPool() };
  readonly limits: RemoteOptions;
  readonly #admission: Admission;
  readonly #throttle: Throttle = new Throttle();
  readonly #cache: LayoutCache = new LayoutCache();
  readonly #pool: ConnectionPool;
  readonly #wheel: DeadlineWheel = new DeadlineWheel();
  readonly #alarm: Alarm = new Alarm(() => this.#onAlarm());
  readonly #redial: Deadline = new Deadline(this);
  readonly #pending: Numbered<PendingRequest> = new Numbered(0, REQUEST_ID_END);
  /** Those of them that no connection could take. */
  readonly #waiting: Set<PendingRequest> = new Set();
  readonly #answers: CallbackQueue<DoorOutcome> = new CallbackQueue();
  readonly #foundSlow: Connection[] = [];
  readonly #drain: Drain = new Drain();
  #onStart: ((problem: ConnectError | undefined) => void) | undefined = undefined;
  #closing: Promise<void> | undefined = undefined;
  #placesAskedAt = Number.NEGATIVE_INFINITY;

  /** Resolves when a seed has told the layout. Rejects with a ConnectError when none does. */
  static async connect(
    addresses: readonly string[],
    options: Partial<RemoteOptions> = {},
  ): Promise<RemoteClient> {
    const seeds = addresses.map(seedOf);
    const client = new RemoteClient(seeds, { ...DEFAULT_REMOTE_OPTIONS, ...options });
    await client.#start();
    return client;
  }

  private constructor(seeds: readonly Address[], options: RemoteOptions) {
    this.limits = options;
    this.#admission = new Admission(options);
    this.plant.turn.first = this;
    this.#pool = new ConnectionPool(seeds, this.#cache, this);
  }

  layout(): Layout {
    const { layout } = this.#cache;
    assert(layout !== undefined, "a client is handed out when it has a layout");
    return layout;
  }

  submit(request: ClientRequest, settle: Settle): number {
    const id = this.#pending.next();
    const now = performance.now();
    const refusal = this.#refusal(request, now);
    if (refusal !== undefined) {
      this.#settleLater(id, settle, refusal);
      return id;
    }
    const answerBy = now + (request.timeoutMs || this.limits.requestTimeoutMs);
    const pending = new PendingRequest(id, request, settle, this, answerBy);
    this.#pending.set(id, pending);
    this.#admission.add(request);
    this.#wheel.set(pending.deadline, answerBy + GRACE_MS);
    this.#dispatch(pending, undefined, now);
    this.plant.turn.wake();
    return id;
  }

  cancel(id: number): void {
    const pending = this.#pending.get(id);
    pending?.connection?.promptness.onForgotten();
    if (pending !== undefined) this.#remove(pending);
    this.#answers.cancel(id);
  }

  /** How a node is; without an id, any. A node that cannot be asked is an outcome like others. */
  async status(node?: NodeId): Promise<NodeStatus | DoorFailed> {
    const connection = node === undefined ? this.#pool.anyReady() : this.#pool.to(node);
    if (connection === undefined) return unavailable(`no way to ${node ?? "any node"} is known`);
    const json = await this.#statusJson(connection);
    if (json !== undefined) return JSON.parse(json) as NodeStatus;
    const isOpen = connection.retryAt === undefined;
    const reason = isOpen ? "no answer in time" : connection.lossReason;
    return unavailable(`${formatAddress(connection.address)}: ${reason}`);
  }

  /** What a backup reads and a restore writes, from and to one node. */
  async copy(
    node: NodeId,
    question: CopyQuestion,
    timeoutMs: number,
  ): Promise<CopyAnswer | DoorFailed> {
    const connection = this.#pool.to(node);
    if (connection === undefined) return unavailable(`no way to ${node} is known`);
    const answer = await inTime<CopyAnswer>(timeoutMs, (settle) =>
      connection.askCopy(question, settle),
    );
    if (answer === undefined) return untold(connection, timeoutMs);
    if (answer.kind === "copy-refused" && this.#cache.isBehind(answer.epoch)) {
      connection.askLayout();
    }
    return answer;
  }

  /** What one node keeps for others, seen and steered. */
  async hints(node: NodeId, order: HintOrder, timeoutMs: number): Promise<HintReport | DoorFailed> {
    const connection = this.#pool.to(node);
    if (connection === undefined) return unavailable(`no way to ${node} is known`);
    const told = await inTime<HintsTold>(timeoutMs, (settle) => connection.askHints(order, settle));
    return told?.report ?? untold(connection, timeoutMs);
  }

  /** Anti-entropy of one node, seen and hurried. */
  async repair(
    node: NodeId,
    order: RepairOrder,
    timeoutMs: number,
  ): Promise<RepairReport | DoorFailed> {
    const connection = this.#pool.to(node);
    if (connection === undefined) return unavailable(`no way to ${node} is known`);
    const told = await inTime<RepairTold>(timeoutMs, (settle) =>
      connection.askRepair(order, settle),
    );
    return told?.report ?? untold(connection, timeoutMs);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  // What connections report

  greeting(): Greeting {
    const { layout } = this.#cache;
    // Once it is known, an address that moved to another cluster is refused.
    const greeting = clientGreeting(layout?.clusterId ?? this.limits.clusterId);
    if (layout === undefined) return greeting;
    return { ...greeting, layoutEpoch: layout.epoch, layoutFingerprint: layout.fingerprint() };
  }

  onReady(connection: Connection, theirs: Greeting): void {
    if (this.#closing !== undefined && this.#admission.isEmpty) return connection.end(CLOSED);
    this.#pool.onReady(connection);
    if (this.#cache.isBehind(theirs.layoutEpoch)) connection.askLayout();
    this.#dispatchWaiting();
  }

  onAnswer(connection: Connection, id: number, outcome: Outcome): void {
    const pending = this.#pending.get(id);
    // What was sent elsewhere since is answered there.
    if (pending?.connection !== connection) return;
    this.#noteAnswer(connection, pending, outcome);
    const isRefused = outcome.kind === "failed" && outcome.code === "OVERLOADED";
    if (isRefused) this.#throttle.onRefused();
    else this.#throttle.onAccepted();
    if (outcome.kind !== "failed" && outcome.receipt.needed > 1) connection.onReach(true);
    if (outcome.kind === "failed") {
      const { code } = outcome;
      if (code === "QUORUM_NOT_MET" || code === "OUTCOME_UNKNOWN") connection.onReach(false);
      if (code === "STALE_EPOCH" || code === "NOT_OWNER") {
        connection.askLayout();
        if (pending.sendCount < SEND_COUNT_MAX) return this.#wait(pending);
      }
    } else if (this.#cache.isBehind(outcome.receipt.epoch)) {
      connection.askLayout();
    }
    this.#remove(pending);
    try {
      pending.settle(outcome);
    } catch (error) {
      throwLater(error);
    }
  }

  onLayout(layout: Layout): void {
    if (this.#cache.adopt(layout)) this.#pool.onLayout();
    this.#onStart?.(undefined);
    this.#dispatchWaiting();
  }

  /** Where a node is that cannot be found, others may know by now. */
  onUnplaced(): void {
    const now = performance.now();
    if (now < this.#placesAskedAt + PLACES_ASKED_EVERY_MS) return;
    this.#placesAskedAt = now;
    this.#pool.anyReady()?.askLayout();
  }

  /** In the middle of sending: what follows waits until that is done. */
  onFoundSlow(connection: Connection): void {
    this.#foundSlow.push(connection);
  }

  onLost(connection: Connection, reason: string): void {
    this.#pool.onLost(connection);
    if (this.#onStart !== undefined) return this.#checkStart();
    this.onUnplaced();
    const now = performance.now();
    const name = connection.node ?? formatAddress(connection.address);
    for (const id of this.#pending.numbers()) {
      const pending = this.#pending.get(id);
      if (pending?.connection !== connection) continue;
      if (pending.isRead && pending.sendCount < SEND_COUNT_MAX) {
        pending.connection = undefined;
        this.#dispatch(pending, connection, now);
      } else {
        const detail = `the connection to ${name} was lost: ${reason}`;
        const failure = unanswered(pending.isRead, detail);
        this.#finish(pending, connection.fellSilent ? failure : ofLoss(failure));
      }
    }
    this.#dispatchWaiting();
  }

  // Deadlines

  onExpired(pending: PendingRequest): void {
    const { connection, receivedBytesBefore, request } = pending;
    const waitedMs = request.timeoutMs || this.limits.requestTimeoutMs;
    if (connection === undefined) {
      this.#finish(pending, unavailable(`no node took the request within ${waitedMs} ms`));
      return;
    }
    const now = performance.now();
    connection.promptness.onSilent(now, now - pending.sentAt);
    const name = connection.node ?? formatAddress(connection.address);
    const detail = `${name} did not answer within ${waitedMs} ms`;
    this.#finish(pending, unanswered(pending.isRead, detail));
    // A node answers in time, if only to say that it could not.
    connection.suspect(receivedBytesBefore);
  }

  /** Some requests have nowhere to go: time to dial again. */
  onDeadline(): void {
    this.#dispatchWaiting();
  }

  endTurn(): void {
    if (this.#foundSlow.length > 0) this.#askElsewhere(this.#foundSlow.splice(0));
    this.#answers.run();
    if (!this.#answers.isEmpty) this.plant.turn.wake();
    this.#alarm.at(this.#wheel.earliest);
  }

  /** One that refuses says itself how long it would take. */
  #noteAnswer({ promptness }: Connection, { sentAt }: PendingRequest, outcome: Outcome): void {
    const now = performance.now();
    const retryAfterMs = outcome.kind === "failed" ? outcome.retryAfterMs : 0;
    promptness.onAnswered(now, Math.max(now - sentAt, retryAfterMs));
  }

  #refusal(request: ClientRequest, now: number): DoorOutcome | undefined {
    if (this.#closing !== undefined) return unavailable(CLOSED);
    return this.#admission.refusal(request) ?? this.#throttle.refusal(now, Math.random);
  }

  #start(): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = (): void => this.#onStart?.(this.#connectError());
      const timer = setTimeout(giveUp, this.limits.connectTimeoutMs);
      this.#onStart = (problem) => {
        this.#onStart = undefined;
        clearTimeout(timer);
        if (problem === undefined) return resolve();
        this.#closing = Promise.resolve();
        for (const connection of this.#pool.values()) connection.destroy("connecting failed");
        reject(problem);
      };
      this.#pool.dialAll();
    });
  }

  /** All seeds have been tried and none is left: waiting longer would not help. */
  #checkStart(): void {
    for (const { retryAt } of this.#pool.values()) if (retryAt === undefined) return;
    this.#onStart?.(this.#connectError());
  }

  #connectError(): ConnectError {
    const attempts = [...this.#pool.values()].map(({ address, lossReason, retryAt }) => {
      const reason = retryAt === undefined ? "no answer in time" : lossReason;
      return { address: formatAddress(address), reason };
    });
    const refused = [...this.#pool.values()].find(({ refusalCode }) => refusalCode !== undefined);
    return new ConnectError(refused?.refusalCode ?? "UNAVAILABLE", attempts);
  }

  async #close(): Promise<void> {
    if (!this.#admission.isEmpty) await this.#drain.wait(this.limits.drainMs);
    for (const id of this.#pending.numbers()) {
      const pending = this.#pending.get(id)!;
      const hasLeft = pending.connection !== undefined;
      this.#finish(pending, unanswered(pending.isRead || !hasLeft, CLOSED));
    }
    for (const connection of this.#pool.values()) connection.end(CLOSED);
    this.#alarm.stop();
  }

  #dispatch(pending: PendingRequest, avoided: Connection | undefined, now: number): void {
    const { id, request } = pending;
    const connection = this.#pool.pick(request.key, avoided, now);
    if (connection === undefined) return this.#wait(pending);
    const { inFlightBytesMax } = this.limits;
    if (connection.outboundBytes >= inFlightBytesMax) {
      const numbers = { needed: 1, got: 0, retryAfterMs: OVERLOADED_RETRY_MS };
      const detail = "the node does not take what waits for it";
      return this.#finish(pending, failed("OVERLOADED", detail, numbers));
    }
    const timeoutMs = Math.max(1, Math.round(pending.answerBy - now));
    try {
      connection.send(ask(withEnvelope(request, { id, timeoutMs, wallMs: 0, forwarded: false })));
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      return this.#finish(pending, failed("INVALID_REQUEST", detail));
    }
    pending.connection = connection;
    pending.sendCount++;
    pending.sentAt = now;
    connection.promptness.onSent(now);
    pending.receivedBytesBefore = connection.receivedBytes;
  }

  #wait(pending: PendingRequest): void {
    pending.connection = undefined;
    this.#waiting.add(pending);
    if (this.#waiting.size === 1) this.#dialForWaiting();
  }

  /** Reads that wait for nodes that are slow. */
  #askElsewhere(slow: readonly Connection[]): void {
    const now = performance.now();
    for (const id of this.#pending.numbers()) {
      const pending = this.#pending.get(id);
      const connection = pending?.connection;
      if (connection === undefined || !slow.includes(connection)) continue;
      if (!pending!.isRead || pending!.sendCount >= SEND_COUNT_MAX) continue;
      connection.promptness.onForgotten();
      this.#dispatch(pending!, connection, now);
    }
    this.plant.turn.wake();
  }

  #dispatchWaiting(): void {
    if (this.#waiting.size === 0) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    const now = performance.now();
    for (const pending of waiting) this.#dispatch(pending, undefined, now);
    this.plant.turn.wake();
  }

  #dialForWaiting(): void {
    this.#pool.dialAll();
    const { retryAt } = this.#pool;
    if (retryAt !== undefined) this.#wheel.set(this.#redial, retryAt);
    this.plant.turn.wake();
  }

  #finish(pending: PendingRequest, outcome: DoorOutcome): void {
    this.#remove(pending);
    this.#settleLater(pending.id, pending.settle, outcome);
  }

  #remove(pending: PendingRequest): void {
    this.#pending.take(pending.id);
    this.#waiting.delete(pending);
    this.#admission.remove(pending.request);
    this.#wheel.cancel(pending.deadline);
    if (this.#admission.isEmpty) this.#drain.finish();
  }

  #settleLater(id: number, settle: Settle, outcome: DoorOutcome): void {
    this.#answers.push(id, settle, outcome);
    this.plant.turn.wake();
  }

  #onAlarm(): void {
    this.#wheel.advance(performance.now());
    this.plant.turn.wake();
  }

  #statusJson(connection: Connection): Promise<string | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.limits.connectTimeoutMs, undefined);
      connection.askStatus((json) => {
        clearTimeout(timer);
        resolve(json);
      });
    });
  }
}

function untold(connection: Connection, timeoutMs: number): DoorFailed {
  const isOpen = connection.retryAt === undefined;
  const reason = isOpen ? `no answer within ${timeoutMs} ms` : connection.lossReason;
  return unavailable(`${formatAddress(connection.address)}: ${reason}`);
}

function seedOf(text: string): Address {
  const address = parseAddress(text);
  if (!("problem" in address) && address.port > 0) return address;
  const reason = "problem" in address ? address.problem : "port 0 cannot be dialled";
  throw new ConnectError("INVALID_ADDRESS", [{ address: text, reason }]);
}
