import assert from "node:assert/strict";
import { test } from "node:test";
import { Command } from "commander";
import { members, nodeFlags, sharedSettings, wordsOf, type NodeFlags } from "./node-flags.ts";

function parsed(words: readonly string[]): NodeFlags {
  return nodeFlags(new Command()).parse(words, { from: "user" }).opts();
}

const WORDS = [
  ...["--cluster", "shop", "--replicas", "2", "--partitions", "64", "--strategy", "ring"],
  ...["--virtual-nodes", "8", "--r", "one", "--w", "2"],
  ...["--set", "config.requestTimeoutMs=500", "--set", "limits.drainMs=7"],
];

test("node flags: what is given becomes settings, what is not is not there", () => {
  assert.deepEqual(sharedSettings(parsed(WORDS)), {
    clusterId: "shop",
    replicas: 2,
    partitions: 64,
    strategy: "ring",
    virtualNodes: 8,
    config: { r: "one", w: 2, requestTimeoutMs: 500 },
    limits: { drainMs: 7 },
  });
  assert.deepEqual(sharedSettings(parsed([])), { config: {}, limits: {} });
});

test("node flags: as words again they mean the same", () => {
  const again = parsed(wordsOf(parsed(WORDS)));
  assert.deepEqual(sharedSettings(again), sharedSettings(parsed(WORDS)));
});

test("node flags: what is said of the directory is handed on to each node", () => {
  const words = ["--restored", "--keep-rows"];
  assert.deepEqual(wordsOf(parsed(words)), words);
  const flags = { ...parsed(words), dir: "d" };
  assert.deepEqual(sharedSettings(flags).storage, { dir: "d", restored: true, keepRows: true });
});

test("node flags: members with zones and weights", () => {
  assert.deepEqual(
    members("n0=db0:7400, n1=[::1]:7401@rack-a,n2=10.0.0.3:7400@b*2,n3=h:1*3,n4,n5@b*2"),
    [
      { id: "n0", address: "db0:7400" },
      { id: "n1", address: "[::1]:7401", zone: "rack-a" },
      { id: "n2", address: "10.0.0.3:7400", zone: "b", weight: 2 },
      { id: "n3", address: "h:1", weight: 3 },
      { id: "n4" },
      { id: "n5", zone: "b", weight: 2 },
    ],
  );
  for (const wrong of ["", "n0=", "n0@", "=db0:7400", "n0=db0:7400*two", "n0=db0:7400,"]) {
    assert.throws(() => members(wrong), /Write id or id=host:port/, wrong);
  }
});
