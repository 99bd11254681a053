/**
 * The process around one node: it gives the node time, messages, requests and completions, and
 * turns what the node does into bytes and calls, at the pace of the event loop.
 *
 *     chunk ─▶ frames ─▶ node ─▶ send      into the peer's buffer
 *                                persist   the engine, at once
 *                                reply     into the client's buffer, or a queue of callbacks
 *     end of turn ─▶ completions, all of them ─▶ callbacks ─▶ one timer ─▶ one write a socket
 *
 * The node is never entered while it runs: an engine that completes inside `write`, a caller that
 * asks again inside its answer, both wait for the end of the turn. A throw from inside the node
 * means that its state is unknown. The host then stops everything and says why (law 9); it never
 * feeds such a node again.
 */
import type {
  DiskAnswer,
  Engine,
  EngineEvents,
  EngineStats,
  RowWrite,
  ScanPosition,
  ScanSlice,
} from "../core/storage/engine.ts";
import type { Effects } from "../core/effects.ts";
import type { HintOrder, HintReport } from "../core/hint-orders.ts";
import type { Layout } from "../core/ring/layout.ts";
import { located, type Message } from "../core/messages.ts";
import type { NodeId } from "../core/ring/node-id.ts";
import type { LoadReport } from "../core/load/load.ts";
import type { PurgeReport } from "../core/purge/purge.ts";
import type { NodeSetup } from "../core/node-setup.ts";
import type { Operation, ClientRequest } from "../core/requests.ts";
import type { Outcome } from "../core/outcomes.ts";
import type { RepairOrder, RepairReport } from "../core/repair-orders.ts";
import type { Turn, TurnTask } from "../socket/turn.ts";
import type { HostFact } from "./host-fact.ts";
import { Alarm } from "../socket/alarm.ts";
import { Node } from "../core/node.ts";
import { Numbered } from "../core/base/numbered.ts";
import { assert } from "../core/base/assert.ts";
import { failed } from "../core/outcomes.ts";
import { nothingTold } from "../core/repair-orders.ts";
import { CallbackQueue } from "../socket/callback-queue.ts";
import { DiskFailure } from "./disk-failure.ts";
import { Drain } from "../socket/drain.ts";
import { throwLater } from "../socket/throw-later.ts";
import { withEnvelope } from "../core/requests.ts";

/** Numbers of requests stay small integers, which V8 does not box. */
const REQUEST_ID_END = 2 ** 30;
const STOPPING_RETRY_MS = 1_000;

export interface HostSetup extends Omit<NodeSetup, "rows" | "effects"> {
  /** Makes the engine. Its completions may come inside `write` or at any later time. */
  /** `share`: of its usual pace, what its background work has time for; above 0, at most 1. */
  readonly engine: (events: EngineEvents, share: () => number) => Engine;
  /** Who the node is, on its disk; without one it is nobody again when it ends. */
  readonly keeper: IdentityKeeper | undefined;
  readonly turn: Turn;
  /** How long `close` waits for open requests. */
  readonly drainMs: number;
}

/** What keeps the identity of a node with its rows: `NodeStorage`. */
export interface IdentityKeeper {
  /** Called at the end of every turn. */
  tend(): void;
  /** Where a member was met: for the next start. */
  remember(member: NodeId, address: string): void;
  /**
   * After the engine was closed. Clean is a stop after which nothing is known to this process
   * alone; sums of the rows as they were closed may be kept for the next start.
   */
  close(isClean: boolean, trees: Uint8Array | undefined): Promise<void>;
}

/** The way to the other nodes. Nothing is promised of a message (see `Effects.send`). */
export interface Links {
  /** See `Effects.send`. */
  send(to: NodeId, message: Message, isPatient?: boolean): void;
  /** Finds out who is at this address, or connects with the member that is said to be there. */
  contact(address: string, member: NodeId | undefined): void;
  /** The node has a new layout: these are the members to be connected with. */
  follow(layout: Layout): void;
  /** Takes no new connection; those that are there go on. */
  stopAccepting(): void;
  /** Says what is still to be said, then closes everything. */
  close(): Promise<void>;
  /** Closes everything at once. */
  abort(): void;
}

