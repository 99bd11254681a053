import assert from "node:assert/strict";
import { test } from "node:test";
import { sealContext } from "#src/core/causality/sealed-context.ts";
import { entryOf } from "#src/core/causality/context.ts";
import type { Failed, Outcome } from "#src/core/outcomes.ts";
import { EpochLease } from "#src/core/replica/epochs.ts";
import { keyOf } from "#src/core/ring/key.ts";
import { bytesOf, KEY, SECRET, SmallCluster, valuesOf, wordOf } from "../support/small-cluster.ts";

const OPERATIONS = ["get", "put", "delete"] as const;

test("admission: more owners than there are is refused, and never lowered", () => {
  for (const operation of OPERATIONS) {
    for (const name of operation === "get" ? (["r", "pr"] as const) : (["w", "pw"] as const)) {
      for (const level of [4, 16, 2 ** 40]) {
        const refused = refusedAtOnce({ operation, [name]: level });
        assert.deepEqual([refused.needed, refused.got], [level, 3]);
        assert.match(refused.detail, new RegExp(`^${name} ${level} cannot be met by the 3 owners`));
      }
    }
  }
});

test("admission: what is no number of owners is refused, whether the operation looks at it or not", () => {
  for (const operation of OPERATIONS) {
    for (const name of ["r", "w", "pr", "pw"] as const) {
      for (const level of [0, -1, 1.5, Number.NaN, Infinity]) {
        assert.match(
          refusedAtOnce({ operation, [name]: level }).detail,
          new RegExp(`^${name} must`),
        );
      }
    }
  }
});

test("admission: pr and pw raise what r and w ask for, and never lower it", () => {
  const table = [
    [{ r: 1, pr: 2 }, { w: 1, pw: 2 }, 2],
    [{ r: 3, pr: 1 }, { w: 3, pw: 1 }, 3],
    [{ r: "one", pr: "all" }, { w: "one", pw: "all" }, 3],
    [{ pr: "one" }, { pw: "one" }, 2],
    [{ r: "one" }, { w: "one" }, 1],
    [{}, {}, 2],
  ] as const;
  for (const [reading, writing, needed] of table) {
    const cluster = new SmallCluster();
    const stored = cluster.put("a", "v", writing);
    assert.ok(stored.kind === "stored" && stored.receipt.needed === needed);
    const found = cluster.get("a", reading);
    assert.ok(found.kind === "found" && found.receipt.needed === needed);
    cluster.finish();
  }
});

test("admission: what a request does not say, the node's own defaults say", () => {
  for (const [config, r, w] of [
    [{}, 2, 2],
    [{ r: "one", w: "all" }, 1, 3],
    [{ r: 3, w: 1 }, 3, 1],
  ] as const) {
    const cluster = new SmallCluster({ config });
    const stored = cluster.put("a", "v");
    const found = cluster.get("a");
    assert.ok(stored.kind === "stored" && stored.receipt.needed === w);
    assert.ok(found.kind === "found" && found.receipt.needed === r);
    cluster.finish();
  }
});

test("admission: a default that this key's owners cannot meet is refused, not lowered", () => {
  const cluster = new SmallCluster({ owners: 2, config: { r: 3 } });
  assert.equal(wordOf(cluster.get("a")), "INVALID_REQUEST");
  assert.equal(wordOf(cluster.get("a", { r: "all" })), "not-found");
  cluster.finish();
});

test("admission: more requests than allowed are refused at once, and only until some are answered", () => {
  const cluster = new SmallCluster({ config: { inFlightMax: 3 } });
  for (let count = 0; count < 3; count++) cluster.ask("a", { operation: "get" });
  const refused = failureOf(cluster.reply(cluster.ask("a", { operation: "put" })));
  assert.equal(refused.code, "OVERLOADED");
  assert.deepEqual([refused.needed, refused.got], [3, 3]);
  assert.ok(refused.retryAfterMs > 0);
  cluster.run();
  assert.equal(wordOf(cluster.put("a", "v")), "stored");
  cluster.finish();
});

test("admission: more bytes than allowed are refused, but one request alone never is", () => {
  const cluster = new SmallCluster({ config: { inFlightBytesMax: 1024, valueBytesMax: 5000 } });
  const large = "x".repeat(3000);
  const first = cluster.ask("a", { operation: "put", value: bytesOf(large) });
  const refused = failureOf(
    cluster.reply(cluster.ask("a", { operation: "put", value: bytesOf("y") })),
  );
  assert.equal(refused.code, "OVERLOADED");
  assert.deepEqual([refused.needed, refused.got], [1024, 3000 + 1 + 2 * KEY.length]);
  cluster.run();
  assert.equal(wordOf(cluster.reply(first)), "stored");
  assert.equal(wordOf(cluster.put("a", "y")), "stored");
  cluster.finish();
});

test("admission: requests that were answered do not count, those that wait for late owners are bounded", () => {
  const cluster = new SmallCluster({ config: { inFlightMax: 10 } });
  for (let count = 0; count < 200; count++) {
    cluster.ask("a", { operation: "put", value: bytesOf(`${count}`) });
    // The third owner is stalled: it has a connection and never says a word.
    cluster.drop({ to: "c" });
    cluster.run();
    assert.ok(cluster.at("a").node.openRequests <= 21, `${cluster.at("a").node.openRequests} open`);
  }
  assert.deepEqual(valuesOf(cluster.get("a")), ["199"]);
  cluster.finish();
});

test("admission: a value that is too large is refused with both numbers", () => {
  const cluster = new SmallCluster({ config: { valueBytesMax: 10 } });
  assert.equal(wordOf(cluster.put("a", "x".repeat(10))), "stored");
  const refused = failureOf(cluster.put("a", "x".repeat(11)));
  assert.deepEqual([refused.code, refused.needed, refused.got], ["VALUE_TOO_LARGE", 10, 11]);
  cluster.finish();
});

