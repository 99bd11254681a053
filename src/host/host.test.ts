import assert from "node:assert/strict";
import { test } from "node:test";
import { assert as coreAssert } from "../core/base/assert.ts";
import { Random } from "../core/base/random.ts";
import { LAN_MEMBERSHIP } from "../core/membership/membership-config.ts";
import { DEFAULT_PURGE_CONFIG } from "../core/purge/purge-config.ts";
import { DEFAULT_REPAIR_CONFIG } from "../core/repair/repair-config.ts";
import { sipKeyOf } from "../core/base/siphash.ts";
import { DEFAULT_CONFIG } from "../core/config.ts";
import type { Message } from "../core/messages.ts";
import { answer, ask, GOODBYE, hello, LAYOUT_ASK } from "../core/messages.ts";
import type { Outcome } from "../core/outcomes.ts";
import { EpochLease } from "../core/replica/epochs.ts";
import { clientRequest } from "../core/requests.ts";
import { keyOf } from "../core/ring/key.ts";
import { nodeId } from "../core/ring/node-id.ts";
import type { Engine, EngineEvents } from "../core/storage/engine.ts";
import { MemoryEngine } from "../core/storage/memory-engine.ts";
import { Turn } from "../socket/turn.ts";
import { checkSettings, firstLayout } from "./cluster-settings.ts";
import type { HostFact } from "./host-fact.ts";
import type { Links } from "./host.ts";
import { Host } from "./host.ts";

const N2 = nodeId("n2");
const KEY = keyOf("test", "a");
const VALUE = new Uint8Array([1, 2, 3]);

class RecordingLinks implements Links {
  readonly sent: Message[] = [];
  readonly calls: string[] = [];

  send(_to: string, message: Message): void {
    this.sent.push(message);
  }
  contact(address: string): void {
    this.calls.push(`contact ${address}`);
  }
  follow(): void {
    this.calls.push("follow");
  }
  stopAccepting(): void {
    this.calls.push("stopAccepting");
  }
  close(): Promise<void> {
    this.calls.push("close");
    return Promise.resolve();
  }
  abort(): void {
    this.calls.push("abort");
  }
}

type EngineMaker = (events: EngineEvents) => Engine;

function hostOf(
  members: number,
  engine: EngineMaker = (events) => new MemoryEngine(events),
): { readonly host: Host; readonly links: RecordingLinks; readonly facts: HostFact[] } {
  const peers = [{ id: "n2", address: "127.0.0.1:2" }].slice(0, members - 1);
  const settings = checkSettings({ id: "n1", listen: "127.0.0.1:1", peers });
  const host = new Host({
    id: settings.id,
    actor: { high: 1, low: 2 },
    address: "127.0.0.1:1",
    generation: 1,
    config: DEFAULT_CONFIG,
    membership: LAN_MEMBERSHIP,
    repair: DEFAULT_REPAIR_CONFIG,
    purge: DEFAULT_PURGE_CONFIG,
    layout: firstLayout(settings),
    seeds: [],
    epochs: EpochLease.forProcess(),
    secret: sipKeyOf(new Uint8Array(16)),
    random: new Random(1),
    engine,
    keeper: undefined,
    turn: new Turn(),
    drainMs: 20,
  });
  const links = new RecordingLinks();
  host.attach(links);
  const facts: HostFact[] = [];
  host.onFact((fact) => facts.push(fact));
  return { host, links, facts };
}

const put = clientRequest({ operation: "put", key: KEY, value: VALUE });
const get = clientRequest({ operation: "get", key: KEY });

function settled(host: Host, request: typeof put): Promise<Outcome> {
  return new Promise((resolve) => host.submit(request, resolve));
}

const endOfTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("host: a request settles after the call, in the same turn", async () => {
  const { host } = hostOf(1);
  const outcomes: Outcome[] = [];
  host.submit(put, (outcome) => outcomes.push(outcome));
  host.submit(get, (outcome) => outcomes.push(outcome));
  assert.deepEqual(outcomes, []);
  await endOfTurn();
  assert.deepEqual(new Set(outcomes.map(({ kind }) => kind)), new Set(["found", "stored"]));
  await host.close();
});

test("host: a caller that asks again inside its answer is no re-entry", async () => {
  const { host } = hostOf(1);
  let rounds = 0;
  await new Promise<void>((resolve) => {
    const again = (): void => {
      if (++rounds === 100) resolve();
      else host.submit(rounds % 2 === 0 ? put : get, again);
    };
    again();
  });
  assert.equal(rounds, 100);
  await host.close();
});

test("host: the wall time of a request is the host's, and forwarding is not a client's to claim", async () => {
  const { host } = hostOf(1);
  const before = Date.now();
  await settled(host, { ...put, wallMs: 5, forwarded: true });
  const outcome = await settled(host, get);
  assert.ok(outcome.kind === "found");
  assert.ok(outcome.siblings[0]!.writtenMs >= before);
  await host.close();
});

test("host: an asker gets its own number back, once", async () => {
  const { host } = hostOf(1);
  const answers: string[] = [];
  const asker = {
    settle: (askId: number, { kind }: Outcome) => answers.push(`${askId} ${kind}`),
  };
  host.ask(put, asker, 77);
  host.ask(put, asker, 77);
  await endOfTurn();
  assert.deepEqual(answers, ["77 stored", "77 stored"]);
  await host.close();
});

