/**
 * What a run leaves behind: its history, its counts, its trace, and whoever watches.
 *
 * Nothing here acts on the cluster. The hooks of observers are sorted into one list a hook, so that
 * a hook that nobody has costs an empty loop.
 */
import type { DoorOutcome } from "../core/caller/door-outcome.ts";
import type { Instant } from "../core/effects.ts";
import type { Fact } from "../core/facts.ts";
import type { Identity } from "../core/identity/identity.ts";
import type { Message } from "../core/messages.ts";
import type { Key } from "../core/ring/key.ts";
import type { NodeId } from "../core/ring/node-id.ts";
import type { RowRead, RowWrite } from "../core/storage/engine.ts";
import type { FaultKind } from "./faults.ts";
import type { HistoryEntry } from "./history.ts";
import type { Observer, RestartKind } from "./observer.ts";
import { Trace } from "./trace.ts";

type Hooks = { readonly [Hook in keyof Observer]-?: NonNullable<Observer[Hook]>[] };

export class Recorder {
  readonly trace: Trace = new Trace();
  readonly history: HistoryEntry[] = [];
  /** By kind, or by kind and detail where there is one that matters. */
  readonly factDetails: Map<string, number> = new Map();
  readonly faults: Map<FaultKind, number> = new Map();
  /** Of every kind together. */
  faultsInjected = 0;
  readonly #clock: { readonly now: Instant };
  readonly #hooks: Hooks = {
    onInvoke: [],
    onReply: [],
    onFact: [],
    onPersist: [],
    onDurable: [],
    onHint: [],
    onRead: [],
    onBoot: [],
    onFailed: [],
    onSend: [],
    onReceive: [],
    onCrash: [],
    onRestart: [],
    onFault: [],
  };

  constructor(clock: { readonly now: Instant }) {
    this.#clock = clock;
  }

  observe(observer: Observer): void {
    const hooks = this.#hooks;
    if (observer.onInvoke) hooks.onInvoke.push(observer.onInvoke.bind(observer));
    if (observer.onReply) hooks.onReply.push(observer.onReply.bind(observer));
    if (observer.onFact) hooks.onFact.push(observer.onFact.bind(observer));
    if (observer.onPersist) hooks.onPersist.push(observer.onPersist.bind(observer));
    if (observer.onDurable) hooks.onDurable.push(observer.onDurable.bind(observer));
    if (observer.onHint) hooks.onHint.push(observer.onHint.bind(observer));
    if (observer.onRead) hooks.onRead.push(observer.onRead.bind(observer));
    if (observer.onBoot) hooks.onBoot.push(observer.onBoot.bind(observer));
    if (observer.onFailed) hooks.onFailed.push(observer.onFailed.bind(observer));
    if (observer.onSend) hooks.onSend.push(observer.onSend.bind(observer));
    if (observer.onReceive) hooks.onReceive.push(observer.onReceive.bind(observer));
    if (observer.onCrash) hooks.onCrash.push(observer.onCrash.bind(observer));
    if (observer.onRestart) hooks.onRestart.push(observer.onRestart.bind(observer));
    if (observer.onFault) hooks.onFault.push(observer.onFault.bind(observer));
  }

  invoke(entry: HistoryEntry): void {
    this.history.push(entry);
    for (const hook of this.#hooks.onInvoke) hook(entry, this.#clock.now);
  }

  reply(entry: HistoryEntry, outcome: DoorOutcome): void {
    for (const hook of this.#hooks.onReply) hook(entry, outcome, this.#clock.now);
  }

  /** Something worth counting that no node noted: it stands among the facts. */
  count(name: string): void {
    this.factDetails.set(name, (this.factDetails.get(name) ?? 0) + 1);
  }

  fact(node: NodeId, fact: Fact): void {
    const detail = detailOf(fact);
    this.factDetails.set(detail, (this.factDetails.get(detail) ?? 0) + 1);
    for (const hook of this.#hooks.onFact) hook(node, fact, this.#clock.now);
  }

  fault(kind: FaultKind, node?: NodeId, key?: Key): void {
    this.faultsInjected++;
    this.faults.set(kind, (this.faults.get(kind) ?? 0) + 1);
    for (const hook of this.#hooks.onFault) hook(kind, node, key, this.#clock.now);
  }

  persist(node: NodeId, writes: readonly RowWrite[], token: number): void {
    for (const hook of this.#hooks.onPersist) hook(node, writes, token, this.#clock.now);
  }

  hint(node: NodeId, write: RowWrite): void {
    for (const hook of this.#hooks.onHint) hook(node, write, this.#clock.now);
  }

  durable(node: NodeId, token: number): void {
    for (const hook of this.#hooks.onDurable) hook(node, token, this.#clock.now);
  }

  read(node: NodeId, key: Key, row: RowRead): void {
    for (const hook of this.#hooks.onRead) hook(node, key, row, this.#clock.now);
  }

  boot(node: NodeId, identity: Identity): void {
    for (const hook of this.#hooks.onBoot) hook(node, identity, this.#clock.now);
  }

  failed(node: NodeId, problem: string): void {
    for (const hook of this.#hooks.onFailed) hook(node, problem, this.#clock.now);
  }

  send(from: NodeId, to: NodeId, message: Message): void {
    for (const hook of this.#hooks.onSend) hook(from, to, message, this.#clock.now);
  }

  receive(from: NodeId, to: NodeId, message: Message): void {
    for (const hook of this.#hooks.onReceive) hook(from, to, message, this.#clock.now);
  }

  crash(node: NodeId): void {
    for (const hook of this.#hooks.onCrash) hook(node, this.#clock.now);
  }

  restart(node: NodeId, kind: RestartKind): void {
    for (const hook of this.#hooks.onRestart) hook(node, kind, this.#clock.now);
  }
}

/** The kind of a fact and which of its branches it was, as `epoch-taken/boot-floor`. */
function detailOf(fact: Fact): string {
  switch (fact.kind) {
    case "epoch-taken":
    case "message-dropped":
      return joined(fact.kind, fact.reason);
    case "request-finished":
      return joined(fact.kind, fact.outcome);
    case "read-repaired":
      return fact.late ? "read-repaired/late" : "read-repaired/in-time";
    default:
      return fact.kind;
  }
}

const joinedNames: Map<string, Map<string, string>> = new Map();

/** Made once: a new string for every fact would be the dearest part of counting it. */
function joined(kind: string, detail: string): string {
  let names = joinedNames.get(kind);
  if (names === undefined) {
    names = new Map();
    joinedNames.set(kind, names);
  }
  let name = names.get(detail);
  if (name === undefined) {
    name = `${kind}/${detail}`;
    names.set(detail, name);
  }
  return name;
}
