import assert from "node:assert/strict";
import { test } from "node:test";
import type { Done } from "../client/call.ts";
import { EMPTY_BYTES } from "../core/base/bytes.ts";
import { utf8Encode } from "../core/base/utf8.ts";
import type { Receipt } from "../core/outcomes.ts";
import { clientRequest } from "../core/requests.ts";
import { keyOf } from "../core/ring/key.ts";
import { Layout } from "../core/ring/layout.ts";
import { nodeId } from "../core/ring/node-id.ts";
import { receiptDocument, valuesDocument } from "./answer.ts";

const LAYOUT = new Layout({
  epoch: 4,
  clusterId: "c",
  strategy: "balanced",
  replicas: 3,
  partitionCount: 16,
  nodes: ["n0", "n1", "n2"].map((id) => ({
    id: nodeId(id),
    address: `${id}:1`,
    weight: 1,
    zone: "",
  })),
  ownerIndexes: new Uint16Array(48).map((_, entry) => (entry + 2) % 3),
});
const RECEIPT: Receipt = {
  coordinator: nodeId("n1"),
  epoch: 4,
  needed: 2,
  answered: 0b101,
  held: 0b110,
  hinted: 0b001,
  siblings: 1,
};
const REQUEST = clientRequest({ operation: "get", key: keyOf("default", "k") });

function found(...values: readonly Uint8Array[]): Done {
  const siblings = values.map((value) => ({ value, writtenMs: 1 }));
  return { kind: "found", siblings, context: EMPTY_BYTES, receipt: RECEIPT };
}

test("answer: a receipt names the owners that its masks point at", () => {
  // The preference list of every partition here is n2, n0, n1.
  const { answered, held, hinted } = receiptDocument(RECEIPT, REQUEST, LAYOUT);
  assert.deepEqual(answered, ["n2", "n1"]);
  assert.deepEqual(held, ["n0", "n1"]);
  assert.deepEqual(hinted, ["n2"]);
});

test("answer: of a layout that is not known only the positions are told", () => {
  const { held } = receiptDocument({ ...RECEIPT, epoch: 5 }, REQUEST, LAYOUT);
  assert.deepEqual(held, ["owner-1", "owner-2"]);
});

test("answer: values are text, or all of them base64", () => {
  const [text, bytes] = [utf8Encode("né"), new Uint8Array([0xff])];
  assert.deepEqual(valuesDocument(found(text)), { encoding: "utf8", values: ["né"] });
  assert.deepEqual(valuesDocument(found(bytes, text)), {
    encoding: "base64",
    values: ["/w==", "bsOp"],
  });
  assert.deepEqual(valuesDocument(found(EMPTY_BYTES)), { encoding: "utf8", values: [""] });
});
