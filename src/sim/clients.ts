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
 */
import { assert } from "../core/base/assert.ts";
import { EMPTY_BYTES } from "../core/base/bytes.ts";
import type { Random } from "../core/base/random.ts";
import type { SipKey } from "../core/base/siphash.ts";
import { toBinary, utf8Decode, utf8Encode } from "../core/base/utf8.ts";
import type { NodeConfig } from "../core/config.ts";
import type { Outcome } from "../core/outcomes.ts";
import type { BucketMode, Level, Operation } from "../core/requests.ts";
import { clientRequest } from "../core/requests.ts";
import type { Key } from "../core/ring/key.ts";
import { keyOf } from "../core/ring/key.ts";
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
  readonly timeoutMs?: number;
}

/** A handle: filled in when the reply comes. */
export class ClientOperation {
  readonly entry: RecordedEntry;
  readonly host: SimulatedHost | undefined;
  outcome: Outcome | undefined = undefined;
  /** Called once, when the operation ends, maybe from inside a node: it may schedule, not act. */
  onDone: (() => void) | undefined = undefined;

  constructor(entry: RecordedEntry, host: SimulatedHost | undefined) {
    this.entry = entry;
    this.host = host;
  }

  /** The context for a later write; no bytes when there was none. */
  get context(): Uint8Array {
    return this.outcome?.context ?? EMPTY_BYTES;
  }

  get isDone(): boolean {
    return this.entry.status !== "open";
  }
}

export interface ClientsSetup {
  readonly scheduler: Scheduler;
  readonly recorder: Recorder;
  readonly random: Random;
  readonly hosts: readonly SimulatedHost[];
  readonly config: NodeConfig;
  readonly secret: SipKey;
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
  /** What a node owes a reply for, also when the client gave up. */
  readonly #owed: Map<number, ClientOperation> = new Map();
  #lastId = 0;

  constructor(setup: ClientsSetup) {
    this.#setup = setup;
    this.#hosts = new Map(setup.hosts.map((host) => [host.id, host]));
  }

  start(
    client: string,
    operation: Operation,
    asked: {
      readonly key: string;
      readonly value: string | undefined;
      readonly options: OperationOptions;
    },
  ): ClientOperation {
    const { recorder, config, scheduler } = this.#setup;
    const { value, options } = asked;
    const { context = EMPTY_BYTES, timeoutMs = 0 } = options;
    const host = this.#hostFor(options.node);
    const key = this.#key(options.mode ?? "overwrite", asked.key);
    const entry = this.#entry(client, operation, key, { host, value, options });
    const started = new ClientOperation(entry, host);
    recorder.invoke(started.entry);
    recorder.trace.word(started.entry.sequence);
    if (host === undefined || !host.isUp) {
      this.#finish(started, "fail");
      return started;
    }
    const id = ++this.#lastId;
    this.#owed.set(id, started);
    const { mode, r, w } = started.entry;
    const bytes = value === undefined ? EMPTY_BYTES : utf8Encode(value);
    host.request(
      clientRequest({ id, operation, key, value: bytes, context, mode, r, w, timeoutMs }),
    );
    if (!started.isDone) {
      const patienceMs = (timeoutMs === 0 ? config.requestTimeoutMs : timeoutMs) + GIVE_UP_AFTER_MS;
      scheduler.act(patienceMs, () => this.#giveUp(started));
    }
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
    if (owed.isDone) return;
    owed.outcome = outcome;
    this.#fillIn(owed.entry, outcome);
    this.#finish(owed, statusOf(outcome));
  }

  /** The node is down: nobody will hear from it what became of these. */
  onStopped(host: SimulatedHost): void {
    for (const [id, owed] of this.#owed) {
      if (owed.host !== host) continue;
      this.#owed.delete(id);
      this.#giveUp(owed);
    }
  }

  /** Operations whose node has not replied, though it may have had time enough. */
  get owed(): readonly ClientOperation[] {
    return [...this.#owed.values()];
  }

  #giveUp(operation: ClientOperation): void {
    if (operation.isDone) return;
    this.#finish(operation, operation.entry.operation === "get" ? "fail" : "info");
  }

  #finish(operation: ClientOperation, status: Status): void {
    const { entry, outcome, onDone } = operation;
    entry.completedAt = this.#setup.scheduler.now;
    entry.status = status;
    this.#setup.recorder.reply(entry, outcome);
    onDone?.();
  }

  #fillIn(entry: RecordedEntry, outcome: Outcome): void {
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

/** Of the failures, only one leaves open whether the write had an effect. */
function statusOf(outcome: Outcome): Status {
  if (outcome.kind !== "failed") return "ok";
  return outcome.code === "OUTCOME_UNKNOWN" ? "info" : "fail";
}
