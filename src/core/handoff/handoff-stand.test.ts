/**
 * A hand-off by itself: its disk, its links, its time and the answers of others are the test's.
 *
 *     me keeps hints      a, b, c, … own every key, as the layout says
 */
import assert from "node:assert/strict";
import { Random } from "../base/random.ts";
import { EMPTY_CONTEXT } from "../causality/context.ts";
import { decodeRecord, encodeRecord } from "../causality/record-codec.ts";
import { putDelta, REGISTER } from "../causality/record.ts";
import { registerPayload } from "../causality/register.ts";
import { nodeConfig, type NodeConfig } from "../config.ts";
import { DeadlineWheel } from "../deadlines.ts";
import type { Instant } from "../effects.ts";
import type { Message, Refusal, Write } from "../messages.ts";
import { hint } from "../messages.ts";
import { type Key, keyOf } from "../ring/key.ts";
import { Layout } from "../ring/layout.ts";
import { type NodeId, nodeId } from "../ring/node-id.ts";
import type { DiskAnswer, RowWrite } from "../storage/engine.ts";
import { MemoryEngine } from "../storage/memory-engine.ts";
import type { Fact } from "../facts.ts";
import { Handoff } from "./handoff.ts";
import type { HintOrder, HintReport, HintsFor } from "../hint-orders.ts";

export const ME: NodeId = nodeId("me");
export const PARTITIONS = 16;

export interface Sent {
  readonly to: string;
  readonly message: Write;
}

export interface OwnStored {
  readonly id: number;
  readonly key: Key;
}

export interface StandOptions {
  readonly owners?: readonly string[];
  readonly config?: Partial<NodeConfig>;
  /** What an earlier life has left. */
  readonly engine?: MemoryEngine;
}

export class HandoffStand {
  now: Instant = 10_000;
  readonly engine: MemoryEngine;
  readonly deadlines: DeadlineWheel = new DeadlineWheel();
  readonly linked: Set<string> = new Set();
  readonly facts: Fact[] = [];
  /** What a coordinator was told, by its number. */
  readonly stored: Map<number, DiskAnswer> = new Map();
  readonly ownStored: OwnStored[] = [];
  layout: Layout;
  sent: Sent[] = [];
  /** What the disk says of what it is given from now on. */
  disk: DiskAnswer = "durable";
  ownRefusal: Refusal | undefined = undefined;
  /** Of the pace, what there is time for. */
  share = 1;
  readonly handoff: Handoff;
  #completions: { readonly token: number; readonly answer: DiskAnswer }[] = [];
  #lastId = 0;

  constructor({ owners = ["a", "b", "c"], config = {}, engine }: StandOptions = {}) {
    this.engine = engine ?? new MemoryEngine({ completed: () => {}, failed: () => {} });
    this.layout = layoutOf(1, owners);
    const checked = nodeConfig({ handoffAfterMs: 100, ...config });
    assert.ok(!("problem" in checked), "problem" in checked ? checked.problem : "");
    this.handoff = new Handoff({
      self: ME,
      config: checked,
      rows: this.engine,
      random: new Random("handoff"),
      effects: {
        send: (to, message) => this.sent.push({ to, message: writeOf(message) }),
        persist: (writes, token) => this.#persist(writes, token),
        reply: () => assert.fail("nobody asked"),
        note: (fact) => this.facts.push(fact),
        contact: () => {},
      },
      deadlines: this.deadlines,
      layout: () => this.layout,
      era: () => 0,
      onKept: () => {},
      isLinked: (node) => this.linked.has(node),
      share: () => this.share,
      onStored: (_now, _to, id, answer) => this.stored.set(id, answer),
      storeOwn: (id, key) => {
        this.ownStored.push({ id, key });
        return this.ownRefusal;
      },
    });
    this.handoff.start(this.now);
  }

  /** Started, and what was found is counted. */
  static ready(options: StandOptions = {}): HandoffStand {
    const stand = new HandoffStand(options);
    stand.pass(1_000);
    return stand;
  }

  link(name: string): void {
    this.linked.add(name);
    this.handoff.onLinked(this.now, nodeId(name));
  }