export type Settle = (outcome: Outcome) => void;

/**
 * Who asked for somebody else: the number is the asker's own. Called while the node runs, so it
 * only records.
 */
export interface Asker {
  settle(askId: number, outcome: Outcome): void;
}

/**
 * A request that the node has and has not answered. Either an asker waits for it or a settle
 * function.
 */
interface OpenRequest {
  readonly operation: Operation;
  readonly asker: Asker | undefined;
  readonly askId: number;
  readonly settle: Settle | undefined;
}

/**
 * In this process a request is `submit`ted: the face of `client/door.ts`, where the order of the
 * layers lets none name it.
 */
export class Host implements Effects, EngineEvents, TurnTask {
  readonly id: NodeId;
  readonly generation: number;
  readonly startedAt: number = performance.now();
  readonly #node: Node;
  readonly #engine: Engine;
  readonly #keeper: IdentityKeeper | undefined;
  readonly #turn: Turn;
  readonly #drainMs: number;
  readonly #alarm: Alarm;
  readonly #open: Numbered<OpenRequest> = new Numbered(0, REQUEST_ID_END);
  readonly #factListeners: Set<(fact: HostFact) => void> = new Set();
  readonly #fatalListeners: Set<(error: unknown) => void> = new Set();
  readonly #completedTokens: number[] = [];
  readonly #completedAnswers: DiskAnswer[] = [];
  readonly #answers: CallbackQueue<Outcome> = new CallbackQueue();
  readonly #drain: Drain = new Drain();
  /** Dots of refused rows are known to this process alone. */
  #wasRefused = false;
  #links: Links | undefined = undefined;
  #closing: Promise<void> | undefined = undefined;
  #isHeld = false;
  #end: { readonly reason: string } | undefined = undefined;
  #layout: Layout;

  constructor(setup: HostSetup) {
    this.id = setup.id;
    this.generation = setup.generation;
    this.#turn = setup.turn;
    this.#turn.first = this;
    this.#drainMs = setup.drainMs;
    this.#layout = setup.layout;
    this.#alarm = new Alarm(() => this.#onAlarm());
    this.#keeper = setup.keeper;
    const share = (): number => this.#node.backgroundShare(performance.now(), "storage");
    this.#engine = setup.engine(this, share);
    this.#node = new Node({ ...setup, rows: this.#engine, effects: this });
  }

