import assert from "node:assert/strict";
import { createServer } from "node:net";
import { writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import type { HostFact } from "./host/host-fact.ts";
import { join } from "node:path";
import { temporaryDirectory } from "./disk/temporary-directory.test.ts";
import type { Context } from "./client/context.ts";
import { open } from "./open.ts";

test("open takes one way, and no option that does not exist", async () => {
  const wrong: readonly [object, RegExp][] = [
    [{}, /one of four ways/],
    [{ memory: true, cluster: ["a:1"] }, /one of four ways/],
    [{ memory: "yes" }, /memory must be true/],
    [{ memory: true, dir: "x" }, /one of four ways/],
    [{ memory: true, engine: "log" }, /there is no option engine for open/],
    [{ dir: "" }, /storage\.dir: must be a path/],
    [{ dir: "x", engine: "paper" }, /storage\.engine: must be log, lmdb or level/],
    [{ dir: "x", engine: "lmdb", sync: "never" }, /storage\.sync: the engine lmdb always syncs/],
    [{ dir: "x", segmentBytes: 1 }, /storage\.segmentBytes/],
    [{ dir: "x", cacheBytes: 1 }, /storage\.cacheBytes: there is no such setting/],
    [{ memory: true, config: { r: 0 } }, /config\.r/],
    [{ memory: true, config: { inFlight: 1 } }, /config\.inFlight/],
    [{ node: { id: "n 1", listen: "127.0.0.1:0" } }, /a node id is made of/],
    [{ node: { id: "n1", listen: "127.0.0.1:0", port: 1 } }, /port: there is no such setting/],
    [{ node: { id: "n1", listen: "127.0.0.1:0" }, linkTimeoutMs: -1 }, /linkTimeoutMs/],
    [{ cluster: [] }, /no address/],
  ];
  for (const [options, message] of wrong) {
    await assert.rejects(open(options as never), (error: Error) => {
      assert.equal((error as { code?: string }).code, "INVALID_ARGUMENT", error.stack);
      assert.match(error.message, message);
      return true;
    });
  }
});

test("a port that is taken: OPEN_FAILED, with the system's error as the cause", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  const node = { id: "n1", listen: `127.0.0.1:${port}` };
  await assert.rejects(open({ node }), (error: Error) => {
    assert.match(error.message, /^OPEN_FAILED: the node cannot listen: .*EADDRINUSE/);
    assert.equal((error.cause as { code?: string }).code, "EADDRINUSE");
    return true;
  });
  await new Promise((resolve) => server.close(resolve));
});

test("a memory store is a node of its own, and its facts are heard", async () => {
  const facts: HostFact[] = [];
  await using db = await open({ memory: true, onFact: (fact) => facts.push(fact) });
  await using other = await open({ memory: true });
  await db.put("k", 1);
  assert.equal(await db.get("k"), 1);
  assert.equal(await other.get("k"), undefined);
  assert.notEqual(db.layout().clusterId, other.layout().clusterId);
  const [status] = await db.status();
  assert.equal(status!.keys, 1);
  assert.equal(status!.state, "running");
  const finished = facts.filter(({ kind }) => kind === "request-finished");
  assert.equal(finished.length, 2);
});

test("a context of one store is nothing to another", async () => {
  await using db = await open({ memory: true });
  await using other = await open({ memory: true });
  const { context } = await db.put("k", 1);
  await assert.rejects(other.put("k", 2, { context }), { code: "CONTEXT_INVALID" });
  await assert.rejects(db.put("another", 2, { context }), { code: "CONTEXT_INVALID" });
});

for (const engine of ["log", "lmdb", "level"] as const) {
  test(`a directory keeps what was stored, contexts included: ${engine}`, async (t) => {
    const dir = temporaryDirectory(t);
    let context: Context | undefined;
    {
      await using db = await open({ dir, engine });
      await db.put("motto", "every node will do");
      await db.put("gone", 1);
      await db.delete("gone");
      ({ context } = await db.getSiblings("motto"));
      await assert.rejects(open({ dir, engine }), /OPEN_FAILED: .*is in use by this process/);
    }
    await using db = await open({ dir, engine });
    assert.equal(await db.get("motto"), "every node will do");
    assert.equal(await db.get("gone"), undefined);
    await db.put("motto", "still", { context });
    assert.deepEqual((await db.getSiblings("motto")).values, ["still"]);
    const [status] = await db.status();
    assert.equal(status!.storage!.boot, "clean");
    assert.equal(status!.storage!.engine, engine);
  });
}

test("a directory that is none is refused by name", async (t) => {
  const file = join(temporaryDirectory(t), "file");
  writeFileSync(file, "x");
  await assert.rejects(open({ dir: file }), /OPEN_FAILED: data directory .*file: it is not a dir/);
});
