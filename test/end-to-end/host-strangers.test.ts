/** What strangers send to a node's port: each gets as much as it is owed, and the node lives on. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ByteWriter } from "#src/core/base/bytes.ts";
import { Random } from "#src/core/base/random.ts";
import type { Message } from "#src/core/messages.ts";
import type { NodeConfig } from "#src/core/config.ts";
import type { Host } from "#src/host/host.ts";
import { ask, LAYOUT_ASK } from "#src/core/messages.ts";
import { clientRequest } from "#src/core/requests.ts";
import { keyOf } from "#src/core/ring/key.ts";
import { encodeStatusAsk } from "#src/core/wire/admin.ts";
import { beginFrame, endFrame } from "#src/core/wire/frame.ts";
import { FRAME_KIND } from "#src/core/wire/frame-kind.ts";
import { encodeGreeting } from "#src/core/wire/greeting.ts";
import { decodeMessage, encodeMessage } from "#src/core/wire/message-codec.ts";
import { decodeRefusal } from "#src/core/wire/refusal.ts";
import { LocalCluster, put, until } from "../support/local-cluster.ts";
import { CLIENT, laidOut, NODE, RawConnection } from "../support/raw-connection.ts";

const BYTES = new Uint8Array([1, 2, 3]);

async function lone(
  options: Parameters<typeof LocalCluster.start>[0] = {},
): Promise<{ readonly cluster: LocalCluster; readonly address: string }> {
  const cluster = await LocalCluster.start({ count: 1, ...options });
  return { cluster, address: cluster.addresses[0]! };
}

test("strangers: noise ends the connection and nothing else", async () => {
  const { cluster, address } = await lone();
  const random = new Random(7);
  for (let round = 0; round < 100; round++) {
    const raw = new RawConnection(address);
    if (round % 2 === 0) raw.greet();
    const noise = new Uint8Array(random.between(6, 5_000));
    for (let i = 0; i < noise.length; i++) noise[i] = random.integer(256);
    if (round % 4 === 0) noise.set([0, 0, 0, noise.length - 4]);
    raw.write(noise);
    raw.socket.end();
    await until("closed", () => raw.isClosed);
  }
  await put(cluster.nodes[0]!.host, "a", BYTES);
  await cluster.stop();
});

test("strangers: frames that only a node or nobody sends end a client's connection", async () => {
  const { cluster, address } = await lone();
  const bodies: ((writer: ByteWriter) => void)[] = [
    (writer) => encodeMessage(writer, { kind: "written", id: 1 }),
    (writer) => encodeGreeting(writer, CLIENT),
    (writer) => endFrame(writer, beginFrame(writer, 99 as never)),
    (writer) => {
      const frame = beginFrame(writer, FRAME_KIND.statusAsk);
      writer.u8(1);
      endFrame(writer, frame);
    },
  ];
  for (const body of bodies) {
    const raw = new RawConnection(address);
    raw.greet();
    raw.say(body);
    await until("closed", () => raw.isClosed);
  }
  await until("facts", () => cluster.factsOf(0, "client-closed").length === bodies.length);
  await cluster.stop();
});

test("strangers: a malformed message of a peer ends its connection, and the node says goodbye to it", async () => {
  const cluster = await LocalCluster.start({ count: 2 });
  await cluster.nodes[0]!.stop();
  const layout = cluster.nodes[1]!.host.layout();
  const raw = new RawConnection(cluster.addresses[1]!);
  raw.greet({
    ...NODE,
    nodeId: layout.nodes[0]!.id,
    generation: Date.now() + 1_000_000,
    layoutEpoch: 1,
    layoutFingerprint: layout.fingerprint(),
  });
  await until("linked", () => cluster.factsOf(1, "peer-linked").length === 2);
  raw.say((writer) => {
    const frame = beginFrame(writer, FRAME_KIND.write);
    writer.u64(7);
    endFrame(writer, frame);
  });
  await until("closed", () => raw.isClosed);
  await until("goodbye", () => cluster.factsOf(1, "peer-lost").length === 2);
  assert.match(cluster.factsOf(1, "link-closed").at(-1)!.reason, /malformed frame of kind 16/);
  await cluster.stop();
});

test("strangers: whoever does not greet in time is cut off", async () => {
  const { cluster, address } = await lone({ settings: { limits: { greetingTimeoutMs: 50 } } });
  const silent = new RawConnection(address);
  const slow = new RawConnection(address);
  slow.write(new Uint8Array([0, 0]));
  await until("closed", () => silent.isClosed && slow.isClosed);
  assert.match(cluster.factsOf(0, "greeting-failed")[0]!.reason, /no greeting within 50 ms/);
  await cluster.stop();
});

test("strangers: before the greeting a frame of more than a kilobyte is not waited for", async () => {
  const { cluster, address } = await lone();
  const raw = new RawConnection(address);
  raw.write(new Uint8Array([0, 0x10, 0, 0, FRAME_KIND.greeting]));
  await until("closed", () => raw.isClosed);
  assert.match(cluster.factsOf(0, "greeting-failed")[0]!.reason, /frame-too-long.*1024/);
  await cluster.stop();
});

test("strangers: another protocol is refused by name, with both ranges", async () => {
  const { cluster, address } = await lone();
  const raw = new RawConnection(address);
  raw.greet({ protocolMin: 7, protocolMax: 9 });
  await until("closed", () => raw.isClosed);
  const { kind, body } = raw.frames.at(-1)!;
  assert.equal(kind, FRAME_KIND.refusal);
  const refusal = decodeRefusal(body, 0, body.length)!;
  assert.equal(refusal.code, "WRONG_VERSION");
  assert.match(refusal.message, /7 to 9/);
  await cluster.stop();
});

test("strangers: one client too many is refused by name, and let in when another leaves", async () => {
  const { cluster, address } = await lone({ settings: { limits: { clientConnectionsMax: 2 } } });
  const clients = [new RawConnection(address), new RawConnection(address)];
  for (const client of clients) client.greet();
  await until("greeted", () => clients.every(({ frames }) => frames.length === 1));
  const third = new RawConnection(address);
  third.greet();
  await until("refused", () => third.isClosed);
  const { body } = third.frames.at(-1)!;
  assert.equal(decodeRefusal(body, 0, body.length)!.code, "BUSY");
  clients[0]!.close();
  await until("left", () => cluster.factsOf(0, "client-closed").length === 1);
  const fourth = new RawConnection(address);
  fourth.greet();
  fourth.say(encodeStatusAsk);
  await until("served", () => fourth.frames.some(({ kind }) => kind === FRAME_KIND.statusTold));
  fourth.close();
  clients[1]!.close();
  await cluster.stop();
});

test("strangers: a client that says nothing for long is disconnected", async () => {
  const { cluster, address } = await lone({ settings: { limits: { clientIdleMs: 50 } } });
  const raw = new RawConnection(address);
  raw.greet();
  await until("closed", () => raw.isClosed);
  assert.match(cluster.factsOf(0, "client-closed")[0]!.reason, /idle for 50 ms/);
  await cluster.stop();
});

test("strangers: many asks for the layout in one packet are told once", async () => {
  const { cluster, address } = await lone({ settings: { partitions: 16_384 } });
  const raw = new RawConnection(address);
  raw.greet();
  raw.say((writer) => {
    for (let count = 0; count < 1_000; count++) encodeMessage(writer, LAYOUT_ASK);
    encodeStatusAsk(writer);
  });
  await until("told", () => raw.frames.some(({ kind }) => kind === FRAME_KIND.statusTold));
  const told = raw.frames.filter(({ kind }) => kind === FRAME_KIND.layoutTold);
  assert.ok(told.length >= 1 && told.length <= 2, `told ${told.length} times`);
  const { kind, body } = told[0]!;
  const message = decodeMessage(kind, body, 0, body.length);
  assert.ok(message?.kind === "layout-told");
  assert.equal(message.layout.fingerprint(), cluster.nodes[0]!.host.layout().fingerprint());
  raw.close();
  await cluster.stop();
});

test("strangers: a client that does not read its answers is not read from either", async () => {
  const { cluster, address } = await lone({
    settings: { limits: { clientOutboundBytesMax: 1024 * 1024 } },
  });
  await put(cluster.nodes[0]!.host, "large", new Uint8Array(512 * 1024));
  const raw = new RawConnection(address);
  raw.greet();
  await until("greeted", () => raw.frames.length === 1);
  raw.socket.pause();
  const before = process.memoryUsage().arrayBuffers;
  for (let round = 0; round < 10; round++) {
    raw.say((writer) => {
      for (let id = 0; id < 10; id++) encodeMessage(writer, getOf("large", round * 10 + id));
    });
    await new Promise((resolve) => setTimeout(resolve, 5));
    const held = process.memoryUsage().arrayBuffers - before;
    // All answers at once would be 50 MiB.
    assert.ok(held < 20 * 1024 * 1024, `${held} bytes`);
  }
  raw.socket.resume();
  await until("every request is answered, in the end", () => outcomesOf(raw).length === 100);
  assert.deepEqual(new Set(outcomesOf(raw)), new Set(["found"]));
  raw.close();
  await cluster.stop();
});

test("strangers: answers that come when there is no more room are short ones", async () => {
  const cluster = await LocalCluster.start({
    settings: { limits: { clientOutboundBytesMax: 1024 * 1024 } },
  });
  await put(cluster.nodes[0]!.host, "large", new Uint8Array(256 * 1024));
  const raw = new RawConnection(cluster.addresses[0]!);
  raw.greet();
  await until("greeted", () => raw.frames.length === 1);
  raw.socket.pause();
  raw.say((writer) => {
    for (let id = 0; id < 200; id++) encodeMessage(writer, getOf("large", id));
  });
  await until("asked", () => cluster.nodes[0]!.host.openRequests > 0);
  await until("answered", () => cluster.nodes[0]!.host.openRequests === 0);
  raw.socket.resume();
  await until("every request is answered", () => outcomesOf(raw).length === 200);
  assert.deepEqual(new Set(outcomesOf(raw)), new Set(["found", "OVERLOADED"]));
  raw.close();
  await cluster.stop();
});

function getOf(name: string, id: number): Message {
  return ask(clientRequest({ operation: "get", key: keyOf("test", name), id }));
}

/** How each answer that has arrived ends, by kind or code. */
function outcomesOf(raw: RawConnection): readonly string[] {
  return raw.frames.flatMap(({ kind, body }) => {
    const message = decodeMessage(kind, body, 0, body.length);
    if (message?.kind !== "answer") return [];
    const { outcome } = message;
    return [outcome.kind === "failed" ? outcome.code : outcome.kind];
  });
}

