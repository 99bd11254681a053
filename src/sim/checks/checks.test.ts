import assert from "node:assert/strict";
import { test } from "node:test";
import { sipKeyOf } from "../../core/base/siphash.ts";
import { utf8Encode } from "../../core/base/utf8.ts";
import { unavailable } from "../../core/caller/door-outcome.ts";
import type { Context } from "../../core/causality/context.ts";
import { EMPTY_CONTEXT, entryOf } from "../../core/causality/context.ts";
import type { Dot } from "../../core/causality/record.ts";
import type { Record } from "../../core/causality/record.ts";
import { deleteDelta, EMPTY_RECORD, EXPIRING, putDelta } from "../../core/causality/record.ts";
import { encodeRecord } from "../../core/causality/record-codec.ts";
import { expiringPayload, registerPayload } from "../../core/causality/register.ts";
import { DEFAULT_CONFIG } from "../../core/config.ts";
import type { NodeConfig } from "../../core/config.ts";
import { encodeHintRow } from "../../core/handoff/hint-row.ts";
import * as messages from "../../core/messages.ts";
import { encodeRow } from "../../core/replica/row.ts";
import type { Key } from "../../core/ring/key.ts";
import { keyOf } from "../../core/ring/key.ts";
import type { Layout } from "../../core/ring/layout.ts";
import type { NodeId } from "../../core/ring/node-id.ts";
import { nodeId } from "../../core/ring/node-id.ts";
import type { RowEntry, RowRead } from "../../core/storage/engine.ts";
import { DAMAGED } from "../../core/storage/engine.ts";
import type { Checker, CheckerFactory, Phase, RunView } from "../checker.ts";
import type { HistoryEntry, Try } from "../history.ts";
import type { Observer } from "../observer.ts";
import { ackHonesty } from "./ack-honesty.ts";
import { comebacks } from "./comebacks.ts";
import { convergence } from "./convergence.ts";
import { dotUniqueness } from "./dot-uniqueness.ts";
import { bounds } from "./bounds.ts";
import { expiry } from "./expiry.ts";
import { extras } from "./extras.ts";
import { growth } from "./growth.ts";
import { invention } from "./invention.ts";
import { leaks } from "./leaks.ts";
import { lostWrites } from "./lost-writes.ts";
import { oneBoot } from "./one-boot.ts";
import { placement } from "./placement.ts";
import { regularReads } from "./regular-reads.ts";
import { resurrection } from "./resurrection.ts";
import { sessions } from "./sessions.ts";
import { recordOf } from "./stored.ts";

const KEY = keyOf("b", "k");
/** What a client was told is in its entry. */
const UNTOLD = unavailable("nobody asked");
const OTHER = keyOf("b", "other");
const [A, B, C, D] = ["a", "b", "c", "d"].map(nodeId) as [NodeId, NodeId, NodeId, NodeId];
const ACTORS = new Map([
  [A, { high: 1, low: 1 }],
  [B, { high: 2, low: 2 }],
  [C, { high: 3, low: 3 }],
]);

const noLoss = (_run: ToldRun): void => {};

/**
 * A run that a test tells: owners a, b and c hold what they are given, and clients see what is
 * said.
 */
class ToldRun implements RunView {
  now = 0;
  phase: Phase = "done";
  readonly history: HistoryEntry[] = [];
  readonly nodes: readonly NodeId[] = [A, B, C, D];
  readonly layout: Layout = {} as Layout;
  readonly config: NodeConfig = { ...DEFAULT_CONFIG, siblingsMax: 3 };
  readonly secret = sipKeyOf(new Uint8Array(16));
  readonly keys: readonly Key[] = [KEY];
  readonly open: Map<NodeId, number> = new Map();
  readonly inFlight: Map<NodeId, number> = new Map();
  readonly #rows: Map<NodeId, Map<Key, RowRead>> = new Map();
  readonly #checker: Checker;

  constructor(factory: CheckerFactory) {
    this.#checker = factory(this);
  }

  get hooks(): Observer {
    return this.#checker.observer ?? {};
  }

  isUp(): boolean {
    return true;
  }

  openRequests(node: NodeId): number {
    return this.open.get(node) ?? 0;
  }

  requestsInFlight(node: NodeId): number {
    return this.inFlight.get(node) ?? 0;
  }

  owners(): readonly NodeId[] {
    return [A, B, C];
  }

