/** Effects of settings and flags that no other test shows. */
import assert from "node:assert/strict";
import fs, { mkdtempSync, rmSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { GrammeError, open, text } from "gramme";
import { Simulation } from "#src/sim/simulation.ts";
import { Dev, gramme } from "../support/cli.ts";
import { until } from "../support/local-cluster.ts";
import { at, freePorts } from "../support/ports.ts";

const MIB = 1024 * 1024;

test("acceptance 13: flags of requests do what they say, with one of three owners left", async () => {
  const dev = await Dev.start(["--memory"]);
  try {
    const run = async (words: string): Promise<string> => {
      const { code, stdout } = await dev.run(words.split(" "));
      return `${code} ${stdout}`;
    };
    await run("put key value -w all");
    await run("put key other --bucket two -w all");
    await Promise.all([dev.killNode("n1"), dev.killNode("n2")]);
    const { stderr } = dev.running;
    await until("both are missed", () => dev.running.stderr.length > stderr.length);
    const alone: readonly (readonly [verb: string, done: RegExp, refused: readonly string[]])[] = [
      ["put new value -w 1", /^0/, ["-w 2", "--pw 2", "--session"]],
      ["batch new value -w 1", /^0/, ["-w 2", "--pw 2", "--session"]],
      ["get key -r 1", /^0 value/, ["-r 2", "--pr 2", "--session"]],
      ["delete new -r 1 -w 1", /^0/, ["-r 2", "-w 2", "--pr 2", "--session"]],
    ];
    for (const [verb, done, refused] of alone) {
      assert.match(await run(verb), done, verb);
      const answers = await Promise.all(refused.map((flag) => run(`${verb} ${flag}`)));
      for (const [each, answer] of answers.entries()) {
        assert.match(answer, /^3/, `${verb} ${refused[each]!}`);
      }
      const usual = verb.replaceAll(/ -[rw] 1/g, "");
      assert.match(await run(usual), /^3/, usual);
      assert.match(await run(`${usual} --consistency one`), done, usual);
    }
    assert.match(await run("get key --bucket two -r 1"), /^0 other/);
    assert.match(await run("delete key --bucket two -r 1 -w 1"), /^0/);
    assert.match(await run("get key --bucket two -r 1"), /^1/);
    assert.match(await run("batch key third --bucket two -w 1"), /^0/);
    assert.match(await run("get key --bucket two -r 1"), /^0 third/);
    assert.match(await run("get key -r 1"), /^0 value/);

    // Each of two blind puts beside each other; a deletion by the one's context leaves the other.
    await run("batch side one --mode siblings -w 1");
    const seen = JSON.parse((await run("get side -r 1 --json")).slice(2)) as { context: string };
    await run("batch side two --mode siblings -w 1");
    assert.match(await run("get side -r 1 --mode siblings"), /^0 two\none/);
    assert.match(await run("get side -r 1 --mode lww"), /^0 two\n$/);
    await run(`delete side -r 1 -w 1 --context ${seen.context}`);
    assert.match(await run("get side -r 1"), /^0 two\n$/);
  } finally {
    await dev.stop();
  }
});

test("acceptance 13: flags of bench choose what is done, how, and to whom", async () => {
  const dev = await Dev.start(["--memory"]);
  const short = ["--seconds", "1", "--warm-up", "0", "--keys", "10"];
  const failures = async (words: string): Promise<number> => {
    const flags = [...short, "--value-bytes", "5000", ...words.split(" ")];
    const { stdout } = await dev.run(["bench", "--json", ...flags]);
    const told = JSON.parse(stdout) as { readonly failures: object };
    return Object.keys(told.failures).length;
  };
  try {
    assert.equal(await failures("--operation put"), 0);
    const { nodes } = (await dev.json(["status"])) as { nodes: { keys: number; bytes: number }[] };
    assert.ok(nodes[0]!.bytes >= 50_000 && nodes[0]!.keys < 20, "ten keys of 5,000 bytes");
    await Promise.all([dev.killNode("n1"), dev.killNode("n2")]);
    assert.equal(await failures("--operation put --r 2 --w 1"), 0);
    assert.equal(await failures("--operation put --r 1 --w 2"), 1);
    assert.equal(await failures("--operation get --r 2 --w 1"), 1);
  } finally {
    await dev.stop();
  }
  const own = await gramme(["bench", "--self", ...short, "--json"]);
  assert.equal(own.code, 0, own.stderr);
  assert.ok((JSON.parse(own.stdout) as { operationsPerSecond: number }).operationsPerSecond > 0);
});

test("acceptance 13: --timeout bounds the waiting for who is silent, whatever the verb", async () => {
  const silent = createServer(() => {});
  const [port = 0] = await freePorts(1);
  await new Promise<void>((resolve) => silent.listen({ host: "127.0.0.1", port }, resolve));
  const verbs = ["put k v", "get k", "delete k", "batch k v", "status", "ring", "hints"];
  const others = ["repair", "bench", `backup ${join(tmpdir(), "gramme-never-made")}`];
  try {
    for (const verb of [...verbs, ...others]) {
      const words = [...verb.split(" "), "--node", at(port), "--timeout", "50"];
      const { code, stderr } = await gramme(words);
      assert.equal(code, 3, `${verb}: ${stderr}`);
      assert.match(stderr, /no answer in time/, verb);
    }
    const { stderr } = await gramme(["get", "k", "--node", at(port), "--timeout", "0"]);
    assert.match(stderr, /--timeout/);
  } finally {
    silent.close();
  }
});

test("acceptance 13: flags of sim choose how large and how long a run is", async () => {
  const sim = async (words: string): Promise<string> =>
    (await gramme(["sim", "--seed", "3", ...words.split(" ")])).stdout;
  assert.match(await sim("--nodes 4 --virtual-seconds 1 --trace"), /\bn4\b/);
  assert.doesNotMatch(await sim("--nodes 3 --virtual-seconds 1 --trace"), /\bn4\b/);
  const operations = async (seconds: number): Promise<number> => {
    const told = await sim(`--nodes 3 --virtual-seconds ${seconds} --json`);
    return (JSON.parse(told) as { operations: { ok: number } }).operations.ok;
  };
  assert.ok((await operations(1)) < (await operations(4)));
});

test("acceptance 13: recordBytesMax bounds all siblings of a key together", async () => {
  await using store = await open({ memory: true, config: { recordBytesMax: 2_000 } });
  const bucket = store.bucket("siblings", text, { mode: "siblings" });
  for (let i = 0; i < 2; i++) await bucket.put("key", "x".repeat(900));
  await assert.rejects(bucket.put("key", "x".repeat(900)), (error) =>
    GrammeError.is(error, "TOO_MANY_SIBLINGS"),
  );
  await bucket.put("key", "x");
});

test("acceptance 13: standInAfterMs is how long a silent owner is waited for", () => {
  for (const [standInAfterMs, asked] of [
    [100, true],
    [900, false],
  ] as const) {
    const sim = new Simulation({ seed: 1, nodes: 5, replicas: 3, config: { standInAfterMs } });
    sim.runFor(200);
    for (const node of sim.nodes) sim.node(node).slowDisk(5_000);
    sim.client("c").put("key", "value");
    sim.runFor(500);
    assert.equal(sim.factCount("stand-in-asked") > 0, asked, `${standInAfterMs}`);
  }
});

test("acceptance 13: recentBytes of the log are read without the disk", async (t) => {
  const read = t.mock.method(fs, "readSync");
  syncBuiltinESMExports();
  try {
    for (const [recentBytes, isRead] of [
      [64 * MIB, false],
      [65_536, true],
    ] as const) {
      const dir = mkdtempSync(join(tmpdir(), "gramme-acceptance-"));
      t.after(() => rmSync(dir, { recursive: true }));
      const store = await open({ dir, recentBytes, reserveBytes: 65_536, sync: "never" });
      for (let i = 0; i < 100; i++) await store.put(`${i}`, "x".repeat(50_000));
      const before = read.mock.callCount();
      for (let i = 0; i < 100; i++) await store.get(`${i}`);
      assert.equal(read.mock.callCount() > before, isRead, `${recentBytes}`);
      await store.close();
    }
  } finally {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  }
});

test("acceptance 13: redialMsMin and redialMsMax are how often a lost peer is dialled", async () => {
  for (const [redialMsMin, redialMsMax] of [
    [5, 10],
    [5, 600_000],
    [60_000, 60_000],
  ] as const) {
    const [own = 0, port = 0] = await freePorts(2);
    let dials = 0;
    const refusing = createServer((socket) => {
      dials += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => refusing.listen({ host: "127.0.0.1", port }, resolve));
    const peers = [{ id: "n2", address: at(port) }];
    const limits = { redialMsMin, redialMsMax };
    const node = { id: "n1", listen: at(own), peers, limits };
    const store = await open({ node, linkTimeoutMs: 500 });
    if (redialMsMax === 10) await until("it dials again and again", () => dials >= 40);
    // Each wait is from a range twice as wide: half a second holds a few of them.
    else assert.ok(redialMsMin === 5 ? dials >= 2 && dials < 40 : dials <= 2, `${dials} dials`);
    await store.close();
    refusing.close();
  }
});
