/**
 * The remote client against real nodes: where it sends what, and what it says when a connection or
 * a node is lost.
 */
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import { ConnectError } from "#src/client/connect-error.ts";
import { RemoteClient } from "#src/client/remote-client.ts";
import type { DoorOutcome } from "#src/core/caller/door-outcome.ts";
import { answer, layoutTold } from "#src/core/messages.ts";
import { failed, type Outcome } from "#src/core/outcomes.ts";
import { clientRequest } from "#src/core/requests.ts";
import { type Key, keyOf } from "#src/core/ring/key.ts";
import { Layout } from "#src/core/ring/layout.ts";
import { nodeId } from "#src/core/ring/node-id.ts";
import { FakeNode } from "../support/fake-node.ts";
import { done, get, LocalCluster, put, until } from "../support/local-cluster.ts";
import { at, freePorts } from "../support/ports.ts";

const BYTES = new Uint8Array([1, 2, 3]);
const QUICK = { redialMsMin: 5, redialMsMax: 20, requestTimeoutMs: 300, drainMs: 100 };

/** A key whose home is this node. */
function keyAtHomeOf(client: RemoteClient, node: string): Key {
  for (let number = 0; ; number++) {
    const key = keyOf("test", `k${number}`);
    if (client.layout().ownersOf(key)[0] === nodeId(node)) return key;
  }
}

test("remote client: one seed is enough to learn the layout and reach every node", async () => {
  const cluster = await LocalCluster.start();
  const client = await RemoteClient.connect([cluster.addresses[1]!], QUICK);
  assert.equal(client.layout().fingerprint(), cluster.nodes[0]!.host.layout().fingerprint());
  for (let number = 0; number < 200; number++) await put(client, `k${number}`, BYTES);
  for (let number = 0; number < 200; number++) {
    assert.deepEqual(await get(client, `k${number}`), BYTES);
  }
  for (const node of client.layout().nodes) {
    const status = await client.status(node.id);
    assert.ok("pid" in status, JSON.stringify(status));
    assert.equal(status.id, node.id);
    assert.equal(status.address, node.address);
    assert.equal(status.keys, 200);
  }
  await client.close();
  await cluster.stop();
});

test("remote client: once connected, a request goes to the home of its key", async () => {
  const cluster = await LocalCluster.start();
  const client = await RemoteClient.connect(cluster.addresses, QUICK);
  for (const home of ["n1", "n2", "n3"]) {
    const key = keyAtHomeOf(client, home);
    const outcome = await done(client, { operation: "put", key, value: BYTES });
    assert.ok(outcome.kind === "stored");
    await client.status(nodeId(home));
    const again = await done(client, { operation: "get", key });
    assert.ok(again.kind === "found");
    assert.equal(again.receipt.coordinator, home);
  }
  await client.close();
  await cluster.stop();
});

test("remote client: a seed that is down does not matter while another is up", async () => {
  const cluster = await LocalCluster.start();
  const [nobody] = await freePorts(1);
  const seeds = [at(nobody!), cluster.addresses[0]!];
  const client = await RemoteClient.connect(seeds, QUICK);
  await put(client, "a", BYTES);
  await client.close();
  await cluster.stop();
});

test("remote client: without any node it says so at once, and why", async () => {
  const [first, second] = await freePorts(2);
  const startedAt = performance.now();
  await assert.rejects(RemoteClient.connect([at(first!), at(second!)]), (error) => {
    assert.ok(error instanceof ConnectError);
    assert.equal(error.code, "UNAVAILABLE");
    assert.equal(error.attempts.length, 2);
    assert.match(error.attempts[0]!.reason, /ECONNREFUSED/);
    return true;
  });
  assert.ok(performance.now() - startedAt < 2_000);
  await assert.rejects(RemoteClient.connect(["no address"]), { code: "INVALID_ADDRESS" });
});

