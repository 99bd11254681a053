import assert from "node:assert/strict";
import { statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openEngine } from "./opened-engine.ts";
import { STORAGE_DEFAULTS } from "./storage-settings.ts";
import { temporaryDirectory } from "./temporary-directory.test.ts";

const RESERVE_BYTES = 1024 * 1024;

test("opened engine: a reserve that is one hole is no room, and is taken anew", async (t) => {
  const dir = temporaryDirectory(t);
  const reserve = join(dir, "reserve");
  writeFileSync(reserve, "");
  truncateSync(reserve, RESERVE_BYTES);
  const settings = { ...STORAGE_DEFAULTS, dir, reserveBytes: RESERVE_BYTES };
  const opened = await openEngine(dir, settings);
  const { size, blocks } = statSync(reserve);
  assert.equal(size, RESERVE_BYTES);
  assert.ok(blocks * 512 >= RESERVE_BYTES);
  await opened.rest();
});
