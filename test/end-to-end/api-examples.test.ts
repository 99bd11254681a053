/**
 * The examples run as their readers would run them, and print what they promise.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startCluster } from "./api-cluster.ts";
import { freeBasePort } from "../support/ports.ts";

async function run(
  name: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<readonly string[]> {
  const path = fileURLToPath(new URL(`../../examples/${name}.js`, import.meta.url));
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [path, ...args], {
    env: { ...process.env, ...env },
    timeout: 60_000,
  });
  assert.equal(stderr, "");
  return stdout.trimEnd().split("\n");
}

test("embedded-hello", async () => {
  assert.deepEqual(await run("embedded-hello"), [
    "every node will do",
    "undefined",
    "{ name: 'Ada', logins: 1 }",
    "true [ 'first', 'second', undefined ]",
    "true false",
    "INVALID_ARGUMENT: a key needs 1 to 4096 bytes, got 0. Use another key or bucket name.",
  ]);
});

test("three-nodes-one-process", async () => {
  const lines = await run("three-nodes-one-process", [], { PORT: String(await freeBasePort(3)) });
  assert.deepEqual(lines.slice(0, 3), [
    "stored by 3 of 3 owners",
    "every node will do",
    "two of three are enough",
  ]);
  assert.match(lines[3]!, /^QUORUM_NOT_MET: put failed, needed 3, got 2: /);
});

test("shopping-cart", async () => {
  assert.deepEqual(await run("shopping-cart"), [
    "2 siblings",
    "{ book: 1, chair: 4, lamp: 1 }",
    "1 sibling",
    "{ book: 2, chair: 4, lamp: 1 }",
    "string",
  ]);
});

test("remote-client", async () => {
  const cluster = await startCluster();
  try {
    assert.deepEqual(await run("remote-client", cluster.addresses.slice(0, 1)), [
      "3 nodes, 3 owners for a key",
      "3 owners hold it",
      "{ celsius: 21.5 }",
      "{ celsius: 21.5 }",
      "ABORTED",
    ]);
  } finally {
    await cluster.close();
  }
});
