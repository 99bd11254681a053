import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteWriter } from "../base/bytes.ts";
import { nodeId } from "../ring/node-id.ts";
import { decodeStatusAsk, decodeStatusTold, encodeStatusTold, STATUS_BYTES_MAX } from "./admin.ts";
import { FRAME_OVERHEAD_BYTES, GREETING_FRAME_BYTES_MAX } from "./frame.ts";
import type { Greeting } from "./greeting.ts";
import { checkGreeting, commonProtocol, decodeGreeting, encodeGreeting } from "./greeting.ts";
import { greetingProblem } from "./greeting.ts";
import type { Refusal } from "./refusal.ts";
import { decodeRefusal, encodeRefusal, REFUSAL_MESSAGE_BYTES_MAX } from "./refusal.ts";

const N1: Greeting = {
  protocolMin: 1,
  protocolMax: 1,
  role: "node",
  clusterId: "red",
  nodeId: nodeId("n1"),
  generation: 3,
  layoutEpoch: 7,
  layoutFingerprint: "00ff",
  address: "a:1",
  era: 0,
};
const N2: Greeting = { ...N1, nodeId: nodeId("n2"), generation: 9, address: "b:2" };
const CLIENT: Greeting = {
  protocolMin: 1,
  protocolMax: 1,
  role: "client",
  clusterId: "",
  nodeId: "",
  generation: 0,
  layoutEpoch: 0,
  layoutFingerprint: "",
  address: "",
  era: 0,
};

function bodyOf(encode: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter();
  encode(writer);
  return writer.finish().subarray(5);
}

function greetingBody(greeting: Greeting): Uint8Array {
  return bodyOf((writer) => encodeGreeting(writer, greeting));
}

function decoded(body: Uint8Array): Greeting | undefined {
  return decodeGreeting(body, 0, body.length);
}

test("a greeting arrives as it was sent, and ignores what a later version adds", () => {
  for (const greeting of [N1, CLIENT, { ...CLIENT, clusterId: "red" }]) {
    const body = greetingBody(greeting);
    assert.deepEqual(decoded(body), greeting);
    assert.deepEqual(decoded(Uint8Array.from([...body, 1, 2, 3])), greeting);
    for (let length = 0; length < body.length; length++) {
      assert.equal(decoded(body.subarray(0, length)), undefined);
    }
  }
});

test("the longest greeting and the longest refusal fit into a first frame", () => {
  const long = "n".repeat(64);
  const greeting = {
    ...N1,
    clusterId: long,
    nodeId: nodeId(long),
    generation: Number.MAX_SAFE_INTEGER,
    layoutEpoch: Number.MAX_SAFE_INTEGER,
    layoutFingerprint: long,
    address: "a".repeat(255),
    era: 0,
  };
  assert.ok(greetingBody(greeting).length < GREETING_FRAME_BYTES_MAX);
  const refusal = checkGreeting(greeting, greeting);
  assert.ok(refusal !== undefined && refusal.message.length < REFUSAL_MESSAGE_BYTES_MAX);
  const longest = { code: long, message: "m".repeat(REFUSAL_MESSAGE_BYTES_MAX) };
  assert.ok(bodyOf((writer) => encodeRefusal(writer, longest)).length < GREETING_FRAME_BYTES_MAX);
});

test("a greeting that cannot be is not sent, and not believed", () => {
  const wrong: readonly Greeting[] = [
    { ...N1, protocolMin: 0 },
    { ...N1, protocolMin: 2, protocolMax: 1 },
    { ...N1, clusterId: "" },
    { ...N1, clusterId: "re d" },
    { ...N1, nodeId: "" },
    { ...N1, address: "" },
    { ...N1, address: "a b" },
    { ...N1, address: "\u001b[2J" },
    { ...N1, layoutFingerprint: "\n" },
    { ...CLIENT, nodeId: nodeId("n1") },
  ];
  for (const greeting of wrong) {
    assert.notEqual(greetingProblem(greeting), undefined);
    assert.throws(() => greetingBody(greeting));
  }
  const body = greetingBody(N1);
  const magic = body.slice();
  magic[0] = 0x67;
  assert.equal(decoded(magic), undefined);
  const role = body.slice();
  role[8] = 3;
  assert.equal(decoded(role), undefined);
  const asClient = body.slice();
  asClient[8] = 1;
  assert.equal(decoded(asClient), undefined, "a client has no node id");
});

test("two nodes of one cluster may talk, also while one has a newer layout", () => {
  assert.equal(checkGreeting(N1, N2), undefined);
  assert.equal(checkGreeting(N1, { ...N2, layoutEpoch: 8, layoutFingerprint: "11" }), undefined);
  const without = { ...N2, layoutEpoch: 0, layoutFingerprint: "" };
  assert.equal(checkGreeting(N1, without), undefined);
});

