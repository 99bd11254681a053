/** `gramme start` with seeds: real processes that know each other's names and little more. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gramme, grammeJson, Running } from "../support/cli.ts";
import { until } from "../support/local-cluster.ts";
import { at, freePorts } from "../support/ports.ts";

interface Status {
  readonly nodes: readonly {
    readonly id: string;
    readonly address: string;
    readonly state: string;
    readonly peers: readonly { readonly id: string; readonly problem: string }[];
  }[];
}

function words(id: string, port: number, seeds: string, more: readonly string[] = []): string[] {
  const members = ["--peers", "n0,n1,n2", "--seeds", seeds];
  return ["start", "--id", id, "--listen", at(port), ...members, ...more];
}

async function status(port: number): Promise<Status> {
  return (await grammeJson(["status", "--node", at(port)])) as unknown as Status;
}

test("cli: three nodes with one seed are a cluster, and one that moves stays in it", async () => {
  const ports = await freePorts(4);
  const [first = 0, second = 0, third = 0, fourth = 0] = ports;
  const seed = `localhost:${first}`;
  const nodes = await Promise.all([
    Running.start(words("n0", first, seed)),
    Running.start(words("n1", second, seed)),
    Running.start(words("n2", third, seed)),
  ]);
  // A client that is told the seed learns the rest.
  const all = ["put", "key", "value", "-w", "all", "--node", at(first)];
  await untilDone(all);
  const before = await status(first);
  assert.deepEqual(
    before.nodes.map(({ id, address, state }) => [id, address, state]),
    [
      ["n0", at(first), "up"],
      ["n1", at(second), "up"],
      ["n2", at(third), "up"],
    ],
  );
  assert.equal(await nodes[2].stop(), 0);
  const alone = await gramme(["status", "--node", at(first)]);
  assert.match(alone.stderr, /n0 is not connected with n2: (lost|connect ECONNREFUSED)/);
  nodes[2] = await Running.start(words("n2", fourth, seed));
  await untilDone(all);
  const after = await status(second);
  assert.equal(after.nodes[2]!.address, at(fourth));
  for (const node of nodes) assert.equal(await node.stop(), 0);
});

test("cli: whoever finds nobody says what it waits for, and a wrong seed by name", async () => {
  const [port = 0, stranger = 0, nowhere = 0] = await freePorts(3);
  const other = await Running.start([
    ...["start", "--id", "n0", "--listen", at(stranger), "--cluster", "blue"],
  ]);
  const seeds = `${at(stranger)},${at(nowhere)},no-such-name.invalid`;
  const node = Running.watch(words("n2", port, seeds));
  await until("the wrong cluster", () => /seed \S+: .*WRONG_CLUSTER: n\d is of/.test(node.stderr));
  await until("the closed port", () => /seed \S+: .*ECONNREFUSED/.test(node.stderr));
  await until(
    "DNS",
    () => /seed no-such-name.invalid:7400: DNS: .* \(\w+\)/.test(node.stderr),
    15_000,
  );
  await until("waiting", () =>
    /not ready, waiting for n0 \(no address is known yet\), n1 \(no/.test(node.stderr),
  );
  const { nodes } = await status(port);
  const self = nodes.find(({ id }) => id === "n2")!;
  assert.deepEqual(
    self.peers.map(({ id, problem }) => [id, problem]),
    [
      ["n0", "no address is known yet"],
      ["n1", "no address is known yet"],
    ],
  );
  assert.equal(await node.stop(), 0);
  const lines = node.stderr.split("\n").filter((line) => line.includes("WRONG_CLUSTER"));
  assert.equal(lines.length, 1, node.stderr);
  assert.equal(await other.stop(), 0);
});

test("cli: a node with a directory finds its cluster without any seed left", async () => {
  const folder = mkdtempSync(join(tmpdir(), "gramme-seeds-"));
  const [first = 0, second = 0, third = 0, fourth = 0] = await freePorts(4);
  const dir = ["--dir", join(folder, "n2")];
  try {
    const [n0, n1, n2] = await Promise.all([
      Running.start(words("n0", first, at(first))),
      Running.start(words("n1", second, at(first))),
      Running.start(words("n2", third, at(first), dir)),
    ]);
    await untilDone(["put", "key", "value", "-w", "all", "--node", at(first)]);
    assert.equal(await n2.stop(), 0);
    assert.equal(await n0.stop(), 0);
    const env = { GRAMME_PEERS: "n0,n1,n2", GRAMME_SEEDS: at(first) };
    const start = ["start", "--id", "n2", "--listen", at(fourth), ...dir];
    const again = await Running.start(start, env);
    assert.match(again.readyLine, /linked with 1 of 2 peers/);
    const read = await gramme(["get", "key", "--node", at(fourth)]);
    assert.equal(read.stdout, "value\n");
    assert.equal(await again.stop(), 0);
    assert.equal(await n1.stop(), 0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** A cluster that is coming together takes a moment. */
async function untilDone(verb: readonly string[]): Promise<void> {
  for (let tries = 0; ; tries++) {
    const { code, stderr } = await gramme(verb);
    if (code === 0) return;
    assert.ok(tries < 20, stderr);
  }
}
