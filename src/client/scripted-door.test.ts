/**
 * A door that answers what a test tells it to, for the tests of the calls in front of it.
 *
 * It answers in a microtask, never inside `submit`, as every door does; and it keeps what it was
 * asked.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EMPTY_BYTES } from "../core/base/bytes.ts";
import { utf8Encode } from "../core/base/utf8.ts";
import type { DoorOutcome } from "../core/caller/door-outcome.ts";
import type { Outcome } from "../core/outcomes.ts";
import { failed } from "../core/outcomes.ts";
import type { ClientRequest } from "../core/requests.ts";
import { clientRequest } from "../core/requests.ts";
import { keyOf } from "../core/ring/key.ts";
import { Layout } from "../core/ring/layout.ts";
import { nodeId } from "../core/ring/node-id.ts";
import type { Door, Settle } from "./door.ts";

export type Script = (request: ClientRequest, index: number) => DoorOutcome | "silence";

export class ScriptedDoor implements Door {
  readonly requests: ClientRequest[] = [];
  readonly cancelled: number[] = [];
  closeCount = 0;
  /** The settle function of the last request, to be called again or late. */
  lastSettle: Settle | undefined = undefined;
  readonly #script: Script;

  constructor(script: Script) {
    this.#script = script;
  }

  submit(request: ClientRequest, settle: Settle): number {
    const index = this.requests.push(request) - 1;
    this.lastSettle = settle;
    const outcome = this.#script(request, index);
    if (outcome !== "silence") queueMicrotask(() => settle(outcome));
    return index + 1;
  }

  cancel(id: number): void {
    this.cancelled.push(id);
  }

  layout(): Layout {
    return LAYOUT;
  }

  async close(): Promise<void> {
    this.closeCount++;
  }
}

/** Three nodes that own everything, each the home of a third. */
const LAYOUT = new Layout({
  epoch: 1,
  clusterId: "scripted",
  strategy: "by-hand",
  replicas: 3,
  partitionCount: 16,
  nodes: ["n1", "n2", "n3"].map((id, index) => ({
    id: nodeId(id),
    address: `127.0.0.1:${7411 + index}`,
    weight: 1,
    zone: "",
  })),
  ownerIndexes: Uint16Array.from({ length: 48 }, (_, at) => (Math.floor(at / 3) + at) % 3),
});

const RECEIPT = {
  coordinator: nodeId("n1"),
  epoch: 1,
  needed: 2,
  answered: 0b111,
  held: 0b101,
  hinted: 0,
  siblings: 1,
};

export function foundTexts(texts: readonly string[], context = "seen"): Outcome {
  const siblings = texts.map((text, index) => ({ value: utf8Encode(text), writtenMs: 9 - index }));
  return { kind: "found", siblings, context: utf8Encode(context), receipt: RECEIPT };
}

export const NOT_FOUND: Outcome = { kind: "not-found", context: EMPTY_BYTES, receipt: RECEIPT };
export const STORED: Outcome = { kind: "stored", context: utf8Encode("new"), receipt: RECEIPT };
export const UNKNOWN: Outcome = failed("OUTCOME_UNKNOWN", "owners were lost", {
  needed: 2,
  got: 1,
});
export const NO_QUORUM: Outcome = failed("QUORUM_NOT_MET", "too few owners", { needed: 2, got: 1 });

export function deleted(existed: boolean): Outcome {
  return { kind: "deleted", existed, context: EMPTY_BYTES, receipt: RECEIPT };
}

test("a scripted door settles after submit, and keeps what it was asked", async () => {
  const door = new ScriptedDoor(() => NOT_FOUND);
  const request = clientRequest({ operation: "get", key: keyOf("b", "k") });
  let isInside = true;
  const settled = new Promise<boolean>((resolve) => door.submit(request, () => resolve(isInside)));
  isInside = false;
  assert.equal(await settled, false);
  assert.deepEqual(door.requests, [request]);
});