  /** Once, before the first input: without links a node talks to itself only. */
  attach(links: Links): void {
    assert(this.#links === undefined, "a host has one transport");
    this.#links = links;
  }

  /** Sums that the last life has left of exactly these rows. Before `start`. */
  restoreTrees(trees: Uint8Array): void {
    this.#node.restoreTrees(trees);
  }

  /**
   * Until `start` it only shows what it has: no time passes for it. For a node of which it is not
   * known yet whether its rows count.
   */
  hold(): void {
    this.#isHeld = true;
  }

  /** Once it can be reached: from now on it looks after others, and after its own rows. */
  start(): void {
    this.#isHeld = false;
    this.#node.start(performance.now());
    this.#turn.wake();
  }

  /**
   * Called while the node runs: a listener looks and records, it calls nothing of this host, and
   * does not throw. The answer ends the listening.
   */
  onFact(listener: (fact: HostFact) => void): () => void {
    this.#factListeners.add(listener);
    return () => this.#factListeners.delete(listener);
  }

  /**
   * The node is poisoned and everything has been stopped. Without a listener the process gets the
   * exception. The answer ends the listening.
   */
  onFatal(listener: (error: unknown) => void): () => void {
    this.#fatalListeners.add(listener);
    return () => this.#fatalListeners.delete(listener);
  }

  layout(): Layout {
    return this.#node.layout;
  }

  /** What is given to the node from outside bears it. */
  get era(): number {
    return this.#node.era;
  }

  stats(): EngineStats {
    return this.#engine.stats();
  }

  /** Rows as they are stored, to be copied elsewhere; nothing once the node has stopped. */
  scan(partition: number, from: ScanPosition | undefined, limit: number): ScanSlice | undefined {
    return this.#end === undefined ? this.#engine.scan(partition, from, limit) : undefined;
  }

  get openRequests(): number {
    return this.#node.openRequests;
  }

  /** How busy it is, and what gives way to that. */
  /** How far the forgetting of deletions has got. */
  tombstones(): PurgeReport {
    return this.#node.tombstones();
  }

  load(): LoadReport {
    return this.#node.load(performance.now());
  }

  /** What is kept for others, seen and steered; nothing once the node has stopped. */
  hints(order: HintOrder): HintReport {
    if (this.#end === undefined) {
      try {
        return this.#node.hints(performance.now(), order);
      } catch (error) {
        this.#die(error);
      } finally {
        this.#turn.wake();
      }
    }
    return { isCounted: false, targets: [] };
  }

  /** Anti-entropy, seen and hurried; nothing once the node has stopped. */
  repair(order: RepairOrder): RepairReport {
    if (this.#end === undefined) {
      try {
        return this.#node.repair(performance.now(), order);
      } catch (error) {
        this.#die(error);
      } finally {
        this.#turn.wake();
      }
    }
    return nothingTold(this.generation);
  }

  get state(): "running" | "stopping" | "stopped" {
    if (this.#end !== undefined) return "stopped";
    return this.#closing !== undefined ? "stopping" : "running";
  }

  // What comes in

  receive(from: NodeId, message: Message): void {
    if (this.#end !== undefined) return;
    try {
      this.#node.receive(performance.now(), from, message);
    } catch (error) {
      this.#die(error);
    }
    this.#turn.wake();
  }

  /** A node said in its greeting where it can be reached. */
  located(id: NodeId, generation: number, address: string): void {
    this.#keeper?.remember(id, address);
    this.receive(id, located(generation, address));
  }

  /** A request of somebody who is not in this process. */
  ask(request: ClientRequest, asker: Asker, askId: number): void {
    const { operation } = request;
    this.#run(request, { operation, asker, askId, settle: undefined });
  }

  submit(request: ClientRequest, settle: Settle): number {
    const { operation } = request;
    return this.#run(request, { operation, asker: undefined, askId: 0, settle });
  }

  cancel(id: number): void {
    if (this.#open.get(id)?.settle !== undefined) this.#abandon([id]);
    this.#answers.cancel(id);
  }

  /** Nobody hears what it has asked any more: nothing is settled, and nothing needless is done. */
  forget(asker: Asker): void {
    const asked = this.#open.numbers().filter((id) => this.#open.get(id)?.asker === asker);
    if (asked.length > 0) this.#abandon(asked);
  }

  /** Stops accepting, waits for what is open at most `drainMs`, then closes all there is. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  // What the engine says

  completed(token: number, answer: DiskAnswer): void {
    if (answer === "full") this.#wasRefused = true;
    this.#completedTokens.push(token);
    this.#completedAnswers.push(answer);
    this.#turn.wake();
  }

  failed(problem: string): void {
    this.#die(new DiskFailure(problem));
    this.#turn.wake();
  }

  // What goes out: called by the node, inside one of the inputs

  send(to: NodeId, message: Message, isPatient?: boolean): void {
    this.#links?.send(to, message, isPatient);
  }

  contact(address: string, member: NodeId | undefined): void {
    this.#links?.contact(address, member);
  }

  persist(writes: readonly RowWrite[], token: number): void {
    this.#engine.write(writes, token);
  }

  reply(id: number, outcome: Outcome): void {
    const open = this.#open.take(id);
    if (open !== undefined) this.#answer(id, open, outcome);
  }

  note(fact: HostFact): void {
    for (const listener of this.#factListeners) listener(fact);
  }

  // The end of a turn

  endTurn(): void {
    this.#drainCompletions();
    this.#engine.flush();
    this.#keeper?.tend();
    if (this.#end === undefined) {
      const layout = this.#node.layout;
      if (layout !== this.#layout) {
        this.#layout = layout;
        this.#links?.follow(layout);
      }
      if (!this.#isHeld) this.#alarm.at(this.#node.nextDeadline);
    }
    this.#answers.run();
    if (!this.#answers.isEmpty) this.#turn.wake();
    if (this.#closing !== undefined && this.#node.openRequests === 0) this.#drain.finish();
  }

  #run(request: ClientRequest, open: OpenRequest): number {
    const id = this.#open.next();
    if (this.#end !== undefined || this.#closing !== undefined) {
      this.#answer(id, open, this.#refusal());
    } else {
      this.#open.set(id, open);
      const { timeoutMs } = request;
      const envelope = { id, timeoutMs, wallMs: Date.now(), forwarded: false };
      try {
        this.#node.request(performance.now(), withEnvelope(request, envelope));
      } catch (error) {
        this.#die(error);
      }
    }
    this.#turn.wake();
    return id;
  }

  #abandon(ids: readonly number[]): void {
    for (const id of ids) this.#open.take(id);
    if (this.#end !== undefined) return;
    try {
      this.#node.abandon(performance.now(), new Set(ids));
    } catch (error) {
      this.#die(error);
    }
    this.#turn.wake();
  }

  #refusal(): Outcome {
    if (this.#end !== undefined) return unanswered(this.#end.reason);
    return failed("OVERLOADED", "the node is being closed", { retryAfterMs: STOPPING_RETRY_MS });
  }

  #answer(id: number, open: OpenRequest, outcome: Outcome): void {
    if (open.asker !== undefined) open.asker.settle(open.askId, outcome);
    if (open.settle !== undefined) this.#answers.push(id, open.settle, outcome);
  }

  #drainCompletions(): void {
    const tokens = this.#completedTokens;
    const answers = this.#completedAnswers;
    // What the node does with a completion may complete further writes: those are drained too.
    for (let i = 0; i < tokens.length && this.#end === undefined; i++) {
      try {
        this.#node.completed(performance.now(), tokens[i]!, answers[i]!);
      } catch (error) {
        this.#die(error);
      }
    }
    tokens.length = 0;
    answers.length = 0;
  }

  #onAlarm(): void {
    if (this.#end !== undefined) return;
    try {
      this.#node.advance(performance.now(), Date.now());
    } catch (error) {
      this.#die(error);
    }
    this.#turn.wake();
  }

  async #close(): Promise<void> {
    this.#links?.stopAccepting();
    if (this.#end === undefined && !this.#isHeld) this.#node.leave(performance.now());
    if (this.#end === undefined && this.#node.openRequests > 0) {
      await this.#drain.wait(this.#drainMs);
    }
    const isPoisoned = this.#end !== undefined;
    this.#stop("the node was closed");
    await this.#links?.close();
    const trees = isPoisoned || this.#keeper === undefined ? undefined : this.#trees();
    if (!isPoisoned) await new Promise<void>((closed) => this.#engine.close(closed));
    await this.#keeper?.close(!isPoisoned && !this.#wasRefused, trees);
  }

  /** While the rows can still be read: the last writes may not have been counted yet. */
  #trees(): Uint8Array | undefined {
    try {
      return this.#node.trees();
    } catch (error) {
      throwLater(error);
      return undefined;
    }
  }

  #die(error: unknown): void {
    if (this.#end !== undefined) return;
    this.#stop(`the node has stopped: ${error instanceof Error ? error.message : String(error)}`);
    this.#links?.abort();
    if (this.#closing === undefined) void this.#keeper?.close(false, undefined);
    if (this.#fatalListeners.size === 0) throwLater(error);
    for (const listener of this.#fatalListeners) listener(error);
  }

  /** No input from here on. Whoever still waits in this process is told what is known. */
  #stop(reason: string): void {
    if (this.#end !== undefined) return;
    this.#end = { reason };
    this.#alarm.stop();
    for (const id of this.#open.numbers()) {
      const { operation, settle } = this.#open.take(id)!;
      if (settle === undefined) continue;
      const isRead = operation === "get";
      const outcome = isRead ? unanswered(reason) : failed("OUTCOME_UNKNOWN", reason);
      this.#answers.push(id, settle, outcome);
    }
    this.#turn.wake();
  }
}

/** A node that has stopped reads from nobody. */
function unanswered(reason: string): Outcome {
  return failed("QUORUM_NOT_MET", reason, { needed: 1, got: 0 });
}
