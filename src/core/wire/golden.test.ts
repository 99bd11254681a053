/**
 * The fixtures are the format: bytes that were written once are read for ever, and written the same
 * way while the version stays. A failure here is a change of the format. It needs a new version,
 * and these lines stay as they are.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ByteWriter, EMPTY_BYTES } from "../base/bytes.ts";
import { utf8Encode } from "../base/utf8.ts";
import type { Message } from "../messages.ts";
import { probeNack } from "../membership-messages.ts";
import * as messages from "../messages.ts";
import type { Receipt } from "../outcomes.ts";
import { failed } from "../outcomes.ts";
import { nothingTold } from "../repair-orders.ts";
import { clientRequest } from "../requests.ts";
import { keyOf } from "../ring/key.ts";
import { Layout } from "../ring/layout.ts";
import { nodeId } from "../ring/node-id.ts";
import type { HintsAsk, HintsTold } from "./admin-hints.ts";
import { decodeHintsAsk, decodeHintsTold, encodeHintsAsk, encodeHintsTold } from "./admin-hints.ts";
import type { RepairAsk, RepairTold } from "./admin-repair.ts";
import {
  decodeRepairAsk,
  decodeRepairTold,
  encodeRepairAsk,
  encodeRepairTold,
} from "./admin-repair.ts";
import { decodeStatusTold, encodeStatusAsk, encodeStatusTold } from "./admin.ts";
import type { CopyAnswer, CopyAsk } from "./copy-codec.ts";
import { decodeCopyAnswer, decodeCopyAsk, encodeCopy } from "./copy-codec.ts";
import { FRAME_KIND } from "./frame-kind.ts";
import { FrameReader } from "./frame.ts";
import type { Greeting } from "./greeting.ts";
import { decodeGreeting, encodeGreeting } from "./greeting.ts";
import { decodeMessage, encodeMessage } from "./message-codec.ts";
import type { Refusal } from "./refusal.ts";
import { decodeRefusal, encodeRefusal } from "./refusal.ts";

const FIXTURES = new URL("../../../src/core/wire/fixtures/v1.hex", import.meta.url);

const fixtures: ReadonlyMap<string, string> = new Map(
  readFileSync(FIXTURES, "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const [name, ...hex] = line.split(/\s+/);
      return [name!, hex.join("")];
    }),
);

const BYTES = Uint8Array.of(0xde, 0xad, 0xbe, 0xef);
const KEY = keyOf("carts", "user:7\xff\x00");
const TOMBSTONES = [{ key: KEY, high: 0x8123_4567, low: 0x0000_0001 }];
const ID = 0x1f_ffff_0000_0007;
const RECEIPT: Receipt = {
  coordinator: nodeId("n1"),
  epoch: 300,
  needed: 2,
  answered: 0b111,
  held: 0b011,
  hinted: 0,
  siblings: 2,
};

const MESSAGES: readonly (readonly [name: string, message: Message])[] = [
  ["write", messages.write(ID, 300, 0, 987, KEY, BYTES)],
  ["written", messages.written(7)],
  ["read", messages.read(7, 1, 0, KEY, { high: 0x8123_4567, low: 0x0000_0001 })],
  ["same", messages.same(8)],
  ["held", messages.held(9, BYTES)],
  ["held-nothing", messages.held(9, EMPTY_BYTES)],
  ["refused-not-owner", messages.refused(7, "not-owner", 300)],
  ["refused-epochs-exhausted", messages.refused(7, "epochs-exhausted", 300)],
  ["repair", messages.repair(300, 0, KEY, BYTES)],
  ["hint", messages.hint(ID, 300, 0, 987, nodeId("n1"), KEY, BYTES)],
  ["write-in-era", messages.write(ID, 300, 7, 987, KEY, BYTES)],
  ["repair-in-era", messages.repair(300, 300, KEY, BYTES)],
  ["hint-in-era", messages.hint(ID, 300, 7, 987, nodeId("n1"), KEY, BYTES)],
  ["hinted-ask", messages.hintedAsk(7, 1, 0, nodeId("n1"), KEY)],
  ["ask-get", messages.ask(clientRequest({ id: 1, operation: "get", key: KEY }))],
  [
    "ask-put",
    messages.ask(
      clientRequest({
        id: ID,
        operation: "put",
        key: KEY,
        value: BYTES,
        context: Uint8Array.of(1, 2, 3),
        mode: "siblings",
        r: "one",
        w: 2,
        pr: "quorum",
        pw: "all",
        timeoutMs: 1_500,
        forwarded: true,
      }),
    ),
  ],
  [
    "ask-put-ttl",
    messages.ask(
      clientRequest({ id: 1, operation: "put", key: KEY, value: BYTES, ttlMs: 300, timeoutMs: 7 }),
    ),
  ],
  [
    "ask-delete",
    messages.ask(clientRequest({ id: 2, operation: "delete", key: KEY, mode: "merge", w: 300 })),
  ],
  [
    "ask-session",
    messages.ask(clientRequest({ id: 3, operation: "get", key: KEY, session: true })),
  ],
  [
    "ask-session-on",
    messages.ask(
      clientRequest({ id: 4, operation: "get", key: KEY, session: true, forwarded: true }),
    ),
  ],
  [
    "answer-found",
    messages.answer(7, {
      kind: "found",
      siblings: [
        { value: BYTES, writtenMs: 1_790_000_000_000 },
        { value: EMPTY_BYTES, writtenMs: 0 },
      ],
      context: Uint8Array.of(1, 2, 3),
      receipt: RECEIPT,
    }),
  ],
  [
    "answer-not-found",
    messages.answer(7, { kind: "not-found", context: EMPTY_BYTES, receipt: RECEIPT }),
  ],
  [
    "answer-stored",
    messages.answer(7, { kind: "stored", context: Uint8Array.of(9), receipt: RECEIPT }),
  ],
  [
    "answer-hinted",
    messages.answer(7, {
      kind: "stored",
      context: Uint8Array.of(9),
      receipt: { ...RECEIPT, hinted: 0b100 },
    }),
  ],
  [
    "answer-deleted",
    messages.answer(7, { kind: "deleted", existed: true, context: EMPTY_BYTES, receipt: RECEIPT }),
  ],
  [
    "answer-failed",
    messages.answer(
      7,
      failed("QUORUM_NOT_MET", "2 of 3 owners, n2 was 20 µs late", {
        needed: 2,
        got: 1,
        retryAfterMs: 40,
        context: Uint8Array.of(5),
      }),
    ),
  ],
  [
    "member-talk",
    messages.memberTalk(
      probeNack({ cluster: 0xc1a5_7e12, generation: 300, boot: 0xb007_0001, incarnation: 2 }, 8),
    ),
  ],
  ["repair-talk", messages.repairTalk({ kind: "roots-same", id: 7 })],
  [
    "purge-talk-watch",
    messages.purgeTalk({ kind: "purge-watch", id: 7, epoch: 300, tombstones: TOMBSTONES }),
  ],
  [
    "purge-talk-step",
    messages.purgeTalk({ kind: "purge-step", id: 7, watch: 0x8000_0001, step: 3, era: 7 }),
  ],
  [
    "purge-talk-told",
    messages.purgeTalk({
      kind: "purge-told",
      id: 7,
      watch: 0x8000_0001,
      step: 1,
      era: 7,
      unclear: [0, 4_095],
    }),
  ],
  ["purge-talk-refused", messages.purgeTalk({ kind: "purge-refused", id: 7 })],
  [
    "purge-talk-now",
    messages.purgeTalk({ kind: "purge-now", id: 7, epoch: 300, tombstones: TOMBSTONES }),
  ],
  ["purge-talk-era", messages.purgeTalk({ kind: "era-told", era: 300 })],
  ["condition", messages.condition(300, true)],
  ["layout-ask", messages.LAYOUT_ASK],
  ["layout-told", messages.layoutTold(smallLayout())],
];

const COPIES: readonly (readonly [name: string, frame: CopyAsk | CopyAnswer])[] = [
  [
    "rows-ask",
    {
      kind: "rows-ask",
      id: ID,
      epoch: 300,
      partition: 0x3fff,
      bytesMax: 262_144,
      position: Uint8Array.of(1, 2, 3),
    },
  ],
  [
    "rows-told",
    {
      kind: "rows-told",
      id: 7,
      next: Uint8Array.of(9),
      damaged: [KEY],
      records: [
        { key: KEY, record: BYTES },
        { key: keyOf("b", "k"), record: EMPTY_BYTES },
      ],
    },
  ],
  ["rows-told-end", { kind: "rows-told", id: 7, next: EMPTY_BYTES, damaged: [], records: [] }],
  ["join-ask", { kind: "join-ask", id: ID, epoch: 300, records: [{ key: KEY, record: BYTES }] }],
  ["join-told", { kind: "join-told", id: 7, results: ["held", "damaged", "malformed"] }],
  ["copy-refused", { kind: "copy-refused", id: 7, reason: "unknown-position", epoch: 300 }],
];

const HINTS_ASKED: readonly (readonly [name: string, ask: HintsAsk])[] = [
  ["hints-ask-list", { id: 7, order: { kind: "list" } }],
  ["hints-ask-deliver", { id: 7, order: { kind: "deliver", target: undefined } }],
  ["hints-ask-to", { id: 7, order: { kind: "deliver", target: nodeId("n1") } }],
  ["hints-ask-drop", { id: ID, order: { kind: "drop", target: nodeId("n1") } }],
];
const HINTS_TOLD: readonly (readonly [name: string, told: HintsTold])[] = [
  [
    "hints-told",
    {
      id: ID,
      report: {
        isCounted: true,
        targets: [
          {
            target: nodeId("n1"),
            keys: 1_200,
            bytes: 300_000,
            state: "waiting",
            awayMs: 9_000_000,
            rowsPerSecond: 0,
          },
          {
            target: nodeId("n2"),
            keys: 1,
            bytes: 70,
            state: "delivering",
            awayMs: undefined,
            rowsPerSecond: 2_000,
          },
        ],
      },
    },
  ],
  ["hints-told-none", { id: 7, report: { isCounted: false, targets: [] } }],
];

const REPAIR_ASKED: readonly (readonly [name: string, ask: RepairAsk])[] = [
  ["repair-ask-look", { id: 7, order: { kind: "look", partition: undefined, from: 0 } }],
  ["repair-ask-compare", { id: ID, order: { kind: "compare", partition: 300, from: 0 } }],
  ["repair-ask-list", { id: 7, order: { kind: "list", partition: undefined, from: 4_096 } }],
];
const REPAIR_TOLD: readonly (readonly [name: string, told: RepairTold])[] = [
  [
    "repair-told",
    {
      id: ID,
      report: {
        generation: 1_790_000_000_000,
        pairs: 512,
        proven: 300,
        oldestMs: 9_000_000,
        left: new Map([
          ["away", 200],
          ["stuck", 1],
        ]),
        etaMs: 12_000,
        keysMoved: 1_200,
        keysUnchanged: 3,
        told: [
          {
            partition: 7,
            peer: nodeId("n1"),
            state: "proven",
            isLeft: false,
            provenMs: 11_000,
          },
          { partition: 8, peer: nodeId("n2"), state: "away", isLeft: true, provenMs: undefined },
        ],
        next: 9,
      },
    },
  ],
  ["repair-told-nothing", { id: 7, report: nothingTold(1) }],
];

const NODE_GREETING: Greeting = {
  protocolMin: 1,
  protocolMax: 2,
  role: "node",
  clusterId: "c-5f1e",
  nodeId: nodeId("n1"),
  generation: 1_790_000_000_000,
  layoutEpoch: 300,
  layoutFingerprint: "0123456789abcdef",
  address: "[2001:db8::1]:7400",
  era: 300,
};
const CLIENT_GREETING: Greeting = {
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
const REFUSAL: Refusal = { code: "WRONG_CLUSTER", message: "n1 is of cluster a, n2 of b" };
const OLDER_BOOT: Refusal = { code: "OLDER_BOOT", message: "an older boot of n1", known: 300 };
const STATUS = utf8Encode('{"ok":true}');

function smallLayout(): Layout {
  return new Layout({
    epoch: 300,
    clusterId: "c-5f1e",
    strategy: "balanced",
    replicas: 2,
    partitionCount: 16,
    nodes: [
      { id: nodeId("n1"), address: "10.0.0.1:7400", weight: 100, zone: "" },
      { id: nodeId("n2"), address: "db.example:7400", weight: 1_000_000, zone: "rack-2" },
    ],
    ownerIndexes: Uint16Array.from({ length: 32 }, (_, entry) => (entry + (entry >> 1)) % 2),
  });
}

function hexOf(encode: (writer: ByteWriter) => void): string {
  const writer = new ByteWriter(1);
  encode(writer);
  return Buffer.from(writer.finish()).toString("hex");
}

interface Frame {
  readonly kind: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

function frameOf(name: string): Frame {
  const hex = fixtures.get(name);
  assert.ok(hex !== undefined, `fixtures/v1.hex has no line ${name}`);
  let frame: Frame | undefined = undefined;
  const problem = new FrameReader(4_096).push(
    Buffer.from(hex, "hex"),
    (kind, bytes, start, end) => {
      frame = { kind, bytes, start, end };
      return true;
    },
  );
  assert.equal(problem, undefined);
  assert.ok(frame !== undefined, `${name} is not a whole frame`);
  return frame;
}

for (const [name, message] of MESSAGES) {
  test(`golden bytes: ${name}`, () => {
    assert.equal(
      hexOf((writer) => encodeMessage(writer, message)),
      fixtures.get(name),
    );
    const { kind, bytes, start, end } = frameOf(name);
    assert.deepEqual(decodeMessage(kind, bytes, start, end), message);
  });
}

for (const [name, frame] of COPIES) {
  test(`golden bytes: ${name}`, () => {
    assert.equal(
      hexOf((writer) => encodeCopy(writer, frame)),
      fixtures.get(name),
    );
    const { kind, bytes, start, end } = frameOf(name);
    const ask = decodeCopyAsk(kind, bytes, start, end);
    assert.deepEqual(ask ?? decodeCopyAnswer(kind, bytes, start, end), frame);
  });
}

for (const [name, ask] of HINTS_ASKED) {
  test(`golden bytes: ${name}`, () => {
    assert.equal(
      hexOf((writer) => encodeHintsAsk(writer, ask)),
      fixtures.get(name),
    );
    const { kind, bytes, start, end } = frameOf(name);
    assert.equal(kind, FRAME_KIND.hintsAsk);
    assert.deepEqual(decodeHintsAsk(bytes, start, end), ask);
  });
}

for (const [name, told] of HINTS_TOLD) {
  test(`golden bytes: ${name}`, () => {
    assert.equal(
      hexOf((writer) => encodeHintsTold(writer, told)),
      fixtures.get(name),
    );
    const { kind, bytes, start, end } = frameOf(name);
    assert.equal(kind, FRAME_KIND.hintsTold);
    assert.deepEqual(decodeHintsTold(bytes, start, end), told);
  });
}

for (const [name, ask] of REPAIR_ASKED) {
  test(`golden bytes: ${name}`, () => {
    assert.equal(
      hexOf((writer) => encodeRepairAsk(writer, ask)),
      fixtures.get(name),
    );
    const { kind, bytes, start, end } = frameOf(name);
    assert.equal(kind, FRAME_KIND.repairAsk);
    assert.deepEqual(decodeRepairAsk(bytes, start, end), ask);
  });
}

for (const [name, told] of REPAIR_TOLD) {
  test(`golden bytes: ${name}`, () => {
    assert.equal(
      hexOf((writer) => encodeRepairTold(writer, told)),
      fixtures.get(name),
    );
    const { kind, bytes, start, end } = frameOf(name);
    assert.equal(kind, FRAME_KIND.repairTold);
    assert.deepEqual(decodeRepairTold(bytes, start, end), told);
  });
}

test("golden bytes: greetings", () => {
  for (const [name, greeting] of [
    ["greeting-node", NODE_GREETING],
    ["greeting-client", CLIENT_GREETING],
  ] as const) {
    assert.equal(
      hexOf((writer) => encodeGreeting(writer, greeting)),
      fixtures.get(name),
    );
    const { kind, bytes, start, end } = frameOf(name);
    assert.equal(kind, FRAME_KIND.greeting);
    assert.deepEqual(decodeGreeting(bytes, start, end), greeting);
  }
});

test("golden bytes: refusals", () => {
  for (const [name, refusal] of [
    ["refusal", REFUSAL],
    ["refusal-older-boot", OLDER_BOOT],
  ] as const) {
    assert.equal(
      hexOf((writer) => encodeRefusal(writer, refusal)),
      fixtures.get(name),
    );
    const { kind, bytes, start, end } = frameOf(name);
    assert.equal(kind, FRAME_KIND.refusal);
    assert.deepEqual(decodeRefusal(bytes, start, end), refusal);
  }
});

test("golden bytes: status", () => {
  assert.equal(hexOf(encodeStatusAsk), fixtures.get("status-ask"));
  assert.equal(
    hexOf((writer) => encodeStatusTold(writer, STATUS)),
    fixtures.get("status-told"),
  );
  const { kind, bytes, start, end } = frameOf("status-told");
  assert.equal(kind, FRAME_KIND.statusTold);
  assert.deepEqual(decodeStatusTold(bytes, start, end), STATUS);
});

test("every kind of frame has golden bytes", () => {
  const kinds = new Set([...fixtures.keys()].map((name) => frameOf(name).kind));
  for (const [name, kind] of Object.entries(FRAME_KIND)) {
    assert.ok(kinds.has(kind), `no fixture for ${name}`);
  }
});
