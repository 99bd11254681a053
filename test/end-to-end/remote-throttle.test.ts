/**
 * The remote client and a node that has too much to do.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RemoteClient } from "#src/client/remote-client.ts";
import type { DoorOutcome } from "#src/core/caller/door-outcome.ts";
import { answer, layoutTold } from "#src/core/messages.ts";
import { failed } from "#src/core/outcomes.ts";
import { clientRequest } from "#src/core/requests.ts";
import { keyOf } from "#src/core/ring/key.ts";
import { FakeNode } from "../support/fake-node.ts";

const GET = clientRequest({ operation: "get", key: keyOf("test", "a") });

test("remote client: of a node that refuses everything it asks less and less, and says so", async () => {
  const full = await FakeNode.start((message, layout) => {
    if (message.kind === "layout-ask") return layoutTold(layout);
    if (message.kind !== "ask") return undefined;
    return answer(message.request.id, failed("OVERLOADED", "no room", { retryAfterMs: 5 }));
  });
  const client = await RemoteClient.connect([full.address]);
  const outcomes: DoorOutcome[] = [];
  for (let count = 0; count < 200; count++) {
    outcomes.push(await new Promise((resolve) => client.submit(GET, resolve)));
  }
  assert.ok(outcomes.every((each) => each.kind === "failed" && each.code === "OVERLOADED"));
  const kept = outcomes.filter((each) => each.kind === "failed" && each.heldBack === "throttle");
  const asked = full.heard.filter(({ kind }) => kind === "ask").length;
  assert.equal(asked + kept.length, 200);
  // After n refusals one more is sent with a chance of 1 in n + 1: of two hundred about six.
  assert.ok(asked >= 1 && asked < 40, `${asked} were sent`);
  await client.close();
  await full.stop();
});
