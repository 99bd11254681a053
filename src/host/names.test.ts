import assert from "node:assert/strict";
import type { LookupAddress } from "node:dns";
import { test } from "node:test";
import { endpointsOf, lookupBy, type NameSource, SystemNames } from "./names.ts";
import { parseSeed, type Seed } from "./seed.ts";
import type { ServiceTarget } from "./service-order.ts";

const HOSTS: Readonly<Record<string, readonly string[]>> = {
  db: ["10.0.0.1", "2001:db8::1"],
  db1: ["10.0.0.1"],
  db2: ["10.0.0.2"],
  none: [],
};
const TARGETS: readonly ServiceTarget[] = [
  { name: "db2", port: 2, priority: 2, weight: 0 },
  { name: "db1", port: 1, priority: 1, weight: 0 },
  { name: "gone", port: 1, priority: 1, weight: 5 },
  { name: "db", port: 1, priority: 3, weight: 0 },
];

const FAKE: NameSource = {
  addresses: (name) => found(HOSTS[name]),
  targets: (name) => found(name === "_gramme._tcp.db" ? TARGETS : undefined),
};

function found<T>(answer: T | undefined): Promise<T> {
  if (answer !== undefined) return Promise.resolve(answer);
  return Promise.reject(Object.assign(new Error("queryA ENOTFOUND"), { code: "ENOTFOUND" }));
}

function seed(text: string): Seed {
  const parsed = parseSeed(text);
  assert.ok(!("problem" in parsed));
  return parsed;
}

async function endpoints(text: string): Promise<readonly string[]> {
  const all = await endpointsOf(seed(text), FAKE, () => 0);
  return all.map(({ host, port }) => `${host} ${port}`);
}

test("names: all addresses of a name, in order; an address is itself", async () => {
  assert.deepEqual(await endpoints("db:9"), ["10.0.0.1 9", "2001:db8::1 9"]);
  assert.deepEqual(await endpoints("[::1]:9"), ["::1 9"]);
  assert.deepEqual(await endpoints("10.9.9.9:9"), ["10.9.9.9 9"]);
});

test("names: a service is its targets in order, each address once, without those that fail", async () => {
  const expected = ["10.0.0.1 1", "10.0.0.2 2", "2001:db8::1 1"];
  assert.deepEqual(await endpoints("srv:_gramme._tcp.db"), expected);
});

test("names: a failure names the name and its code", async () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["nowhere:9", /^DNS: nowhere is not found \(ENOTFOUND\)$/],
    ["none:9", /^DNS: none has no address \(ENODATA\)$/],
    ["srv:_other._tcp.db", /^DNS: _other\._tcp\.db is not found \(ENOTFOUND\)$/],
  ];
  for (const [text, message] of cases) {
    await assert.rejects(endpoints(text), ({ message: said }: Error) => message.test(said));
  }
});

test("names: sockets ask the same source, for one address or for all", async () => {
  const lookup = lookupBy(FAKE);
  const asked = (name: string, all: boolean): Promise<unknown> =>
    new Promise((resolve) => {
      lookup(name, { all }, (error, answer: string | LookupAddress[], family) => {
        resolve(error === null ? [answer, family] : error.message);
      });
    });
  assert.deepEqual(await asked("db", false), ["10.0.0.1", 4]);
  const both = [
    { address: "10.0.0.1", family: 4 },
    { address: "2001:db8::1", family: 6 },
  ];
  assert.deepEqual(await asked("db", true), [both, undefined]);
  assert.equal(await asked("nowhere", true), "DNS: nowhere is not found (ENOTFOUND)");
});

test("names: localhost is known without any server", async () => {
  const names = new SystemNames(["127.0.0.1:1"]);
  assert.ok((await names.addresses("localhost")).includes("127.0.0.1"));
  assert.deepEqual(await names.addresses("db.localhost"), ["127.0.0.1", "::1"]);
});
