import assert from "node:assert/strict";
import { test } from "node:test";
import type { NodeSettings } from "./cluster-settings.ts";
import { checkSettings, firstLayout } from "./cluster-settings.ts";
import { SettingsError } from "./settings-error.ts";

const PEERS = [
  { id: "n2", address: "db2:7411" },
  { id: "n3", address: "db3:7411" },
];
const GOOD: NodeSettings = {
  id: "n1",
  listen: "0.0.0.0:7411",
  advertise: "db1:7411",
  peers: PEERS,
};

test("settings: what is left open has a default", () => {
  const settings = checkSettings({ id: "n1", listen: "127.0.0.1:7411" });
  const { clusterId, replicas, partitions, strategy } = settings;
  assert.deepEqual(
    { clusterId, replicas, partitions, strategy },
    {
      clusterId: "gramme",
      replicas: 1,
      partitions: 256,
      strategy: "balanced",
    },
  );
  assert.equal(checkSettings(GOOD).replicas, 3);
});

test("settings: every node makes the same layout of the same members, in whatever order", () => {
  const orders: NodeSettings[] = [
    GOOD,
    { ...GOOD, peers: [...PEERS].reverse() },
    { ...GOOD, peers: [PEERS[1]!, { id: "n1", address: "db1:7411" }, PEERS[0]!] },
    { id: "n3", listen: "db3:7411", peers: [{ id: "n1", address: "db1:7411" }, PEERS[0]!] },
  ];
  for (const strategy of ["balanced", "ring"] as const) {
    const prints = orders.map((given) =>
      firstLayout(checkSettings({ ...given, strategy })).fingerprint(),
    );
    assert.equal(new Set(prints).size, 1, strategy);
  }
});

test("settings: weight, zone, strategy and virtual nodes reach the layout", () => {
  const zoned = checkSettings({
    ...GOOD,
    weight: 3,
    zone: "a",
    replicas: 1,
    peers: [
      { ...PEERS[0]!, zone: "b" },
      { ...PEERS[1]!, weight: 2, zone: "c" },
    ],
  });
  const layout = firstLayout(zoned);
  assert.deepEqual(
    layout.nodes.map(({ id, weight, zone }) => `${id} ${weight} ${zone}`),
    ["n1 3 a", "n2 1 b", "n3 2 c"],
  );
  const { perNode } = layout.balance();
  const [heavy, light] = [...perNode.values()].map(({ partitions }) => partitions);
  assert.ok(heavy! > 2 * light!, `${heavy} and ${light}`);
  const few = firstLayout(checkSettings({ ...GOOD, strategy: "ring", virtualNodes: 1 }));
  const many = firstLayout(checkSettings({ ...GOOD, strategy: "ring", virtualNodes: 512 }));
  assert.notEqual(few.fingerprint(), many.fingerprint());
});

test("settings: what cannot be is refused with its field, its value and a hint", () => {
  const cases: readonly (readonly [field: string, changes: Record<string, unknown>])[] = [
    ["id", { id: "a b" }],
    ["id", { id: 7 }],
    ["listen", { listen: "nowhere" }],
    ["listen", { listen: undefined }],
    ["advertise", { advertise: "db1:0" }],
    ["advertise", { advertise: "0.0.0.0:7411" }],
    ["listen", { advertise: undefined }],
    ["listen", { advertise: undefined, listen: "127.0.0.1:0" }],
    ["advertise", { peers: [...PEERS, { id: "n1", address: "elsewhere:1" }] }],
    ["peers", { peers: "n2" }],
    ["peers[0].address", { peers: [{ id: "n2", address: "db2" }] }],
    ["peers[0].address", { peers: [{ id: "n2", address: "db2:0" }] }],
    ["peers[0].address", { peers: [{ id: "n2", address: "db1:7411" }] }],
    ["peers[0].address", { peers: [{ id: "n2" }, PEERS[1]] }],
    ["seeds", { seeds: "db1" }],
    ["seeds", { seeds: Array.from({ length: 65 }, (_, index) => `db${index}`) }],
    ["seeds[0]", { seeds: ["db1:0"] }],
    ["seeds[1]", { seeds: ["db1", "srv:"] }],
    ["peers[0].id", { peers: [{ id: "", address: "db2:1" }] }],
    ["peers[1].id", { peers: [PEERS[0], PEERS[0]] }],
    ["peers[0].port", { peers: [{ ...PEERS[0], port: 1 }] }],
    ["peers[0].weight", { peers: [{ ...PEERS[0], weight: 0 }] }],
    ["peers[0].zone", { peers: [{ ...PEERS[0], zone: "a b" }] }],
    ["weight", { weight: 1.5 }],
    ["zone", { zone: "/" }],
    ["clusterId", { clusterId: "a/b" }],
    ["secret", { secret: "short" }],
    ["replicas", { replicas: 4 }],
    ["replicas", { replicas: 0 }],
    ["replicas", { replicas: 17 }],
    ["partitions", { partitions: 100 }],
    ["strategy", { strategy: "best" }],
    ["virtualNodes", { virtualNodes: 8 }],
    ["virtualNodes", { strategy: "ring", virtualNodes: 0 }],
    ["config.r", { config: { r: 0 } }],
    ["config.quorum", { config: { quorum: 2 } }],
    ["config.valueBytesMax", { config: { valueBytesMax: -1 } }],
    ["limits.drainMs", { limits: { drainMs: -1 } }],
    ["limits.drain", { limits: { drain: 1 } }],
    ["limits.redialMsMin", { limits: { redialMsMin: 5_000 } }],
    ["limits.frameBytesMax", { limits: { frameBytesMax: 1024 * 1024 } }],
    ["port", { port: 7411 }],
  ];
  for (const [field, changes] of cases) {
    assert.throws(
      () => checkSettings({ ...GOOD, ...changes }),
      (error) => {
        assert.ok(error instanceof SettingsError, `${field}: ${String(error)}`);
        assert.equal(error.field, field);
        assert.ok(error.hint.length > 0 && error.message.startsWith(field));
        return true;
      },
    );
  }
});

test("settings: a refused secret is not shown", () => {
  assert.throws(
    () => checkSettings({ ...GOOD, secret: "hunter2" }),
    (error) => error instanceof SettingsError && !JSON.stringify(error).includes("hunter2"),
  );
});

test("settings: with seeds, members need no address, and a node may find its port", () => {
  const named = [{ id: "n1" }, { id: "n2" }, { id: "n3", zone: "b" }];
  const seeds = ["db1", "db2:7400", "db1:7400", "srv:_gramme._tcp.example.com"];
  const settings = checkSettings({ id: "n1", listen: "127.0.0.1:0", peers: named, seeds });
  assert.deepEqual(settings.seeds, ["db1:7400", "db2:7400", "srv:_gramme._tcp.example.com"]);
  assert.deepEqual(
    settings.members.map(({ id, address }) => [id, address]),
    [
      ["n1", "127.0.0.1:0"],
      ["n2", ""],
      ["n3", ""],
    ],
  );
  const placed = PEERS.map((peer) => (peer.id === "n3" ? { ...peer, zone: "b" } : peer));
  const print = firstLayout(settings).fingerprint();
  assert.equal(firstLayout(checkSettings({ ...GOOD, peers: placed })).fingerprint(), print);
});
