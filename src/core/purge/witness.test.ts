import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../base/random.ts";
import type { PurgeMessage } from "../purge-messages.ts";
import { keyOf } from "../ring/key.ts";
import type { Key } from "../ring/key.ts";
import { Layout } from "../ring/layout.ts";
import { nodeId } from "../ring/node-id.ts";
import type { RowWrite } from "../storage/engine.ts";
import { Eras } from "./eras.ts";
import { Witness } from "./witness.ts";

const [SELF, LEADER] = [nodeId("a"), nodeId("b")];
const [X, Y] = [keyOf("b", "x"), keyOf("b", "y")];
const ERA_MS = 100;

class Stand {
  readonly said: PurgeMessage[] = [];
  readonly persisted: { readonly write: RowWrite; readonly token: number }[] = [];
  readonly tombstones = new Set<Key>([X, Y]);
  readonly hints = new Set<Key>();
  readonly eras: Eras;
  readonly witness: Witness;
  #watch = 0;

  constructor(eraRow?: Uint8Array) {
    this.eras = new Eras({ get: () => eraRow });
    this.witness = new Witness({
      self: SELF,
      eras: this.eras,
      random: new Random("witness"),
      eraMs: ERA_MS,
      store: {
        get: () => undefined,
        scan: () => ({ entries: [], next: undefined }),
        mayBeOver: () => false,
        tombstoneIn: () => undefined,
        isTombstone: (_partition, key) => this.tombstones.has(key),
        keepsHint: (_partition, key) => this.hints.has(key),
        remove: () => assert.fail("a witness removes nothing"),
        persist: (write, token) => this.persisted.push({ write, token }),
      },
      layout: () => LAYOUT,
      beginEra: (now, era) => void this.eras.begin(now, era),
      send: (to, message) => {
        assert.equal(to, LEADER);
        this.said.push(message);
      },
    });
  }

  watch(id = 1): void {
    const tombstones = [X, Y].map((key) => ({ key, high: 1, low: 2 }));
    this.witness.onWatch(LEADER, { kind: "purge-watch", id, epoch: 1, tombstones });
  }

  step(now: number, step: 2 | 3 | 4, era: number): void {
    this.witness.onStep(now, LEADER, {
      kind: "purge-step",
      id: 1,
      watch: this.watchOf(),
      step,
      era,
    });
  }

  /** The first three questions of a round that begins in era 0. */
  answerThree(): void {
    this.watch();
    this.durable();
    this.step(1_000, 2, 0);
    this.step(1_000, 3, 1);
    this.durable();
  }

  /** As it was told last. */
  watchOf(): number {
    for (const message of this.said) {
      if (message.kind === "purge-told") this.#watch = message.watch;
    }
    return this.#watch;
  }

  durable(): void {
    for (const { token } of this.persisted.splice(0)) this.witness.completed(token, "durable");
  }

  /** What it has said since the last time: step, era and what is unclear. */
  told(): unknown[] {
    this.watchOf();
    return this.said.splice(0).map((message) => {
      if (message.kind !== "purge-told") return message.kind;
      return [message.step, message.era, ...message.unclear];
    });
  }
}

const LAYOUT = new Layout({
  epoch: 1,
  clusterId: "c",
  strategy: "by-hand",
  replicas: 2,
  partitionCount: 16,
  nodes: [SELF, LEADER].map((id) => ({ id, address: `${id}:1`, weight: 1, zone: "" })),
  ownerIndexes: Uint16Array.from(Array.from({ length: 16 }, () => [0, 1]).flat()),
});

test("witness: of what it cannot read any more it knows what it was, to the end of the round", () => {
  const stand = new Stand();
  const isVouchedFor = (key: Key, id = 1): boolean => stand.witness.vouchesFor(LEADER, id, key);
  stand.watch();
  stand.durable();
  assert.equal(isVouchedFor(X), false, "before the last question is answered");
  stand.step(1_000, 2, 0);
  stand.step(2_000, 3, 1);
  stand.durable();
  stand.step(3_000, 4, 2);
  stand.durable();
  assert.deepEqual([isVouchedFor(X), isVouchedFor(Y), isVouchedFor(X, 2)], [true, true, false]);
  stand.witness.onChange(X);
  assert.deepEqual([isVouchedFor(X), isVouchedFor(Y)], [false, true]);
  stand.witness.forget(LEADER);
  assert.equal(isVouchedFor(Y), false);
});

test("witness: what it vouches for is durable first", () => {
  const stand = new Stand();
  stand.watch();
  assert.deepEqual(stand.told(), []);
  stand.watch();
  assert.equal(stand.persisted.length, 1, "asked again, it is still at it");
  stand.durable();
  assert.deepEqual(stand.told(), [[1, 0]]);
  stand.watch();
  assert.deepEqual(stand.told(), [[1, 0]], "the answer may have been lost");
});

