/**
 * Three hosts with real sockets: they find each other, lose each other, refuse whom they must, and
 * stop.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeId } from "#src/core/ring/node-id.ts";
import { startNode } from "#src/host/start-node.ts";
import { keyOf } from "#src/core/ring/key.ts";
import { clientRequest } from "#src/core/requests.ts";
import type { Outcome } from "#src/core/outcomes.ts";
import { done, get, LocalCluster, put, until } from "../support/local-cluster.ts";
import { NODE, RawConnection } from "../support/raw-connection.ts";
import { FRAME_KIND } from "#src/core/wire/frame-kind.ts";
import { decodeRefusal } from "#src/core/wire/refusal.ts";
import { at, freePorts } from "../support/ports.ts";

const BYTES = new Uint8Array([1, 2, 3]);

test("host: what one node stored another node reads", async () => {
  const cluster = await LocalCluster.start();
  const [first, second, third] = cluster.nodes;
  await put(first!.host, "a", BYTES);
  assert.deepEqual(await get(second!.host, "a"), BYTES);
  assert.deepEqual(await get(third!.host, "a"), BYTES);
  const status = first!.status();
  assert.deepEqual(
    status.peers.map(({ id, state }) => `${id} ${state}`),
    ["n2 linked", "n3 linked"],
  );
  assert.equal(status.keys, 1);
  assert.equal(status.state, "running");
  await cluster.stop();
});

test("host: a put on one of two nodes waits for the other's disk, not for its own turn", async () => {
  const cluster = await LocalCluster.start({ count: 2, settings: { config: { w: "all" } } });
  await put(cluster.nodes[0]!.host, "a", BYTES);
  assert.equal(cluster.nodes[1]!.status().keys, 1);
  await cluster.stop();
});

test("host: a connection that was cut is made again, and goodbye and hello alternate", async () => {
  const cluster = await LocalCluster.start({ proxied: true });
  for (let round = 1; round <= 3; round++) {
    for (const proxy of cluster.proxies) proxy.cut();
    await until("all see a loss", () =>
      [0, 1, 2].every((index) => cluster.factsOf(index, "peer-lost").length >= 2 * round),
    );
    await cluster.linked();
    await put(cluster.nodes[0]!.host, `a${round}`, BYTES);
  }
  for (const facts of cluster.facts) {
    for (const peer of ["n1", "n2", "n3"]) {
      const turns = facts.filter((fact) => "peer" in fact && fact.peer === peer);
      const words = turns.map(({ kind }) => kind).filter((kind) => kind.startsWith("peer-"));
      const alternating = words.map((_, index) => (index % 2 === 0 ? "peer-linked" : "peer-lost"));
      assert.deepEqual(words, alternating);
    }
  }
  await cluster.stop();
});

test("host: a peer that goes dead without a word is given up, and found again", async () => {
  const cluster = await LocalCluster.start({
    proxied: true,
    settings: { limits: { peerSilenceMs: 100 } },
  });
  cluster.proxies[2]!.goDead();
  // Something must be owed: silence alone proves nothing.
  await done(cluster.nodes[0]!.host, { operation: "put", key: keyOf("test", "a"), value: BYTES });
  await until("n1 gives n3 up", () =>
    cluster
      .factsOf(0, "link-closed")
      .some(({ peer, reason }) => peer === "n3" && /silent/.test(reason)),
  );
  await put(cluster.nodes[0]!.host, "b", BYTES);
  cluster.proxies[2]!.revive();
  await cluster.linked();
  await cluster.stop();
});

test("host: an idle peer is left in peace", async () => {
  const cluster = await LocalCluster.start({ settings: { limits: { peerSilenceMs: 100 } } });
  await new Promise((resolve) => setTimeout(resolve, 500));
  for (const index of [0, 1, 2]) assert.deepEqual(cluster.factsOf(index, "link-closed"), []);
  await cluster.stop();
});

test("host: a node of another cluster is refused by name, on both sides", async () => {
  const cluster = await LocalCluster.start({ count: 2 });
  const [port] = await freePorts(1);
  const stranger = { id: "n0", address: at(port!) };
  const peers = [stranger, { id: "n1", address: cluster.addresses[0]! }];
  const facts: string[] = [];
  const other = await startNode(
    { id: "n0", listen: stranger.address, peers, clusterId: "elsewhere" },
    { onFact: (fact) => facts.push(JSON.stringify(fact)) },
  );
  await until("a refusal", () => facts.some((fact) => fact.includes("WRONG_CLUSTER")));
  await until("a refusal there", () => cluster.factsOf(0, "connection-refused").length > 0);
  const [refusal] = cluster.factsOf(0, "connection-refused");
  assert.equal(refusal!.code, "WRONG_CLUSTER");
  assert.match(refusal!.message, /elsewhere/);
  assert.match(refusal!.message, /gramme/);
  assert.equal(await other.linked(10), false);
  await other.stop();
  await cluster.stop();
});

test("host: nodes that were told different members refuse each other", async () => {
  const [first, second] = await freePorts(2);
  const peers = [
    { id: "n1", address: at(first!) },
    { id: "n2", address: at(second!) },
  ];
  const facts: string[] = [];
  const one = await startNode(
    { id: "n1", listen: at(first!), peers },
    { onFact: (fact) => facts.push(JSON.stringify(fact)) },
  );
  const other = await startNode({ id: "n2", listen: at(second!), peers, replicas: 1 });
  await until("a refusal", () => facts.some((fact) => fact.includes("LAYOUT_DIFFERS")));
  await Promise.all([one.stop(), other.stop()]);
});

test("host: the younger boot of a node takes the place of the older, never the reverse", async () => {
  const cluster = await LocalCluster.start({ count: 2 });
  const { host } = cluster.nodes[1]!;
  const layout = host.layout();
  const as = (generation: number): RawConnection => {
    const raw = new RawConnection(cluster.addresses[1]!);
    const layoutFingerprint = layout.fingerprint();
    raw.greet({ ...NODE, nodeId: nodeId("n1"), generation, layoutEpoch: 1, layoutFingerprint });
    return raw;
  };
  const older = as(1);
  await until("the older is refused", () => older.isClosed);
  const said = older.frames.find(({ kind }) => kind === FRAME_KIND.refusal);
  const refusal = decodeRefusal(said!.body, 0, said!.body.length)!;
  assert.equal(refusal.code, "OLDER_BOOT");
  assert.ok(refusal.known! > 1);
  assert.equal(cluster.factsOf(1, "peer-lost").length, 0);

  const younger = as(Date.now() + 1_000_000);
  await until("the younger is taken", () => cluster.factsOf(1, "peer-linked").length === 2);
  assert.equal(cluster.factsOf(1, "peer-lost").length, 1);
  assert.equal(younger.isClosed, false);
  await until("the older boot is told", () =>
    cluster.factsOf(0, "connection-refused").some(({ code }) => code === "OLDER_BOOT"),
  );
  younger.close();
  await cluster.stop();
});

test("host: a node that no layout names is refused", async () => {
  const cluster = await LocalCluster.start({ count: 1 });
  const raw = new RawConnection(cluster.addresses[0]!);
  raw.greet({ ...NODE, layoutEpoch: 0 });
  await until("refused", () => raw.isClosed);
  assert.equal(cluster.factsOf(0, "connection-refused")[0]!.code, "NOT_MEMBER");
  await cluster.stop();
});

test("host: values of megabytes travel whole", async () => {
  const cluster = await LocalCluster.start();
  const value = new Uint8Array(5 * 1024 * 1024);
  for (let at4k = 0; at4k < value.length; at4k += 4_093) value[at4k] = at4k % 251;
  await put(cluster.nodes[0]!.host, "large", value);
  await put(cluster.nodes[0]!.host, "small", BYTES);
  assert.deepEqual(await get(cluster.nodes[2]!.host, "large"), value);
  assert.deepEqual(await get(cluster.nodes[1]!.host, "small"), BYTES);
  await cluster.stop();
});

test("host: what finds no room on its way to a peer is dropped, and counted", async () => {
  const cluster = await LocalCluster.start({
    proxied: true,
    settings: { limits: { outboundBytesMax: 64 * 1024, peerSilenceMs: 60_000 } },
  });
  cluster.proxies[2]!.goDead();
  const value = new Uint8Array(256 * 1024);
  for (let round = 0; round < 40; round++) await put(cluster.nodes[0]!.host, `k${round}`, value);
  const n3 = cluster.nodes[0]!.status().peers.find(({ id }) => id === "n3")!;
  assert.ok(n3.droppedCount > 0, `${n3.droppedCount} dropped`);
  assert.ok(n3.outboundBytes < 1024 * 1024, `${n3.outboundBytes} bytes wait`);
  assert.ok(cluster.factsOf(0, "sends-dropped").length > 0);
  await cluster.stop();
});

test("host: stopping answers what is open, and everything afterwards", async () => {
  const cluster = await LocalCluster.start();
  const { host } = cluster.nodes[0]!;
  const outcomes: Outcome[] = [];
  for (let index = 0; index < 100; index++) {
    const key = keyOf("test", `k${index}`);
    host.submit(clientRequest({ operation: "put", key, value: BYTES }), (outcome) =>
      outcomes.push(outcome),
    );
  }
  const stopped = cluster.nodes[0]!.stop();
  assert.equal(cluster.nodes[0]!.status().state, "stopping");
  const late = await done(host, { operation: "get", key: keyOf("test", "k1") });
  assert.deepEqual([late.kind, late.kind === "failed" && late.code], ["failed", "OVERLOADED"]);
  await stopped;
  assert.equal(outcomes.length, 100);
  assert.ok(outcomes.every(({ kind }) => kind === "stored"));
  const later = await done(host, { operation: "get", key: keyOf("test", "k1") });
  assert.equal(later.kind === "failed" && later.code, "QUORUM_NOT_MET");
  await assert.rejects(fetch(`http://${cluster.addresses[0]}/`));
  await cluster.stop();
});

test("host: a node that restarts on its address is found again", async () => {
  const cluster = await LocalCluster.start();
  await put(cluster.nodes[0]!.host, "a", BYTES);
  await cluster.nodes[1]!.stop();
  await put(cluster.nodes[0]!.host, "b", BYTES);
  await cluster.startNode(1);
  await cluster.linked();
  assert.deepEqual(await get(cluster.nodes[1]!.host, "b"), BYTES);
  await cluster.stop();
});

test("host: the port of another program is an error of the system, and nothing keeps running", async () => {
  const cluster = await LocalCluster.start({ count: 1 });
  const listen = cluster.addresses[0]!;
  await assert.rejects(startNode({ id: "n2", listen }), { code: "EADDRINUSE" });
  await cluster.stop();
});

test("host: a node alone finds a free port and says which", async () => {
  const node = await startNode({ id: "alone", listen: "127.0.0.1:0" });
  assert.notEqual(node.address, "127.0.0.1:0");
  assert.equal(node.host.layout().nodes[0]!.address, node.address);
  assert.equal(await node.linked(0), true);
  await put(node.host, "a", BYTES);
  await node.stop();
});
