/**
 * Directories that are put back after deletions were forgotten: what was deleted stays deleted, and
 * nothing is destroyed. A cluster whose directories are copied as a whole has all its rows.
 */
import assert from "node:assert/strict";
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { open } from "gramme";
import { connect, type Store, text } from "gramme/client";
import { decodeIdentity, encodeIdentity } from "#src/core/identity/identity-codec.ts";
import { openDataDirectory } from "#src/disk/data-directory.ts";
import { PlaceMark } from "#src/disk/place-mark.ts";
import { gramme, Running } from "../support/cli.ts";
import { DurableCluster, SMALL_RESERVE } from "../support/durable-cluster.ts";
import { at, freePorts } from "../support/ports.ts";

const WORDS = [
  ...SMALL_RESERVE,
  ...["--set", "config.purgeEveryMs=200", "--set", "config.eraMs=100"],
];
const KEYS = 20;
const WITHIN_MS = 30_000;
const PATIENT = { retries: 50, timeoutMs: 10_000 } as const;

async function become(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + WITHIN_MS;
  while (!(await isSo())) {
    assert.ok(performance.now() < end, `${what}: not within ${WITHIN_MS} ms`);
    await sleep(100);
  }
}

async function write(store: Store): Promise<void> {
  const texts = store.bucket("texts", text);
  for (let n = 0; n < KEYS; n++) await texts.put(`gone${n}`, "v", { ...PATIENT, w: "all" });
  for (let n = 0; n < KEYS; n++) await texts.put(`stays${n}`, "v", { ...PATIENT, w: "all" });
}

async function deleteAndForget(cluster: DurableCluster, store: Store): Promise<void> {
  const texts = store.bucket("texts", text);
  for (let n = 0; n < KEYS; n++) await texts.delete(`gone${n}`, { ...PATIENT, w: "all" });
  await become("deletions are forgotten", async () => {
    const nodes = await Promise.all(cluster.indices.map((index) => cluster.status(index)));
    const areGone = nodes.every(({ keys }) => keys <= KEYS + 64 + 1);
    return (
      areGone && nodes.every(({ tombstones }) => tombstones.era > 0 && tombstones.tombstones === 0)
    );
  });
}

async function judge(store: Store, gone: string | undefined): Promise<void> {
  const texts = store.bucket("texts", text);
  for (let n = 0; n < KEYS; n++) {
    assert.equal(await texts.get(`gone${n}`, { ...PATIENT, r: "all" }), gone, `gone${n}`);
    assert.equal(await texts.get(`stays${n}`, { ...PATIENT, r: "all" }), "v", `stays${n}`);
  }
}

/** Why a node waits, as `gramme status` says; empty when it does not. */
async function waitingFor(cluster: DurableCluster, index: number): Promise<string> {
  const words = ["status", "--json", "--node", cluster.addresses[index]!];
  const { code, stdout } = await gramme(words);
  if (code !== 0) return "";
  const { nodes } = JSON.parse(stdout) as {
    readonly nodes: readonly {
      readonly id: string;
      readonly state: string;
      readonly reason: string;
    }[];
  };
  const { state, reason } = nodes.find(({ id }) => id === `n${index}`)!;
  return state === "waiting" ? reason : "";
}

/** That the others hold what it has, it does not know: it gives up nothing by itself. */
async function waitsForTheOperator(
  cluster: DurableCluster,
  words: readonly string[],
): Promise<void> {
  const waiting = Running.watch([...cluster.words(0), ...words]);
  await become("it waits for a word", async () =>
    /are old: era \d+, .*2 of 2 others.*--give-up-rows.*--keep-rows/.test(
      await waitingFor(cluster, 0),
    ),
  );
  assert.equal(await waiting.stop("SIGTERM"), 0);
  assert.ok(!existsSync(join(cluster.directory(0), "log.given-up-1")));
}

/** n0 is down, and has a directory from before the deletions. */
async function putBack(
  bootsSince = 1,
): Promise<{ cluster: DurableCluster; store: Store; era: number }> {
  const cluster = await DurableCluster.start({ words: WORDS });
  const store = await cluster.connect();
  await write(store);
  assert.equal(await cluster.stop(0), 0);
  cpSync(cluster.directory(0), join(cluster.root, "backup"), { recursive: true });
  await cluster.start(0);
  for (let boot = 1; boot < bootsSince; boot++) {
    assert.equal(await cluster.stop(0), 0);
    await cluster.start(0);
  }
  await cluster.linked();
  await deleteAndForget(cluster, store);
  const { era } = (await cluster.status(1)).tombstones;
  assert.ok(era >= 2);
  assert.equal(await cluster.stop(0), 0);
  rmSync(cluster.directory(0), { recursive: true });
  cpSync(join(cluster.root, "backup"), cluster.directory(0), { recursive: true });
  return { cluster, store, era };
}

