import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test, type TestContext } from "node:test";
import { DirectoryHeldError } from "./directory-error.ts";
import { DirectoryLock } from "./directory-lock.ts";
import { temporaryDirectory } from "./temporary-directory.test.ts";

/** Obeys lines: `take AT` tries to take the lock at that instant, `release` gives it back. */
const PROGRAM = `
  import { createInterface } from "node:readline";
  const { DirectoryLock } = await import(process.argv[1]);
  let lock;
  console.log("ready");
  for await (const line of createInterface({ input: process.stdin })) {
    const [verb, at] = line.split(" ");
    if (verb === "release") { lock.release(); console.log("released"); continue; }
    while (Date.now() < Number(at));
    try { lock = DirectoryLock.take(process.argv[2]); console.log("taken"); }
    catch (error) { console.log(error.name + " " + error.pid); }
  }`;

class Taker {
  readonly process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(context: TestContext, directory: string) {
    const module = new URL("directory-lock.js", import.meta.url).href;
    const given = ["--input-type=module", "-e", PROGRAM, module, directory];
    this.process = spawn(process.execPath, given, { stdio: ["pipe", "pipe", "inherit"] });
    this.#lines = createInterface({ input: this.process.stdout! })[Symbol.asyncIterator]();
    context.after(() => this.process.kill("SIGKILL"));
  }

  async hear(): Promise<string> {
    const { value } = await this.#lines.next();
    return String(value);
  }

  tell(line: string): Promise<string> {
    this.process.stdin!.write(`${line}\n`);
    return this.hear();
  }

  async kill(): Promise<void> {
    this.process.kill("SIGKILL");
    await once(this.process, "exit");
  }
}

async function start(context: TestContext, directory: string, count: number): Promise<Taker[]> {
  const takers = Array.from({ length: count }, () => new Taker(context, directory));
  for (const taker of takers) assert.equal(await taker.hear(), "ready");
  return takers;
}

test("a lock is taken once, by name, and free after its release", (t) => {
  const path = temporaryDirectory(t);
  const lock = DirectoryLock.take(path);
  assert.throws(
    () => DirectoryLock.take(path),
    (error) => {
      assert.ok(error instanceof DirectoryHeldError);
      assert.deepEqual([error.pid, error.path], [process.pid, path]);
      assert.ok(error.message.includes(lock.path) && error.message.includes(`${process.pid}`));
      return true;
    },
  );
  lock.release();
  lock.release();
  assert.deepEqual(fs.readdirSync(path), []);
  DirectoryLock.take(path).release();
});

test("what a process left behind that is gone is removed: pid, start or boot differ", (t) => {
  const path = temporaryDirectory(t);
  const lock = DirectoryLock.take(path);
  const [own, pid, begun, boot] = /^\.lock-(\d+)-(\d+|x)-(.+)$/.exec(fs.readdirSync(path)[0]!)!;
  lock.release();
  if (begun === "x" || boot === "x") return t.skip("this system tells no starts and boots");
  const stale = [
    `.lock-${pid}-${Number(begun) - 1}-${boot}`,
    `.lock-${pid}-${begun}-00000000-0000-0000-0000-000000000000`,
    `.lock-4194999-${begun}-${boot}`,
  ];
  for (const name of stale) fs.writeFileSync(join(path, name), "x");
  const again = DirectoryLock.take(path);
  assert.deepEqual(fs.readdirSync(path), [own]);
  again.release();
  // A living process that is not ours, and a file that only looks alike.
  fs.writeFileSync(join(path, ".lock-old"), "");
  fs.writeFileSync(join(path, ".lock-1-x-x"), "x");
  assert.throws(() => DirectoryLock.take(path), { name: "DirectoryHeldError", pid: 1 });
  assert.deepEqual(fs.readdirSync(path).sort(), [".lock-1-x-x", ".lock-old"]);
});

test("a candidate that never comes to hold the lock is waited for, then named", (t) => {
  const path = temporaryDirectory(t);
  // It lives, since it has our pid, and its name is above ours, where the start is a number.
  const candidate = `.lock-${process.pid}-x-x`;
  fs.writeFileSync(join(path, candidate), "");
  if (!fs.existsSync("/proc/self/stat")) return t.skip("our own name is the same here");
  const begun = performance.now();
  assert.throws(() => DirectoryLock.take(path), { pid: process.pid });
  assert.ok(performance.now() - begun > 200);
  const waited = performance.now();
  fs.writeFileSync(join(path, candidate), "x");
  assert.throws(() => DirectoryLock.take(path), { pid: process.pid });
  // A lower candidate is the one that waits, for us.
  fs.writeFileSync(join(path, candidate), "");
  fs.writeFileSync(join(path, ".lock-1-x-x"), "");
  assert.throws(() => DirectoryLock.take(path), { pid: 1 });
  assert.ok(performance.now() - waited < 200);
  assert.deepEqual(fs.readdirSync(path).sort(), [".lock-1-x-x", candidate]);
});

test("a zombie holds nothing", async (t) => {
  const path = temporaryDirectory(t);
  if (!fs.existsSync("/proc/self/stat")) return t.skip("this system has no /proc");
  // The shell becomes a program that never asks how its child ended.
  const parent = spawn("sh", ["-c", "sleep 0 & echo $!; exec sleep 60"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => parent.kill("SIGKILL"));
  const lines = createInterface({ input: parent.stdout })[Symbol.asyncIterator]();
  const { value: pid } = await lines.next();
  while (!fs.readFileSync(`/proc/${String(pid)}/stat`, "latin1").includes(") Z ")) {
    await new Promise(setImmediate);
  }
  fs.writeFileSync(join(path, `.lock-${String(pid)}-x-x`), "x");
  DirectoryLock.take(path).release();
  assert.deepEqual(fs.readdirSync(path), []);
});

test("a process holds it against others until it is killed, 20 rounds", async (t) => {
  const path = temporaryDirectory(t);
  for (let round = 0; round < 20; round++) {
    const [holder] = await start(t, path, 1);
    assert.equal(await holder!.tell("take 0"), "taken");
    assert.throws(() => DirectoryLock.take(path), { pid: holder!.process.pid });
    await holder!.kill();
    DirectoryLock.take(path).release();
  }
});

test("of several at once one gets it, over a lock left by a killed one, 60 rounds", async (t) => {
  const path = temporaryDirectory(t);
  const takers = await start(t, path, 3);
  for (let round = 0; round < 60; round++) {
    const at = Date.now() + 3;
    const trying = takers.slice(0, 2 + (round % 2));
    const said = await Promise.all(trying.map((taker) => taker.tell(`take ${at}`)));
    const winners = said.filter((line) => line === "taken");
    assert.equal(winners.length, 1, `round ${round}: ${said.join(", ")}`);
    const winner = said.indexOf("taken");
    const holder = takers[winner]!;
    for (const line of said) assert.match(line, /^taken$|^DirectoryHeldError \d+$/);
    if (round % 3 === 0) {
      await holder.kill();
      takers[winner] = (await start(t, path, 1))[0]!;
    } else {
      assert.equal(await holder.tell("release"), "released");
    }
  }
});
