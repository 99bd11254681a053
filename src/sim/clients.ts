/**
 * The clients of a run: what they ask, of which node, and what came of it.
 *
 *     open ──reply──▶ ok · fail · info
 *       ├──no node up──▶ fail          ├──node died──▶ info, a get: fail
 *       └──no reply for long──▶ info, a get: fail; the node still owes the reply
 *
 * `info` is for ever: the write may surface at any time. A get has no effect, so one without an
 * answer has failed. A client sits beside its node: its requests and replies take no time, which
 * makes every interval of the history as short, and every rule about what comes before what as
 * strict, as it can be.
 *
 * A client that may ask again does so as the client library would: by the same rule, and then of
 * the first owner that is up. All its tries are one operation.
 */
import { assert } from "../core/base/assert.ts";
import { EMPTY_BYTES } from "../core/base/bytes.ts";
import type { Random } from "../core/base/random.ts";
import type { SipKey } from "../core/base/siphash.ts";
import { toBinary, utf8Decode, utf8Encode } from "../core/base/utf8.ts";
import type { DoorFailed, DoorOutcome } from "../core/caller/door-outcome.ts";
import { ofLoss, unanswered, unavailable } from "../core/caller/door-outcome.ts";
import type { NodeConfig } from "../core/config.ts";
import type { Outcome } from "../core/outcomes.ts";
import type { BucketMode, ClientRequest, Level, Operation } from "../core/requests.ts";
import { clientRequest, withEnvelope } from "../core/requests.ts";
import type { Key } from "../core/ring/key.ts";
import { keyOf } from "../core/ring/key.ts";
import type { Layout } from "../core/ring/layout.ts";
import type { Asker } from "./client-operation.ts";
import { ClientOperation } from "./client-operation.ts";
import type { Status } from "./history.ts";
import { RecordedEntry } from "./recorded-entry.ts";
import type { Recorder } from "./recorder.ts";
import type { Scheduler } from "./scheduler.ts";
import type { SimulatedHost } from "./simulated-host.ts";

export interface OperationOptions {
  /** The node asked; by default the client's own, or else one that is up. */
  readonly node?: string;
  /** A context as some operation of this key returned it. */
  readonly context?: Uint8Array;
  /** Also the name of the bucket: one key is never written in two modes. */
  readonly mode?: BucketMode;
  readonly r?: Level;
  readonly w?: Level;
  readonly session?: boolean;
  /** Of a put. */
  readonly ttlMs?: number;
  /** For the whole operation, all its tries. */
  readonly timeoutMs?: number;
  /** How often to try again after a failure where that is right; by default never. */
  readonly retries?: number;
  /** Of a client as a whole: it asks no less of nodes that are overloaded. Judges do so. */
  readonly persists?: boolean;
}

export interface ClientsSetup {
  readonly scheduler: Scheduler;
  readonly recorder: Recorder;
  readonly random: Random;
  readonly hosts: readonly SimulatedHost[];
  readonly config: NodeConfig;
  readonly layout: Layout;
  readonly secret: SipKey;
}

/** A try on its way. When its client has given up, its node still owes the reply. */
interface Owed {
  readonly operation: ClientOperation;
  readonly host: SimulatedHost;
  isOver: boolean;
}

/** The key of this text in the bucket of this mode. */
export function keyIn(mode: BucketMode, text: string): Key {
  return keyOf(mode, toBinary(text));
}

/** A client waits so much longer than its node has time, then gives up. */
const GIVE_UP_AFTER_MS = 250;

export class Clients {
  /** In order of first use. */
  readonly keys: Key[] = [];
  readonly #setup: ClientsSetup;
  readonly #keys: Map<BucketMode, Map<string, Key>> = new Map();
  readonly #hosts: ReadonlyMap<string, SimulatedHost>;
  /** How long each client waits before it tries again. */
  readonly #waits: Random;
  readonly #owed: Map<number, Owed> = new Map();
  #lastId = 0;