test("witness: a row that is something else and a hint that is kept are unclear", () => {
  const stand = new Stand();
  stand.tombstones.delete(X);
  stand.hints.add(Y);
  stand.watch();
  stand.durable();
  assert.deepEqual(stand.told(), [[1, 0, 0, 1]]);
});

test("witness: a hint that was kept for a moment makes its key unclear", () => {
  const stand = new Stand();
  stand.watch();
  stand.witness.onChange(Y);
  stand.durable();
  assert.deepEqual(stand.told(), [[1, 0, 1]]);
});

test("witness: it begins an era when the present one has lasted, durably, and looks again", () => {
  const stand = new Stand();
  stand.answerThree();
  stand.step(1_000 + ERA_MS - 1, 4, 2);
  assert.equal(stand.eras.current, 1, "too soon");
  assert.equal(stand.persisted.length, 0);
  stand.tombstones.delete(X);
  stand.step(1_000 + ERA_MS, 4, 2);
  assert.deepEqual(stand.told(), [
    [1, 0],
    [2, 0],
    [3, 1],
  ]);
  const { row } = stand.persisted[0]!.write;
  stand.durable();
  assert.deepEqual(stand.told(), [[4, 2, 0]]);
  assert.equal(new Stand(row).eras.current, 2);
});

test("witness: a round that it does not know, and one of another layout, are refused", () => {
  const stand = new Stand();
  stand.step(0, 2, 0);
  assert.deepEqual(stand.told(), ["purge-refused"]);
  stand.watch();
  stand.step(0, 3, 1);
  assert.deepEqual(stand.told(), ["purge-refused"], "it has not vouched yet");
  stand.witness.onWatch(LEADER, { kind: "purge-watch", id: 9, epoch: 2, tombstones: [] });
  assert.deepEqual(stand.told(), ["purge-refused"]);
});

test("witness: a disk without room vouches for nothing, and may be asked again", () => {
  const stand = new Stand();
  stand.watch();
  stand.witness.completed(stand.persisted.splice(0)[0]!.token, "full");
  assert.deepEqual(stand.told(), []);
  stand.watch();
  stand.durable();
  assert.deepEqual(stand.told(), [[1, 0]]);
});

test("witness: a newer round of the same leader takes the place of the older", () => {
  const stand = new Stand();
  stand.watch(1);
  stand.watch(2);
  stand.durable();
  assert.equal(stand.said.length, 1);
  const [told] = stand.said;
  assert.ok(told?.kind === "purge-told" && told.id === 2);
});

test("witness: a first question that comes twice does not vouch for the time before", () => {
  const stand = new Stand();
  stand.watch();
  stand.durable();
  const watch = stand.watchOf();
  const again = new Stand();
  again.watch();
  again.durable();
  again.said.length = 0;
  // Another life, or the same after a newer round: its watch has another number.
  again.witness.onStep(0, LEADER, {
    kind: "purge-step",
    id: 1,
    watch: watch + 1,
    step: 2,
    era: 0,
  });
  assert.deepEqual(again.told(), ["purge-refused"]);
});

test("witness: an era that it was not asked for is kept too, and is on nothing before", () => {
  const stand = new Stand();
  stand.eras.begin(0, 3);
  stand.witness.keepEra();
  assert.deepEqual([stand.eras.current, stand.eras.durable], [3, 0]);
  stand.durable();
  assert.deepEqual([stand.eras.current, stand.eras.durable], [3, 3]);
  assert.deepEqual(stand.told(), []);
});

test("witness: a member says what era it may still be led to, while a round waits for its last answer alone", () => {
  const stand = new Stand();
  const { witness } = stand;
  stand.watch();
  stand.durable();
  stand.told();
  stand.step(0, 2, 0);
  stand.told();
  assert.equal(witness.eraAhead, 0);
  stand.step(0, 3, 1);
  assert.equal(witness.eraAhead, 1);
  stand.durable();
  assert.equal(witness.eraAhead, 2);
  stand.step(ERA_MS, 4, 2);
  assert.ok(witness.eraAhead >= 2);
  stand.durable();
  assert.equal(witness.eraAhead, 2);
  // Another round of the same leader: its watch begins anew.
  stand.watch(2);
  assert.equal(witness.eraAhead, 2);
});

test("witness: the era ahead is the one in which the round ends, whatever its own disk says", () => {
  const stand = new Stand();
  stand.answerThree();
  assert.equal(stand.witness.eraAhead, 2);
  stand.step(2_000, 4, 2);
  for (const { token } of stand.persisted.splice(0)) stand.witness.completed(token, "full");
  assert.equal(stand.witness.eraAhead, 2);
  stand.eras.begin(5_000, 8);
  assert.equal(stand.witness.eraAhead, 8, "that round ended long ago, if at all");
});
