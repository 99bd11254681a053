import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteWriter, EMPTY_BYTES } from "../base/bytes.ts";
import type { Message } from "../messages.ts";
import * as messages from "../messages.ts";
import { FAILURE_CODES, failed } from "../outcomes.ts";
import type { Outcome } from "../outcomes.ts";
import type { Level } from "../requests.ts";
import { clientRequest } from "../requests.ts";
import type { Key } from "../ring/key.ts";
import { keyOf } from "../ring/key.ts";
import { Layout, LAYOUT_NODES_MAX, REPLICAS_MAX, WEIGHT_MAX } from "../ring/layout.ts";
import type { NodeId } from "../ring/node-id.ts";
import { nodeId } from "../ring/node-id.ts";
import { FRAME_KIND } from "./frame-kind.ts";
import { FRAME_OVERHEAD_BYTES, FrameReader } from "./frame.ts";
import { decodeMessage, encodeMessage } from "./message-codec.ts";
import { DETAIL_BYTES_MAX, SIBLINGS_MAX } from "./outcome-codec.ts";

const NAME_CHARACTERS = Array.from("ABCXYZabcxyz0189._-");

const integer: fc.Arbitrary<number> = fc.oneof(
  fc.maxSafeNat(),
  fc.nat({ max: 300 }),
  fc.constantFrom(
    0,
    1,
    127,
    128,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 32 - 1,
    2 ** 32,
    Number.MAX_SAFE_INTEGER,
  ),
);
const name: fc.Arbitrary<string> = fc.string({
  unit: fc.constantFrom(...NAME_CHARACTERS),
  minLength: 1,
  maxLength: 64,
});
const node: fc.Arbitrary<NodeId> = name.map(nodeId);
const bytes: fc.Arbitrary<Uint8Array> = fc.uint8Array({ maxLength: 300 });
const userKey: fc.Arbitrary<string> = fc
  .uint8Array({ minLength: 1, maxLength: 4096 })
  .map((key) => Buffer.from(key).toString("latin1"));
const key: fc.Arbitrary<Key> = fc.tuple(name, userKey).map(([bucket, rest]) => keyOf(bucket, rest));
const u32: fc.Arbitrary<number> = fc.nat({ max: 0xffff_ffff });
const level: fc.Arbitrary<Level> = fc.oneof(
  fc.constantFrom<Level>("default", "one", "quorum", "all"),
  fc.nat({ max: 1_000 }),
);
const text: fc.Arbitrary<string> = fc.string({ unit: "binary", maxLength: DETAIL_BYTES_MAX / 4 });
const mask = fc.integer({ min: 0, max: 0xffff });
const receipt = fc.record(
  {
    coordinator: node,
    epoch: integer,
    needed: integer,
    answered: integer,
    held: mask,
    hinted: mask,
    siblings: integer,
  },
  { noNullPrototype: true },
);
const sibling = fc.record({ value: bytes, writtenMs: integer }, { noNullPrototype: true });

const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  fc
    .tuple(fc.array(sibling, { maxLength: 5 }), bytes, receipt)
    .map(([siblings, context, r]): Outcome => ({ kind: "found", siblings, context, receipt: r })),
  fc
    .tuple(bytes, receipt)
    .map(([context, r]): Outcome => ({ kind: "not-found", context, receipt: r })),
  fc
    .tuple(bytes, receipt)
    .map(([context, r]): Outcome => ({ kind: "stored", context, receipt: r })),
  fc
    .tuple(fc.boolean(), bytes, receipt)
    .map(([existed, context, r]): Outcome => ({ kind: "deleted", existed, context, receipt: r })),
  fc
    .tuple(fc.constantFrom(...FAILURE_CODES), text, integer, integer, integer, bytes)
    .map(([code, detail, needed, got, retryAfterMs, context]) =>
      failed(code, detail, { needed, got, retryAfterMs, context }),
    ),
);

const request = fc
  .record({
    id: integer,
    operation: fc.constantFrom("get" as const, "put" as const, "delete" as const),
    key,
    value: bytes,
    context: bytes,
    mode: fc.constantFrom(
      "overwrite" as const,
      "siblings" as const,
      "lww" as const,
      "merge" as const,
    ),
    r: level,
    w: level,
    pr: level,
    pw: level,
    timeoutMs: integer,
    session: fc.boolean(),
    ttlMs: integer,
    forwarded: fc.boolean(),
  })
  .map(clientRequest);