  constructor(setup: ClientsSetup) {
    this.#setup = setup;
    this.#waits = setup.random.fork("waits");
    this.#hosts = new Map(setup.hosts.map((host) => [host.id, host]));
  }

  start(
    asker: Asker,
    operation: Operation,
    asked: {
      readonly key: string;
      readonly value: string | undefined;
      readonly options: OperationOptions;
    },
  ): ClientOperation {
    const { value, options } = asked;
    const { context = EMPTY_BYTES, timeoutMs = 0, retries = 0 } = options;
    const host = this.#hostFor(options.node);
    const key = this.#key(options.mode ?? "overwrite", asked.key);
    const entry = this.#entry(asker.name, operation, key, { host, value, options });
    const { mode, r, w, session, ttlMs } = entry;
    const bytes = value === undefined ? EMPTY_BYTES : utf8Encode(value);
    const asking = { operation, key, value: bytes, context, mode, r, w, session, ttlMs, timeoutMs };
    const request = clientRequest(asking);
    const started = new ClientOperation(asker, entry, request, retries);
    this.#setup.recorder.invoke(entry);
    this.#try(started, host, request);
    return started;
  }

  onReply(host: SimulatedHost, id: number, outcome: Outcome): void {
    const owed = this.#owed.get(id);
    assert(
      owed?.host === host,
      `${host.id} replied to request ${id}, which it does not owe a reply`,
    );
    this.#owed.delete(id);
    this.#setup.recorder.trace.outcome(outcome);
    if (owed.isOver) return;
    owed.isOver = true;
    const { throttle } = owed.operation.asker;
    if (outcome.kind === "failed" && outcome.code === "OVERLOADED") throttle?.onRefused();
    else throttle?.onAccepted();
    this.#onOutcome(owed.operation, outcome);
  }

  /** The node is down: nobody will hear from it what became of these. */
  onStopped(host: SimulatedHost): void {
    for (const [id, owed] of this.#owed) {
      if (owed.host !== host) continue;
      this.#owed.delete(id);
      this.#giveUp(owed, ofLoss(unansweredOf(owed, "the node stopped")));
    }
  }

  /** Operations whose node has not replied, though it may have had time enough. */
  get owed(): readonly ClientOperation[] {
    return [...this.#owed.values()].map(({ operation }) => operation);
  }

  #try(operation: ClientOperation, host: SimulatedHost | undefined, request: ClientRequest): void {
    const { recorder, scheduler, config } = this.#setup;
    const { entry } = operation;
    const node = host?.id ?? entry.node;
    entry.tries.push({ node, at: scheduler.now, failure: undefined });
    recorder.trace.word(entry.sequence);
    if (host === undefined || !host.isUp) {
      return this.#onOutcome(operation, unavailable(`${node} is down`));
    }
    const { throttle } = operation.asker;
    const refusal = throttle?.refusal(scheduler.now, () => this.#waits.fraction());
    if (refusal !== undefined) return this.#onOutcome(operation, refusal);
    const id = ++this.#lastId;
    const owed = { operation, host, isOver: false };
    this.#owed.set(id, owed);
    const { timeoutMs } = request;
    host.request(withEnvelope(request, { id, timeoutMs, wallMs: 0, forwarded: false }));
    if (owed.isOver) return;
    const patienceMs = (timeoutMs === 0 ? config.requestTimeoutMs : timeoutMs) + GIVE_UP_AFTER_MS;
    scheduler.act(patienceMs, () => this.#giveUp(owed, unansweredOf(owed, "no answer in time")));
  }

  #giveUp(owed: Owed, failure: DoorFailed): void {
    if (owed.isOver) return;
    owed.isOver = true;
    this.#onOutcome(owed.operation, failure);
  }

  #onOutcome(operation: ClientOperation, outcome: DoorOutcome): void {
    if (outcome.kind !== "failed") return this.#finish(operation, outcome);
    const { asker, entry, retries } = operation;
    const last = entry.tries.at(-1)!;
    last.failure = outcome.code;
    if (outcome.isOfLoss === true) last.wasLost = true;
    const waitMs = retries.waitMsAfter(outcome, this.#setup.scheduler.now, this.#waits.fraction());
    if (waitMs === undefined || asker.isClosed) return this.#finish(operation, retries.failure);
    this.#setup.scheduler.act(waitMs, () => this.#repeat(operation));
  }

  #repeat(operation: ClientOperation): void {
    const { asker, entry, retries } = operation;
    const request = retries.next(this.#setup.scheduler.now);
    if (request === undefined || asker.isClosed) return this.#finish(operation, retries.failure);
    this.#try(operation, this.#homeOf(entry.key), request);
  }

  #finish(operation: ClientOperation, outcome: DoorOutcome): void {
    const { entry } = operation;
    operation.outcome = outcome;
    this.#fillIn(entry, outcome);
    entry.completedAt = this.#setup.scheduler.now;
    entry.status = statusOf(outcome);
    this.#setup.recorder.reply(entry, outcome);
    operation.onDone?.();
  }