test("remote client: a listener that says nothing is not waited for beyond the limit", async () => {
  const server = createServer(() => {});
  await new Promise<void>((resolve) => {
    server.listen({ port: 0, host: "127.0.0.1" }, resolve);
  });
  const bound = server.address();
  assert.ok(typeof bound === "object" && bound !== null);
  const limits = { connectTimeoutMs: 100 };
  await assert.rejects(RemoteClient.connect([at(bound.port)], limits), { code: "UNAVAILABLE" });
  await assert.rejects(
    RemoteClient.connect([at(bound.port)], { greetingTimeoutMs: 50 }),
    (error) => {
      assert.ok(error instanceof ConnectError);
      assert.match(error.attempts[0]!.reason, /no greeting within 50 ms/);
      return true;
    },
  );
  server.close();
});

test("remote client: the wrong cluster is refused by name", async () => {
  const cluster = await LocalCluster.start({ count: 1 });
  await assert.rejects(RemoteClient.connect(cluster.addresses, { clusterId: "elsewhere" }), {
    code: "WRONG_CLUSTER",
  });
  await cluster.stop();
});

test("remote client: with one node down every key is still read and written", async () => {
  const cluster = await LocalCluster.start();
  const client = await RemoteClient.connect(cluster.addresses, QUICK);
  for (const { id } of client.layout().nodes) await client.status(id);
  await cluster.nodes[2]!.stop();
  for (let number = 0; number < 100; number++) await put(client, `k${number}`, BYTES);
  for (let number = 0; number < 100; number++) await get(client, `k${number}`);
  await cluster.startNode(2);
  await cluster.linked();
  const key = keyAtHomeOf(client, "n3");
  let coordinator = "";
  await until("its keys are asked there again", () => {
    client.submit(clientRequest({ operation: "get", key }), (outcome) => {
      if (outcome.kind !== "failed") coordinator = outcome.receipt.coordinator;
    });
    return coordinator === "n3";
  });
  await client.close();
  await cluster.stop();
});

test("remote client: when a connection is lost, a read is asked elsewhere, a write is unknown", async () => {
  const cluster = await LocalCluster.start({ proxied: true });
  const client = await RemoteClient.connect(cluster.addresses, QUICK);
  for (const { id } of client.layout().nodes) await client.status(id);
  const key = keyAtHomeOf(client, "n1");
  assert.equal((await done(client, { operation: "put", key, value: BYTES })).kind, "stored");
  cluster.proxies[0]!.goDead();
  const read = done(client, { operation: "get", key, timeoutMs: 5_000 });
  const write = done(client, { operation: "put", key, value: BYTES, timeoutMs: 5_000 });
  await new Promise((resolve) => setTimeout(resolve, 20));
  cluster.proxies[0]!.cut();
  const outcome = await read;
  assert.equal(outcome.kind, "found");
  assert.notEqual(outcome.kind === "found" && outcome.receipt.coordinator, "n1");
  const written = await write;
  assert.equal(written.kind === "failed" && written.code, "OUTCOME_UNKNOWN");
  await client.close();
  await cluster.stop();
});

test("remote client: a node that went dead costs one deadline, then its keys are asked elsewhere", async () => {
  const cluster = await LocalCluster.start({ proxied: true });
  const client = await RemoteClient.connect(cluster.addresses, QUICK);
  for (const { id } of client.layout().nodes) await client.status(id);
  const key = keyAtHomeOf(client, "n1");
  cluster.proxies[0]!.goDead();
  const startedAt = performance.now();
  const [read, write] = await Promise.all([
    done(client, { operation: "get", key }),
    done(client, { operation: "put", key, value: BYTES }),
  ]);
  assert.equal(read.kind === "failed" && read.code, "UNAVAILABLE");
  assert.equal(write.kind === "failed" && write.code, "OUTCOME_UNKNOWN");
  assert.ok(performance.now() - startedAt < 2_000);
  const again = await done(client, { operation: "put", key, value: BYTES });
  assert.equal(again.kind, "stored");
  await client.close();
  await cluster.stop();
});

