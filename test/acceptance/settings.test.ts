/**
 * What users may count on of who a node is and what it is told: identity, addresses, and settings
 * that cannot be.
 */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { GrammeError, open, type NodeConfig, type OpenOptions } from "gramme";
import { DEFAULT_CONFIG } from "#src/core/config.ts";
import { STORAGE_DEFAULTS } from "#src/disk/storage-settings.ts";
import { DEFAULT_LIMITS } from "#src/host/host-limits.ts";
import { gramme, grammeJson, Running } from "../support/cli.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";
import { at, freePorts } from "../support/ports.ts";

interface Status {
  readonly nodes: readonly {
    readonly id: string;
    readonly address: string;
    readonly state: string;
    readonly generation: number;
  }[];
}

interface Inspected {
  readonly identity: {
    readonly nodeId: string;
    readonly clusterId: string;
    readonly actor: string;
    readonly generation: number;
  };
}

const RESERVE = ["--set", "storage.reserveBytes=65536"];

async function identityIn(dir: string): Promise<Inspected["identity"]> {
  return ((await grammeJson(["inspect", dir])) as unknown as Inspected).identity;
}

test("acceptance 11: a node is the same after a restart, advertises what it is told, finds seeds by name", async () => {
  const root = mkdtempSync(join(tmpdir(), "gramme-acceptance-"));
  const [outside = 0, first = 0, second = 0, third = 0] = await freePorts(4);
  // Nobody can dial n0 where it listens, as far as anybody is told: a proxy stands before it.
  const proxy = await TcpProxy.start(outside, first);
  const words = (id: string, listen: number, advertise: number): string[] => {
    const members = ["--peers", "n0,n1,n2", "--seeds", `localhost:${outside}`];
    const where = ["--listen", at(listen), "--advertise", `localhost:${advertise}`];
    return ["start", "--id", id, ...where, ...members, "--dir", join(root, id), ...RESERVE];
  };
  const ports = [first, second, third];
  const start = (index: number): Promise<Running> =>
    Running.start(words(`n${index}`, ports[index]!, index === 0 ? outside : ports[index]!));
  const nodes = await Promise.all([start(0), start(1), start(2)]);
  try {
    const put = ["put", "key", "value", "-w", "all", "--node", `localhost:${outside}`];
    const stored = await gramme([...put, "--timeout", "20000"]);
    assert.equal(stored.code, 0, stored.stderr);
    assert.match(nodes[0].stdout, new RegExp(`listening n0 at ${at(first)}`));
    const before = (await grammeJson(["status", "--node", at(second)])) as unknown as Status;
    assert.deepEqual(
      before.nodes.map(({ id, address, state }) => [id, address, state]),
      [outside, second, third].map((port, index) => [`n${index}`, `localhost:${port}`, "up"]),
    );
    assert.ok(proxy.dialCount > 0, "who dials n0 comes through its advertised address");

    await nodes[2].stop();
    const known = await identityIn(join(root, "n2"));
    nodes[2] = await start(2);
    await nodes[2].stop("SIGKILL");
    const again = await identityIn(join(root, "n2"));
    assert.deepEqual(
      [again.nodeId, again.clusterId, again.actor],
      [known.nodeId, known.clusterId, known.actor],
    );
    assert.ok(again.generation > known.generation);
  } finally {
    await Promise.all(nodes.map((node) => node.stop("SIGKILL")));
    proxy.close();
    rmSync(root, { recursive: true });
  }
});

test("acceptance 14: a setting that cannot be stops the process, by name, before it did anything", async () => {
  const root = mkdtempSync(join(tmpdir(), "gramme-acceptance-"));
  const [port = 0] = await freePorts(1);
  const wrong: readonly (readonly [words: string, complaint: RegExp])[] = [
    ["--set config.inFlightMax=0", /config\.inFlightMax.*\(got 0\)/],
    ["--set limits.drainMs=-1", /limits\.drainMs.*\(got -1\)/],
    ["--set storage.segmentBytes=1", /storage\.segmentBytes.*\(got 1\)/],
    ["--set config.no=1", /config\.no/],
    ["--w 2", /config\.w: a key has 1 owner \(got 2\)/],
    ["--engine lmdb --sync never", /storage\.sync.*lmdb/],
    ["--advertise 0.0.0.0:7400", /advertise.*0\.0\.0\.0/],
    ["--peers n1=127.0.0.1:1 --partitions 3", /partitions.*3/],
    ["--no-such-flag", /no-such-flag/],
  ];
  try {
    for (const [index, [words, complaint]] of wrong.entries()) {
      const dir = join(root, `${index}`);
      const where = ["start", "--id", "n0", "--listen", at(port), "--dir", dir];
      const { code, stdout, stderr } = await gramme([...where, ...words.split(" ")]);
      assert.match(stderr, complaint);
      assert.deepEqual([code, stdout], [2, ""], words);
      assert.equal(existsSync(dir), false, `${words}: it made its directory`);
      assert.equal(await isListening(port), false, words);
    }
  } finally {
    rmSync(root, { recursive: true });
  }
});

test("acceptance 14: every setting has values that cannot be, and is refused with its name", async () => {
  const dir = join(tmpdir(), `gramme-acceptance-${process.pid}-never-made`);
  const node = { id: "n0", listen: "127.0.0.1:0" };
  const never = (text: string): never => text as never;
  const config = Object.keys(DEFAULT_CONFIG).map((field): [string, OpenOptions] => {
    const given: Partial<NodeConfig> = { [field]: never("perhaps") };
    return [`config.${field}`, { memory: true, config: given }];
  });
  const limits = Object.keys(DEFAULT_LIMITS).map((field): [string, OpenOptions] => {
    return [`limits.${field}`, { node: { ...node, limits: { [field]: never("perhaps") } } }];
  });
  const storage = Object.keys(STORAGE_DEFAULTS).map((field): [string, OpenOptions] => {
    return [`storage.${field}`, { dir, [field]: never("perhaps") }];
  });
  const unknown: [string, OpenOptions][] = [
    ["config.quickly", { memory: true, config: { quickly: 1 } as never }],
    ["limits.quickly", { node: { ...node, limits: { quickly: 1 } as never } }],
    ["storage.quickly", never({ dir, quickly: 1 } as never)],
    ["quickly", { node: { ...node, quickly: 1 } as never }],
  ];
  for (const [name, options] of [...config, ...limits, ...storage, ...unknown]) {
    const refused: unknown = await open(options).then(
      async (store) => {
        await store.close();
        return undefined;
      },
      (error: unknown) => error,
    );
    assert.ok(GrammeError.is(refused, "INVALID_ARGUMENT"), `${name}: ${String(refused)}`);
    assert.ok(refused.message.includes(name), refused.message);
  }
  assert.equal(existsSync(dir), false);
});

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: "127.0.0.1", port });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
