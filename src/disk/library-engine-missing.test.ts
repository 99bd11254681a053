import assert from "node:assert/strict";
import { test } from "node:test";
import { LibraryMissing, loaded } from "./library-engine-missing.ts";

test("a library that is not installed is told by name, with what to do", async () => {
  const missing = "a-package-that-is-not-there";
  const loading = loaded(missing, () => import(missing) as Promise<unknown>);
  await assert.rejects(loading, (error) => {
    assert.ok(error instanceof LibraryMissing);
    assert.equal(error.library, missing);
    assert.match(error.message, /npm install a-package-that-is-not-there/);
    return true;
  });
});
