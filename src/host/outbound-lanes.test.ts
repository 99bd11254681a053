import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteWriter } from "../core/base/bytes.ts";
import type { Message } from "../core/messages.ts";
import { LAYOUT_ASK, read, repair, repairTalk, write, written } from "../core/messages.ts";
import { keyOf } from "../core/ring/key.ts";
import { FrameReader } from "../core/wire/frame.ts";
import { decodeMessage, encodeMessage } from "../core/wire/message-codec.ts";
import { WriterPool } from "../socket/writer-pool.ts";
import { expiryOf, laneOf, OutboundLanes } from "./outbound-lanes.ts";

const KIB = 1024;
const KEY = keyOf("test", "a");
const DIGEST = { high: 0, low: 0 };

class Stand {
  readonly lanes: OutboundLanes;
  dropped = 0;

  constructor(bytesMax = 1024 * KIB) {
    this.lanes = new OutboundLanes(new WriterPool(), bytesMax);
  }

  /** Answers whether there was room. */
  send(message: Message, { now = 0, elsewhere = 0, isPatient = false } = {}): boolean {
    const index = laneOf(message, isPatient);
    const lane = this.lanes.laneFor(index, elsewhere, (frames) => (this.dropped += frames));
    if (lane === undefined) return false;
    encodeMessage(lane.writer, message);
    lane.push(expiryOf(message, now));
    return true;
  }

  /** What the next write holds. */
  take(now = 0): Message[] {
    const writer = new ByteWriter();
    this.lanes.moveInto(now, writer);
    return messagesIn(writer);
  }
}

function messagesIn(writer: ByteWriter): Message[] {
  const messages: Message[] = [];
  const problem = new FrameReader(64 * 1024 * KIB).push(
    writer.finish(),
    (kind, bytes, start, end) => {
      messages.push(decodeMessage(kind, bytes, start, end)!);
      return true;
    },
  );
  assert.equal(problem, undefined);
  return messages;
}

function comparison(kib: number): Message {
  const offers = [{ key: KEY, record: new Uint8Array(kib * KIB) }];
  return repairTalk({ kind: "trade", era: 0, id: 1, step: 1, offers });
}

test("lanes: what goes first is not what came first, and within a class it is", () => {
  const stand = new Stand();
  stand.send(comparison(1));
  stand.send(write(7, 1, 0, 100, KEY, new Uint8Array(3)), { isPatient: true });
  stand.send(repair(1, 0, KEY, new Uint8Array(3)));
  stand.send(written(1));
  stand.send(written(2));
  stand.send(LAYOUT_ASK);
  const kinds = stand.take().map((message) => ("id" in message ? message.id : message.kind));
  assert.deepEqual(kinds, ["layout-ask", 1, 2, "repair", 7, "repair-talk"]);
  assert.deepEqual([stand.lanes.bytes, stand.lanes.frames], [0, 0]);
});

test("lanes: behind megabytes of anti-entropy a word of membership waits for one write", () => {
  const stand = new Stand(64 * 1024 * KIB);
  for (let count = 0; count < 40; count++) assert.ok(stand.send(comparison(256)));
  assert.equal(stand.take().length, 1);
  stand.send(LAYOUT_ASK);
  stand.send(written(1));
  const next = stand.take();
  assert.deepEqual([next[0]!.kind, next[1]!.kind], ["layout-ask", "written"]);
  assert.ok(next.length <= 3);
});

test("lanes: a class that others overtake all the time goes on all the same", () => {
  const stand = new Stand(16 * 1024 * KIB);
  stand.send(comparison(10));
  let writes = 0;
  for (; stand.lanes.waiting()["anti-entropy"] !== undefined; writes++) {
    assert.ok(writes < 10);
    for (let n = 0; n < 5; n++) stand.send(write(1, 1, 0, 9_000, KEY, new Uint8Array(64 * KIB)));
    stand.take();
  }
  assert.ok(writes > 1 && stand.dropped === 0);
});

test("lanes: what clients do not wait for has less room, and makes way", () => {
  const stand = new Stand(1024 * KIB);
  while (stand.send(comparison(16))) {}
  const compared = stand.lanes.bytes;
  assert.ok(compared >= 256 * KIB && compared < 256 * KIB + 20 * KIB);
  assert.ok(stand.send(repair(1, 0, KEY, new Uint8Array(16 * KIB))));
  while (stand.send(repair(1, 0, KEY, new Uint8Array(16 * KIB)))) {}
  assert.ok(stand.lanes.bytes >= 512 * KIB && stand.lanes.bytes < 512 * KIB + 20 * KIB);
  assert.equal(stand.dropped, 0);
  while (stand.send(write(1, 1, 0, 100, KEY, new Uint8Array(16 * KIB)))) {}
  assert.ok(stand.dropped > 30, "both made way for writes");
  assert.deepEqual(Object.keys(stand.lanes.waiting()), ["requests"]);
  assert.ok(stand.lanes.bytes < 1024 * KIB + 20 * KIB);
  assert.ok(stand.send(LAYOUT_ASK), "membership has room of its own");
  assert.equal(stand.send(written(1), { elsewhere: 2048 * KIB }), false);
});

test("lanes: a request whose time passed while it waited is not sent, and counted", () => {
  const stand = new Stand();
  stand.send(read(1, 1, 100, KEY, DIGEST), { now: 1_000 });
  stand.send(read(2, 1, 300, KEY, DIGEST), { now: 1_000 });
  stand.send(written(3), { now: 1_000 });
  const sent = stand.take(1_100).map((message) => "id" in message && message.id);
  assert.deepEqual(sent, [2, 3]);
  assert.equal(stand.lanes.expiredCount, 1);
});

test("lanes: what was taken is not kept, however long something waits", () => {
  const stand = new Stand(64 * 1024 * KIB);
  let next = 0;
  let seen = 0;
  for (let round = 0; round < 200; round++) {
    const record = new Uint8Array(9_000);
    while (stand.lanes.bytes < 1024 * KIB) {
      assert.ok(stand.send(write(next++, 1, 0, 9_999, KEY, record)));
    }
    for (const message of stand.take()) assert.equal("id" in message && message.id, seen++);
  }
  assert.ok(seen > 4_000);
  const lane = stand.lanes.laneFor(1, 0, () => {})!;
  assert.ok(lane.writer.bytes.length <= 4096 * KIB, `${lane.writer.bytes.length}`);
});

test("lanes: the last words are those that somebody waits for", () => {
  const stand = new Stand(64 * 1024 * KIB);
  stand.send(comparison(100));
  for (let id = 0; id < 20; id++) stand.send(write(id, 1, 0, 100, KEY, new Uint8Array(64 * KIB)));
  stand.send(LAYOUT_ASK);
  const writer = new ByteWriter();
  stand.lanes.moveAllWanted(0, writer);
  assert.equal(messagesIn(writer).length, 21);
  assert.equal(stand.lanes.clear(), 1);
});
