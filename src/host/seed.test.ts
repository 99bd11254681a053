import assert from "node:assert/strict";
import { test } from "node:test";
import { formatSeed, parseSeed } from "./seed.ts";

test("seed: every form has one way to be written", () => {
  const forms: readonly (readonly [string, string])[] = [
    ["db1.example.com:7411", "db1.example.com:7411"],
    ["db1", "db1:7400"],
    ["10.0.0.5", "10.0.0.5:7400"],
    ["[::1]:7411", "[::1]:7411"],
    ["[::1]", "[::1]:7400"],
    ["srv:_gramme._tcp.example.com", "srv:_gramme._tcp.example.com"],
    ["srv:7400", "srv:7400"],
    ["srv", "srv:7400"],
  ];
  for (const [text, written] of forms) {
    const seed = parseSeed(text);
    assert.ok(!("problem" in seed), `${text}: ${"problem" in seed ? seed.problem : ""}`);
    assert.equal(formatSeed(seed), written);
  }
});

test("seed: what is none says why", () => {
  const wrong = ["", "db1:", "db1:0", "db1:99999", "::1", "a b", "srv:", "srv:a..b", "srv:a b"];
  for (const text of wrong) assert.ok("problem" in parseSeed(text), text);
});