test("admission: siblings beyond the limit are refused, with a context that mends it", () => {
  const cluster = new SmallCluster({ config: { siblingsMax: 3 } });
  for (const text of ["1", "2", "3"]) cluster.put("a", text, { mode: "siblings" });
  const refused = failureOf(cluster.put("a", "4", { mode: "siblings" }));
  assert.deepEqual([refused.code, refused.needed, refused.got], ["TOO_MANY_SIBLINGS", 3, 4]);
  assert.deepEqual(valuesOf(cluster.get("b")).sort(), ["1", "2", "3"]);
  const { context } = refused;
  assert.equal(wordOf(cluster.put("a", "merged", { mode: "siblings", context })), "stored");
  assert.deepEqual(valuesOf(cluster.get("b")), ["merged"]);
  cluster.finish();
});

test("admission: replication is never refused for its siblings", () => {
  const cluster = new SmallCluster({ config: { siblingsMax: 2 } });
  for (const at of "abc") {
    for (const text of ["1", "2"]) {
      cluster.ask(at, { operation: "put", mode: "siblings", w: 1, value: bytesOf(at + text) });
    }
  }
  cluster.run();
  assert.equal(valuesOf(cluster.get("a", { r: "all" })).length, 6);
  cluster.finish();
});

test("admission: a context of another key, of another cluster, or changed is refused", () => {
  const cluster = new SmallCluster();
  cluster.put("a", "v");
  const { context } = cluster.get("a");
  const changed = context.slice();
  changed[changed.length - 1]! ^= 1;
  const elsewhere = { k0Hi: 1, k0Lo: 2, k1Hi: 3, k1Lo: 4 };
  const foreign = sealContext(elsewhere, KEY, [entryOf({ high: 1, low: 1, epoch: 1 }, 1)]);
  for (const operation of OPERATIONS) {
    const other = { operation, key: keyOf("carts", "user:8"), context };
    assert.equal(wordOf(cluster.do("a", other)), "CONTEXT_INVALID");
    for (const bad of [changed, foreign, Uint8Array.of(1)]) {
      assert.equal(wordOf(cluster.do("a", { operation, context: bad })), "CONTEXT_INVALID");
    }
  }
  assert.deepEqual(valuesOf(cluster.get("b")), ["v"]);
  cluster.finish();
});

test("admission: a context with more entries than allowed is refused", () => {
  const cluster = new SmallCluster({ config: { vectorEntriesMax: 4 } });
  for (const [count, expected] of [
    [4, "stored"],
    [5, "CONTEXT_INVALID"],
  ] as const) {
    const entries = Array.from({ length: count }, (_, low) =>
      entryOf({ high: 1, low, epoch: 1 }, 1),
    );
    const context = sealContext(SECRET, KEY, entries);
    assert.equal(wordOf(cluster.put("a", "v", { context })), expected);
  }
  cluster.finish();
});

test("admission: a time-out is kept within its bounds", () => {
  const cluster = new SmallCluster({ config: { requestTimeoutMs: 40, requestTimeoutMsMax: 90 } });
  for (const timeoutMs of [-1, 91, Number.NaN, Infinity]) {
    assert.equal(wordOf(cluster.get("a", { timeoutMs })), "INVALID_REQUEST", `${timeoutMs}`);
  }
  for (const [timeoutMs, waited] of [
    [0, 40],
    [90, 90],
    [1, 1],
  ] as const) {
    const id = cluster.ask("a", { operation: "put", timeoutMs });
    cluster.drop();
    cluster.pass(waited - 1);
    assert.ok(!cluster.replies.has(id), `${timeoutMs}`);
    cluster.pass(1);
    assert.equal(wordOf(cluster.reply(id)), "OUTCOME_UNKNOWN");
  }
  cluster.finish();
});

test("admission: without a leased epoch a put is refused as overload, and nothing is stored", () => {
  const none = new EpochLease({ next: 1, end: 1, bootFloor: 0 });
  const cluster = new SmallCluster({
    epochs: (name) => (name === "a" ? none : EpochLease.forProcess()),
  });
  assert.equal(wordOf(cluster.put("a", "v")), "OVERLOADED");
  assert.equal(cluster.at("b").record().context.length, 0);
  assert.equal(
    wordOf(cluster.put("b", "v", { w: "all" })),
    "stored",
    "it still takes what others write",
  );
  none.extend(5);
  assert.equal(wordOf(cluster.put("a", "w")), "stored");
  cluster.finish();
});

test("admission: every refusal is a fact with its code, and leaves nothing open", () => {
  const cluster = new SmallCluster({ config: { valueBytesMax: 1 } });
  cluster.put("a", "too large");
  cluster.get("a", { r: 9 });
  const finished = cluster.at("a").factsOf("request-finished");
  assert.deepEqual(
    finished.map(({ operation, outcome }) => [operation, outcome]),
    [
      ["put", "VALUE_TOO_LARGE"],
      ["get", "INVALID_REQUEST"],
    ],
  );
  assert.equal(cluster.at("a").node.openRequests, 0);
});

function refusedAtOnce(request: Parameters<SmallCluster["ask"]>[1]): Failed {
  const cluster = new SmallCluster();
  const refused = failureOf(cluster.reply(cluster.ask("a", request)));
  assert.equal(refused.code, "INVALID_REQUEST");
  assert.equal(cluster.waiting().length, 0);
  assert.equal(cluster.at("a").node.openRequests, 0);
  return refused;
}

function failureOf(outcome: Outcome): Failed {
  assert.ok(outcome.kind === "failed", outcome.kind);
  return outcome;
}
