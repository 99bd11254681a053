/**
 * Processes that die, and are stopped: what a client of the cluster sees of it, and what is left
 * behind.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, text, type Store } from "gramme/client";
import { Dev, gramme, Running } from "../support/cli.ts";
import { until } from "../support/local-cluster.ts";
import { at, untilFree } from "../support/ports.ts";

const WORKERS = 8;
const ANSWER_WITHIN_MS = 1_000;

for (const victim of ["n0", "n1", "n2"]) {
  test(`cli: kill -9 of ${victim} under load: every read and write succeeds within a second`, async () => {
    const dev = await Dev.start(["--r", "2", "--w", "2"]);
    const store = await connect(dev.addresses);
    try {
      const load = new Load(store);
      const done = Promise.all(Array.from({ length: WORKERS }, (_, worker) => load.run(worker)));
      await until("the load runs", () => load.done > 500);
      await dev.killNode(victim);
      await until("the death is noticed", () => dev.running.stderr.includes(`${victim} has ended`));
      const before = load.done;
      await until("the load goes on", () => load.done > before + 2_000 || load.failures.length > 0);
      load.isOver = true;
      await done;
      assert.deepEqual(load.failures, []);
      assert.ok(load.slowestMs <= ANSWER_WITHIN_MS, `the slowest took ${load.slowestMs} ms`);
      assert.match(dev.running.stderr, new RegExp(`gramme start --id ${victim} --listen`));
    } finally {
      await store.close();
      await dev.stop();
    }
  });
}

/** Each worker writes a key of its own and reads it back: what was acknowledged must be there. */
class Load {
  isOver = false;
  done = 0;
  slowestMs = 0;
  readonly failures: string[] = [];
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async run(worker: number): Promise<void> {
    const bucket = this.#store.bucket("load", text);
    for (let count = 1; !this.isOver; count++) {
      const key = `worker ${worker} key ${count % 50}`;
      await this.#timed(`put ${key}`, () => bucket.put(key, `${count}`));
      const read = await this.#timed(`get ${key}`, () => bucket.get(key));
      if (read !== undefined && read.answer !== `${count}`) {
        this.failures.push(`${key}: read ${read.answer} after ${count} was acknowledged`);
      }
    }
  }

  /** One try and one retry, which is what a call of the API makes. */
  async #timed<T>(
    what: string,
    call: () => Promise<T>,
  ): Promise<{ readonly answer: T } | undefined> {
    const startedAt = performance.now();
    try {
      return { answer: await call() };
    } catch (error) {
      this.failures.push(`${what}: ${String(error)}`);
      return undefined;
    } finally {
      this.slowestMs = Math.max(this.slowestMs, performance.now() - startedAt);
      this.done += 1;
    }
  }
}

test("cli: one node down is no error, two are exit code 3 with both numbers", async () => {
  const dev = await Dev.start();
  try {
    await dev.json(["put", "key", "value"]);
    await dev.killNode("n1");
    await until("n1 is missed", () => dev.running.stderr.includes("lost n1"));
    assert.equal((await dev.run(["get", "key"])).stdout, "value\n");
    assert.equal((await dev.run(["put", "key", "newer"])).code, 0);
    const { nodes } = await dev.json(["status"]);
    const states = (nodes as readonly { id: string; state: string }[]).map(({ state }) => state);
    assert.deepEqual(states, ["up", "down", "up"]);

    await dev.killNode("n2");
    await until("n2 is missed", () => dev.running.stderr.includes("n0 | lost n2"));
    for (const words of [
      ["get", "key"],
      ["put", "key", "newest"],
      ["delete", "key"],
    ]) {
      const { code, stderr } = await dev.run(words);
      assert.equal(code, 3, stderr);
      assert.match(stderr, /QUORUM_NOT_MET: .*needed 2, got 1/);
    }
    const told = await dev.run(["put", "key", "newest", "--json"]);
    const { error } = JSON.parse(told.stdout) as { error: Record<string, unknown> };
    assert.deepEqual([error["code"], error["needed"], error["got"]], ["QUORUM_NOT_MET", 2, 1]);
    const weak = await dev.run(["get", "key", "-r", "one"]);
    assert.equal(weak.stdout, "newer\n");
  } finally {
    await dev.stop();
  }
});

