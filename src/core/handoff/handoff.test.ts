/** What is kept and for how long, and what operators see of it and change. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { keyOf } from "../ring/key.ts";
import { nodeId } from "../ring/node-id.ts";
import { HandoffStand, recordOf } from "./handoff-stand.test.ts";
import { Rate } from "./rate.ts";

const RECORD = recordOf(1, 10);
const AWAY_MAX = 60_000;

test("handoff: for who is away too long nothing more is kept, from its loss on", () => {
  const stand = HandoffStand.ready({ config: { hintAwayMsMax: AWAY_MAX } });
  stand.link("a");
  stand.lose("a");
  stand.pass(AWAY_MAX - 1_000);
  assert.equal(stand.keep("k", "a", RECORD), "durable");
  stand.pass(1_000);
  assert.equal(stand.keep("l", "a", RECORD), "durable");
  stand.pass(1);
  assert.equal(stand.keep("m", "a", RECORD), "full");
  assert.equal(stand.keep("k", "a", RECORD), "full");
  assert.equal(stand.hintsFor("a")?.keys, 2, "what is kept stays");
  stand.link("a");
  assert.equal(stand.serve(1_000).length, 2);
  stand.lose("a");
  assert.equal(stand.keep("m", "a", RECORD), "durable");
});

test("handoff: an absence that is noticed twice began the first time", () => {
  const stand = HandoffStand.ready();
  stand.link("a");
  stand.lose("a");
  stand.keep("k", "a", RECORD);
  stand.pass(5_000);
  stand.lose("a");
  assert.equal(stand.hintsFor("a")?.awayMs, 5_000);
  // Somebody says that it lives, and there is no way to it yet.
  stand.handoff.onLinked(stand.now, nodeId("a"));
  assert.equal(stand.hintsFor("a")?.awayMs, 5_000);
  stand.link("a");
  assert.equal(stand.hintsFor("a")?.awayMs, undefined);
});

test("handoff: after a start an absence begins with the start", () => {
  const before = HandoffStand.ready();
  before.keep("k", "a", RECORD);
  const after = HandoffStand.ready({ engine: before.engine });
  after.pass(5_000);
  const awayMs = after.hintsFor("a")?.awayMs ?? 0;
  assert.ok(awayMs >= 5_000 && awayMs <= 6_000, `${awayMs}`);
});

test("handoff: a list is in order, and says when it is not whole", () => {
  const stand = HandoffStand.ready();
  for (const target of ["c", "a", "b"]) stand.keep("k", target, RECORD);
  const { isCounted, targets } = stand.obey({ kind: "list" });
  assert.equal(isCounted, true);
  assert.deepEqual(
    targets.map(({ target, keys, state, rowsPerSecond }) => [target, keys, state, rowsPerSecond]),
    ["a", "b", "c"].map((target) => [target, 1, "waiting", 0]),
  );
  const again = new HandoffStand({ engine: stand.engine });
  assert.equal(again.obey({ kind: "list" }).isCounted, false);
});

test("handoff: deliver begins at once, for all or for the one that is named", () => {
  const stand = HandoffStand.ready({ config: { handoffAfterMs: 60_000 } });
  for (const target of ["a", "b", "c"]) stand.keep("k", target, RECORD);
  for (const target of ["a", "b"]) stand.link(target);
  assert.equal(stand.serve(1_000).length, 0);
  stand.deliver("a");
  assert.deepEqual(
    stand.serve(1_000).map(({ to }) => to),
    ["a"],
  );
  stand.deliver();
  assert.deepEqual(
    stand.serve(1_000).map(({ to }) => to),
    ["b"],
  );
  assert.equal(stand.hintsFor("c")?.keys, 1, "who is away is waited for");
});

test("handoff: deliver ends a rest, and does not disturb a delivery", () => {
  const stand = HandoffStand.ready();
  stand.keep("k", "a", RECORD);
  stand.link("a");
  stand.deliver();
  stand.pass(100);
  const [first] = stand.take();
  stand.deliver();
  stand.refuse(first!, "full");
  assert.equal(stand.hintsFor("a")?.state, "resting");
  stand.deliver();
  assert.equal(stand.serve(100).length, 1);
});

test("handoff: drop forgets what is kept for one target, and nothing else", () => {
  const stand = HandoffStand.ready();
  for (let i = 0; i < 1_000; i++) stand.keep(`k${i}`, "a", RECORD);
  for (let i = 0; i < 10; i++) stand.keep(`k${i}`, "b", RECORD);
  const [dropping, kept] = stand.drop("a").targets;
  assert.deepEqual([dropping?.target, dropping?.keys, dropping?.state], ["a", 1_000, "dropping"]);
  assert.deepEqual([kept?.target, kept?.keys, kept?.state], ["b", 10, "waiting"]);
  stand.pass(1_000);
  assert.equal(stand.hintsFor("a"), undefined);
  assert.equal(stand.hintsFor("b")?.keys, 10);
  assert.equal(stand.handoff.heldFor(keyOf("b", "k1"), nodeId("a")), undefined);
  assert.notEqual(stand.handoff.heldFor(keyOf("b", "k1"), nodeId("b")), undefined);
  assert.equal(stand.deadlines.count, 0);
});

test("handoff: drop ends a delivery that is under way, and late answers change nothing", () => {
  const stand = HandoffStand.ready();
  for (let i = 0; i < 100; i++) stand.keep(`k${i}`, "a", RECORD);
  stand.link("a");
  stand.deliver();
  stand.pass(100);
  const [first] = stand.take();
  stand.drop("a");
  stand.drop("a");
  assert.equal(stand.accept(first!), false);
  assert.equal(stand.deliver("a").targets[0]?.state, "dropping");
  assert.deepEqual(stand.serve(1_000), []);
  assert.deepEqual(stand.count("a"), [0, 0]);
});

test("handoff: a drop before all is counted drops all", () => {
  const before = HandoffStand.ready();
  for (let i = 0; i < 100; i++) before.keep(`k${i}`, "a", RECORD);
  const after = new HandoffStand({ engine: before.engine });
  assert.equal(after.drop("a").targets[0]?.state, "dropping");
  after.pass(1_000);
  assert.deepEqual(after.obey({ kind: "list" }), { isCounted: true, targets: [] });
  assert.equal(after.engine.stats().keys, 0);
});

test("handoff: what a full disk does not let go of stays listed", () => {
  const stand = HandoffStand.ready();
  stand.keep("k", "a", RECORD);
  stand.disk = "full";
  stand.drop("a");
  stand.pass(1_000);
  assert.deepEqual([stand.hintsFor("a")?.keys, stand.hintsFor("a")?.state], [1, "waiting"]);
});

test("handoff: to drop or deliver what nobody keeps does nothing", () => {
  const stand = HandoffStand.ready();
  assert.deepEqual(stand.drop("a").targets, []);
  assert.deepEqual(stand.deliver("a").targets, []);
  assert.equal(stand.deadlines.count, 0);
});

test("rate: of about the last second", () => {
  const rate = new Rate();
  assert.equal(rate.perSecond(10_000), 0);
  for (let at = 10_000; at < 11_000; at += 25) rate.add(at);
  assert.equal(rate.perSecond(10_999), 40);
  assert.equal(rate.perSecond(11_500), 20);
  for (let at = 11_000; at < 11_500; at += 50) rate.add(at);
  assert.equal(rate.perSecond(11_500), 30);
  assert.equal(rate.perSecond(13_000), 0);
});