const layout: fc.Arbitrary<Layout> = fc
  .record({
    epoch: integer.map((epoch) => Math.max(1, epoch)),
    clusterId: name,
    strategy: name,
    replicas: fc.integer({ min: 1, max: REPLICAS_MAX }),
    partitionCount: fc.constantFrom(16, 64, 256),
    ids: fc.uniqueArray(node, { minLength: 1, maxLength: 20 }),
    address: fc.string({
      unit: fc.constantFrom("a", "0", ":", "[", "~", "!"),
      minLength: 1,
      maxLength: 255,
    }),
    weight: fc.integer({ min: 1, max: WEIGHT_MAX }),
    zone: fc.oneof(name, fc.constant("")),
    shift: fc.nat({ max: 20 }),
  })
  .map(({ ids, address, weight, zone, shift, ...rest }) => {
    const nodes = ids.toSorted().map((id) => ({ id, address, weight, zone }));
    const width = Math.min(rest.replicas, nodes.length);
    const ownerIndexes = Uint16Array.from(
      { length: rest.partitionCount * width },
      (_, entry) => (Math.floor(entry / width) + shift + (entry % width)) % nodes.length,
    );
    return new Layout({ ...rest, nodes, ownerIndexes });
  });

const BY_KIND: Readonly<Record<string, fc.Arbitrary<Message>>> = {
  write: fc
    .tuple(integer, integer, integer, integer, key, bytes)
    .map((args) => messages.write(...args)),
  written: integer.map(messages.written),
  read: fc
    .tuple(integer, integer, integer, key, fc.record({ high: u32, low: u32 }))
    .map((args) => messages.read(...args)),
  same: integer.map(messages.same),
  held: fc.tuple(integer, bytes).map((args) => messages.held(...args)),
  refused: fc
    .tuple(integer, fc.constantFrom(...messages.REFUSALS), integer)
    .map((args) => messages.refused(...args)),
  repair: fc.tuple(integer, integer, key, bytes).map((args) => messages.repair(...args)),
  ask: request.map(messages.ask),
  answer: fc.tuple(integer, outcome).map((args) => messages.answer(...args)),
  condition: fc.tuple(integer, fc.boolean()).map((args) => messages.condition(...args)),
  "layout-ask": fc.constant(messages.LAYOUT_ASK),
  "layout-told": layout.map(messages.layoutTold),
};

/**
 * What comes out of the bytes of these messages, written one behind the other and cut at one place.
 */
function overTheWire(sent: readonly Message[], cutAt: number): Message[] {
  const writer = new ByteWriter(8);
  for (const message of sent) encodeMessage(writer, message);
  const received: Message[] = [];
  const reader = new FrameReader(FRAME_OVERHEAD_BYTES);
  const stream = writer.finish();
  for (const piece of [stream.subarray(0, cutAt), stream.subarray(cutAt)]) {
    const problem = reader.push(piece, (kind, body, start, end) => {
      const message = decodeMessage(kind, body, start, end);
      assert.ok(message !== undefined, `malformed frame of kind ${kind}`);
      received.push(message);
      return true;
    });
    assert.equal(problem, undefined);
  }
  return received;
}

function roundTrip(message: Message): Message {
  return overTheWire([message], 0)[0]!;
}

/** The body of the message's frame. */
function bodyOf(message: Message): Uint8Array {
  const writer = new ByteWriter();
  encodeMessage(writer, message);
  return writer.finish().subarray(5);
}

const KEY = keyOf("b", "k");

for (const [kind, arbitrary] of Object.entries(BY_KIND)) {
  test(`what is sent is what arrives: ${kind}`, () => {
    fc.assert(
      fc.property(fc.array(arbitrary, { maxLength: 3 }), fc.nat({ max: 500 }), (sent, cutAt) => {
        assert.deepEqual(overTheWire(sent, cutAt), sent);
      }),
      { numRuns: 300 },
    );
  });
}

/** The others end in bytes of any length, and are some other message when they are cut. */
for (const kind of ["written", "read", "same", "refused", "answer", "layout-ask", "layout-told"]) {
  test(`a byte too many or too few is malformed: ${kind}`, () => {
    fc.assert(
      fc.property(BY_KIND[kind]!, fc.nat(), (message, cut) => {
        const body = bodyOf(message);
        const longer = Uint8Array.from([...body, cut & 0xff]);
        const wireKind = FRAME_KIND[camelCase(kind)];
        assert.equal(decodeMessage(wireKind, longer, 0, longer.length), undefined);
        if (body.length === 0) return;
        assert.equal(decodeMessage(wireKind, body, 0, cut % body.length), undefined);
      }),
      { numRuns: 200 },
    );
  });
}

test("a layout that arrives answers as the one that was sent", () => {
  fc.assert(
    fc.property(layout, (sent) => {
      const received = roundTrip(messages.layoutTold(sent));
      assert.ok(received.kind === "layout-told");
      assert.equal(received.layout.fingerprint(), sent.fingerprint());
      assert.deepEqual(received.layout.owners(7), sent.owners(7));
    }),
    { numRuns: 50 },
  );
});