  #fillIn(entry: RecordedEntry, outcome: DoorOutcome): void {
    entry.sealed = outcome.context;
    if (outcome.kind === "failed") {
      entry.code = outcome.code;
      return;
    }
    entry.receipt = outcome.receipt;
    if (outcome.kind === "not-found") entry.returned = [];
    if (outcome.kind !== "found") return;
    entry.returned = outcome.siblings.map(({ value }) => utf8Decode(value) ?? "(not text)");
  }

  #entry(
    client: string,
    operation: Operation,
    key: Key,
    asked: {
      readonly host: SimulatedHost | undefined;
      readonly value: string | undefined;
      readonly options: OperationOptions;
    },
  ): RecordedEntry {
    const { recorder, scheduler, hosts, secret } = this.#setup;
    const { host, value, options } = asked;
    return new RecordedEntry(secret, {
      client,
      sequence: recorder.history.length,
      node: (host ?? hosts[0]!).id,
      operation,
      key,
      mode: options.mode ?? "overwrite",
      r: options.r ?? "default",
      w: options.w ?? "default",
      session: options.session ?? false,
      ttlMs: options.ttlMs ?? 0,
      value,
      given: options.context,
      invokedAt: scheduler.now,
    });
  }

  /** Made and checked at its first use. */
  #key(mode: BucketMode, text: string): Key {
    let keys = this.#keys.get(mode);
    if (keys === undefined) {
      keys = new Map();
      this.#keys.set(mode, keys);
    }
    let key = keys.get(text);
    if (key === undefined) {
      key = keyIn(mode, text);
      keys.set(text, key);
      this.keys.push(key);
    }
    return key;
  }

  /** Where the library's connections lead: to the first owner that is up, else to anybody. */
  #homeOf(key: Key): SimulatedHost | undefined {
    const { hosts, layout } = this.#setup;
    const home = layout.ownersOf(key).find((owner) => this.#hosts.get(owner)!.isUp);
    return home === undefined ? hosts.find(({ isUp }) => isUp) : this.#hosts.get(home);
  }

  #hostFor(name: string | undefined): SimulatedHost | undefined {
    const { hosts, random } = this.#setup;
    if (name === undefined) {
      const up = hosts.filter((host) => host.isUp);
      return up.length === 0 ? undefined : random.pick(up);
    }
    const host = this.#hosts.get(name);
    assert(host !== undefined, `there is no node ${name}`);
    return host;
  }
}

function unansweredOf({ operation }: Owed, detail: string): DoorFailed {
  return unanswered(operation.entry.operation === "get", detail);
}

/** Of the failures, only one leaves open whether the write had an effect. */
function statusOf(outcome: DoorOutcome): Status {
  if (outcome.kind !== "failed") return "ok";
  return outcome.code === "OUTCOME_UNKNOWN" ? "info" : "fail";
}