test("strangers: of a client with too many open requests nothing more is read", async () => {
  const cluster = await LocalCluster.start({
    count: 2,
    proxied: true,
    settings: {
      config: { w: "all", requestTimeoutMs: 150 },
      limits: { clientInFlightMax: 10, peerSilenceMs: 60_000 },
    },
  });
  cluster.proxies[1]!.goDead();
  const raw = new RawConnection(cluster.nodes[0]!.address);
  raw.greet();
  await until("greeted", () => raw.frames.length === 1);
  const { host } = cluster.nodes[0]!;
  let highest = 0;
  for (let id = 0; id < 50; id++) {
    const key = keyOf("test", `k${id}`);
    const request = clientRequest({ operation: "put", key, value: BYTES, id });
    raw.say((writer) => encodeMessage(writer, ask(request)));
    await new Promise((resolve) => setTimeout(resolve, 2));
    highest = Math.max(highest, host.openRequests);
  }
  assert.equal(highest, 10);
  await until("all are answered, in the end", () => outcomesOf(raw).length === 50);
  raw.close();
  await cluster.stop();
});

test("strangers: what a client that is gone has asked makes room for others", async () => {
  const { cluster, host } = await stuck({ r: "all", requestTimeoutMs: 30_000 }, 5);
  const raw = new RawConnection(cluster.nodes[0]!.address);
  raw.greet();
  await until("greeted", () => raw.frames.length === 1);
  raw.say((writer) => {
    for (let id = 0; id < 20; id++) encodeMessage(writer, getOf("a", id));
  });
  await until("as many as one client may", () => host.load().inFlight === 5);
  raw.close();
  await until("given up", () => host.load().inFlight === 0);
  await cluster.stop();
});

