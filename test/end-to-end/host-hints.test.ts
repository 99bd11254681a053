/** What a node tells of its hints over a client's connection, and what it does not put up with. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RemoteClient } from "#src/client/remote-client.ts";
import { nodeId } from "#src/core/ring/node-id.ts";
import { decodeHintsTold, encodeHintsAsk } from "#src/core/wire/admin-hints.ts";
import { FRAME_KIND } from "#src/core/wire/frame-kind.ts";
import { beginFrame, endFrame } from "#src/core/wire/frame.ts";
import { LocalCluster, put, until } from "../support/local-cluster.ts";
import { RawConnection } from "../support/raw-connection.ts";

const BYTES = new Uint8Array(100);
const TIMEOUT_MS = 5_000;

test("host: hints of each node, of one that is down, and of one that nobody knows", async () => {
  const cluster = await LocalCluster.start({ settings: { config: { handoffAfterMs: 1 } } });
  const client = await RemoteClient.connect(cluster.addresses);
  try {
    await cluster.nodes[2]!.stop();
    await until("n3 is missed", () => cluster.factsOf(0, "peer-lost").length > 0);
    for (let i = 0; i < 20; i++) await put(cluster.nodes[0]!.host, `k${i}`, BYTES);
    const list = await client.hints(nodeId("n1"), { kind: "list" }, TIMEOUT_MS);
    assert.ok(!("kind" in list));
    const kept = list.targets.find(({ target }) => target === nodeId("n3"));
    assert.ok(kept?.keys === 20 && kept.awayMs !== undefined, JSON.stringify(list));
    assert.ok(cluster.nodes[0]!.status().hints >= 20);
    const down = await client.hints(nodeId("n3"), { kind: "list" }, TIMEOUT_MS);
    assert.ok("kind" in down && down.code === "UNAVAILABLE");
    const nobody = await client.hints(nodeId("n9"), { kind: "list" }, TIMEOUT_MS);
    assert.ok("kind" in nobody && /no way to n9/.test(nobody.detail));
    await cluster.startNode(2);
    await until("all is told", () => cluster.nodes[0]!.status().hints === 0);
  } finally {
    await client.close();
    await cluster.stop();
  }
});

test("host: a malformed order ends the connection, and is not obeyed", async () => {
  const cluster = await LocalCluster.start({ count: 1 });
  const raw = new RawConnection(cluster.addresses[0]!);
  raw.greet();
  raw.say((writer) => {
    const frame = beginFrame(writer, FRAME_KIND.hintsAsk);
    writer.u64(7);
    writer.u8(2);
    writer.u8(0);
    endFrame(writer, frame);
  });
  await until("closed", () => raw.isClosed);
  assert.ok(!raw.frames.some(({ kind }) => kind === FRAME_KIND.hintsTold));
  await put(cluster.nodes[0]!.host, "a", BYTES);
  await cluster.stop();
});

test("host: who asks and does not read is not told for ever, and is told again later", async () => {
  const limits = { clientOutboundBytesMax: 64 * 1024 };
  const cluster = await LocalCluster.start({ count: 1, settings: { limits } });
  const raw = new RawConnection(cluster.addresses[0]!);
  raw.greet();
  await until("greeted", () => raw.frames.length > 0);
  raw.socket.pause();
  const asked = 200_000;
  raw.say((writer) => {
    for (let id = 1; id <= asked; id++) encodeHintsAsk(writer, { id, order: { kind: "list" } });
  });
  await put(cluster.nodes[0]!.host, "a", BYTES);
  raw.socket.resume();
  const isTold = (id: number): boolean => {
    const last = raw.frames.findLast(({ kind }) => kind === FRAME_KIND.hintsTold);
    return last !== undefined && decodeHintsTold(last.body, 0, last.body.length)?.id === id;
  };
  for (let id = asked + 1; !isTold(id - 1); id++) {
    raw.say((writer) => encodeHintsAsk(writer, { id, order: { kind: "list" } }));
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.ok(id < asked + 200, "the node has not recovered");
  }
  assert.equal(raw.isClosed, false);
  raw.close();
  await cluster.stop();
});
