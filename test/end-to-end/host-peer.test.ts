/**
 * One peer at the other end of a real connection: what it is sent, what not, and what it may send.
 */
import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { test } from "node:test";
import { ByteWriter } from "#src/core/base/bytes.ts";
import { Random } from "#src/core/base/random.ts";
import type { Message } from "#src/core/messages.ts";
import { answer, ask, held, LAYOUT_ASK, layoutTold, memberTalk } from "#src/core/messages.ts";
import { read, refused, repair, repairTalk, same, write, written } from "#src/core/messages.ts";
import { probeNack } from "#src/core/membership-messages.ts";
import { failed } from "#src/core/outcomes.ts";
import { type ClientRequest, clientRequest } from "#src/core/requests.ts";
import type { Settle } from "#src/host/host.ts";
import { keyOf } from "#src/core/ring/key.ts";
import { nodeId } from "#src/core/ring/node-id.ts";
import { FRAME_KIND } from "#src/core/wire/frame-kind.ts";
import { FrameReader } from "#src/core/wire/frame.ts";
import { encodeGreeting } from "#src/core/wire/greeting.ts";
import { encodeMessage } from "#src/core/wire/message-codec.ts";
import type { HostFact } from "#src/host/host-fact.ts";
import { DEFAULT_LIMITS, type HostLimits } from "#src/host/host-limits.ts";
import { lookupBy, SystemNames } from "#src/host/names.ts";
import { Peer } from "#src/host/peer.ts";
import { Turn } from "#src/socket/turn.ts";
import { WriterPool } from "#src/socket/writer-pool.ts";
import { LocalCluster, put, until } from "../support/local-cluster.ts";
import { laidOut, NODE, RawConnection } from "../support/raw-connection.ts";

const KEY = keyOf("test", "a");
const KIB = 1024;

interface Wire {
  readonly peer: Peer;
  readonly heard: Message[];
  readonly facts: HostFact[];
  /** The other end, which has greeted and then reads nothing. */
  readonly far: Socket;
  readonly close: () => void;
}

async function wire(changes: Partial<HostLimits>): Promise<Wire> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.pause();
    socket.write(laidOut((writer) => encodeGreeting(writer, NODE)));
    sockets.push(socket);
  });
  await new Promise<void>((resolve) => {
    server.listen({ port: 0, host: "127.0.0.1" }, resolve);
  });
  const bound = server.address();
  assert.ok(typeof bound === "object" && bound !== null);
  const heard: Message[] = [];
  const facts: HostFact[] = [];
  const peer = new Peer(nodeId("n9"), {
    id: nodeId("n1"),
    limits: { ...DEFAULT_LIMITS, ...changes },
    plant: { turn: new Turn(), pool: new WriterPool() },
    lookup: lookupBy(new SystemNames()),
    located: () => {},
    greeting: () => ({ ...NODE, nodeId: nodeId("n1") }),
    receive: (_from, message) => heard.push(message),
    note: (fact) => facts.push(fact),
  });
  peer.follow(`127.0.0.1:${bound.port}`);
  await until("linked", () => peer.state === "linked" && sockets.length === 1);
  const close = (): void => {
    peer.abort("done");
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { peer, heard, facts, far: sockets[0]!, close };
}

const endOfTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("peer: of what waits for a slow peer repairs are dropped first, then everything", async () => {
  const outboundBytesMax = 256 * KIB;
  const { peer, facts, close } = await wire({ outboundBytesMax });
  const bytes = new Uint8Array(16 * KIB);
  while (peer.outboundBytes < outboundBytesMax / 2) {
    peer.send(write(1, 1, 0, 100, KEY, bytes));
    await endOfTurn();
  }
  assert.equal(peer.droppedCount, 0);
  peer.send(repair(1, 0, KEY, bytes));
  assert.equal(peer.droppedCount, 1);
  peer.send(write(1, 1, 0, 100, KEY, bytes));
  assert.equal(peer.droppedCount, 1);
  for (let count = 0; count < 100; count++) peer.send(write(1, 1, 0, 100, KEY, bytes));
  assert.ok(peer.droppedCount > 80, "droppedCount");
  assert.ok(peer.outboundBytes < outboundBytesMax + 2 * bytes.length);
  // One fact for a row of drops: not one each.
  assert.equal(facts.filter(({ kind }) => kind === "sends-dropped").length, 1);
  close();
});

test("peer: to one that reads slowly membership goes before megabytes that wait", async () => {
  const { peer, far, close } = await wire({});
  const bytes = new Uint8Array(256 * KIB);
  const offers = [{ key: KEY, record: bytes }];
  for (let count = 0; count < 60; count++) {
    peer.send(repairTalk({ kind: "trade", id: count, era: 0, step: 1, offers }));
    await endOfTurn();
  }
  assert.ok((peer.waiting["anti-entropy"] ?? 0) > 4 * 1024 * KIB, JSON.stringify(peer.waiting));
  peer.send(memberTalk(probeNack({ cluster: 1, generation: 1, boot: 1, incarnation: 0 }, 77)));
  const kinds: number[] = [];
  let before = 0;
  const reader = new FrameReader(1024 * KIB);
  far.on("data", (chunk: Uint8Array) => {
    reader.push(chunk, (kind) => {
      kinds.push(kind);
      if (kind === FRAME_KIND.memberTalk) before = kinds.length;
      return true;
    });
  });
  far.resume();
  await until("everything", () => kinds.length >= 61);
  // What the kernel has is on its way already; of what waited here nothing is in front of it.
  assert.ok(before > 0 && before < 61, `the probe is number ${before}`);
  assert.equal(peer.outboundBytes, 0);
  assert.equal(peer.droppedCount, 0);
  close();
});