for (const words of [[], ["--restored"]]) {
  const how = words.length === 0 ? "and nobody said so" : "and said to be restored";
  test(`put back: an old copy of a directory, ${how}: what was deleted stays so`, async () => {
    const { cluster, store } = await putBack();
    try {
      await waitsForTheOperator(cluster, words);
      await cluster.start(0, [...words, "--give-up-rows"]);
      const aside = join(cluster.directory(0), "log.given-up-1");
      assert.match(cluster.told(0), /too old: .* moved to .*log\.given-up-1/s);
      assert.ok(existsSync(join(aside, "..", "log")) && existsSync(aside));
      assert.deepEqual((await cluster.status(0)).storage!.givenUp, [aside]);
      await cluster.linked();
      await judge(store, undefined);
      await become("it is filled again", async () => (await cluster.status(0)).keys >= KEYS);
      // It is asked once: the next start knows.
      assert.equal(await cluster.stop(0), 0);
      await cluster.start(0);
      assert.equal((await cluster.status(0)).storage!.boot, "clean");
      await cluster.linked();
      await judge(store, undefined);
      await store.close();
    } finally {
      await cluster.end();
    }
  });
}

test("put back: members are found at seeds, and where those say that they are", async () => {
  const { cluster, store } = await putBack();
  try {
    await store.close();
    const [address, seed] = cluster.addresses;
    const own = ["--id", "n0", "--listen", address!, "--dir", cluster.directory(0)];
    const search = ["--peers", "n0,n1,n2", "--seeds", seed!];
    const found = await Running.start(["start", ...own, ...search, ...WORDS, "--give-up-rows"]);
    try {
      assert.match(found.stderr, /moved to .*log\.given-up-1/);
    } finally {
      await found.stop("SIGTERM");
    }
  } finally {
    await cluster.end();
  }
});

test("put back: an old copy whose rows are to count keeps them, deleted or not", async () => {
  const { cluster, store } = await putBack();
  try {
    await cluster.start(0, ["--keep-rows"]);
    assert.match(cluster.told(0), /its rows, which were put back, count/);
    assert.deepEqual((await cluster.status(0)).storage!.givenUp, []);
    await cluster.linked();
    await judge(store, "v");
    await store.close();
  } finally {
    await cluster.end();
  }
});

test("put back: a node that finds too few others waits, says why, and stops when it is told to", async () => {
  const { cluster, store } = await putBack();
  try {
    await store.close();
    await cluster.stop(2);
    for (const signal of ["SIGKILL", "SIGTERM"] as const) {
      const waiting = Running.watch(cluster.words(0));
      let reason = "";
      await become("it waits", async () => {
        reason = await waitingFor(cluster, 0);
        return reason.includes("no answer from n2");
      });
      assert.match(
        reason,
        /2 of 2 other members have .*: 1 did so; no answer from n2 .*--keep-rows/,
      );
      assert.match(waiting.stderr, /waiting: its rows were put back/);
      const { problem } = (await cluster.status(1)).peers.find(({ id }) => id === "n0")!;
      assert.match(problem, /UNSETTLED: n0 was put back|it is the one to dial|lost/);
      const { stderr } = await gramme(["get", "stays1", "--node", cluster.addresses[0]!]);
      assert.match(stderr, /QUORUM_NOT_MET/);
      const large = ["put", "large", "x".repeat(2_000), "--node", cluster.addresses[0]!];
      assert.match((await gramme(large)).stderr, /QUORUM_NOT_MET/);
      assert.equal(await waiting.stop(signal), signal === "SIGTERM" ? 0 : null);
      assert.ok(existsSync(join(cluster.directory(0), "log")));
      assert.ok(!existsSync(join(cluster.directory(0), "log.given-up-1")));
      const inspected = await gramme(["inspect", cluster.directory(0)]);
      assert.match(inspected.stdout, /its rows were put back: a start asks other members/);
    }
    await cluster.start(2);
    await cluster.start(0, ["--give-up-rows"]);
    assert.match(cluster.told(0), /moved to .*log\.given-up-1/);
  } finally {
    await cluster.end();
  }
});

test("put back: what peers find out while it runs is asked about at the next start", async () => {
  // With one boot since, nobody can tell the next one from it.
  const { cluster, store } = await putBack(2);
  try {
    await store.close();
    await takesTheDirectoryForItsOwn(cluster.directory(0));
    // Whoever has started anew does not know that n0 was younger, and tells it the era.
    assert.equal(await cluster.stop(1), 0);
    await cluster.start(1);
    assert.equal(await Running.watch(cluster.words(0)).ended(), 5);
    const waiting = Running.watch(cluster.words(0));
    await become("it waits for a word", async () =>
      /are old: era 0, /.test(await waitingFor(cluster, 0)),
    );
    assert.equal(await waiting.stop("SIGTERM"), 0);
  } finally {
    await cluster.end();
  }
});