test("remote client: with all nodes gone a request ends in time, and succeeds when one is back", async () => {
  const cluster = await LocalCluster.start({ count: 1 });
  const client = await RemoteClient.connect(cluster.addresses, QUICK);
  await cluster.nodes[0]!.stop();
  const lost = await done(client, { operation: "put", key: keyOf("test", "a"), value: BYTES });
  assert.equal(lost.kind === "failed" && lost.code, "UNAVAILABLE");
  const status = await client.status(nodeId("n1"));
  assert.ok("code" in status && status.code === "UNAVAILABLE");
  const waiting = put(client, "a", BYTES);
  await cluster.startNode(0);
  await waiting;
  await client.close();
  await cluster.stop();
});

test("remote client: cancelled is never settled, and closing settles the rest", async () => {
  const cluster = await LocalCluster.start({ count: 1, proxied: true });
  const client = await RemoteClient.connect(cluster.addresses, QUICK);
  cluster.proxies[0]!.goDead();
  const settled: string[] = [];
  const submit = (name: string, operation: "get" | "put"): number =>
    client.submit(clientRequest({ operation, key: keyOf("test", name) }), (outcome) => {
      settled.push(`${name} ${outcome.kind === "failed" ? outcome.code : outcome.kind}`);
    });
  const cancelled = submit("a", "put");
  submit("b", "put");
  submit("c", "get");
  assert.deepEqual(settled, []);
  client.cancel(cancelled);
  client.cancel(12_345);
  await client.close();
  await until("settled", () => settled.length === 2);
  submit("d", "get");
  await until("settled", () => settled.length === 3);
  assert.deepEqual(settled.toSorted(inOrder), [
    "b OUTCOME_UNKNOWN",
    "c UNAVAILABLE",
    "d UNAVAILABLE",
  ]);
  cluster.proxies[0]!.revive();
  await cluster.stop();
});

test("remote client: too many or too large requests are refused here, and never inside the call", async () => {
  const cluster = await LocalCluster.start({ count: 1 });
  const client = await RemoteClient.connect(cluster.addresses, {
    ...QUICK,
    inFlightMax: 2,
    valueBytesMax: 1_000,
  });
  const outcomes: string[] = [];
  for (let number = 0; number < 4; number++) {
    client.submit(clientRequest({ operation: "get", key: keyOf("test", "a") }), (outcome) =>
      outcomes.push(outcome.kind === "failed" ? outcome.code : outcome.kind),
    );
  }
  assert.deepEqual(outcomes, []);
  await until("settled", () => outcomes.length === 4);
  assert.deepEqual(outcomes.toSorted(inOrder), [
    "OVERLOADED",
    "OVERLOADED",
    "not-found",
    "not-found",
  ]);
  const key = keyOf("test", "a");
  const large = await done(client, { operation: "put", key, value: new Uint8Array(1_001) });
  assert.equal(large.kind === "failed" && large.code, "VALUE_TOO_LARGE");
  const odd = await done(client, { operation: "get", key, r: -1 });
  assert.equal(odd.kind === "failed" && odd.code, "INVALID_REQUEST");
  await client.close();
  await cluster.stop();
});

test("remote client: the bytes of open requests are bounded, but one is always let in", async () => {
  const cluster = await LocalCluster.start({ count: 1 });
  const client = await RemoteClient.connect(cluster.addresses, {
    ...QUICK,
    inFlightBytesMax: 100_000,
  });
  const key = keyOf("test", "a");
  const putOf = (bytes: number): Promise<DoorOutcome> =>
    done(client, { operation: "put", key, value: new Uint8Array(bytes) });
  const kinds = await Promise.all([putOf(60_000), putOf(60_000), putOf(10_000)]);
  assert.deepEqual(
    kinds.map((outcome) => (outcome.kind === "failed" ? outcome.code : outcome.kind)),
    ["stored", "OVERLOADED", "stored"],
  );
  assert.equal((await putOf(200_000)).kind, "stored");
  await client.close();
  await cluster.stop();
});

