/**
 * Nodes that know the names of the others and some seeds, over real sockets: who finds whom, who is
 * refused, and what is told when nobody is found.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { RemoteClient } from "#src/client/remote-client.ts";
import { nodeId } from "#src/core/ring/node-id.ts";
import type { NodeSettings } from "#src/host/cluster-settings.ts";
import type { HostFact } from "#src/host/host-fact.ts";
import type { NameSource } from "#src/host/names.ts";
import type { ServiceTarget } from "#src/host/service-order.ts";
import { type RunningNode, startNode } from "#src/host/start-node.ts";
import { get, put, QUICK_LIMITS, until } from "../support/local-cluster.ts";
import { at, freePorts } from "../support/ports.ts";

const NAMES = ["n1", "n2", "n3"];
const VALUE = Uint8Array.of(1, 2, 3);

/** What a test says names mean; it may say something else later. */
class ToldNames implements NameSource {
  readonly hosts: Map<string, readonly string[]> = new Map();
  readonly services: Map<string, readonly ServiceTarget[]> = new Map();

  addresses(name: string): Promise<readonly string[]> {
    return told(this.hosts.get(name));
  }

  targets(service: string): Promise<readonly ServiceTarget[]> {
    return told(this.services.get(service));
  }
}

function told<T>(answer: T | undefined): Promise<T> {
  if (answer !== undefined) return Promise.resolve(answer);
  return Promise.reject(Object.assign(new Error("queryA"), { code: "ENOTFOUND" }));
}

class Started {
  readonly node: RunningNode;
  readonly facts: HostFact[];

  constructor(node: RunningNode, facts: HostFact[]) {
    this.node = node;
    this.facts = facts;
  }

  get address(): string {
    return this.node.address;
  }

  /** The ids of those it is connected with. */
  get links(): readonly string[] {
    const linked = this.node.status().peers.filter(({ state }) => state === "linked");
    return linked.map(({ id }) => id);
  }

  problem(peer: string): string {
    return this.node.status().peers.find(({ id }) => id === peer)!.problem;
  }

  seedProblems(): readonly string[] {
    return this.facts.flatMap((fact) => (fact.kind === "seed-asked" ? [fact.problem] : []));
  }

  refusals(): readonly string[] {
    return this.facts.flatMap((fact) => (fact.kind === "connection-refused" ? [fact.message] : []));
  }
}

interface Given {
  readonly seeds: readonly string[];
  readonly listen?: string;
  readonly names?: NameSource;
  readonly settings?: Partial<NodeSettings>;
}

async function start(id: string, { seeds, listen, names, settings }: Given): Promise<Started> {
  const facts: HostFact[] = [];
  const node = await startNode(
    {
      id,
      listen: listen ?? at(0),
      peers: NAMES.map((name) => ({ id: name })),
      seeds,
      limits: QUICK_LIMITS,
      ...settings,
    },
    { onFact: (fact) => facts.push(fact), ...(names === undefined ? {} : { names }) },
  );
  return new Started(node, facts);
}

async function whole(nodes: readonly Started[]): Promise<void> {
  for (const { node } of nodes) {
    assert.ok(await node.linked(20_000), JSON.stringify(node.status().peers));
  }
}

async function stop(nodes: readonly Started[]): Promise<void> {
  await Promise.all(nodes.map(({ node }) => node.stop()));
}

test("seeds: three nodes, two with one seed each, are one cluster", async () => {
  const [port = 0] = await freePorts(1);
  const n3 = await start("n3", { seeds: [at(port)], listen: at(port) });
  const n1 = await start("n1", { seeds: [n3.address] });
  const n2 = await start("n2", { seeds: [n1.address] });
  await whole([n1, n2, n3]);
  await put(n1.node.host, "a", VALUE);
  assert.deepEqual(await get(n3.node.host, "a"), VALUE);
  assert.deepEqual(n3.refusals(), [], "a node that finds itself at its seed says nothing of it");
  await stop([n1, n2, n3]);
});

