import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as client from "./index.ts";

test("a client loads no server: no host, no node, no engine", () => {
  const loaded = new Set<string>();
  const load = (url: URL): void => {
    if (loaded.has(url.href)) return;
    loaded.add(url.href);
    for (const [, path] of readFileSync(url, "utf8").matchAll(/\bfrom "(\.[^"]+)"/g)) {
      load(new URL(path!, url));
    }
  };
  load(new URL("index.js", import.meta.url));
  const server = [...loaded].filter((path) =>
    /\/(host|server|cli|sim)\/|\/core\/node\./.test(path),
  );
  assert.deepEqual(server, []);
  assert.ok(loaded.size > 20, "the imports were found");
});

test("the door opens on these names, and no others", () => {
  assert.deepEqual(Object.keys(client).sort(), [
    "Context",
    "GrammeError",
    "bytes",
    "connect",
    "json",
    "resolver",
    "text",
  ]);
});