test("remote client: an answer longer than it takes ends the connection, not the client", async () => {
  const cluster = await LocalCluster.start({ count: 1 });
  await put(cluster.nodes[0]!.host, "large", new Uint8Array(300_000));
  const client = await RemoteClient.connect(cluster.addresses, {
    ...QUICK,
    frameBytesMax: 200_000,
  });
  const read = await done(client, { operation: "get", key: keyOf("test", "large") });
  assert.equal(read.kind === "failed" && read.code, "UNAVAILABLE");
  await put(client, "small", BYTES);
  await client.close();
  await cluster.stop();
});

test("remote client: a value beyond the node's own bound is refused by name, and the connection stays", async () => {
  const cluster = await LocalCluster.start({
    count: 1,
    settings: { config: { valueBytesMax: 1_000 } },
  });
  const client = await RemoteClient.connect(cluster.addresses, QUICK);
  const key = keyOf("test", "a");
  const large = await done(client, { operation: "put", key, value: new Uint8Array(1_000_000) });
  assert.equal(large.kind === "failed" && large.code, "VALUE_TOO_LARGE");
  assert.deepEqual(cluster.factsOf(0, "client-closed"), []);
  await client.close();
  await cluster.stop();
});

test("remote client: what one callback throws is the process's to handle, not the next one's", async () => {
  const cluster = await LocalCluster.start({ count: 1 });
  const client = await RemoteClient.connect(cluster.addresses, QUICK);
  const thrown: unknown[] = [];
  const listeners = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", (error) => thrown.push(error));
  client.submit(clientRequest({ operation: "get", key: keyOf("test", "a") }), () => {
    throw new Error("mine");
  });
  const outcome = await done(client, { operation: "get", key: keyOf("test", "a") });
  assert.equal(outcome.kind, "not-found");
  await until("thrown", () => thrown.length === 1);
  process.removeAllListeners("uncaughtException");
  for (const listener of listeners) process.on("uncaughtException", listener);
  await client.close();
  await cluster.stop();
});

test("remote client: refused for its layout, it asks for the new one and tries again, not for ever", async () => {
  let refusals = 1;
  const node = await FakeNode.start((message, layout) => {
    if (message.kind === "layout-ask") return layoutTold(layout);
    if (message.kind !== "ask") return undefined;
    const { id } = message.request;
    if (refusals-- > 0) {
      node.layout = node.layoutOf(layout.epoch + 1);
      return answer(id, failed("STALE_EPOCH", "another layout"));
    }
    return answer(id, notFound(layout.epoch));
  });
  const client = await RemoteClient.connect([node.address], QUICK);
  const key = keyOf("test", "a");
  const outcome = await done(client, { operation: "put", key });
  assert.equal(outcome.kind, "not-found");
  assert.equal(client.layout().epoch, 2);

  refusals = 100;
  const refused = await done(client, { operation: "put", key });
  assert.equal(refused.kind === "failed" && refused.code, "STALE_EPOCH");
  assert.equal(refusals, 97);
  await client.close();
  await node.stop();
});

test("remote client: a home that reaches too few of its peers is left alone for a while", async () => {
  const asked = [0, 0];
  const { client, stop } = await connectToTwo((index, epoch) => {
    asked[index]!++;
    return index === 0 ? failed("QUORUM_NOT_MET", "alone") : notFound(epoch);
  });
  const key = keyOf("test", "a");
  await until("both are ready", () => client.layout().nodes.length === 2);
  const first = await done(client, { operation: "get", key });
  for (let i = 0; i < 20; i++) await done(client, { operation: "get", key });
  assert.equal(first.kind === "failed" && first.code, "QUORUM_NOT_MET");
  assert.deepEqual(asked, [1, 20]);
  await stop();
});

