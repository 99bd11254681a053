/** What names mean, by a name server that is really asked. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { endpointsOf, SystemNames } from "#src/host/names.ts";
import { startNode } from "#src/host/start-node.ts";
import { DnsServer } from "../support/dns-server.ts";
import { QUICK_LIMITS } from "../support/local-cluster.ts";
import { at, freePorts } from "../support/ports.ts";

const SERVICE = "_gramme._tcp.example.test";

test("names: addresses and services of a real name server, asked anew each time", async () => {
  const server = await DnsServer.start();
  const names = new SystemNames([server.address]);
  server.hosts.set("db.example.test", ["10.0.0.1", "10.0.0.2"]);
  const addresses = await names.addresses("db.example.test");
  assert.deepEqual(addresses.toSorted(), ["10.0.0.1", "10.0.0.2"]);
  server.hosts.set("db.example.test", ["10.0.0.3"]);
  assert.deepEqual(await names.addresses("db.example.test"), ["10.0.0.3"]);
  server.services.set(SERVICE, [
    { name: "db.example.test", port: 2, priority: 2, weight: 0 },
    { name: "db.example.test", port: 1, priority: 1, weight: 7 },
  ]);
  const endpoints = await endpointsOf({ kind: "service", name: SERVICE }, names, () => 0);
  assert.deepEqual(endpoints, [
    { host: "10.0.0.3", port: 1 },
    { host: "10.0.0.3", port: 2 },
  ]);
  await assert.rejects(names.addresses("other.example.test"), { code: "ENOTFOUND" });
  server.close();
});

test("names: a server that is silent costs a few seconds, and stalls nothing", async () => {
  const server = await DnsServer.start();
  server.isSilent = true;
  const names = new SystemNames([server.address]);
  const began = performance.now();
  const asked = Array.from({ length: 16 }, (_, index) =>
    assert.rejects(names.addresses(`db${index}.example.test`), { code: "ETIMEOUT" }),
  );
  // Four threads read files for the whole process: none of them may wait for a name.
  await Promise.all(Array.from({ length: 8 }, () => readFile(import.meta.filename)));
  assert.ok(performance.now() - began < 1_000, "files are read meanwhile");
  await Promise.all(asked);
  assert.ok(performance.now() - began < 4_000, "and the names are given up in time");
  assert.ok(server.askedCount >= 16);
  server.close();
});

test("names: three nodes that know one service find each other", async () => {
  const server = await DnsServer.start();
  const ports = await freePorts(3);
  const ids = ["n1", "n2", "n3"];
  server.hosts.set("db.example.test", ["127.0.0.1"]);
  server.services.set(
    SERVICE,
    ports.map((port, index) => ({ name: "db.example.test", port, priority: index, weight: 1 })),
  );
  const nodes = await Promise.all(
    ids.map((id, index) =>
      startNode(
        {
          id,
          listen: at(ports[index]!),
          advertise: `db.example.test:${ports[index]}`,
          peers: ids.map((peer) => ({ id: peer })),
          seeds: [`srv:${SERVICE}`],
          limits: QUICK_LIMITS,
        },
        { names: new SystemNames([server.address]) },
      ),
    ),
  );
  for (const node of nodes) assert.ok(await node.linked(15_000), node.host.id);
  await Promise.all(nodes.map((node) => node.stop()));
  server.close();
});
