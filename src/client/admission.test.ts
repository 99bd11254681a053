import assert from "node:assert/strict";
import { test } from "node:test";
import { clientRequest } from "../core/requests.ts";
import { keyOf } from "../core/ring/key.ts";
import { Admission } from "./admission.ts";
import { DEFAULT_REMOTE_OPTIONS } from "./remote-options.ts";

const key = keyOf("test", "a");
const put = (bytes: number): ReturnType<typeof clientRequest> =>
  clientRequest({ operation: "put", key, value: new Uint8Array(bytes) });

test("admission: what was let in and is done makes room again", () => {
  const admission = new Admission({ ...DEFAULT_REMOTE_OPTIONS, inFlightMax: 2 });
  assert.equal(admission.isEmpty, true);
  for (let count = 0; count < 2; count++) {
    assert.equal(admission.refusal(put(1)), undefined);
    admission.add(put(1));
  }
  const refusal = admission.refusal(put(1));
  assert.ok(refusal?.kind === "failed");
  assert.deepEqual([refusal.code, refusal.needed, refusal.got], ["OVERLOADED", 3, 2]);
  assert.ok(refusal.retryAfterMs > 0);
  admission.remove(put(1));
  assert.equal(admission.refusal(put(1)), undefined);
  admission.remove(put(1));
  assert.equal(admission.isEmpty, true);
});

test("admission: bytes count with key and context, and one request always fits", () => {
  const admission = new Admission({ ...DEFAULT_REMOTE_OPTIONS, inFlightBytesMax: 100 });
  assert.equal(admission.refusal(put(1_000)), undefined);
  admission.add(put(100 - key.length - 1));
  assert.equal(admission.refusal({ ...put(0), key: keyOf("b", "k") })?.kind, "failed");
  const context = new Uint8Array(2);
  admission.remove(put(100 - key.length - 1));
  admission.add(put(80 - key.length));
  assert.equal(admission.refusal(put(20 - key.length)), undefined);
  assert.equal(admission.refusal({ ...put(20 - key.length), context })?.kind, "failed");
});