test("host: a peer's request is the node's own to answer", async () => {
  const { host, links } = hostOf(2);
  host.receive(N2, hello(1, 1, 0));
  host.receive(N2, ask({ ...get, id: 9, forwarded: true, r: "one" }));
  await endOfTurn();
  const answers = links.sent.filter(({ kind }) => kind === "answer");
  assert.deepEqual(
    answers.map((message) => message.kind === "answer" && [message.id, message.outcome.kind]),
    [[9, "not-found"]],
  );
  await host.close();
});

test("host: the node's deadlines are kept without anybody calling", async () => {
  const { host, links } = hostOf(2);
  host.receive(N2, hello(1, 1, 0));
  const outcome = await settled(host, { ...put, timeoutMs: 20, w: "all" });
  assert.equal(outcome.kind === "failed" && outcome.code, "OUTCOME_UNKNOWN");
  assert.ok(links.sent.some(({ kind }) => kind === "write"));
  await host.close();
});

test("host: an engine that completes later is waited for, one that completes at once is not re-entered", async () => {
  const waiting: (() => void)[] = [];
  const { host } = hostOf(1, (events) => {
    return new MemoryEngine({
      completed: (token, reply) => waiting.push(() => events.completed(token, reply)),
      failed: (problem) => events.failed(problem),
    });
  });
  const outcomes: Outcome[] = [];
  host.submit(put, (outcome) => outcomes.push(outcome));
  await endOfTurn();
  await endOfTurn();
  assert.equal(outcomes.length, 0);
  for (const complete of waiting) complete();
  assert.equal(outcomes.length, 0);
  await endOfTurn();
  assert.equal(outcomes[0]!.kind, "stored");
  await host.close();
});

test("host: a throw from inside the node stops everything and says why (law 9)", async () => {
  const { host, links } = hostOf(1, (events) => {
    const engine = new MemoryEngine(events);
    engine.write = () => coreAssert(false, "the disk lied");
    return engine;
  });
  const fatal: unknown[] = [];
  host.onFatal((error) => fatal.push(error));
  const outcomes: string[] = [];
  const note = (outcome: Outcome): void => {
    outcomes.push(outcome.kind === "failed" ? `${outcome.code} ${outcome.detail}` : outcome.kind);
  };
  host.submit(put, note);
  host.submit(put, note);
  host.submit(get, note);
  await endOfTurn();
  assert.equal(String(fatal), "AssertionFailure: the disk lied");
  assert.deepEqual(links.calls, ["abort"]);
  assert.equal(host.state, "stopped");
  assert.equal(outcomes.length, 3);
  assert.match(outcomes[0]!, /^OUTCOME_UNKNOWN the node has stopped: the disk lied/);
  assert.match(outcomes[2]!, /^QUORUM_NOT_MET/);

  const sentBefore = links.sent.length;
  host.receive(N2, LAYOUT_ASK);
  host.receive(N2, GOODBYE);
  host.receive(N2, answer(1, { kind: "failed" } as never));
  assert.equal(links.sent.length, sentBefore);
  assert.equal(fatal.length, 1);
});

test("host: a caller's exception reaches the process, and the other callers their answers", async () => {
  const { host } = hostOf(1);
  const listeners = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  const thrown: unknown[] = [];
  process.on("uncaughtException", (error) => thrown.push(error));
  host.submit(put, () => {
    throw new Error("mine");
  });
  const outcome = await settled(host, get);
  assert.equal(outcome.kind, "found");
  await endOfTurn();
  await endOfTurn();
  process.removeAllListeners("uncaughtException");
  for (const listener of listeners) process.on("uncaughtException", listener);
  assert.equal(String(thrown), "Error: mine");
  assert.equal(host.state, "running");
  await host.close();
});

test("host: what was cancelled is not settled, also not by closing", async () => {
  const { host } = hostOf(2);
  host.receive(N2, hello(1, 1, 0));
  let isSettled = false;
  const id = host.submit({ ...put, w: "all" }, () => {
    isSettled = true;
  });
  host.cancel(id);
  host.cancel(id);
  host.cancel(123_456);
  // This one has its answer already, and nobody has been told.
  host.cancel(
    host.submit({ ...get, r: 99 }, () => {
      isSettled = true;
    }),
  );
  await host.close();
  await endOfTurn();
  assert.equal(isSettled, false);
});

test("host: closing waits a bounded time for what is open, then says what is known of it", async () => {
  const { host, links } = hostOf(2);
  host.receive(N2, hello(1, 1, 0));
  const write = settled(host, { ...put, w: "all", timeoutMs: 5_000 });
  const read = settled(host, { ...get, r: "all", timeoutMs: 5_000 });
  const closing = host.close();
  assert.equal(host.close(), closing);
  assert.equal(host.state, "stopping");
  await closing;
  assert.equal(host.state, "stopped");
  const [written, found] = await Promise.all([write, read]);
  assert.equal(written.kind === "failed" && written.code, "OUTCOME_UNKNOWN");
  assert.equal(found.kind === "failed" && found.code, "QUORUM_NOT_MET");
  assert.deepEqual(links.calls, ["stopAccepting", "close"]);
});

test("host: facts are heard until the listener has enough", async () => {
  const { host, facts } = hostOf(1);
  const heard: string[] = [];
  const stop = host.onFact(({ kind }) => heard.push(kind));
  await settled(host, put);
  const count = heard.length;
  assert.ok(count > 0);
  stop();
  await settled(host, put);
  assert.equal(heard.length, count);
  assert.ok(facts.length > count);
  await host.close();
});