  lose(name: string): void {
    this.linked.delete(name);
    this.handoff.onLost(this.now, nodeId(name));
  }

  follow(owners: readonly string[], names: readonly string[] = owners): void {
    this.layout = layoutOf(this.layout.epoch + 1, owners, names);
    this.handoff.onLayout(this.now);
  }

  /** A coordinator hands over a hint; the disk answers by itself. */
  keep(key: string, target: string, record: Uint8Array): string {
    const id = ++this.#lastId;
    const message = hint(id, this.layout.epoch, 0, 100, nodeId(target), keyOf("b", key), record);
    const refusal = this.handoff.take(this.now, nodeId("a"), message);
    this.complete();
    return refusal ?? this.stored.get(id)!;
  }

  /** The disk finishes what it was given. */
  complete(): void {
    while (this.#completions.length > 0) {
      for (const { token, answer } of this.#completions.splice(0)) {
        this.handoff.completed(this.now, token, answer);
      }
    }
  }

  /** Time passes, with every deadline at its instant; the disk keeps up. */
  pass(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      const next = this.deadlines.earliest ?? Infinity;
      if (next > until) break;
      this.now = Math.max(this.now, next);
      this.deadlines.advance(this.now);
      this.complete();
    }
    this.now = until;
  }

  /** Takes what was sent. */
  take(): Sent[] {
    return this.sent.splice(0);
  }

  accept({ to, message }: Sent): boolean {
    const isHints = this.handoff.onWritten(this.now, nodeId(to), message.id);
    this.complete();
    return isHints;
  }

  refuse({ to, message }: Sent, reason: Refusal): void {
    this.handoff.onRefused(this.now, nodeId(to), message.id, reason);
  }

  /** Everybody says yes to everything at once, for so long. */
  serve(ms: number): Sent[] {
    const all: Sent[] = [];
    for (const end = this.now + ms; this.now < end; this.pass(1)) {
      for (const sent of this.take()) {
        all.push(sent);
        this.accept(sent);
      }
    }
    return all;
  }

  obey(order: HintOrder): HintReport {
    return this.handoff.obey(this.now, order);
  }

  deliver(target?: string): HintReport {
    return this.obey({ kind: "deliver", target: target === undefined ? target : nodeId(target) });
  }

  drop(target: string): HintReport {
    return this.obey({ kind: "drop", target: nodeId(target) });
  }

  hintsFor(target: string): HintsFor | undefined {
    return this.obey({ kind: "list" }).targets.find((hints) => hints.target === target);
  }

  /** Keys and bytes. */
  count(target: string): readonly [keys: number, bytes: number] {
    const hints = this.hintsFor(target);
    return [hints?.keys ?? 0, hints?.bytes ?? 0];
  }

  #persist(writes: readonly RowWrite[], token: number): void {
    if (this.disk === "durable") this.engine.write(writes, token);
    this.#completions.push({ token, answer: this.disk });
  }
}

/** What a writer has put beside what others put: a value of so many bytes. */
export function recordOf(writer: number, valueBytes = 0): Uint8Array {
  const dot = { high: writer, low: 0, epoch: 1, n: 1, kind: REGISTER, path: "" };
  const payload = registerPayload({ ms: writer, tick: 0 }, new Uint8Array(valueBytes));
  return encodeRecord(putDelta(EMPTY_CONTEXT, { ...dot, payload: payload.slice() }));
}

export function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  return encodeRecord(decodeRecord(one)!.join(decodeRecord(other)!));
}

export function layoutOf(
  epoch: number,
  owners: readonly string[],
  names: readonly string[] = owners,
): Layout {
  const ids = [...new Set([...names, ME])].toSorted();
  const row = owners.map((name) => ids.indexOf(name));
  return new Layout({
    epoch,
    clusterId: "stand",
    strategy: "by-hand",
    replicas: owners.length,
    partitionCount: PARTITIONS,
    nodes: ids.map((id) => ({ id: nodeId(id), address: `${id}:1`, weight: 1, zone: "" })),
    ownerIndexes: Uint16Array.from(Array.from({ length: PARTITIONS }, () => row).flat()),
  });
}

function writeOf(message: Message): Write {
  assert.ok(message.kind === "write", message.kind);
  return message;
}