test("cli: a node that is frozen counts as down, and holds up nobody for long", async () => {
  const dev = await Dev.start();
  const pid = (await dev.pids()).get("n1")!;
  try {
    process.kill(pid, "SIGSTOP");
    for (const value of ["1", "2", "3"]) {
      const startedAt = performance.now();
      assert.equal((await dev.run(["put", `key ${value}`, value])).code, 0);
      assert.equal((await dev.run(["get", `key ${value}`])).stdout, `${value}\n`);
      const elapsedMs = performance.now() - startedAt;
      assert.ok(elapsedMs < 5_000, `two commands took ${elapsedMs} ms`);
    }
    const { nodes } = await dev.json(["status"]);
    const frozen = (nodes as readonly Record<string, unknown>[])[1]!;
    assert.deepEqual([frozen["id"], frozen["state"], frozen["pid"]], ["n1", "down", null]);
    assert.match(frozen["reason"] as string, /no answer in time/);
  } finally {
    process.kill(pid, "SIGCONT");
    await dev.stop();
  }
});

const EXIT_UNAVAILABLE = 3;

test("cli: a node that was killed is started again by the line that dev prints", async () => {
  const dev = await Dev.start();
  try {
    await dev.json(["put", "key", "value"]);
    await dev.killNode("n2");
    const hint = /^ +gramme (start --id n2 .*)$/m;
    await until("dev says how", () => hint.test(dev.running.stderr));
    const words = hint.exec(dev.running.stderr)![1]!.split(" ");
    const again = await Running.start(words);
    try {
      assert.match(again.readyLine, /^ready n2 at /);
      const { nodes } = await dev.json(["status"]);
      const states = (nodes as readonly { state: string }[]).map(({ state }) => state);
      assert.deepEqual(states, ["up", "up", "up"]);
      // Ready is a node with a quorum: the last of its peers may link a moment later.
      const get = ["get", "key", "-r", "all", "--node", dev.addresses[2]!];
      let read = await gramme(get);
      for (let i = 0; i < 20 && read.code === EXIT_UNAVAILABLE; i++) read = await gramme(get);
      assert.equal(read.stdout, "value\n");
      assert.equal(await again.stop(), 0);
    } finally {
      again.kill("SIGKILL");
    }
  } finally {
    await dev.stop();
  }
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  test(`cli: ${signal} stops dev and all its nodes`, async () => {
    const dev = await Dev.start();
    assert.equal(await dev.running.stop(signal), 0);
    await untilFree(dev.ports);
    assert.doesNotMatch(dev.running.stderr, /error|has ended/);
  });
}

test("cli: a dev that is killed outright leaves nobody behind", async () => {
  const dev = await Dev.start();
  await dev.running.stop("SIGKILL");
  await untilFree(dev.ports);
});

test("cli: dev whose nodes have all died ends and says so", async () => {
  const dev = await Dev.start([], 1);
  await dev.killNode("n0");
  assert.equal(await dev.running.ended(), 3);
  assert.match(dev.running.stderr, /no node is left/);
});

test("cli: a port in use is named, and nothing is left running", async () => {
  const dev = await Dev.start([], 2);
  try {
    const second = await gramme([
      "dev",
      "--memory",
      "--nodes",
      "2",
      "--base-port",
      `${dev.ports[1]}`,
    ]);
    assert.equal(second.code, 2);
    assert.match(second.stderr, new RegExp(`port ${dev.ports[1]} is in use`));
    await untilFree([dev.ports[1]! + 1]);
    const start = await gramme(["start", "--id", "n9", "--listen", at(dev.ports[0]!)]);
    assert.equal(start.code, 2);
    assert.match(start.stderr, new RegExp(`port ${dev.ports[0]} is in use`));
  } finally {
    await dev.stop();
  }
});
