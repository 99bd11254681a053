import assert from "node:assert/strict";
import { test } from "node:test";
import type { Message } from "../core/messages.ts";
import { ask, GOODBYE, held, hello, read, repair, same, write, written } from "../core/messages.ts";
import { clientRequest } from "../core/requests.ts";
import { keyOf } from "../core/ring/key.ts";
import { DELIVER, WAKE } from "./scheduler.ts";
import { messageDigest, Trace } from "./trace.ts";

const KEY = keyOf("t", "k");
const OTHER = keyOf("t", "other");

function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}

test("trace: every field of an event counts, and so does the order", () => {
  const hashes = [
    (trace: Trace) => trace.event(1, DELIVER, 0, 1),
    (trace: Trace) => trace.event(2, DELIVER, 0, 1),
    (trace: Trace) => trace.event(2 ** 33, DELIVER, 0, 1),
    (trace: Trace) => trace.event(1, WAKE, 0, 1),
    (trace: Trace) => trace.event(1, DELIVER, 1, 1),
    (trace: Trace) => trace.event(1, DELIVER, 0, 2),
  ].map((tell) => {
    const trace = new Trace();
    tell(trace);
    return trace.hash;
  });
  assert.equal(new Set(hashes).size, hashes.length);
  assert.match(hashes[0]!, /^[0-9a-f]{16}$/);

  const [forth, back] = [new Trace(), new Trace()];
  for (const word of [1, 2]) forth.word(word);
  for (const word of [2, 1]) back.word(word);
  assert.notEqual(forth.hash, back.hash);
});

test("trace: messages that say different things have different digests", () => {
  const put = clientRequest({ operation: "put", key: KEY, value: bytes(1) });
  const messages: Message[] = [
    hello(1, 1, 0),
    hello(2, 1, 0),
    hello(1, 2, 0),
    GOODBYE,
    written(1),
    written(2),
    written(2 ** 40),
    same(1),
    write(1, 1, 0, 10, KEY, bytes(1, 2)),
    write(2, 1, 0, 10, KEY, bytes(1, 2)),
    write(1, 1, 0, 10, OTHER, bytes(1, 2)),
    write(1, 1, 0, 10, KEY, bytes(1, 3)),
    repair(1, 0, KEY, bytes(1, 2)),
    held(1, bytes(1, 2)),
    held(1, bytes()),
    read(1, 1, 10, KEY, { high: 1, low: 2 }),
    read(1, 1, 10, KEY, { high: 1, low: 3 }),
    ask(put),
    ask({ ...put, operation: "get" }),
    ask({ ...put, context: bytes(9) }),
    ask({ ...put, value: bytes(2) }),
  ];
  const digests = new Set(messages.map(messageDigest));
  assert.equal(digests.size, messages.length);
});