/** As after a whole disk was set back: the directory is where its identity says. */
async function takesTheDirectoryForItsOwn(path: string): Promise<void> {
  const directory = openDataDirectory(path);
  const { place } = new PlaceMark(directory);
  await new Promise<void>((done) => directory.close(() => done()));
  for (const file of ["identity-0", "identity-1"].map((name) => join(path, name))) {
    const copy = decodeIdentity(readFileSync(file));
    assert.ok(typeof copy === "object");
    writeFileSync(file, encodeIdentity({ ...copy, identity: { ...copy.identity, place } }));
  }
}

test("put back: a client that comes in the moment when rows are given up reaches the node", async () => {
  const { cluster, store } = await putBack();
  const stores: Store[] = [];
  try {
    await store.close();
    const running = Running.watch([...cluster.words(0), "--give-up-rows"]);
    let isOver = false;
    const coming = (async () => {
      while (!isOver) {
        const connected = connect([cluster.addresses[0]!], { redialMsMax: 100 });
        void connected.then(
          (each) => stores.push(each),
          () => {},
        );
        await sleep(10);
      }
    })();
    await become("it is ready", async () => running.stdout.includes("ready"));
    isOver = true;
    await coming;
    await become("all are served by the node", async () => {
      const seen = await Promise.all(stores.map((each) => each.status()));
      return seen.every((nodes) => nodes.find(({ id }) => id === "n0")!.state === "running");
    });
    await Promise.all(stores.map((each) => each.close()));
    assert.equal(await running.stop("SIGTERM"), 0);
  } finally {
    await cluster.end();
  }
});

test("put back: a member in a process waits until it is told not to, or that its rows count", async () => {
  const root = mkdtempSync(join(tmpdir(), "gramme-put-back-"));
  const dir = join(root, "n1");
  const [own, other] = (await freePorts(2)).map(at);
  const peers = [{ id: "n2", address: other! }];
  const member = { id: "n1", listen: own!, peers, replicas: 1, config: { r: 1, w: 1 } } as const;
  const storage = { dir, reserveBytes: 65_536 };
  try {
    const first = await open({ node: { ...member, storage }, linkTimeoutMs: 0 });
    const name = Array.from({ length: 64 }, (_, n) => `k${n}`).find(
      (key) => first.bucket("texts", text).ownersOf(key)[0] === "n1",
    )!;
    await first.bucket("texts", text).put(name, "v");
    await first.close();
    cpSync(dir, `${dir}-copy`, { recursive: true });
    const copied = { ...storage, dir: `${dir}-copy` };
    const facts: string[] = [];
    const stopped = new AbortController();
    const opening = open({
      node: { ...member, storage: copied },
      signal: stopped.signal,
      onFact: (fact) => {
        if (fact.kind === "rows-unsettled") facts.push(fact.waits);
      },
    });
    await become("it waits", async () => facts.length > 0);
    assert.match(
      facts[0]!,
      /1 of 1 other members have .*: 0 did so; no answer from n2 \(.*ECONNREFUSED/,
    );
    stopped.abort();
    await assert.rejects(opening, { code: "OPEN_FAILED", message: /stopped while it waited/ });
    const kept = await open({
      node: { ...member, storage: { ...copied, keepRows: true } },
      linkTimeoutMs: 0,
    });
    assert.equal(await kept.bucket("texts", text).get(name), "v");
    const both = { ...copied, keepRows: true, giveUpRows: true };
    const contradiction = open({ node: { ...member, storage: both } });
    await assert.rejects(contradiction, /keepRows says the opposite/);
    await kept.close();
    // It was said once.
    const again = await open({ node: { ...member, storage: copied }, linkTimeoutMs: 0 });
    await again.close();
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});

test("put back: a whole cluster that is moved by copying its directories has all its rows", async () => {
  const cluster = await DurableCluster.start({ words: WORDS });
  try {
    const store = await cluster.connect();
    await write(store);
    await deleteAndForget(cluster, store);
    await store.close();
    for (const index of cluster.indices) assert.equal(await cluster.stop(index), 0);
    for (const index of cluster.indices) {
      const directory = cluster.directory(index);
      cpSync(directory, `${directory}-copy`, { recursive: true });
      renameSync(directory, `${directory}-original`);
      renameSync(`${directory}-copy`, directory);
    }
    await cluster.startAll();
    for (const index of cluster.indices) {
      const { storage } = await cluster.status(index);
      assert.deepEqual([storage!.boot, storage!.givenUp], ["copied", []]);
    }
    await cluster.linked();
    const moved = await cluster.connect();
    await judge(moved, undefined);
    await moved.close();
  } finally {
    await cluster.end();
  }
});