test("the largest layout fits beside the largest value", () => {
  const pad = (index: number): string => String(index).padStart(4, "0");
  const nodes = Array.from({ length: LAYOUT_NODES_MAX }, (_, index) => ({
    id: nodeId(`${"n".repeat(60)}${pad(index)}`),
    address: "a".repeat(255),
    weight: WEIGHT_MAX,
    zone: "z".repeat(64),
  }));
  const partitionCount = 16_384;
  const ownerIndexes = Uint16Array.from(
    { length: partitionCount * REPLICAS_MAX },
    (_, entry) => entry % LAYOUT_NODES_MAX,
  );
  const data = { epoch: 2 ** 40, clusterId: "c".repeat(64), strategy: "s".repeat(64) };
  const largest = new Layout({
    ...data,
    replicas: REPLICAS_MAX,
    partitionCount,
    nodes,
    ownerIndexes,
  });
  assert.ok(bodyOf(messages.layoutTold(largest)).length < 1024 * 1024);
  const received = roundTrip(messages.layoutTold(largest));
  assert.ok(received.kind === "layout-told");
  assert.equal(received.layout.fingerprint(), largest.fingerprint());
});

test("durations are rounded up: the last fraction of a millisecond is not the default", () => {
  const sent = messages.ask(clientRequest({ operation: "get", key: KEY, timeoutMs: 0.2 }));
  const received = roundTrip(sent);
  assert.ok(received.kind === "ask");
  assert.equal(received.request.timeoutMs, 1);
  const write = roundTrip(messages.write(1, 1, 0, 2.5, KEY, EMPTY_BYTES));
  assert.ok(write.kind === "write");
  assert.equal(write.remainingMs, 3);
});

test("wall time stays at home", () => {
  const received = roundTrip(
    messages.ask(clientRequest({ operation: "get", key: KEY, wallMs: 1_790_000_000_000 })),
  );
  assert.ok(received.kind === "ask");
  assert.equal(received.request.wallMs, 0);
});

test("a detail that is too long is cut between two characters", () => {
  const received = roundTrip(messages.answer(1, failed("OVERLOADED", `a${"é".repeat(2_000)}`)));
  assert.ok(received.kind === "answer" && received.outcome.kind === "failed");
  assert.equal(received.outcome.detail, `a${"é".repeat((DETAIL_BYTES_MAX - 2) / 2)}`);
});

test("a level that no message can say is a bug, not another level", () => {
  for (const wrong of [-1, -4, 1.5, Number.NaN, Infinity]) {
    const message = messages.ask(clientRequest({ operation: "get", key: KEY, r: wrong }));
    assert.throws(() => encodeMessage(new ByteWriter(), message), /a level of/);
  }
});

test("hello and goodbye are not frames", () => {
  for (const message of [messages.hello(1, 1, 0), messages.GOODBYE]) {
    assert.throws(() => encodeMessage(new ByteWriter(), message), /is not a frame/);
  }
});

test("other kinds of frame are no messages", () => {
  const known = new Set<number>(Object.keys(BY_KIND).map((kind) => FRAME_KIND[camelCase(kind)]));
  for (let kind = 0; kind < 256; kind++) {
    if (known.has(kind)) continue;
    assert.equal(decodeMessage(kind, EMPTY_BYTES, 0, 0), undefined);
    assert.equal(decodeMessage(kind, new Uint8Array(8), 0, 8), undefined);
  }
});

test("bytes in a message are views of its frame", () => {
  const body = bodyOf(messages.write(1, 1, 0, 1, KEY, Uint8Array.of(1, 2, 3)));
  const message = decodeMessage(FRAME_KIND.write, body, 0, body.length);
  assert.ok(message?.kind === "write");
  assert.equal(message.delta.buffer, body.buffer);
});

test("a count of siblings that cannot be true is malformed", () => {
  const receiptOf = {
    coordinator: nodeId("n"),
    epoch: 1,
    needed: 1,
    answered: 1,
    held: 1,
    hinted: 0,
    siblings: 1,
  };
  const none: Outcome = { kind: "found", siblings: [], context: EMPTY_BYTES, receipt: receiptOf };
  const head = bodyOf(messages.answer(1, none)).slice(0, -1);
  for (const count of [1, 3, SIBLINGS_MAX + 1, 2 ** 31, Number.MAX_SAFE_INTEGER]) {
    const writer = new ByteWriter();
    writer.raw(head);
    writer.varint(count);
    writer.raw(Uint8Array.of(0));
    const body = writer.finish();
    assert.equal(decodeMessage(FRAME_KIND.answer, body, 0, body.length), undefined);
  }
  const writer = new ByteWriter();
  writer.raw(head);
  writer.varint(SIBLINGS_MAX + 1);
  writer.raw(new Uint8Array(2 * (SIBLINGS_MAX + 1)));
  assert.equal(decodeMessage(FRAME_KIND.answer, writer.bytes, 0, writer.length), undefined);
});

function camelCase(kind: string): keyof typeof FRAME_KIND {
  return kind.replace("-a", "A").replace("-t", "T") as keyof typeof FRAME_KIND;
}