test("remote client: a home that stands still is left alone, and its keys go to another owner", async () => {
  const asked = [0, 0];
  const { client, stop } = await connectToTwo((index, epoch) => {
    const isStill = asked[index]!++ >= 10 && index === 0;
    return isStill ? undefined : notFound(epoch);
  });
  const key = keyOf("test", "a");
  const read = (): ReturnType<typeof done> =>
    done(client, { operation: "get", key, timeoutMs: 5_000 });
  for (let i = 0; i < 10; i++) await read();
  assert.deepEqual(asked, [10, 0]);
  const write = done(client, { operation: "put", key, timeoutMs: 300 });
  const waiting = read();
  let isAnswered = false;
  await until("another is asked", () => {
    void read().then(() => (isAnswered = true));
    return isAnswered;
  });
  assert.equal((await waiting).kind, "not-found", "a read that waited is asked elsewhere");
  const written = await write;
  assert.equal(written.kind === "failed" && written.code, "OUTCOME_UNKNOWN", "a write is not");
  const [homeAsked] = asked;
  for (let i = 0; i < 20; i++) await read();
  assert.equal(asked[0], homeAsked);
  await stop();
});

test("remote client: a receipt of a later epoch is a reason to ask for the layout", async () => {
  const node = await FakeNode.start((message, layout) => {
    if (message.kind === "layout-ask") return layoutTold(layout);
    return message.kind === "ask" ? answer(message.request.id, notFound(layout.epoch)) : undefined;
  });
  const client = await RemoteClient.connect([node.address], QUICK);
  const asks = (): number => node.heard.filter(({ kind }) => kind === "layout-ask").length;
  await done(client, { operation: "get", key: keyOf("test", "a") });
  assert.equal(asks(), 1);
  node.layout = node.layoutOf(5);
  await done(client, { operation: "get", key: keyOf("test", "a") });
  await until("the new layout", () => client.layout().epoch === 5);
  await done(client, { operation: "get", key: keyOf("test", "a") });
  assert.equal(asks(), 2);
  await client.close();
  await node.stop();
});

/** A client of two nodes that own every key, the first as its home, and answer as they are told. */
async function connectToTwo(
  outcomeOf: (index: number, epoch: number) => Outcome | undefined,
): Promise<{ readonly client: RemoteClient; readonly stop: () => Promise<void> }> {
  const startOne = (index: number): Promise<FakeNode> =>
    FakeNode.start((message, layout) => {
      if (message.kind === "layout-ask") return layoutTold(layout);
      if (message.kind !== "ask") return undefined;
      const outcome = outcomeOf(index, layout.epoch);
      return outcome === undefined ? undefined : answer(message.request.id, outcome);
    }, `fake${index}`);
  const [home, other] = await Promise.all([startOne(0), startOne(1)]);
  const nodes = [home, other].map(({ id, address }) => ({ id, address, weight: 1, zone: "" }));
  const ownerIndexes = new Uint16Array(32).map((_, entry) => entry % 2);
  const { epoch, clusterId, strategy, partitionCount } = home.layout;
  const head = { epoch, clusterId, strategy, partitionCount, replicas: 2 };
  const layout = new Layout({ ...head, nodes, ownerIndexes });
  home.layout = layout;
  other.layout = layout;
  const client = await RemoteClient.connect([home.address, other.address], QUICK);
  const stop = async (): Promise<void> => {
    await client.close();
    await home.stop();
    await other.stop();
  };
  return { client, stop };
}

function inOrder(one: string, other: string): number {
  return one < other ? -1 : 1;
}

function notFound(epoch: number): Outcome {
  const coordinator = nodeId("fake");
  const receipt = { coordinator, epoch, needed: 1, answered: 1, held: 1, hinted: 0, siblings: 0 };
  return { kind: "not-found", context: new Uint8Array(0), receipt };
}