test("peer: a message that no frame can hold is dropped, and the connection goes on", async () => {
  const { peer, far, close } = await wire({ frameBytesMax: 128 * KIB });
  let arrived = 0;
  far.on("data", (chunk: Uint8Array) => (arrived += chunk.length));
  far.resume();
  await until("the greeting", () => arrived > 0);
  const before = arrived;
  peer.send(held(1, new Uint8Array(200 * KIB)));
  assert.equal(peer.droppedCount, 1);
  peer.send(held(1, new Uint8Array(100 * KIB)));
  await until("arrived", () => arrived - before > 100 * KIB);
  assert.ok(arrived < 110 * KIB);
  assert.equal(peer.state, "linked");
  close();
});

test("peer: what is sent in one turn leaves in one piece, in order", async () => {
  const { peer, far, close } = await wire({});
  const chunks: Uint8Array[] = [];
  far.on("data", (chunk: Uint8Array) => chunks.push(chunk));
  far.resume();
  await until("the greeting", () => chunks.length === 1);
  for (let id = 1; id <= 1_000; id++) peer.send(written(id));
  assert.equal(chunks.length, 1);
  const expected = new ByteWriter();
  for (let id = 1; id <= 1_000; id++) encodeMessage(expected, written(id));
  await until("the rest", () => Buffer.concat(chunks.slice(1)).length >= expected.length);
  assert.deepEqual(new Uint8Array(Buffer.concat(chunks.slice(1))), expected.finish());
  assert.ok(chunks.length <= 3, `${chunks.length} pieces`);
  close();
});

test("peer: hello when it is linked, goodbye when it is not, and nothing is sent to nobody", async () => {
  const { peer, heard, far, close } = await wire({});
  assert.deepEqual(heard, [{ kind: "hello", generation: 1, layoutEpoch: 0, era: 0 }]);
  far.destroy();
  await until("lost", () => heard.length >= 2);
  assert.equal(heard[1]!.kind, "goodbye");
  const { droppedCount } = peer;
  if (peer.state !== "linked") {
    peer.send(written(1));
    assert.equal(peer.droppedCount, droppedCount + 1);
  }
  close();
});

test("peer: nothing that a peer can send stops a node", async () => {
  const cluster = await LocalCluster.start({ count: 2 });
  await cluster.nodes[0]!.stop();
  const { host } = cluster.nodes[1]!;
  const fatal: unknown[] = [];
  host.onFatal((error) => fatal.push(error));
  const layout = host.layout();
  const random = new Random("frames of a peer");
  const bytes = (): Uint8Array => {
    const some = new Uint8Array(random.integer(64));
    for (let i = 0; i < some.length; i++) some[i] = random.integer(256);
    return some;
  };
  const number = (): number => random.pick([0, 1, 2, 7, 1_000, 2 ** 32, 2 ** 53 - 5]);
  const digest = { high: 1, low: 2 };
  const kinds: (() => Message)[] = [
    () => write(number(), number(), number(), number(), KEY, bytes()),
    () => written(number()),
    () => read(number(), number(), number(), KEY, digest),
    () => same(number()),
    () => held(number(), bytes()),
    () => refused(number(), random.pick(["not-owner", "stale-epoch", "damaged"]), number()),
    () => repair(number(), number(), KEY, bytes()),
    () => {
      const operation = random.pick(["get", "put", "delete"] as const);
      const forwarded = random.chance(0.5);
      const levels = { r: number(), w: number(), pr: number(), pw: number() };
      const timeoutMs = number();
      const given = { operation, key: KEY, forwarded, timeoutMs, ...levels, id: number() };
      return ask(clientRequest({ ...given, value: bytes(), context: bytes() }));
    },
    () => answer(number(), failed("DAMAGED", "so it says")),
    () => LAYOUT_ASK,
    () => layoutTold(layout),
  ];
  const connect = (generation: number): RawConnection => {
    const raw = new RawConnection(cluster.addresses[1]!);
    const layoutFingerprint = layout.fingerprint();
    raw.greet({
      ...NODE,
      nodeId: nodeId("n1"),
      generation,
      layoutEpoch: 1,
      layoutFingerprint,
    });
    return raw;
  };
  for (let round = 0; round < 200; round++) {
    const raw = connect(Date.now() + 1_000_000 + round);
    const frames = laidOut((writer) => {
      for (let count = 0; count < 50; count++) encodeMessage(writer, random.pick(kinds)());
    });
    // Half of the rounds are well formed; in the others one byte is not what it was.
    if (round % 2 === 0) frames[random.integer(frames.length)] = random.integer(256);
    raw.write(frames);
    raw.socket.end();
    await until("closed", () => raw.isClosed);
  }
  const linkedCount = cluster.factsOf(1, "peer-linked").length;
  assert.ok(linkedCount >= 200, `${linkedCount} times linked`);
  assert.deepEqual(fatal, []);
  assert.equal(host.state, "running");
  const own = {
    submit: (request: ClientRequest, settle: Settle) =>
      host.submit({ ...request, w: "one" }, settle),
  };
  await put(own, "b", new Uint8Array(1));
  await cluster.stop();
});
