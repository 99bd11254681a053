import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteWriter } from "../base/bytes.ts";
import type { HintOrder, HintsFor } from "../hint-orders.ts";
import { nodeId } from "../ring/node-id.ts";
import type { HintsTold } from "./admin-hints.ts";
import {
  decodeHintsAsk,
  decodeHintsTold,
  encodeHintsAsk,
  encodeHintsTold,
  HINT_TARGETS_MAX,
} from "./admin-hints.ts";

const HEAD_BYTES = 5;

function bodyOf(encode: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter();
  encode(writer);
  return writer.bytes.slice(HEAD_BYTES, writer.length);
}

function askedAgain(order: HintOrder, change: (body: Uint8Array) => void = () => {}): unknown {
  const body = bodyOf((writer) => encodeHintsAsk(writer, { id: 7, order }));
  change(body);
  return decodeHintsAsk(body, 0, body.length)?.order;
}

function toldOf(count: number): HintsTold {
  const targets: HintsFor[] = Array.from({ length: count }, (_, index) => ({
    target: nodeId(`n${index}`),
    keys: index,
    bytes: 1_000,
    state: "resting",
    awayMs: index === 0 ? undefined : index - 1,
    rowsPerSecond: 3,
  }));
  return { id: 7, report: { isCounted: true, targets } };
}

test("hints on the wire: an order names a target where it must, and none where it must not", () => {
  const target = nodeId("n1");
  const orders: readonly HintOrder[] = [
    { kind: "list" },
    { kind: "deliver", target: undefined },
    { kind: "deliver", target },
    { kind: "drop", target },
  ];
  for (const order of orders) assert.deepEqual(askedAgain(order), order);
  const orderAt = 8;
  const drop = (body: Uint8Array): void => void (body[orderAt] = 2);
  const list = (body: Uint8Array): void => void (body[orderAt] = 0);
  const unknown = (body: Uint8Array): void => void (body[orderAt] = 3);
  assert.equal(askedAgain({ kind: "list" }, drop), undefined, "a drop of everything");
  assert.equal(askedAgain({ kind: "drop", target }, list), undefined);
  assert.equal(askedAgain({ kind: "list" }, unknown), undefined);
});

test("hints on the wire: of too many targets those with the most keys are told", () => {
  const body = bodyOf((writer) => encodeHintsTold(writer, toldOf(HINT_TARGETS_MAX + 10)));
  const { targets } = decodeHintsTold(body, 0, body.length)!.report;
  assert.equal(targets.length, HINT_TARGETS_MAX);
  assert.equal(targets[0]!.keys, HINT_TARGETS_MAX + 9);
  assert.equal(targets.at(-1)!.keys, 10);
});

test("hints on the wire: what is told comes as it was, and a count is checked first", () => {
  const told = toldOf(3);
  const body = bodyOf((writer) => encodeHintsTold(writer, told));
  assert.deepEqual(decodeHintsTold(body, 0, body.length), told);
  const countAt = 9;
  const counted = 8;
  for (const [at, value] of [
    [countAt, 127],
    [countAt, 2],
    [counted, 2],
  ] as const) {
    const wrong = body.slice();
    wrong[at] = value;
    assert.equal(decodeHintsTold(wrong, 0, wrong.length), undefined);
  }
});
