import assert from "node:assert/strict";
import { test } from "node:test";
import { showBytes, showDuration, table } from "./output.ts";

// What is compared here is the text, whatever the terminal that runs the tests can do.
process.env["NO_COLOR"] = "1";

test("output: a table is as wide as its cells, numbers to the right, no blanks at the end", () => {
  const text = table({
    head: ["NODE", "KEYS", "STATE"],
    right: ["KEYS"],
    rows: [
      ["n1", "7", "up"],
      ["node-12", "12345"],
    ],
  });
  assert.deepEqual(text.split("\n"), [
    "NODE      KEYS  STATE",
    "n1           7  up",
    "node-12  12345",
  ]);
});

test("output: painted cells are as wide as they look", () => {
  const rows = [
    ["\u001b[32mup\u001b[39m", "x"],
    ["down", "y"],
  ];
  const [, first, second] = table({ head: ["S", "T"], rows }).split("\n");
  assert.equal(first, "\u001b[32mup\u001b[39m    x");
  assert.equal(second, "down  y");
});

test("output: bytes and durations as people say them", () => {
  const bytes = [0, 999, 1_500, 12_000_000, 2e9, 3e15];
  assert.deepEqual(bytes.map(showBytes), [
    "0 B",
    "999 B",
    "1.5 kB",
    "12.0 MB",
    "2.0 GB",
    "3000.0 TB",
  ]);
  const spans = [850, 12_300, 200_000, 7_500_000, 349_200_000];
  assert.deepEqual(spans.map(showDuration), [
    "850 ms",
    "12 s",
    "3 min 20 s",
    "2 h 5 min",
    "4 d 1 h",
  ]);
});