  contents(node: NodeId): readonly RowEntry[] {
    return [...(this.#rows.get(node) ?? [])].flatMap(([key, row]) =>
      row === undefined || row === DAMAGED ? [] : [{ key, row }],
    );
  }

  row(node: NodeId, key: Key): RowRead {
    return this.#rows.get(node)?.get(key);
  }

  durableRow(node: NodeId, key: Key): RowRead {
    return this.row(node, key);
  }

  wallMs(): number {
    return 0;
  }

  /** What a node keeps for others. */
  readonly hints: Map<NodeId, RowRead> = new Map();

  hint(node: NodeId): RowRead {
    return this.hints.get(node);
  }

  durableHint(): RowRead {
    return undefined;
  }

  readonly storage = "model";

  storedIdentity(): undefined {
    return undefined;
  }

  readonly factCounts: Map<string, number> = new Map();

  factCount(kind: string): number {
    return this.factCounts.get(kind) ?? 0;
  }

  faultCount(): number {
    return 0;
  }

  /** The findings, and how often the rule was applied. */
  findings(): { problems: readonly string[]; checked: number } {
    const problems = this.#checker.finish(this);
    return { problems, checked: this.#checker.checked };
  }

  store(nodes: readonly NodeId[], record: Record): void {
    for (const node of nodes) this.persist(node, encodeRow(0, record));
  }

  forget(node: NodeId, row: RowRead): void {
    this.#rows.set(node, new Map([[KEY, row]]));
  }

  persist(node: NodeId, row: Uint8Array): void {
    this.forget(node, row);
    this.hooks.onPersist?.(node, [{ partition: 0, key: KEY, row }], 1, this.now);
  }

  /**
   * A coordinator makes a put or, without a dot, a deletion: at its own row, and as a delta to
   * `to`.
   */
  coordinate(at: NodeId, to: readonly NodeId[], covered: Context, dot?: Dot): Record {
    const delta = dot === undefined ? deleteDelta(covered) : putDelta(covered, dot);
    if (dot !== undefined) {
      const { high, low, epoch, n } = dot;
      this.hooks.onFact?.(at, { kind: "dot-minted", key: KEY, high, low, epoch, n }, this.now);
    }
    this.store([at], this.recordAt(at).join(delta));
    const message = messages.write(1, 1, 0, 100, KEY, encodeRecord(delta));
    for (const target of to) {
      this.hooks.onSend?.(at, target, message, this.now);
      this.store([target], this.recordAt(target).join(delta));
    }
    return delta;
  }

  begin(given: Partial<HistoryEntry> & Pick<HistoryEntry, "operation">): HistoryEntry {
    this.now += 1;
    const entry: HistoryEntry = {
      client: "client-1",
      sequence: this.history.length,
      node: A,
      tries: [{ node: A, at: this.now, failure: undefined }],
      key: KEY,
      mode: "overwrite",
      r: "quorum",
      w: "quorum",
      session: false,
      ttlMs: 0,
      value: undefined,
      given: undefined,
      invokedAt: this.now,
      completedAt: undefined,
      status: "open",
      code: undefined,
      returned: undefined,
      context: undefined,
      receipt: undefined,
      ...given,
    };
    this.history.push(entry);
    this.hooks.onInvoke?.(entry, this.now);
    return entry;
  }

  end(entry: HistoryEntry, answer: Partial<HistoryEntry>, held = 0b011): void {
    this.now += 1;
    const receipt = {
      coordinator: A,
      epoch: 1,
      needed: 2,
      answered: 3,
      held,
      hinted: 0,
      siblings: 1,
    };
    Object.assign(entry, { status: "ok", completedAt: this.now, receipt }, answer);
    this.hooks.onReply?.(entry, UNTOLD, this.now);
  }

  recordAt(node: NodeId): Record {
    return recordOf(this.row(node, KEY)) ?? EMPTY_RECORD;
  }

  /** A put that goes as it should: coordinated at `at`, held by it and by `to`, acknowledged. */
  put(value: string, at: NodeId, to: readonly NodeId[], covered: Context, n: number): Dot {
    const entry = this.begin({ operation: "put", value, node: at });
    const dot = dotOf(at, n, value);
    this.end(entry, { context: this.coordinate(at, to, covered, dot).context }, 0);
    return dot;
  }

  delete(at: NodeId, to: readonly NodeId[], covered: Context): void {
    const entry = this.begin({ operation: "delete", node: at });
    this.end(entry, { context: this.coordinate(at, to, covered).context }, 0);
  }

  get(record: Record, returned: readonly string[], held = 0b011): void {
    const entry = this.begin({ operation: "get" });
    this.end(entry, { context: record.context, returned }, held);
  }
}

function dotOf(node: NodeId, n: number, value: string, epoch = 1): Dot {
  const payload = registerPayload({ ms: n, tick: 0 }, utf8Encode(value));
  return { ...ACTORS.get(node)!, epoch, n, kind: 1, path: "", payload };
}

function seen(node: NodeId, n: number): Context {
  return [entryOf({ ...ACTORS.get(node)!, epoch: 1 }, n)];
}

function passes(run: ToldRun, checked: number): void {
  const found = run.findings();
  assert.deepEqual(found.problems, []);
  assert.equal(found.checked, checked);
}

function fails(run: ToldRun, pattern: RegExp): void {
  const { problems } = run.findings();
  assert.equal(problems.length, 1, problems.join("\n"));
  assert.match(problems[0]!, pattern);
}

test("S1: a put that was replaced by a later one need not be there", () => {
  const run = new ToldRun(lostWrites);
  run.put("one", A, [B, C], EMPTY_CONTEXT, 1);
  run.put("two", A, [B, C], seen(A, 1), 2);
  passes(run, 2);
});

test("S1: a put that no owner has, and that nothing replaced, is lost", () => {
  const run = new ToldRun(lostWrites);
  run.put("one", A, [B, C], EMPTY_CONTEXT, 1);
  for (const node of [A, B, C]) run.forget(node, undefined);
  fails(run, /put 0 of one was acknowledged to client-1 as .*#1, nobody who saw it replaced it/);
});

test("S1: a write that covered a dot does not excuse the loss of a second value under that dot", () => {
  const run = new ToldRun(lostWrites);
  run.put("one", A, [B, C], EMPTY_CONTEXT, 1);
  run.put("two", A, [B, C], seen(A, 1), 2);
  run.put("again", A, [B], EMPTY_CONTEXT, 1);
  fails(run, /put 2 of again was acknowledged to client-1 as .*#1/);
});

test("S1: a put whose dot was known to its own coordinator is never stored at all", () => {
  const run = new ToldRun(lostWrites);
  run.put("one", A, [B, C], EMPTY_CONTEXT, 1);
  run.put("two", A, [B, C], seen(A, 1), 2);
  run.put("again", A, [], EMPTY_CONTEXT, 1);
  fails(run, /put 2 of again was acknowledged to client-1 and never stored/);
});

test("S21: of a put that was tried twice the later end counts, be it on no disk", () => {
  const run = new ToldRun(expiry);
  const until = (n: number, end: number): Dot => {
    const payload = expiringPayload({ ms: n, tick: 0 }, end, utf8Encode("one"));
    return { ...dotOf(A, n, ""), kind: EXPIRING, payload };
  };
  const isShown = (): void => {
    const entry = run.begin({ operation: "get" });
    run.end(entry, { context: EMPTY_CONTEXT, returned: ["one"] });
  };
  const delta = encodeRecord(putDelta(EMPTY_CONTEXT, until(2, 1)));
  run.store([A], putDelta(EMPTY_CONTEXT, until(1, 0)));
  isShown();
  assert.equal(run.findings().problems.length, 1);
  run.hooks.onSend?.(A, B, messages.write(1, 1, 0, 100, KEY, delta), run.now);
  isShown();
  assert.deepEqual(run.findings(), { problems: run.findings().problems.slice(0, 1), checked: 2 });
});

test("S1: a put is known that its coordinator only keeps for others before it sends it", () => {
  const run = new ToldRun(lostWrites);
  const entry = run.begin({ operation: "put", value: "one" });
  const dot = dotOf(A, 1, "one");
  const delta = putDelta(EMPTY_CONTEXT, dot);
  const { high, low, epoch, n } = dot;
  run.hooks.onFact?.(A, { kind: "dot-minted", key: KEY, high, low, epoch, n }, run.now);
  run.hints.set(A, encodeHintRow({ targets: [B], record: encodeRecord(delta) }));
  run.hooks.onSend?.(A, B, messages.write(1, 1, 0, 100, KEY, encodeRecord(delta)), run.now);
  run.store([B, C], delta);
  run.end(entry, { context: delta.context });
  passes(run, 1);
});

test("S1: what a coordinator replaces beyond the client's context is lost", () => {
  const run = new ToldRun(lostWrites);
  run.put("one", A, [B, C], EMPTY_CONTEXT, 1);
  const entry = run.begin({ operation: "put", value: "two", node: B, given: EMPTY_CONTEXT });
  const delta = run.coordinate(B, [A, C], seen(A, 1), dotOf(B, 1, "two"));
  run.end(entry, { context: delta.context });
  fails(run, /put 0 of one/);
});

test("S1: a put without effect covers nothing, and an unknown one covers what it replaced", () => {
  for (const status of ["fail", "info"] as const) {
    const run = new ToldRun(lostWrites);
    run.put("one", A, [B, C], EMPTY_CONTEXT, 1);
    const entry = run.begin({ operation: "put", value: "two", node: B });
    run.coordinate(B, [A, C], seen(A, 1), dotOf(B, 1, "two"));
    run.end(entry, { status });
    assert.equal(run.findings().problems.length, status === "fail" ? 2 : 0);
  }
});

test("S1: a coordinator that reached nobody is known by its row", () => {
  const run = new ToldRun(lostWrites);
  run.put("one", A, [B, C], EMPTY_CONTEXT, 1);
  const entry = run.begin({ operation: "put", value: "two", node: B });
  run.coordinate(B, [], seen(A, 1), dotOf(B, 1, "two"));
  run.end(entry, { status: "info" });
  run.store([A, C], run.recordAt(B));
  passes(run, 1);
});

test("S1: so is a deletion that reached nobody", () => {
  const run = new ToldRun(lostWrites);
  run.put("one", A, [B, C], EMPTY_CONTEXT, 1);
  const entry = run.begin({ operation: "delete", node: B });
  run.coordinate(B, [], seen(A, 1));
  run.end(entry, { status: "info" });
  run.store([A, C], run.recordAt(B));
  passes(run, 1);
});

test("S1: so is one by a node that keeps something for the owner that it tells", () => {
  const run = new ToldRun(lostWrites);
  run.put("one", A, [B, C], EMPTY_CONTEXT, 1);
  const beside = run.begin({ operation: "put", value: "two", node: B, mode: "siblings" });
  const two = run.coordinate(B, [A, C], EMPTY_CONTEXT, dotOf(B, 1, "two"));
  run.end(beside, { context: two.context });
  const entry = run.begin({ operation: "delete", node: A });
  const kept = encodeRecord(run.recordAt(A).join(deleteDelta(seen(A, 1))));
  run.hints.set(A, encodeHintRow({ targets: [B], record: kept }));
  run.coordinate(A, [B], seen(A, 1));
  run.end(entry, { status: "info" });
  run.store([C], run.recordAt(A));
  passes(run, 2);
});

test("S1: a value that an acknowledged deletion replaced may not be back", () => {
  const run = new ToldRun(lostWrites);
  run.put("one", A, [B, C], EMPTY_CONTEXT, 1);
  const before = run.recordAt(A);
  run.delete(A, [B], seen(A, 1));
  run.forget(A, undefined);
  run.forget(B, undefined);
  run.store([A, B, C], before);
  fails(run, /one as .* is stored, though delete 1 replaced it/);
});

test("S1: a put that only its lost owner held is excused, one that another held is not", () => {
  for (const others of [[], [B]]) {
    const run = new ToldRun(lostWrites);
    run.put("one", A, others, EMPTY_CONTEXT, 1);
    run.forget(A, undefined);
    run.hooks.onRestart?.(A, "lost", run.now);
    run.forget(B, undefined);
    assert.equal(run.findings().problems.length, others.length);
  }
});

test("S1: a value that nobody put is found", () => {
  const run = new ToldRun(lostWrites);
  run.store([A, B, C], putDelta(EMPTY_CONTEXT, dotOf(A, 1, "made up")));
  fails(run, /made up as .* is stored, and nobody put it there/);
});

test("S1: a damaged row excuses the loss of what only it held, and of no other key", () => {
  for (const [damaged, problems] of [
    [KEY, 0],
    [OTHER, 1],
  ] as const) {
    const run = new ToldRun(lostWrites);
    run.put("one", A, [], EMPTY_CONTEXT, 1);
    run.forget(A, DAMAGED);
    run.hooks.onFault?.("row-damaged", A, damaged, run.now);
    assert.equal(run.findings().problems.length, problems, damaged);
  }
});

test("S2: what is read was put to that key, by a write that did not fail, before the read ended", () => {
  const run = new ToldRun(invention);
  run.put("one", A, [B, C], EMPTY_CONTEXT, 1);
  run.get(run.recordAt(A), ["one"]);
  passes(run, 4);

  const invented = new ToldRun(invention);
  invented.get(EMPTY_RECORD, ["made up"]);
  fails(invented, /get 0 returned made up, which nobody put/);

  const refused = new ToldRun(invention);
  const entry = refused.begin({ operation: "put", value: "one" });
  refused.end(entry, { status: "fail", code: "QUORUM_NOT_MET" });
  refused.get(EMPTY_RECORD, ["one"]);
  fails(refused, /whose put failed with QUORUM_NOT_MET/);

  const twice = new ToldRun(invention);
  twice.put("one", A, [B, C], EMPTY_CONTEXT, 1);
  twice.get(twice.recordAt(A), ["one", "one"]);
  fails(twice, /returned a value twice/);
});

test("S3: a dot that a node saw go does not come back to it, unless the node forgot", () => {
  const run = new ToldRun(resurrection);
  run.put("one", A, [B, C], EMPTY_CONTEXT, 1);
  const before = run.recordAt(C);
  run.delete(A, [B, C], seen(A, 1));
  run.store([C], before);
  fails(run, /one was gone at c and is live there again/);

  const crashed = new ToldRun(resurrection);
  crashed.put("one", A, [B, C], EMPTY_CONTEXT, 1);
  crashed.delete(A, [B, C], seen(A, 1));
  crashed.forget(C, undefined);
  crashed.hooks.onCrash?.(C, crashed.now);
  crashed.store([C], before);
  passes(crashed, 3);
});

test("S3: a node does not forget what it knew", () => {
  const run = new ToldRun(resurrection);
  run.put("one", A, [B, C], EMPTY_CONTEXT, 1);
  run.store([C], EMPTY_RECORD);
  fails(run, /c stored a record that knows less/);
});

test("S3: a value that a read saw gone at enough owners is not read again", () => {
  for (const [held, problems] of [
    [0b011, 1],
    [0b001, 0],
  ] as const) {
    const run = new ToldRun(resurrection);
    run.put("one", A, [B, C], EMPTY_CONTEXT, 1);
    const before = run.recordAt(C);
    run.delete(A, [B, C], seen(A, 1));
    run.get(run.recordAt(A), [], held);
    run.get(before, ["one"]);
    assert.equal(run.findings().problems.length, problems);
  }
});

test("S3: a value that a read saw gone is not there at the end", () => {
  const run = new ToldRun(resurrection);
  run.put("one", A, [B, C], EMPTY_CONTEXT, 1);
  run.get(deleteDelta(seen(A, 1)), []);
  fails(run, /one is stored at the end, though get 1 saw it gone/);
});

test("S4: one dot, one value; one try, one dot", () => {
  const run = new ToldRun(dotUniqueness);
  run.put("one", A, [B], EMPTY_CONTEXT, 1);
  run.put("two", A, [B], seen(A, 1), 2);
  assert.deepEqual(run.findings().problems, []);

  const reused = new ToldRun(dotUniqueness);
  reused.put("one", A, [B], EMPTY_CONTEXT, 1);
  reused.put("two", A, [B], EMPTY_CONTEXT, 1);
  const { problems } = reused.findings();
  assert.match(problems[0]!, /a minted .*#1, as a had before/);
  assert.match(problems[1]!, /names one of b\/k and two of b\/k/);

  const repeated = new ToldRun(dotUniqueness);
  repeated.put("one", A, [B], EMPTY_CONTEXT, 1);
  repeated.coordinate(B, [A], EMPTY_CONTEXT, dotOf(B, 1, "one"));
  fails(repeated, /one was put once and is \S+ and \S+/);
});

test("S5: owners hold the same context, dots and bytes", () => {
  const one = putDelta(EMPTY_CONTEXT, dotOf(A, 1, "one"));
  const run = new ToldRun(convergence);
  run.store([A, B, C], one);
  passes(run, 2);

  const behind = new ToldRun(convergence);
  behind.store([A, B], one);
  fails(behind, /row at c has seen other writes/);

  const kept = new ToldRun(convergence);
  kept.store([A, B], one);
  kept.store([C], deleteDelta(one.context));
  fails(kept, /row at c has seen the same writes and keeps , not one/);

  const bytes = new ToldRun(convergence);
  bytes.store([A, B], one);
  bytes.store([C], putDelta(EMPTY_CONTEXT, dotOf(A, 1, "uno")));
  fails(bytes, /row at c has other bytes for one/);

  const damaged = new ToldRun(convergence);
  damaged.store([A, B], one);
  damaged.forget(C, DAMAGED);
  fails(damaged, /row at c is still damaged/);
});

test("S6: W owners hold what is acknowledged, and a receipt names nobody else", () => {
  const run = new ToldRun(ackHonesty);
  run.put("one", A, [B], EMPTY_CONTEXT, 1);
  passes(run, 1);

  const early = new ToldRun(ackHonesty);
  early.put("one", A, [], EMPTY_CONTEXT, 1);
  fails(early, /put 0 was acknowledged for 2 nodes, and 1 hold it/);

  const boasting = new ToldRun(ackHonesty);
  const entry = boasting.begin({ operation: "put", value: "one" });
  const delta = boasting.coordinate(A, [B], EMPTY_CONTEXT, dotOf(A, 1, "one"));
  boasting.end(entry, { context: delta.context }, 0b111);
  fails(boasting, /its receipt names c, which does not hold it/);

  const lost = new ToldRun(ackHonesty);
  const begun = lost.begin({ operation: "put", value: "one" });
  lost.hooks.onFault?.("row-damaged", B, KEY, lost.now);
  lost.end(begun, { context: seen(A, 1) });
  passes(lost, 0);
});

test("S8: a client's read knows what it wrote and what it read", () => {
  const run = new ToldRun(sessions);
  run.put("one", A, [B], EMPTY_CONTEXT, 1);
  run.get(run.recordAt(A), ["one"]);
  run.get(run.recordAt(A), ["one"]);
  passes(run, 3);

  const unread = new ToldRun(sessions);
  unread.put("one", A, [B], EMPTY_CONTEXT, 1);
  unread.get(EMPTY_RECORD, []);
  fails(unread, /get 1 of client-1 at a does not know a write of its own/);

  const back = new ToldRun(sessions);
  back.get(putDelta(EMPTY_CONTEXT, dotOf(A, 1, "one")), ["one"]);
  back.get(EMPTY_RECORD, []);
  fails(back, /does not know what it had read before/);
});

test("S8: a read of what one owner holds binds nobody", () => {
  const run = new ToldRun(sessions);
  run.get(putDelta(EMPTY_CONTEXT, dotOf(A, 1, "one")), ["one"], 0b001);
  run.get(EMPTY_RECORD, []);
  passes(run, 0);
});

test("S8: a session read knows what any session read had returned, also from one owner", () => {
  const record = putDelta(EMPTY_CONTEXT, dotOf(A, 1, "one"));
  const tell = (second: Partial<HistoryEntry>, found: Record, between = noLoss): ToldRun => {
    const run = new ToldRun(sessions);
    const first = run.begin({ operation: "get", session: true });
    run.end(first, { context: record.context, returned: ["one"] }, 0b001);
    between(run);
    const entry = run.begin({ operation: "get", client: "client-2", session: true, ...second });
    run.end(entry, { context: found.context, returned: [] });
    return run;
  };
  fails(tell({}, EMPTY_RECORD), /get 1 of client-2 at a does not know what another session read/);
  passes(tell({}, record), 1);
  passes(tell({ session: false }, EMPTY_RECORD), 0);
  passes(
    tell({}, EMPTY_RECORD, (run) => run.hooks.onCrash?.(B, run.now)),
    0,
  );
});

test("S8: a session read that began before the other ended is not bound by it", () => {
  const run = new ToldRun(sessions);
  const first = run.begin({ operation: "get", session: true });
  const second = run.begin({ operation: "get", client: "client-2", session: true });
  run.end(first, { context: seen(A, 1), returned: ["one"] });
  run.end(second, { context: EMPTY_CONTEXT, returned: [] });
  passes(run, 0);
});

test("S9: a read in a session asks a majority, whatever its level says", () => {
  const run = new ToldRun(regularReads);
  run.put("one", A, [B], EMPTY_CONTEXT, 1);
  const stale = run.begin({ operation: "get", r: "one", session: true });
  run.end(stale, { context: EMPTY_CONTEXT, returned: [] });
  fails(run, /does not know everything that was acknowledged/);
});

test("S9: a read knows what anybody was told is stored before it began", () => {
  const run = new ToldRun(regularReads);
  run.put("one", A, [B], EMPTY_CONTEXT, 1);
  const stale = run.begin({ operation: "get", client: "client-2" });
  run.end(stale, { context: EMPTY_CONTEXT, returned: [] });
  fails(run, /get 1 at a with r quorum does not know everything that was acknowledged/);
});

test("S9: a read that began earlier, asks too few, or follows a loss is not bound", () => {
  const early = new ToldRun(regularReads);
  const read = early.begin({ operation: "get" });
  early.put("one", A, [B], EMPTY_CONTEXT, 1);
  early.end(read, { context: EMPTY_CONTEXT, returned: [] });
  passes(early, 0);

  const few = new ToldRun(regularReads);
  few.put("one", A, [B], EMPTY_CONTEXT, 1);
  const one = few.begin({ operation: "get", r: "one" });
  few.end(one, { context: EMPTY_CONTEXT, returned: [] });
  passes(few, 0);

  const lost = new ToldRun(regularReads);
  lost.put("one", A, [B], EMPTY_CONTEXT, 1);
  lost.hooks.onRestart?.(B, "lost", lost.now);
  lost.get(EMPTY_RECORD, []);
  passes(lost, 0);
});

test("S9: a damaged row excuses what was written of its own key, and of no other", () => {
  for (const [damaged, node, problems] of [
    [KEY, B, 0],
    [OTHER, B, 1],
    [KEY, D, 1],
  ] as const) {
    const run = new ToldRun(regularReads);
    run.put("one", A, [B], EMPTY_CONTEXT, 1);
    run.hooks.onFault?.("row-damaged", node, damaged, run.now);
    run.get(EMPTY_RECORD, []);
    assert.equal(run.findings().problems.length, problems, `${damaged} at ${node}`);
  }
});

test("S13: only owners hold a key", () => {
  const run = new ToldRun(placement);
  run.store([A, B, C], putDelta(EMPTY_CONTEXT, dotOf(A, 1, "one")));
  passes(run, 3);

  const astray = new ToldRun(placement);
  astray.store([D], putDelta(EMPTY_CONTEXT, dotOf(A, 1, "one")));
  fails(astray, /stored at d, owned by a, b, c/);
});

/** `one` is put, in doubt, seen and deleted; and tried again, it is stored once more. */
function putTwice(run: ToldRun, given: Partial<HistoryEntry>): void {
  const put = run.begin({ operation: "put", value: "one", ...given });
  run.coordinate(A, [B, C], EMPTY_CONTEXT, dotOf(A, 1, "one"));
  run.get(run.recordAt(A), ["one"]);
  put.tries[0]!.failure = "OUTCOME_UNKNOWN";
  run.delete(A, [B, C], seen(A, 1));
  (put.tries as Try[]).push({ node: A, at: run.now, failure: undefined });
  run.now += 1;
  const again = run.coordinate(A, [B, C], EMPTY_CONTEXT, dotOf(A, 2, "one"));
  run.end(put, { context: again.context });
  run.get(run.recordAt(A), ["one"]);
}

test("S20: a put that says what it replaces is not carried out a second time", () => {
  for (const given of [{ given: EMPTY_CONTEXT }, { mode: "siblings" }] as const) {
    const run = new ToldRun(comebacks);
    putTwice(run, given);
    const { problems } = run.findings();
    assert.equal(problems.length, 2);
    assert.match(problems[0]!, /get 3 returned one, which write 2 had replaced at 2 owners/);
    assert.match(problems[1]!, /one is stored at the end, though write 2 had replaced it/);
  }
});

test("S20: one that replaces whatever there is may be, and S3 and S4 let it pass as well", () => {
  for (const factory of [comebacks, resurrection, dotUniqueness]) {
    const run = new ToldRun(factory);
    putTwice(run, { mode: "overwrite" });
    assert.deepEqual(run.findings().problems, []);
  }
});

test("S20: nothing is said of a replacement that was forgotten, or that had no answer", () => {
  const forgotten = new ToldRun(comebacks);
  forgotten.put("one", A, [B, C], EMPTY_CONTEXT, 1);
  const record = forgotten.recordAt(A);
  forgotten.delete(A, [B], seen(A, 1));
  forgotten.hooks.onRestart?.(A, "lost", forgotten.now);
  forgotten.now += 1;
  forgotten.get(record, ["one"]);
  passes(forgotten, 1);

  const unanswered = new ToldRun(comebacks);
  unanswered.put("one", A, [B, C], EMPTY_CONTEXT, 1);
  const deletion = unanswered.begin({ operation: "delete" });
  unanswered.end(deletion, { status: "info", context: seen(A, 1) });
  unanswered.get(unanswered.recordAt(A), ["one"]);
  passes(unanswered, 0);
});

test("B1: siblings stay under the limit at their coordinator", () => {
  const run = new ToldRun(growth);
  for (let n = 1; n <= 4; n++) run.coordinate(A, [], EMPTY_CONTEXT, dotOf(A, n, `value ${n}`));
  fails(run, /a put a value beside others, 4 in all, the limit is 3/);
});

test("B1: a context has no more entries than owners, stops, losses and purges explain", () => {
  const context = [1, 2, 3, 4].map((epoch) => entryOf({ high: 1, low: 1, epoch }, 1));
  const run = new ToldRun(growth);
  run.store([B], deleteDelta(context));
  fails(run, /context at b has 4 entries, owners, stops, losses and purges explain 3/);

  const crashed = new ToldRun(growth);
  crashed.hooks.onRestart?.(A, "kept", crashed.now);
  crashed.store([B], deleteDelta(context));
  passes(crashed, 1);
});

test("B1: what a full disk refused is no row, and the next one need not be its own", () => {
  const run = new ToldRun(growth);
  for (let n = 1; n <= 3; n++) run.coordinate(A, [], EMPTY_CONTEXT, dotOf(A, n, `value ${n}`));
  const { high, low } = ACTORS.get(A)!;
  run.hooks.onFact?.(A, { kind: "dot-minted", key: KEY, high, low, epoch: 1, n: 4 }, run.now);
  run.hooks.onFault?.("row-refused", A, KEY, run.now);
  run.coordinate(B, [A], EMPTY_CONTEXT, dotOf(B, 1, "beside"));
  assert.equal(run.recordAt(A).dots.length, 4);
  assert.deepEqual(run.findings().problems, []);
});

test("B5: a client repeats a tenth of what it asks, and a hundred once", () => {
  for (const [repeated, isTooMuch] of [
    [110, false],
    [111, true],
  ] as const) {
    const run = new ToldRun(extras);
    for (let count = 0; count < 100; count++) {
      const lost: Try[] = [{ node: A, at: 0, failure: "UNAVAILABLE" }];
      const last: Try = { node: A, at: 1, failure: undefined };
      const again = count < repeated % 100 ? lost : [];
      const tries = [...lost, ...again, last];
      run.end(run.begin({ operation: "get", tries }), { context: EMPTY_CONTEXT });
    }
    if (isTooMuch) fails(run, /client-1 repeated 111 of 100, above 110/);
    else passes(run, 110);
  }
});

test("B5: a loss is repeated beside that, once for each call", () => {
  for (const [repeated, isTooMuch] of [
    [1, false],
    [2, true],
  ] as const) {
    const run = new ToldRun(extras);
    for (let count = 0; count < 200; count++) {
      const lost: Try = { node: A, at: 0, failure: "UNAVAILABLE", wasLost: true };
      const last: Try = { node: A, at: 1, failure: undefined };
      const tries = [...Array.from({ length: repeated }, () => lost), last];
      run.end(run.begin({ operation: "get", tries }), { context: EMPTY_CONTEXT });
    }
    if (isTooMuch) fails(run, /client-1 repeated 200 of 200, above 120/);
    else passes(run, 0);
  }
});

test("B5: hedges are a twentieth of the reads, and twenty for each life of a node", () => {
  const run = new ToldRun(extras);
  for (let count = 0; count < 100; count++) {
    run.end(run.begin({ operation: "get" }), { context: EMPTY_CONTEXT });
  }
  run.factCounts.set("hedge-asked", 85);
  passes(run, 85);
  run.factCounts.set("hedge-asked", 86);
  fails(run, /86 hedges of 100 reads, above 85/);
  run.hooks.onRestart?.(A, "kept", run.now);
  passes(run, 86);
});

test("B2: a node has so many requests in flight, and three times as many open", () => {
  const { inFlightMax } = DEFAULT_CONFIG;
  const question = messages.read(1, 1, 100, KEY, { high: 0, low: 0 });
  const run = new ToldRun(bounds);
  run.inFlight.set(A, inFlightMax);
  run.open.set(A, 3 * inFlightMax);
  run.open.set(B, 3 * inFlightMax + 1);
  run.hooks.onSend?.(A, B, question, run.now);
  passes(run, 1);
  run.hooks.onSend?.(B, A, question, run.now);
  fails(run, /b has 0 requests in flight and 12289 open, 4096 and 12288 are the most/);
  const taken = new ToldRun(bounds);
  taken.inFlight.set(A, inFlightMax + 1);
  taken.hooks.onSend?.(A, B, question, taken.now);
  fails(taken, /a has 4097 requests in flight/);
});

test("B3: nothing is open at rest", () => {
  const run = new ToldRun(leaks);
  run.put("one", A, [B], EMPTY_CONTEXT, 1);
  passes(run, 1);

  const waiting = new ToldRun(leaks);
  waiting.open.set(B, 2);
  fails(waiting, /b still has 2 requests open/);

  const unanswered = new ToldRun(leaks);
  unanswered.begin({ operation: "put", value: "one" });
  fails(unanswered, /put 0 of client-1 at a was never answered/);
});

test("S14: nobody talks to an older boot than it has met, until it starts anew itself", () => {
  const run = new ToldRun(oneBoot);
  const linked = (generation: number): void =>
    run.hooks.onFact?.(A, { kind: "peer-linked", peer: B, generation }, run.now);
  linked(3);
  linked(3);
  linked(5);
  assert.deepEqual(run.findings().problems, []);
  linked(4);
  assert.equal(run.findings().problems.length, 1);
  run.hooks.onRestart?.(A, "kept", run.now);
  linked(4);
  assert.equal(run.findings().problems.length, 1);
});

test("S14: nobody goes back to an older layout", () => {
  const run = new ToldRun(oneBoot);
  const adopts = (epoch: number): void =>
    run.hooks.onFact?.(A, { kind: "layout-adopted", epoch }, run.now);
  const tells = (layoutEpoch: number): void =>
    run.hooks.onReceive?.(A, B, messages.hello(1, layoutEpoch, 0), run.now);
  adopts(2);
  tells(2);
  adopts(3);
  tells(3);
  assert.deepEqual(run.findings().problems, []);
  adopts(3);
  tells(2);
  assert.equal(run.findings().problems.length, 2);
});
