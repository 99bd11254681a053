/**
 * A data directory from the outside: what a node says about how it was stopped, and whom it lets
 * in.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Ended, gramme, grammeJson, Running } from "../support/cli.ts";
import { SMALL_RESERVE } from "../support/durable-cluster.ts";
import { at, freeBasePort, freePorts } from "../support/ports.ts";

const root = mkdtempSync(join(tmpdir(), "gramme-directory-"));
/** A test that fails leaves its nodes behind, and they would keep this process alive. */
const started: Running[] = [];
after(() => {
  for (const running of started) running.kill("SIGKILL");
  rmSync(root, { recursive: true, force: true });
});

async function start(words: readonly string[]): Promise<Running> {
  const running = await Running.start(words);
  started.push(running);
  return running;
}

/** A cluster of one. */
class Solo {
  readonly dir: string;
  readonly port: number;

  static async of(name: string): Promise<Solo> {
    const [port = 0] = await freePorts(1);
    return new Solo(join(root, name), port);
  }

  private constructor(dir: string, port: number) {
    this.dir = dir;
    this.port = port;
  }

  words(...more: readonly string[]): readonly string[] {
    const id = more.includes("--id") ? [] : ["--id", "solo"];
    const reserve = more.includes("--engine") ? [] : SMALL_RESERVE;
    return ["start", ...id, "--listen", at(this.port), "--dir", this.dir, ...reserve, ...more];
  }

  start(...more: readonly string[]): Promise<Running> {
    return start(this.words(...more));
  }

  /** A start that must fail. */
  refused(...more: readonly string[]): Promise<Ended> {
    return gramme(this.words(...more));
  }

  run(...words: readonly string[]): Promise<Ended> {
    return gramme([...words, "--node", at(this.port)]);
  }

  async storage(): Promise<Record<string, unknown>> {
    const { nodes } = await grammeJson(["status", "--node", at(this.port)]);
    return (nodes as readonly { readonly storage: Record<string, unknown> }[])[0]!.storage;
  }
}

for (const engine of ["log", "lmdb", "level"]) {
  test(`durable: ${engine}: status tells how the node was stopped before`, async () => {
    const solo = await Solo.of(`boots-${engine}`);
    const first = await solo.start("--engine", engine);
    const { dir, sync, boot, findings } = await solo.storage();
    assert.deepEqual([dir, sync, boot, findings], [solo.dir, "always", "first", ""]);
    assert.equal((await solo.run("put", "key", "value")).code, 0);
    assert.equal(await first.stop(), 0);
    assert.equal(first.stderr, "");

    const second = await solo.start("--engine", engine);
    assert.equal((await solo.storage())["boot"], "clean");
    assert.equal((await solo.run("get", "key")).stdout, "value\n");
    await second.stop("SIGKILL");
    assert.equal(second.stderr, "");

    const third = await solo.start("--engine", engine);
    assert.equal((await solo.storage())["boot"], "unclean");
    assert.match(third.stderr, /^the last run did not stop in order: [^\n]*\n$/);
    assert.equal((await solo.run("get", "key")).stdout, "value\n");
    assert.equal(await third.stop("SIGINT"), 0);
  });
}

async function startDev(...words: readonly string[]): Promise<{ dev: Running; node: string }> {
  const basePort = await freeBasePort(3);
  const dev = await start(["dev", "--base-port", `${basePort}`, ...words]);
  return { dev, node: at(basePort) };
}

test("durable: dev keeps its rows over a stop, and over a kill", async () => {
  const dir = join(root, "dev");
  const words = ["--dir", dir, ...SMALL_RESERVE];
  const first = await startDev(...words);
  assert.equal((await gramme(["put", "key", "value", "--node", first.node])).code, 0);
  assert.equal(await first.dev.stop(), 0);
  assert.deepEqual(readdirSync(dir), ["n0", "n1", "n2"]);

  // Other ports are other addresses, and the same members.
  const second = await startDev(...words);
  assert.equal((await gramme(["get", "key", "--node", second.node])).stdout, "value\n");
  assert.equal((await gramme(["put", "key", "newer", "--node", second.node])).code, 0);
  const { nodes } = await grammeJson(["status", "--node", second.node]);
  for (const { pid } of nodes as readonly { pid: number }[]) process.kill(pid, "SIGKILL");
  assert.equal(await second.dev.ended(), 3);

  const third = await startDev(...words);
  const read = await gramme(["get", "key", "-r", "all", "--node", third.node]);
  assert.equal(read.stdout, "newer\n");
  assert.equal(await third.dev.stop(), 0);
});

test("durable: dev --memory keeps nothing, and makes nothing", async () => {
  const dir = join(root, "never");
  const first = await startDev("--memory", "--dir", dir);
  assert.equal((await gramme(["put", "key", "value", "--node", first.node])).code, 0);
  assert.match(first.dev.stdout, /stops all; nothing is kept/);
  assert.equal(await first.dev.stop(), 0);
  const second = await startDev("--memory", "--dir", dir);
  assert.equal((await gramme(["get", "key", "--node", second.node])).code, 1);
  assert.equal(await second.dev.stop(), 0);
  assert.equal(readdirSync(root).includes("never"), false);
});

