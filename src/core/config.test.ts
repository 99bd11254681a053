import assert from "node:assert/strict";
import { test } from "node:test";
import type { NodeConfig } from "./config.ts";
import { DEFAULT_CONFIG, nodeConfig } from "./config.ts";

/** The lowest and the highest value of every field. */
const BOUNDS: {
  readonly [Field in Exclude<keyof NodeConfig, "r" | "w" | "pr" | "pw">]: [number, number];
} = {
  requestTimeoutMs: [1, 600_000],
  requestTimeoutMsMax: [1, 600_000],
  spareAfterMs: [1, 60_000],
  hedgeShare: [0, 1],
  standInAfterMs: [1, 60_000],
  inFlightMax: [1, 1_000_000],
  inFlightBytesMax: [1_024, 16 * 1024 ** 3],
  valueBytesMax: [1, 64 * 1024 * 1024],
  recordBytesMax: [1_024, 64 * 1024 * 1024],
  siblingsMax: [1, 1_000],
  vectorEntriesMax: [1, 65_536],
  hintBytesPerTargetMax: [0, 1024 ** 4],
  hintBytesMax: [0, 1024 ** 4],
  hintAwayMsMax: [1_000, 30 * 24 * 60 * 60 * 1000],
  handoffAfterMs: [1, 600_000],
  handoffRowsPerSecond: [1, 1_000_000],
  purgeEveryMs: [10, 86_400_000],
  eraMs: [10, 600_000],
};

test("config: nothing given is the defaults, and they are allowed", () => {
  assert.deepEqual(nodeConfig({}), DEFAULT_CONFIG);
  assert.deepEqual(nodeConfig(DEFAULT_CONFIG), DEFAULT_CONFIG);
});

test("config: every numeric field takes its bounds and refuses what is beyond, by name", () => {
  for (const [field, [min, max]] of Object.entries(BOUNDS)) {
    // The default time-out has to stay below its own maximum.
    const others = field === "requestTimeoutMsMax" ? { requestTimeoutMs: 1 } : {};
    const wide = field === "requestTimeoutMs" ? { requestTimeoutMsMax: 600_000 } : others;
    for (const value of [min, max]) {
      const config = nodeConfig({ ...wide, [field]: value });
      assert.equal((config as NodeConfig)[field as keyof NodeConfig], value, field);
    }
    const broken = field === "hedgeShare" ? max + 0.5 : min + 0.5;
    for (const value of [min - 1, max + 1, broken, -1, Number.NaN, Infinity, "8", null]) {
      assert.match(problemOf({ ...wide, [field]: value }), new RegExp(`^config\\.${field} must`));
      assert.match(
        problemOf({ ...wide, [field]: value }),
        new RegExp(`from ${min} to ${max}, got`),
      );
    }
  }
});

test("config: r, w, pr and pw take the words and 1 to 16", () => {
  for (const field of ["r", "w", "pr", "pw"] as const) {
    for (const level of ["one", "quorum", "all", 1, 16] as const) {
      assert.equal((nodeConfig({ [field]: level }) as NodeConfig)[field], level);
    }
    for (const level of [0, 17, 1.5, "two", "default", Number.NaN, undefined, null]) {
      assert.match(
        problemOf({ [field]: level }),
        new RegExp(`^config\\.${field} must be one, quo`),
      );
    }
  }
});

test("config: a field that does not exist is refused by name", () => {
  for (const given of ['{"quorum":2}', '{"__proto__":1}', '{"constructor":1}']) {
    const field = Object.keys(JSON.parse(given) as object)[0]!;
    assert.equal(problemOf(JSON.parse(given)), `config.${field} is not a known field`);
  }
});

test("config: the default time-out cannot be above the largest", () => {
  assert.match(
    problemOf({ requestTimeoutMs: 5_000, requestTimeoutMsMax: 4_999 }),
    /^config\.requestTimeoutMs 5000 is above requestTimeoutMsMax 4999$/,
  );
});

function problemOf(given: unknown): string {
  const answer = nodeConfig(given as Partial<NodeConfig>);
  return "problem" in answer ? answer.problem : "";
}
