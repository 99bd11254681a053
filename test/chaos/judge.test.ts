/**
 * Every rule that judges a run of real processes finds a history that breaks it, and says nothing
 * about the same history without the bug.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { sipKeyOf } from "#src/core/base/siphash.ts";
import { utf8Encode } from "#src/core/base/utf8.ts";
import { type Context, EMPTY_CONTEXT, joinContexts } from "#src/core/causality/context.ts";
import {
  deleteDelta,
  EMPTY_RECORD,
  putDelta,
  REGISTER,
  Record,
} from "#src/core/causality/record.ts";
import { encodeRecord } from "#src/core/causality/record-codec.ts";
import { registerPayload } from "#src/core/causality/register.ts";
import type { Operation } from "#src/core/requests.ts";
import { keyOf } from "#src/core/ring/key.ts";
import type { Layout } from "#src/core/ring/layout.ts";
import { nodeId } from "#src/core/ring/node-id.ts";
import type { HistoryEntry } from "#src/sim/history.ts";
import { FinalView } from "./final-view.ts";
import { type Crash, judge } from "./judge.ts";

const KEY = keyOf("overwrite", "k");
const OWNERS = ["a", "b", "c"].map(nodeId);
const ALL = 0b111;
const ACTOR = { high: 1, low: 1, epoch: 1 };

/** A history of one key that a test tells, one operation after the other, and its last rows. */
class Told {
  readonly history: HistoryEntry[] = [];
  readonly crashes: Crash[] = [];
  readonly rows: Record[] = OWNERS.map(() => EMPTY_RECORD);
  #at = 0;
  #dots = 0;

  /** Stored at these owners and answered; `replaces` is what it saw. */
  put(
    value: string,
    replaces: Context,
    changes: Partial<HistoryEntry> = {},
    at = [0, 1, 2],
  ): Context {
    const n = ++this.#dots;
    const payload = registerPayload({ ms: n, tick: 0 }, utf8Encode(value));
    const delta = putDelta(replaces, { ...ACTOR, n, kind: REGISTER, path: "", payload });
    for (const owner of at) this.rows[owner] = this.rows[owner]!.join(delta);
    this.#add("put", { value, context: delta.context, ...changes });
    return delta.context;
  }

  /** As if it had been deleted, and nobody asked for that. */
  forget(seen: Context): void {
    const delta = deleteDelta(seen);
    for (const owner of this.rows.keys()) this.rows[owner] = this.rows[owner]!.join(delta);
  }

  delete(replaces: Context, changes: Partial<HistoryEntry> = {}): void {
    this.forget(replaces);
    this.#add("delete", { context: replaces, ...changes });
  }

  get(returned: readonly string[], context: Context, changes: Partial<HistoryEntry> = {}): void {
    this.#add("get", { returned, context, ...changes });
  }