test("seeds: whoever asks with the larger id is dialled by the one it found", async () => {
  const [port = 0] = await freePorts(1);
  const n1 = await start("n1", { seeds: [at(port)], listen: at(port) });
  const n2 = await start("n2", { seeds: [at(port)] });
  const n3 = await start("n3", { seeds: [at(port)] });
  await whole([n1, n2, n3]);
  assert.equal(n1.facts.filter(({ kind }) => kind === "link-closed").length, 0);
  await stop([n1, n2, n3]);
});

test("seeds: nodes that start before their seeds find them", async () => {
  const [port = 0] = await freePorts(1);
  const n2 = await start("n2", { seeds: [at(port)] });
  const n3 = await start("n3", { seeds: [at(port)] });
  await until("asked", () => n2.seedProblems().length > 0);
  assert.match(n2.seedProblems()[0]!, /ECONNREFUSED/);
  assert.equal(n2.problem("n3"), "no address is known yet");
  const n1 = await start("n1", { seeds: [at(port)], listen: at(port) });
  await whole([n1, n2, n3]);
  assert.deepEqual(n2.seedProblems().slice(1), [""]);
  await stop([n1, n2, n3]);
});

test("seeds: a seed may go after the first contact", async () => {
  const [port = 0] = await freePorts(1);
  const n1 = await start("n1", { seeds: [at(port)], listen: at(port) });
  const n2 = await start("n2", { seeds: [at(port)] });
  const n3 = await start("n3", { seeds: [at(port)] });
  await whole([n1, n2, n3]);
  await stop([n1]);
  await until("alone", () => n2.links.length === 1 && n3.links.length === 1);
  assert.deepEqual([n2.links, n3.links], [["n3"], ["n2"]]);
  await put(n2.node.host, "a", VALUE);
  await stop([n2, n3]);
});

test("seeds: a member that comes back under another address is followed", async () => {
  const [port = 0] = await freePorts(1);
  const n2 = await start("n2", { seeds: [at(port)], listen: at(port) });
  const others = [
    await start("n1", { seeds: [at(port)] }),
    await start("n3", { seeds: [at(port)] }),
  ];
  await whole([n2, ...others]);
  for (const [index, id] of ["n1", "n3"].entries()) {
    const before = others[index]!;
    await stop([before]);
    await until("lost", () => n2.links.length === 1);
    const [elsewhere = 0] = await freePorts(1);
    others[index] = await start(id, { seeds: [at(port)], listen: at(elsewhere) });
    assert.notEqual(others[index].address, before.address);
    await whole([n2, ...others]);
  }
  await stop([n2, ...others]);
});

test("seeds: a client is told where a member is now", async () => {
  const [port = 0] = await freePorts(1);
  const n1 = await start("n1", { seeds: [at(port)], listen: at(port) });
  const n2 = await start("n2", { seeds: [at(port)] });
  const client = await RemoteClient.connect([n1.address], { redialMsMin: 5, redialMsMax: 50 });
  const n3 = await start("n3", { seeds: [at(port)] });
  await whole([n1, n2, n3]);
  const answers = async (): Promise<string> => {
    for (let tries = 0; tries < 1_000; tries++) {
      const status = await client.status(nodeId("n3"));
      if (!("kind" in status)) return status.address;
      await new Promise((next) => setTimeout(next, 10));
    }
    return "never";
  };
  assert.equal(await answers(), n3.address);
  await stop([n3]);
  const again = await start("n3", { seeds: [at(port)] });
  await whole([n1, n2, again]);
  assert.notEqual(again.address, n3.address);
  assert.equal(await answers(), again.address);
  await client.close();
  await stop([n1, n2, again]);
});

test("seeds: the given address of a member that has moved is only where it was", async () => {
  const ports = await freePorts(4);
  const peers = NAMES.map((id, index) => ({ id, address: at(ports[index]!) }));
  const settings = { peers };
  const at0 = (index: number): Given => ({ seeds: [], listen: at(ports[index]!), settings });
  const [n1, n2, n3] = [
    await start("n1", at0(0)),
    await start("n2", at0(1)),
    await start("n3", at0(2)),
  ];
  await whole([n1, n2, n3]);
  await stop([n3]);
  const moved = peers.map((peer) =>
    peer.id === "n3" ? { id: "n3", address: at(ports[3]!) } : peer,
  );
  const again = await start("n3", { seeds: [], listen: at(ports[3]!), settings: { peers: moved } });
  await whole([n1, n2, again]);
  await stop([n1, n2, again]);
});