test("strangers: what was held back for too long is refused, and what has time left is begun", async () => {
  const { cluster } = await stuck({ r: "all", requestTimeoutMs: 150 }, 5);
  const raw = new RawConnection(cluster.nodes[0]!.address);
  raw.greet();
  await until("greeted", () => raw.frames.length === 1);
  raw.say((writer) => {
    for (let id = 0; id < 20; id++) {
      const timeoutMs = id < 15 ? 0 : 400;
      const key = keyOf("test", "a");
      encodeMessage(writer, ask(clientRequest({ operation: "get", key, id, timeoutMs })));
    }
  });
  await until("all are answered", () => outcomesOf(raw).length === 20);
  const outcomes = outcomesOf(raw);
  const count = (code: string): number => outcomes.filter((each) => each === code).length;
  assert.deepEqual([count("QUORUM_NOT_MET"), count("OVERLOADED")], [10, 10]);
  raw.close();
  await cluster.stop();
});

/** The first of two nodes, which never hears from the other and takes so many of one client. */
async function stuck(
  config: Partial<NodeConfig>,
  clientInFlightMax: number,
): Promise<{ readonly cluster: LocalCluster; readonly host: Host }> {
  const cluster = await LocalCluster.start({
    count: 2,
    proxied: true,
    settings: { config, limits: { clientInFlightMax, peerSilenceMs: 60_000 } },
  });
  cluster.proxies[1]!.goDead();
  return { cluster, host: cluster.nodes[0]!.host };
}

test("strangers: a frame in many pieces, and many frames in one, are the same frames", async () => {
  const { cluster, address } = await lone();
  const raw = new RawConnection(address);
  raw.socket.setNoDelay(true);
  const key = keyOf("test", "a");
  const bytes = laidOut((writer) => {
    encodeGreeting(writer, CLIENT);
    encodeMessage(writer, ask(clientRequest({ operation: "put", key, id: 1, value: BYTES })));
    encodeMessage(writer, ask(clientRequest({ operation: "get", key, id: 2 })));
  });
  for (const byte of bytes) {
    raw.write(new Uint8Array([byte]));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until("answered", () => raw.frames.length === 3);
  raw.close();
  await cluster.stop();
});