  crash(): void {
    this.crashes.push({ node: OWNERS[0]!, at: ++this.#at });
  }

  /** The rules that found something. */
  broken(): readonly string[] {
    const layout = { nodes: OWNERS.map((id) => ({ id })), ownersOf: () => OWNERS };
    const view = new FinalView({
      now: this.#at,
      history: this.history,
      layout: layout as unknown as Layout,
      secret: sipKeyOf(new Uint8Array(16)),
      rows: new Map(
        OWNERS.map((owner, index) => [owner, new Map([[KEY, encodeRecord(this.rows[index]!)]])]),
      ),
      openRequests: new Map(),
    });
    const found = judge(view, this.crashes).filter(({ problems }) => problems.length > 0);
    return found.map(({ rule }) => rule.split(":")[0]!);
  }

  #add(operation: Operation, changes: Partial<HistoryEntry>): void {
    const node = OWNERS[0]!;
    const invokedAt = ++this.#at;
    const receipt = { coordinator: node, epoch: 1, needed: 2, answered: ALL, held: ALL };
    this.history.push({
      client: `c${this.history.length}`,
      sequence: this.history.length,
      node,
      tries: [{ node, at: invokedAt, failure: undefined }],
      operation,
      key: KEY,
      mode: "overwrite",
      r: 2,
      w: 2,
      session: false,
      ttlMs: 0,
      value: undefined,
      given: undefined,
      invokedAt,
      completedAt: ++this.#at,
      status: "ok",
      code: undefined,
      returned: undefined,
      context: undefined,
      receipt: { ...receipt, hinted: 0, siblings: 1 },
      ...changes,
    });
  }
}

const FAILED = { status: "fail", code: "QUORUM_NOT_MET", context: undefined } as const;
const UNKNOWN = { status: "info", code: "OUTCOME_UNKNOWN", context: undefined } as const;

test("chaos, judge: what is as promised is not found fault with", () => {
  const told = new Told();
  const first = told.put("v1", EMPTY_CONTEXT);
  told.get(["v1"], first);
  const second = told.put("v2", first);
  told.put("v3", second, UNKNOWN, []);
  told.get(["v2"], second);
  told.delete(second, { given: second });
  told.get([], second);
  told.put("v4", EMPTY_CONTEXT, FAILED, []);
  assert.deepEqual(told.broken(), []);
});

test("chaos, judge S1: a write that no owner knows of is found", () => {
  const told = new Told();
  told.put("v1", EMPTY_CONTEXT, {}, []);
  assert.deepEqual(told.broken(), ["S1"]);
});

test("chaos, judge S1: a value that is gone though nobody replaced it is found", () => {
  const told = new Told();
  const seen = told.put("v1", EMPTY_CONTEXT);
  told.forget(seen);
  assert.deepEqual(told.broken(), ["S1"]);
  // Anybody whose outcome is unknown may have been the one, if he was blind.
  told.delete(EMPTY_CONTEXT, UNKNOWN);
  assert.deepEqual(told.broken(), []);
});

test("chaos, judge S1: who had a context that came without the value was not entitled", () => {
  const told = new Told();
  const first = told.put("v1", EMPTY_CONTEXT);
  const second = told.put("v2", EMPTY_CONTEXT, { mode: "siblings" });
  told.delete(joinContexts(first, second), { given: first });
  assert.deepEqual(told.broken(), ["S1"]);
});

test("chaos, judge S1: a replaced value that is there at the end is found", () => {
  const told = new Told();
  const first = told.put("v1", EMPTY_CONTEXT);
  const kept = told.rows.slice();
  told.put("v2", first);
  for (const [owner, row] of kept.entries()) {
    const { context, dots } = told.rows[owner]!;
    told.rows[owner] = new Record(context, [...row.dots, ...dots]);
  }
  assert.ok(told.broken().includes("S1"));
});

test("chaos, judge S2: a value that nobody put, or whose put failed, is found", () => {
  const told = new Told();
  const seen = told.put("v1", EMPTY_CONTEXT);
  told.get(["v0"], seen);
  assert.ok(told.broken().includes("S2"));
  const other = new Told();
  other.put("v1", EMPTY_CONTEXT, FAILED);
  assert.deepEqual(other.broken(), ["S2"]);
});

test("chaos, judge S3: what a read saw gone and a later one returns is found", () => {
  const tell = (isKilled: boolean, held = ALL): readonly string[] => {
    const told = new Told();
    const first = told.put("v1", EMPTY_CONTEXT);
    const second = told.put("v2", first, UNKNOWN);
    const receipt = { ...told.history[0]!.receipt!, held };
    told.get(["v2"], joinContexts(first, second), { receipt });
    if (isKilled) told.crash();
    told.get(["v1"], first);
    return told.broken();
  };
  assert.deepEqual(tell(false), ["S3"]);
  assert.deepEqual(tell(true), [], "what was read was not durable yet");
  assert.deepEqual(tell(false, 0b001), [], "the second read need not have asked the one that knew");
});

test("chaos, judge S5: owners that differ at the end are found", () => {
  const told = new Told();
  told.put("v1", EMPTY_CONTEXT, {}, [0, 1]);
  assert.deepEqual(told.broken(), ["S5"]);
});

test("chaos, judge S9: a read that misses an acknowledged write is found, unless others stood in", () => {
  const tell = (hinted: number): readonly string[] => {
    const told = new Told();
    const first = told.put("v1", EMPTY_CONTEXT);
    told.put("v2", first);
    const receipt = { ...told.history[0]!.receipt!, hinted };
    told.get(["v1"], first, { receipt });
    return told.broken();
  };
  assert.deepEqual(tell(0), ["S9", "S20"]);
  assert.deepEqual(tell(0b100), []);
});

test("chaos, judge B3: a question that was never answered is found", () => {
  const told = new Told();
  told.put("v1", EMPTY_CONTEXT);
  told.put("v2", EMPTY_CONTEXT, { status: "open", completedAt: undefined, context: undefined }, []);
  assert.deepEqual(told.broken(), ["B3"]);
});
