/**
 * A directory for a test, gone after it.
 */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

export function temporaryDirectory(context: TestContext): string {
  const path = fs.mkdtempSync(join(tmpdir(), "gramme-disk-"));
  context.after(() => fs.rmSync(path, { recursive: true, force: true }));
  return path;
}

test("a temporary directory is empty", (context) => {
  assert.deepEqual(fs.readdirSync(temporaryDirectory(context)), []);
});