test("seeds: a durable node finds its cluster again when all seeds are gone", async () => {
  const folder = mkdtempSync(join(tmpdir(), "gramme-seeds-"));
  try {
    const [port = 0, second = 0] = await freePorts(2);
    const n1 = await start("n1", { seeds: [at(port)], listen: at(port) });
    const n2 = await start("n2", { seeds: [at(port)], listen: at(second) });
    const durable: Given = {
      seeds: [at(port)],
      settings: { storage: { dir: join(folder, "n3") } },
    };
    const n3 = await start("n3", durable);
    await whole([n1, n2, n3]);
    await stop([n3]);
    await stop([n1]);
    // Elsewhere than before: nobody could dial it who was not told.
    const again = await start("n3", durable);
    await until("found", () => again.links.includes("n2"));
    await stop([n2, again]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("seeds: of another cluster is refused by name, and the others go on", async () => {
  const stranger = await startNode({ id: "n1", listen: at(0), clusterId: "blue" });
  const [port = 0] = await freePorts(1);
  const n2 = await start("n2", { seeds: [at(port)], listen: at(port) });
  const n3 = await start("n3", { seeds: [stranger.address, n2.address] });
  await until("linked", () => n3.links.includes("n2"));
  await until("refused", () => n3.refusals().length > 0);
  assert.match(n3.refusals()[0]!, /^n[13] is of cluster (gramme|blue), n[13] of (gramme|blue)$/);
  assert.match(n3.seedProblems().join(), /WRONG_CLUSTER: n[13] is of cluster/);
  await stranger.stop();
  await stop([n2, n3]);
});

test("seeds: a node of no layout, and a second one of an id, are refused by name", async () => {
  const [port = 0] = await freePorts(1);
  const n1 = await start("n1", { seeds: [at(port)], listen: at(port) });
  const settings = { peers: [{ id: "n2" }, { id: "n3" }] };
  const twin = await start("n1", { seeds: [at(port)] });
  await until("twin refused", () => twin.refusals().length > 0);
  assert.match(twin.refusals()[0]!, /two nodes call themselves n1: generation \d+ at \S+ and/);
  const n4 = await start("n4", { seeds: [at(port)], settings });
  await until("n4 refused", () => n4.refusals().length > 0);
  assert.match(n4.refusals()[0]!, /n1/);
  assert.match(n4.refusals()[0]!, /n4/);
  await stop([n1, twin, n4]);
});

test("seeds: all addresses of a name are tried in turn, a service by its ports", async () => {
  const names = new ToldNames();
  const [port = 0, shut = 0] = await freePorts(2);
  const seeds = ["srv:_gramme._tcp.db", `db:${port}`];
  const n1 = await start("n1", { seeds: [`db:${port}`], listen: at(port), names });
  const n2 = await start("n2", { seeds, names });
  await until("not found", () => n2.seedProblems().length === 2);
  assert.deepEqual(n2.seedProblems().toSorted(), [
    "DNS: _gramme._tcp.db is not found (ENOTFOUND)",
    "DNS: db is not found (ENOTFOUND)",
  ]);
  names.hosts.set("db", ["127.0.0.2", "127.0.0.1"]);
  await until("linked", () => n2.links.includes("n1"));
  names.services.set("_gramme._tcp.db", [
    { name: "db", port: shut, priority: 1, weight: 1 },
    { name: "db", port, priority: 2, weight: 1 },
  ]);
  const n3 = await start("n3", { seeds: ["srv:_gramme._tcp.db"], names });
  await whole([n1, n2, n3]);
  assert.match(n3.seedProblems()[0]!, /ECONNREFUSED/);
  await stop([n1, n2, n3]);
});