test("durable: a second process on a directory is told who has it, and disturbs nobody", async () => {
  const solo = await Solo.of("held");
  const holder = await solo.start();
  const [port = 0] = await freePorts(1);
  const elsewhere = ["--listen", at(port)];
  for (const words of [elsewhere, [...elsewhere, "--restored"]]) {
    const second = await solo.refused(...words);
    assert.equal(second.code, 5);
    const { pid } = holder.process;
    assert.match(second.stderr, new RegExp(`held: it is in use by the process ${pid}; stop that`));
  }
  const inspected = await gramme(["inspect", solo.dir]);
  assert.equal(inspected.code, 5);
  assert.equal((await solo.run("put", "key", "value")).code, 0);
  await holder.stop("SIGKILL");
  // The lock of a process that was killed holds nobody up.
  const next = await solo.start();
  assert.equal((await solo.run("get", "key")).stdout, "value\n");
  assert.equal(await next.stop(), 0);
});

test("durable: another node, cluster, layout or engine is refused by name, and changes nothing", async () => {
  const solo = await Solo.of("owned");
  const owner = await solo.start();
  assert.equal((await solo.run("put", "key", "value")).code, 0);
  assert.equal(await owner.stop(), 0);
  const [port = 0] = await freePorts(1);
  const peers = `solo=${at(solo.port)},other=${at(port)}`;
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [["--id", "other"], /belongs to the node "solo".* "other"/],
    [["--cluster", "elsewhere"], /belongs to the cluster "gramme".* "elsewhere"/],
    [["--peers", peers], /on solo".*on other solo"/],
    [["--partitions", "64"], /of 256 partitions.*of 64 partitions/],
    [["--strategy", "ring"], /placed balanced.*placed ring/],
    [["--engine", "lmdb"], /was written by the engine log, and the settings name lmdb/],
    [["--engine", "level"], /was written by the engine log, and the settings name level/],
  ];
  for (const [words, told] of cases) {
    const { code, stdout, stderr } = await solo.refused(...words);
    assert.equal(code, 5, `${words.join(" ")}: ${stderr}`);
    assert.match(stderr, told, words.join(" "));
    assert.ok(stderr.includes(solo.dir), "the directory is named");
    assert.equal(stdout, "");
  }
  const again = await solo.start();
  const { boot, findings } = await solo.storage();
  assert.deepEqual([boot, findings], ["clean", ""]);
  assert.equal((await solo.run("get", "key")).stdout, "value\n");
  assert.equal(await again.stop(), 0);
});

test("durable: one of the same members on the directory of another is refused", async () => {
  const [first = 0, second = 0] = await freePorts(2);
  const dir = join(root, "swapped");
  const words = (id: string, port: number): readonly string[] => {
    const peers = `n0=${at(first)},n1=${at(second)}`;
    return ["start", "--id", id, "--listen", at(port), "--peers", peers, "--dir", dir];
  };
  const n0 = await start([...words("n0", first), "--w", "1", "--r", "1", ...SMALL_RESERVE]);
  assert.equal(await n0.stop(), 0);
  const { code, stderr } = await gramme(words("n1", second));
  assert.equal(code, 5);
  assert.match(stderr, /belongs to the node "n0", and the configuration names the node "n1"/);
});

test("durable: a path that is a file, or lies below one, is refused", async () => {
  const file = join(root, "file");
  writeFileSync(file, "not a directory");
  const [port = 0] = await freePorts(1);
  for (const dir of [file, join(file, "below")]) {
    const { code, stderr } = await gramme([
      "start",
      "--id",
      "n0",
      "--listen",
      at(port),
      "--dir",
      dir,
    ]);
    assert.equal(code, 5);
    assert.match(stderr, /it is not a directory, or lies below a file; name a directory/);
  }
});

/** Whom permissions hold: root would be let in everywhere. */
const NOBODY = { uid: 65_534, gid: 65_534 };
const CLI = fileURLToPath(new URL("../../cli/main.js", import.meta.url));

function whyNot(): string | false {
  if (process.platform === "win32") return "Windows has other permissions";
  if (process.getuid?.() !== 0) return false;
  const { status } = spawnSync(process.execPath, [CLI, "--version"], NOBODY);
  return status === 0 ? false : "nobody but root can read the program here";
}

test("durable: a directory without permission is refused", { skip: whyNot() }, async () => {
  chmodSync(root, 0o755);
  const [port = 0] = await freePorts(1);
  const closed = join(root, "closed");
  mkdirSync(closed, { mode: 0o500 });
  const isRoot = process.getuid?.() === 0;
  if (isRoot) chownSync(closed, NOBODY.uid, NOBODY.gid);
  for (const dir of [closed, join(closed, "below")]) {
    const words = ["start", "--id", "n0", "--listen", at(port), "--dir", dir];
    const options = { ...(isRoot ? NOBODY : {}), encoding: "utf8", timeout: 15_000 } as const;
    const { status, stderr } = spawnSync(process.execPath, [CLI, ...words], options);
    assert.equal(status, 5, stderr);
    assert.match(stderr, /EACCES/);
    assert.ok(stderr.includes(dir), stderr);
  }
  assert.deepEqual(readdirSync(closed), []);
});
