/** The verbs of the command line against a cluster of three processes. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { connect, text } from "gramme/client";
import { Dev, gramme } from "../support/cli.ts";

let dev: Dev;
before(async () => {
  dev = await Dev.start();
});
after(async () => dev.stop());

test("cli: dev says on one line that it is ready, and where", () => {
  assert.equal(dev.running.readyLine, `ready 3 nodes at ${dev.addresses.join(" ")}`);
  assert.equal(dev.running.stdout.match(/^ready /gm)?.length, 1);
});

test("cli: put, get, delete", async () => {
  const stored = await dev.run(["put", "greeting", "hello"]);
  assert.match(stored.stdout, /^stored, held by n\d n\d.* \(needed 2\)\n$/);
  assert.deepEqual(await dev.run(["get", "greeting"]), { code: 0, stdout: "hello\n", stderr: "" });
  assert.match((await dev.run(["delete", "greeting"])).stdout, /^deleted/);
  const gone = await dev.run(["get", "greeting"]);
  assert.deepEqual(gone, { code: 1, stdout: "", stderr: "not found\n" });
  const again = await dev.run(["delete", "greeting"]);
  assert.deepEqual(again, { code: 0, stdout: "nothing was there\n", stderr: "" });
});

test("cli: a put with --ttl is gone when its time is over", async () => {
  await dev.run(["put", "brief", "v", "--ttl", "1ms"]);
  await dev.run(["put", "long", "v", "--ttl", "1.5h"]);
  while ((await dev.run(["get", "brief"])).code === 0) {}
  assert.equal((await dev.run(["get", "long"])).stdout, "v\n");
  for (const time of ["0s", "5", "-1s", "1y", "40000d"]) {
    const { code, stderr } = await dev.run(["put", "long", "v", "--ttl", time]);
    assert.equal(code, 2, time);
    assert.match(stderr, /a time from 1ms to 36525d/);
  }
});

test("cli: what a put tells in JSON", async () => {
  const put = await dev.json(["put", "told", "v"]);
  assert.deepEqual(Object.keys(put), ["key", "stored", "context", "receipt", "elapsedMs"]);
  assert.equal(put["stored"], true);
  const receipt = put["receipt"] as { needed: number; held: string[]; answered: string[] };
  assert.equal(receipt.needed, 2);
  assert.ok(receipt.held.length >= 2, receipt.held.join());
  for (const id of [...receipt.held, ...receipt.answered]) assert.match(id, /^n[012]$/);
});

test("cli: what a get tells in JSON, found and not", async () => {
  await dev.json(["put", "told", "v"]);
  const found = await dev.json(["get", "told"]);
  const fields = "key found value values siblings encoding context receipt elapsedMs".split(" ");
  assert.deepEqual(Object.keys(found), fields);
  assert.deepEqual(
    { ...found, context: "", receipt: "", elapsedMs: 0 },
    {
      key: "told",
      found: true,
      value: "v",
      values: ["v"],
      siblings: 1,
      encoding: "utf8",
      context: "",
      receipt: "",
      elapsedMs: 0,
    },
  );
  const { code, stdout } = await dev.run(["get", "never", "--json"]);
  const missing = JSON.parse(stdout) as Record<string, unknown>;
  assert.equal(code, 1);
  assert.deepEqual(Object.keys(missing), fields);
  assert.equal(missing["found"], false);
  assert.equal(missing["value"], null);
  assert.ok((missing["elapsedMs"] as number) < 500, "a missing key is a quick answer");
});

test("cli: a delete in JSON says whether anything was there", async () => {
  await dev.json(["put", "short-lived", "v"]);
  assert.equal((await dev.json(["delete", "short-lived"]))["existed"], true);
  assert.equal((await dev.json(["delete", "short-lived"]))["existed"], false);
});

test("cli: an empty value is a value", async () => {
  await dev.json(["put", "empty", ""]);
  assert.deepEqual(await dev.run(["get", "empty"]), { code: 0, stdout: "\n", stderr: "" });
  const found = await dev.json(["get", "empty"]);
  assert.equal(found["found"], true);
  assert.equal(found["value"], "");
});

test("cli: a value from stdin may be any bytes", async () => {
  const bytes = new Uint8Array([0xff, 0, 0xfe, 10]);
  assert.equal((await dev.run(["put", "bytes", "-"], { input: bytes })).code, 0);
  const found = await dev.json(["get", "bytes"]);
  assert.equal(found["encoding"], "base64");
  assert.equal(found["value"], Buffer.from(bytes).toString("base64"));
  await dev.run(["put", "letter", "-"], { input: "two\nlines" });
  assert.equal((await dev.run(["get", "letter", "--raw"])).stdout, "two\nlines");
});

test("cli: two puts with one context are siblings, and a put with theirs ends them", async () => {
  await dev.json(["put", "cart", "book"]);
  const { context } = await dev.json(["get", "cart"]);
  await dev.json(["put", "cart", "book,pen", "--context", context as string]);
  await dev.json(["put", "cart", "book,ink", "--context", context as string]);
  const both = await dev.json(["get", "cart"]);
  assert.deepEqual(both["values"], ["book,ink", "book,pen"], "the newest first");
  assert.equal(both["siblings"], 2);
  const shown = await dev.run(["get", "cart"]);
  assert.equal(shown.stdout, "book,ink\nbook,pen\n");
  assert.match(shown.stderr, /2 values.*--context/s);
  await dev.json(["put", "cart", "book,pen,ink", "--context", both["context"] as string]);
  assert.deepEqual((await dev.json(["get", "cart"]))["values"], ["book,pen,ink"]);
});

test("cli: blind puts into a bucket of siblings stay side by side", async () => {
  for (const value of ["a", "b"]) {
    await dev.json(["put", "note", value, "--bucket", "kept", "--mode", "siblings"]);
  }
  assert.deepEqual((await dev.json(["get", "note", "--bucket", "kept"]))["values"], ["b", "a"]);
  assert.equal((await dev.run(["get", "note"])).code, 1, "another bucket, another key");
});

test("cli: after 200 blind puts there is one value", async () => {
  const store = await connect(dev.addresses);
  const bucket = store.bucket("default", text);
  for (let count = 1; count <= 200; count++) await bucket.put("counted", `${count}`);
  await store.close();
  assert.deepEqual((await dev.json(["get", "counted"]))["values"], ["200"]);
});

test("cli: batch stores pairs, from words and from lines", async () => {
  const words = await dev.run(["batch", "b1", "1", "b2", "2", "b3", "3"]);
  assert.deepEqual(words, { code: 0, stdout: "stored 3 of 3\n", stderr: "" });
  const input = Array.from({ length: 300 }, (_, n) => JSON.stringify({ key: `l${n}`, value: "v" }));
  const lines = await dev.run(["batch", "-", "--json"], { input: `${input.join("\n")}\n` });
  const { stored, failed, errors } = JSON.parse(lines.stdout) as Record<string, unknown>;
  assert.deepEqual({ stored, failed, errors }, { stored: 300, failed: 0, errors: [] });
  assert.equal((await dev.run(["get", "l299"])).stdout, "v\n");
});

test("cli: a batch reports what failed, and stores the rest", async () => {
  const long = "k".repeat(5_000);
  const refused = await dev.run(["batch", "fine", "1", long, "2"]);
  assert.equal(refused.code, 2, "a key that cannot be is refused before anything is stored");
  assert.match(refused.stderr, /at most 4096 bytes, got 5000/);
  const odd = await dev.run(["batch", "a", "1", "b"]);
  assert.equal(odd.code, 2);
  assert.match(odd.stderr, /"b" has no value/);
  const failing = await dev.run(["batch", "fine", "1", "-w", "9"]);
  assert.equal(failing.code, 2);
  assert.match(failing.stdout, /stored 0 of 1/);
});

test("cli: status tells of every node", async () => {
  const { nodes, ...cluster } = await dev.json(["status"]);
  assert.deepEqual(cluster, {
    clusterId: "gramme",
    epoch: 1,
    strategy: "balanced",
    replicas: 3,
    partitions: 256,
  });
  const list = nodes as readonly Record<string, unknown>[];
  assert.deepEqual(
    list.map(({ id, address, state }) => [id, address, state]),
    dev.addresses.map((address, index) => [`n${index}`, address, "up"]),
  );
  for (const node of list) {
    assert.ok((node["pid"] as number) > 0);
    assert.ok((node["keys"] as number) > 0);
    assert.equal((node["peers"] as readonly unknown[]).length, 2);
  }
  const shown = await dev.run(["status"]);
  assert.match(shown.stdout, /3 of 3 nodes up/);
  assert.doesNotMatch(shown.stdout, /\u001b/, "no colours where there is no terminal");
});

test("cli: colours when asked for, and none with NO_COLOR", async () => {
  const env = { FORCE_COLOR: "1" };
  assert.match((await dev.run(["status"], { env })).stdout, /\u001b\[32mup/);
  const none = await dev.run(["status"], { env: { ...env, NO_COLOR: "1" } });
  assert.doesNotMatch(none.stdout, /\u001b/);
});

test("cli: ring tells who owns what, and where a key belongs", async () => {
  const ring = await dev.json(["ring"]);
  assert.equal((ring["owners"] as readonly unknown[]).length, 256);
  const nodes = ring["nodes"] as readonly { partitions: number; home: number }[];
  assert.deepEqual(
    nodes.map(({ partitions }) => partitions),
    [256, 256, 256],
  );
  assert.equal(
    nodes.reduce((sum, { home }) => sum + home, 0),
    256,
  );
  const { key } = await dev.json(["ring", "--key", "cart"]);
  const { slot, partition, owners } = key as { slot: number; partition: number; owners: string[] };
  assert.equal(partition, slot >>> 6);
  assert.deepEqual(owners, (ring["owners"] as readonly string[][])[partition]);
  const shown = await dev.run(["ring", "--key", "cart"]);
  assert.match(shown.stdout, /^slot 0 {6}[abc]{64}$/m);
  assert.match(shown.stdout, new RegExp(`home   [abc] ${owners[0]} `));
});

test("cli: a put is served through any node, and consistency is what was asked for", async () => {
  for (const address of dev.addresses) {
    const stored = await gramme(["put", "through", address, "-w", "all", "--node", address]);
    assert.match(stored.stdout, /held by n\d n\d n\d \(needed 3\)/);
    const read = await gramme(["get", "through", "-c", "one", "--json", "--node", address]);
    const { value, receipt } = JSON.parse(read.stdout) as Record<string, unknown>;
    assert.equal(value, address);
    assert.equal((receipt as { needed: number }).needed, 1);
  }
});

test("cli: GRAMME_NODE and GRAMME_BUCKET stand in for flags, and flags win", async () => {
  const env = { GRAMME_NODE: dev.addresses.join(","), GRAMME_BUCKET: "from-env" };
  assert.equal((await gramme(["put", "k", "v"], { env })).code, 0);
  assert.equal((await gramme(["get", "k"], { env })).stdout, "v\n");
  assert.equal((await gramme(["get", "k", "--bucket", "other"], { env })).code, 1);
});

test("cli: bench loads a cluster that runs", async () => {
  const words = "bench -o mixed --seconds 0.3 --warm-up 0.1 --keys 100 --in-flight 8".split(" ");
  const { operationsPerSecond, latency, failures } = await dev.json(words);
  assert.ok((operationsPerSecond as number) > 100);
  assert.deepEqual(failures, {});
  const { count, p50Ms, p99Ms } = latency as { count: number; p50Ms: number; p99Ms: number };
  assert.ok(count > 30 && p50Ms > 0 && p50Ms <= p99Ms);
});
