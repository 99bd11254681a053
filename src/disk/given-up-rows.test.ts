/** Rows that were put back: not settled until that is said, and moved aside when given up. */
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { keyOf } from "../core/ring/key.ts";
import type { Engine } from "../core/storage/engine.ts";
import { moveAside, nextGivenUp } from "./given-up-rows.ts";
import { NodeStorage } from "./node-storage.ts";
import { ENGINE_KINDS, type EngineKind, STORAGE_DEFAULTS } from "./storage-settings.ts";
import { temporaryDirectory } from "./temporary-directory.test.ts";

const OWNER = { clusterId: "c", nodeId: "n1", layout: "1 replicas on n1" };
const SIZES = { segmentBytes: 65_536, reserveBytes: 65_536, recentBytes: 65_536 };
const KEY = keyOf("b", "k");
const ROW = Uint8Array.of(1, 2, 3);

function open(dir: string, engine: EngineKind): Promise<NodeStorage> {
  return NodeStorage.open({ ...STORAGE_DEFAULTS, ...SIZES, dir, engine }, OWNER);
}

function begun(storage: NodeStorage): Engine {
  return storage.engine({ completed: () => {}, failed: (problem) => assert.fail(problem) });
}

async function stop(storage: NodeStorage, engine: Engine, isClean = true): Promise<void> {
  await new Promise<void>((closed) => engine.close(closed));
  await storage.close(isClean);
}

/** A directory with one row in it, copied. */
async function copyOf(dir: string, copy: string, engine: EngineKind): Promise<void> {
  const storage = await open(dir, engine);
  assert.ok(storage.isSettled);
  await new Promise<void>((written) => {
    const writing = storage.engine({
      completed: () => writing.close(written),
      failed: (problem) => assert.fail(problem),
    });
    writing.write([{ partition: 0, key: KEY, row: ROW }], 1);
    writing.flush();
  });
  await storage.close(true);
  cpSync(dir, copy, { recursive: true });
}

for (const kind of ENGINE_KINDS) {
  test(`given up: ${kind}: a copy is not settled, whatever happens to it, until that is said`, async (t) => {
    const copy = temporaryDirectory(t);
    await copyOf(temporaryDirectory(t), copy, kind);
    for (const [isClean, reason] of [
      [false, "copied"],
      [true, "unclean"],
      [false, "clean"],
    ] as const) {
      const waiting = await open(copy, kind);
      assert.deepEqual([waiting.isSettled, waiting.reason], [false, reason]);
      await stop(waiting, begun(waiting), isClean);
    }
    const settled = await open(copy, kind);
    await settled.settle();
    assert.ok(settled.isSettled);
    const engine = begun(settled);
    assert.deepEqual(engine.get(0, KEY), ROW);
    await stop(settled, engine, false);
    const later = await open(copy, kind);
    assert.deepEqual([later.isSettled, later.givenUp], [true, []]);
    await stop(later, begun(later));
  });

  test(`given up: ${kind}: the rows are moved aside whole, and the next start has none`, async (t) => {
    const copy = temporaryDirectory(t);
    await copyOf(temporaryDirectory(t), copy, kind);
    const waiting = await open(copy, kind);
    const aside = waiting.giveUpRows();
    assert.equal(aside, join(copy, `${kind}.given-up-1`));
    assert.ok(!existsSync(aside));
    await stop(waiting, begun(waiting));
    assert.deepEqual([existsSync(aside), existsSync(join(copy, kind))], [true, false]);
    const fresh = await open(copy, kind);
    assert.deepEqual([fresh.isSettled, fresh.findings, fresh.givenUp], [true, "", [aside]]);
    assert.notDeepEqual(fresh.identity.actor, waiting.identity.actor);
    const engine = begun(fresh);
    assert.equal(engine.get(0, KEY), undefined);
    await stop(fresh, engine);
    const again = await open(copy, kind);
    assert.deepEqual([again.reason, again.isSettled], ["clean", true]);
    await stop(again, begun(again));
  });
}

test("given up: a directory has as many as were given up, each with a name of its own", (t) => {
  const dir = temporaryDirectory(t);
  for (const number of [1, 2, 10, 11]) {
    if (number === 10) mkdirSync(join(dir, "log.given-up-9"));
    mkdirSync(join(dir, "log"));
    const aside = nextGivenUp(dir, "log");
    assert.equal(aside, join(dir, `log.given-up-${number}`));
    moveAside(dir, "log", aside);
  }
  assert.throws(() => moveAside(dir, "log", join(dir, "x")), /could not move its rows/);
});