test("a scout is judged like the node it is, and may find itself", () => {
  const scout: Greeting = { ...N1, role: "scout" };
  assert.deepEqual(decoded(greetingBody(scout)), scout);
  assert.throws(() => greetingBody({ ...scout, nodeId: "" }));
  assert.equal(checkGreeting(scout, N2), undefined);
  assert.equal(checkGreeting(N2, scout), undefined);
  assert.equal(checkGreeting(scout, { ...N2, clusterId: "blue" })?.code, "WRONG_CLUSTER");
  assert.equal(checkGreeting(scout, { ...N2, layoutFingerprint: "00fe" })?.code, "LAYOUT_DIFFERS");
  const self = { code: "SELF", message: "n1 has found itself, at a:1" };
  assert.deepEqual(checkGreeting(scout, N1), self);
  assert.deepEqual(checkGreeting(N1, scout), self);
  for (const other of [{ generation: 4 }, { address: "b:2" }]) {
    assert.equal(checkGreeting(scout, { ...N1, ...other })?.code, "SAME_NODE");
  }
  assert.equal(checkGreeting(N1, N1)?.code, "SAME_NODE");
});

test("a client may leave the cluster open, and its layout may be any", () => {
  assert.equal(checkGreeting(N1, CLIENT), undefined);
  assert.equal(checkGreeting(CLIENT, N1), undefined);
  const stale = { ...CLIENT, clusterId: "red", layoutEpoch: 7, layoutFingerprint: "11" };
  assert.equal(checkGreeting(N1, stale), undefined);
});

test("a refusal has a name and both values", () => {
  const cases: readonly (readonly [Greeting, Refusal])[] = [
    [
      { ...N2, clusterId: "blue" },
      { code: "WRONG_CLUSTER", message: "n1 is of cluster red, n2 of blue" },
    ],
    [
      { ...CLIENT, clusterId: "blue" },
      { code: "WRONG_CLUSTER", message: "n1 is of cluster red, the client of blue" },
    ],
    [
      { ...N2, protocolMin: 2, protocolMax: 3 },
      { code: "WRONG_VERSION", message: "n1 speaks protocol 1 to 1, n2 speaks 2 to 3" },
    ],
    [
      { ...N2, nodeId: N1.nodeId },
      {
        code: "SAME_NODE",
        message: "two nodes call themselves n1: generation 3 at a:1 and generation 9 at b:2",
      },
    ],
    [
      { ...N2, layoutFingerprint: "00fe" },
      { code: "LAYOUT_DIFFERS", message: "layout epoch 7 is 00ff at n1, 00fe at n2" },
    ],
  ];
  for (const [theirs, refusal] of cases) {
    assert.deepEqual(checkGreeting(N1, theirs), refusal);
    assert.equal(checkGreeting(theirs, N1)?.code, refusal.code);
  }
});

test("both sides find the same version: the highest that both speak", () => {
  const speaks = (protocolMin: number, protocolMax: number): Greeting => ({
    ...N1,
    protocolMin,
    protocolMax,
  });
  for (const [own, theirs, common] of [
    [speaks(1, 1), speaks(1, 1), 1],
    [speaks(1, 3), speaks(2, 5), 3],
    [speaks(1, 4), speaks(2, 3), 3],
    [speaks(1, 1), speaks(2, 2), undefined],
  ] as const) {
    assert.equal(commonProtocol(own, theirs), common);
    assert.equal(commonProtocol(theirs, own), common);
  }
});

test("a refusal arrives as it was sent, or cut, and ignores what a later version adds", () => {
  const sent = { code: "A_CODE_OF_TOMORROW", message: "so it is: é" };
  const body = bodyOf((writer) => encodeRefusal(writer, sent));
  assert.deepEqual(decodeRefusal(body, 0, body.length), sent);
  const longer = Uint8Array.from([...body, 9]);
  assert.deepEqual(decodeRefusal(longer, 0, longer.length), sent);
  for (let length = 0; length < body.length; length++) {
    assert.equal(decodeRefusal(body, 0, length), undefined);
  }
  const long = { code: "LONG", message: "é".repeat(1_000) };
  const cut = bodyOf((writer) => encodeRefusal(writer, long));
  const message = "é".repeat(REFUSAL_MESSAGE_BYTES_MAX / 2);
  assert.deepEqual(decodeRefusal(cut, 0, cut.length), { code: "LONG", message });
});

test("a refusal cannot write to a terminal", () => {
  for (const message of ["\u001b[2J", "two\nlines", "\u009b0m"]) {
    const body = bodyOf((writer) => encodeRefusal(writer, { code: "EVIL", message }));
    assert.equal(decodeRefusal(body, 0, body.length), undefined);
  }
});

test("a status is bounded on both sides, and its limit fits beside a value", () => {
  const writer = new ByteWriter();
  assert.equal(encodeStatusTold(writer, new Uint8Array(STATUS_BYTES_MAX + 1)), false);
  assert.equal(writer.length, 0);
  assert.equal(encodeStatusTold(writer, new Uint8Array(STATUS_BYTES_MAX)), true);
  assert.ok(writer.length <= FRAME_OVERHEAD_BYTES);
  const told = decodeStatusTold(writer.bytes, 5, writer.length);
  assert.equal(told?.length, STATUS_BYTES_MAX);
  const tooLong = new Uint8Array(STATUS_BYTES_MAX + 1);
  assert.equal(decodeStatusTold(tooLong, 0, tooLong.length), undefined);
  assert.equal(decodeStatusAsk(5, 5), true);
  assert.equal(decodeStatusAsk(5, 6), false);
});
