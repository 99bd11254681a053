/** What a node tells of anti-entropy over a client's connection, and what it refuses. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RemoteClient } from "#src/client/remote-client.ts";
import type { RepairOrder, RepairReport } from "#src/core/repair-orders.ts";
import { leftOf } from "#src/core/repair-orders.ts";
import { nodeId } from "#src/core/ring/node-id.ts";
import { encodeRepairAsk } from "#src/core/wire/admin-repair.ts";
import { FRAME_KIND } from "#src/core/wire/frame-kind.ts";
import { LocalCluster, put, until } from "../support/local-cluster.ts";
import { RawConnection } from "../support/raw-connection.ts";

const TIMEOUT_MS = 5_000;
const LOOK: RepairOrder = { kind: "look", partition: undefined, from: 0 };
const COMPARE: RepairOrder = { kind: "compare", partition: undefined, from: 0 };

test("host: pairs are compared when somebody asks, and the status tells of their proofs", async () => {
  const cluster = await LocalCluster.start({ settings: { partitions: 16 } });
  const client = await RemoteClient.connect(cluster.addresses);
  const repair = async (order: RepairOrder, node = "n1"): Promise<RepairReport> => {
    const report = await client.repair(nodeId(node), order, TIMEOUT_MS);
    assert.ok(!("kind" in report), JSON.stringify(report));
    return report;
  };
  try {
    for (let i = 0; i < 20; i++) await put(cluster.nodes[0]!.host, `k${i}`, new Uint8Array(9));
    const proven = (index: number): number => cluster.nodes[index]!.status().repair.proven;
    await until("all is proven once", () => [0, 1, 2].every((index) => proven(index) === 32));
    const asked = await repair(COMPARE);
    assert.deepEqual([asked.pairs, asked.generation], [32, cluster.nodes[0]!.host.generation]);
    assert.equal(leftOf(asked), 32);
    const end = performance.now() + 20_000;
    while (leftOf(await repair(LOOK)) > 0) assert.ok(performance.now() < end, "it does not end");
    const { oldestProofMs, pairs } = cluster.nodes[0]!.status().repair;
    assert.ok(pairs === 32 && oldestProofMs !== null && oldestProofMs < 20_000);
    const list = await repair({ kind: "list", partition: undefined, from: 15 });
    assert.deepEqual(
      list.told.map(({ partition, peer, state, isLeft }) => [partition, peer, state, isLeft]),
      [
        [15, "n2", "proven", false],
        [15, "n3", "proven", false],
      ],
    );

    await cluster.nodes[2]!.stop();
    await until("n3 is missed", () => cluster.factsOf(0, "peer-lost").length > 0);
    const away = await repair({ kind: "compare", partition: 3, from: 0 });
    assert.deepEqual([leftOf(away), away.left.get("away")], [2, 1]);
    const down = await client.repair(nodeId("n3"), LOOK, TIMEOUT_MS);
    assert.ok("kind" in down && down.code === "UNAVAILABLE");
  } finally {
    await client.close();
    await cluster.stop();
  }
});

test("host: a malformed repair-ask ends the connection, a stopped node tells nothing", async () => {
  const cluster = await LocalCluster.start({ count: 1 });
  const raw = new RawConnection(cluster.addresses[0]!);
  raw.greet();
  raw.say((writer) => encodeRepairAsk(writer, { id: 7, order: LOOK }));
  await until("told", () => raw.frames.some(({ kind }) => kind === FRAME_KIND.repairTold));
  raw.say((writer) => {
    const start = writer.length;
    encodeRepairAsk(writer, { id: 8, order: LOOK });
    const orderAt = start + 5 + 8;
    writer.bytes[orderAt] = 3;
  });
  await until("closed", () => raw.isClosed);
  assert.equal(raw.frames.filter(({ kind }) => kind === FRAME_KIND.repairTold).length, 1);
  const { host } = cluster.nodes[0]!;
  await cluster.stop();
  assert.equal(host.repair(COMPARE).pairs, 0);
});
