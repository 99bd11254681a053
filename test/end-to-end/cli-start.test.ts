/** `gramme start`: single nodes, put together to a cluster by hand. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gramme, grammeJson, Running } from "../support/cli.ts";
import { at, freePorts, untilFree } from "../support/ports.ts";

test("cli: a node alone listens, is ready, serves, and stops with 0", async () => {
  const [port = 0] = await freePorts(1);
  const node = await Running.start(["start", "--id", "solo", "--listen", at(port)]);
  assert.equal(node.stdout.split("\n")[0], `listening solo at ${at(port)}`);
  assert.equal(node.readyLine, `ready solo at ${at(port)}, linked with 0 of 0 peers`);
  const stored = await gramme(["put", "key", "value", "--node", at(port)]);
  assert.equal(stored.stdout, "stored, held by solo (needed 1)\n");
  assert.equal(await node.stop(), 0);
  assert.match(node.stdout, /^stopped solo$/m);
  await untilFree([port]);
});

test("cli: a node is ready when any key has its quorum, not before", async () => {
  const ports = await freePorts(3);
  const peers = ports.map((port, index) => `n${index}=${at(port)}`).join(",");
  const words = (index: number): readonly string[] => [
    ..."start --strategy ring --virtual-nodes 8 --cluster by-hand".split(" "),
    ...["--id", `n${index}`, "--listen", at(ports[index]!), "--peers", peers],
  ];
  // The first is ready as soon as the second is there; neither waits for the third.
  const nodes = await Promise.all([Running.start(words(0)), Running.start(words(1))]);
  for (const node of nodes) assert.match(node.readyLine, /linked with 1 of 2 peers$/);
  const { clusterId, strategy } = await grammeJson(["ring", "--node", at(ports[0]!)]);
  assert.deepEqual([clusterId, strategy], ["by-hand", "ring"]);
  assert.equal((await gramme(["put", "key", "value", "--node", at(ports[1]!)])).code, 0);
  for (const node of nodes) assert.equal(await node.stop(), 0);
});

test("cli: a node may be told everything by its environment", async () => {
  const [port = 0] = await freePorts(1);
  const env = {
    GRAMME_ID: "quiet",
    GRAMME_LISTEN: at(port),
    GRAMME_PARTITIONS: "64",
    GRAMME_CLUSTER: "from-env",
    GRAMME_WEIGHT: "3",
    GRAMME_ZONE: "rack-a",
  };
  const node = await Running.start(["start", "--partitions", "32"], env);
  const { clusterId, partitions, nodes } = await grammeJson(["ring", "--node", at(port)]);
  assert.deepEqual([clusterId, partitions], ["from-env", 32], "flags win");
  const [{ id, weight, zone }] = nodes as [{ id: string; weight: number; zone: string }];
  assert.deepEqual({ id, weight, zone }, { id: "quiet", weight: 3, zone: "rack-a" });
  assert.equal(await node.stop(), 0);
});

test("cli: a member's zone and weight may stand in the list of peers", async () => {
  const ports = await freePorts(2);
  const peers = `n0=${at(ports[0]!)}@rack-a,n1=${at(ports[1]!)}@rack-b*2`;
  const words = ["start", "--replicas", "1", "--peers", peers];
  const nodes = await Promise.all([
    Running.start([...words, "--id", "n0", "--listen", at(ports[0]!), "--zone", "rack-a"]),
    Running.start([
      ...words,
      "--id",
      "n1",
      "--listen",
      at(ports[1]!),
      "--zone",
      "rack-b",
      "--weight",
      "2",
    ]),
  ]);
  const ring = await grammeJson(["ring", "--node", at(ports[0]!)]);
  const shares = (ring["nodes"] as readonly { partitions: number; zone: string }[]).map(
    ({ partitions, zone }) => [partitions, zone],
  );
  assert.deepEqual(shares, [
    [85, "rack-a"],
    [171, "rack-b"],
  ]);
  for (const node of nodes) assert.equal(await node.stop(), 0);
});

test("cli: contexts of one secret are refused under another", async () => {
  const folder = mkdtempSync(join(tmpdir(), "gramme-cli-"));
  const [port = 0] = await freePorts(1);
  const words = ["start", "--id", "n0", "--listen", at(port)];
  try {
    const file = join(folder, "secret");
    writeFileSync(file, "a first long secret\n");
    const first = await Running.start([...words, "--secret-file", file]);
    const { context } = await grammeJson(["put", "key", "value", "--node", at(port)]);
    await first.stop();
    // Without the line break it is the same secret.
    const same = await Running.start(words, { GRAMME_SECRET: "a first long secret" });
    const accepted = await gramme([
      "put",
      "key",
      "v",
      "--context",
      context as string,
      "--node",
      at(port),
    ]);
    assert.equal(accepted.code, 0, accepted.stderr);
    await same.stop();
    const other = await Running.start(words, { GRAMME_SECRET: "another long secret" });
    const refused = await gramme([
      "put",
      "key",
      "v",
      "--context",
      context as string,
      "--node",
      at(port),
    ]);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /CONTEXT_INVALID/);
    await other.stop();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("cli: r, w and the other settings of a node have an effect", async () => {
  const [port = 0] = await freePorts(1);
  const settings = ["--set", "config.valueBytesMax=10", "--set", "limits.clientConnectionsMax=7"];
  const node = await Running.start(["start", "--id", "n0", "--listen", at(port), ...settings]);
  const large = await gramme(["put", "key", "eleven bytes", "--node", at(port)]);
  assert.equal(large.code, 2);
  assert.match(large.stderr, /VALUE_TOO_LARGE.*needed 12, got 10|VALUE_TOO_LARGE.*10/);
  assert.equal(await node.stop(), 0);
});
