/**
 * The bytes of membership: fixtures that are the format, sizes that packets are planned by, and
 * bytes that are almost right. GRAMME_FUZZ=1000000 tries that many.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ByteReader, ByteWriter } from "../base/bytes.ts";
import { Random } from "../base/random.ts";
import type { MembershipMessage, Rumour, Speaker } from "../membership-messages.ts";
import {
  gossip,
  MEMBER_STATES,
  MESSAGE_HEAD_BYTES_MAX,
  membershipMessageBytes,
  probe,
  probeAck,
  probeFor,
  probeNack,
  rumourBytes,
  sync,
  unwelcome,
  UNWELCOMES,
} from "../membership-messages.ts";
import { nodeId } from "../ring/node-id.ts";
import { readMembership, writeMembership } from "./membership-codec.ts";

const INPUTS = Number(process.env["GRAMME_FUZZ"] ?? 100_000);
const FIXTURES = new URL("../../../src/core/wire/fixtures/membership-v1.hex", import.meta.url);
/** Length and kind, which are the frame's. */
const FRAME_HEAD_BYTES = 5;
/** An input lies among bytes that no decoder may touch. */
const MARGIN = 64;

const SPEAKER: Speaker = {
  cluster: 0xc1a5_7e12,
  generation: 300,
  boot: 0xb007_0001,
  incarnation: 2,
};
const [N1, N2] = [nodeId("n1"), nodeId("n2")];

const RUMOURS: readonly Rumour[] = [
  {
    id: N2,
    state: "suspect",
    generation: 3,
    boot: 0x0bad_cafe,
    incarnation: 0,
    address: "",
    accuser: N1,
  },
  {
    id: nodeId("n3"),
    state: "alive",
    generation: 2 ** 48,
    boot: 1,
    incarnation: 129,
    address: "[2001:db8::1]:7400",
    accuser: "",
  },
];
const FATES: readonly Rumour[] = MEMBER_STATES.map((state) => ({ ...RUMOURS[0]!, state }));

const MESSAGES: readonly (readonly [name: string, message: MembershipMessage])[] = [
  ["probe", probe(SPEAKER, 0xdead_beef, RUMOURS)],
  ["probe-ack", probeAck(SPEAKER, 7, [])],
  ["probe-for", probeFor(SPEAKER, 8, N2, [RUMOURS[0]!])],
  ["probe-nack", probeNack(SPEAKER, 8)],
  ["gossip", gossip(SPEAKER, FATES)],
  ["sync", sync(SPEAKER, true, RUMOURS)],
  ["sync-answer", sync(SPEAKER, false, [])],
  ...UNWELCOMES.map((reason) => [`unwelcome-${reason}`, unwelcome(SPEAKER, 9, reason)] as const),
];

function bytesOf(message: MembershipMessage): Uint8Array {
  const writer = new ByteWriter(1);
  writeMembership(writer, message);
  return writer.finish();
}

const fixtures: ReadonlyMap<string, Buffer> = new Map(
  readFileSync(FIXTURES, "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const [name, ...hex] = line.split(/\s+/);
      return [name!, Buffer.from(hex.join(""), "hex")];
    }),
);

for (const [name, message] of MESSAGES) {
  test(`golden bytes of membership: ${name}`, () => {
    const golden = fixtures.get(name);
    assert.equal(Buffer.from(bytesOf(message)).toString("hex"), golden?.toString("hex"));
    assert.deepEqual(readMembership(new ByteReader(golden!)), message);
    assert.equal(golden!.length + FRAME_HEAD_BYTES, membershipMessageBytes(message));
  });
}

test("every fixture has a message", () => {
  assert.deepEqual([...fixtures.keys()].toSorted(), MESSAGES.map(([name]) => name).toSorted());
});

test("a rumour takes what the planner of packets thinks", () => {
  const none = bytesOf(gossip(SPEAKER, [])).length;
  for (const rumour of [...RUMOURS, ...FATES]) {
    assert.equal(bytesOf(gossip(SPEAKER, [rumour])).length - none, rumourBytes(rumour));
  }
});

test("no head is larger than what is set aside for it", () => {
  const speaker = { ...SPEAKER, generation: 2 ** 48, incarnation: 2 ** 48 };
  const { length } = bytesOf(probeFor(speaker, 1, nodeId("x".repeat(64)), []));
  assert.ok(length + FRAME_HEAD_BYTES + 2 <= MESSAGE_HEAD_BYTES_MAX);
});

test("what nobody would write is not read", () => {
  const rumour = RUMOURS[0]!;
  const forged: readonly Rumour[] = [
    { ...rumour, generation: 0 },
    { ...rumour, incarnation: 2 ** 48 + 1 },
    { ...rumour, id: nodeId("n2").replace("2", " ") as typeof rumour.id },
    { ...rumour, address: "a b:1" },
    { ...rumour, address: "x".repeat(256) },
  ];
  for (const forgery of forged) {
    const bytes = bytesOf(gossip(SPEAKER, [forgery]));
    assert.equal(readMembership(new ByteReader(bytes)), undefined);
  }
  const bootless = bytesOf(probeNack({ ...SPEAKER, generation: 0 }, 1));
  assert.equal(readMembership(new ByteReader(bootless)), undefined);
});

test("a count of rumours that are not there costs nothing", () => {
  const bytes = bytesOf(gossip(SPEAKER, []));
  const claim = Uint8Array.of(...bytes.subarray(0, -1), 0xff, 0xff, 0xff, 0xff, 0x07);
  assert.equal(readMembership(new ByteReader(claim)), undefined);
});

test("fuzz: membership", { timeout: 60_000 + INPUTS }, () => {
  const random = new Random("fuzz membership");
  const originals = [...fixtures.values()];
  let accepted = 0;
  for (let input = 0; input < INPUTS; input++) {
    const bytes = mutated(random, originals);
    const end = bytes.length - MARGIN;
    const message = readMembership(new ByteReader(bytes, MARGIN, end));
    if (message === undefined) continue;
    accepted++;
    const body = Buffer.from(bytes.subarray(MARGIN, end)).toString("hex");
    assert.equal(Buffer.from(bytesOf(message)).toString("hex"), body, "two forms of one message");
  }
  assert.ok(accepted > INPUTS / 100 && accepted < INPUTS, `${accepted} of ${INPUTS} well formed`);
});

function mutated(random: Random, originals: readonly Buffer[]): Uint8Array {
  let body = [...random.pick(originals)];
  for (let count = random.between(1, 4); count > 0; count--) {
    const at = random.integer(body.length + 1);
    const kind = random.integer(5);
    if (kind === 0) body[at] = (body[at] ?? 0) ^ (1 << random.integer(8));
    else if (kind === 1) body[at] = random.integer(256);
    else if (kind === 2) body = body.slice(0, at);
    else if (kind === 3) body.splice(at, 0, ...random.pick(originals).subarray(0, 20));
    else body.splice(at, 1 + random.integer(4));
  }
  const bytes = new Uint8Array(MARGIN + body.length + MARGIN).fill(0x61);
  bytes.set(body, MARGIN);
  return bytes;
}
