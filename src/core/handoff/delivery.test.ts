/** How hints come home: at what pace, what a refusal or silence does, and what ends a delivery. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { HandoffStand, joined, ME, recordOf, type Sent } from "./handoff-stand.test.ts";

const RECORD = recordOf(1, 10);
const MORE = recordOf(2, 10);
const BOTH = joined(RECORD, MORE);
const WINDOW = 32;

/** So many hints for a, which is away. */
function withHints(count: number, options = {}): HandoffStand {
  const stand = HandoffStand.ready(options);
  for (let i = 0; i < count; i++) stand.keep(`k${i}`, "a", RECORD);
  return stand;
}

function targetsOf(sent: readonly Sent[]): string[] {
  return sent.map(({ to }) => to).sort();
}

test("delivery: a target that is back is left in peace, then told, then all is over", () => {
  const stand = withHints(3);
  stand.pass(60_000);
  assert.deepEqual(stand.take(), [], "it is away");
  stand.link("a");
  stand.pass(99);
  assert.deepEqual(stand.take(), []);
  assert.equal(stand.hintsFor("a")?.state, "waiting");
  assert.deepEqual(targetsOf(stand.serve(500)), ["a", "a", "a"]);
  assert.deepEqual(stand.count("a"), [0, 0]);
  assert.equal(stand.deadlines.count, 0);
});

test("delivery: no more are under way than a window holds", () => {
  const stand = withHints(100);
  stand.link("a");
  stand.deliver();
  stand.pass(2_000);
  const sent = stand.take();
  assert.equal(sent.length, WINDOW);
  assert.equal(stand.hintsFor("a")?.state, "delivering");
  for (const each of sent.slice(0, 5)) stand.accept(each);
  stand.pass(50);
  assert.equal(stand.take().length, 5);
});

test("delivery: to one that answers ever more slowly fewer are under way, and more again after", () => {
  const stand = withHints(2_000);
  stand.link("a");
  stand.deliver();
  stand.pass(2_000);
  let sent = stand.take();
  const answerAfter = (ms: number): number => {
    stand.pass(ms);
    for (const each of sent) stand.accept(each);
    stand.pass(20);
    sent = stand.take();
    return sent.length;
  };
  for (let round = 0; round < 3; round++) assert.equal(answerAfter(0), WINDOW);
  const slow = Array.from({ length: 12 }, () => answerAfter(400));
  assert.ok(slow.at(-1)! <= 2 && slow.at(-1)! >= 1, slow.join(" "));
  const quick = Array.from({ length: 20 }, () => answerAfter(0));
  assert.ok(quick.at(-1)! > 20, quick.join(" "));
});

test("delivery: large records are told a few at a time", () => {
  const stand = HandoffStand.ready();
  const large = recordOf(1, 1024 * 1024);
  for (let i = 0; i < 20; i++) stand.keep(`k${i}`, "a", large);
  stand.link("a");
  stand.deliver();
  stand.pass(2_000);
  assert.equal(stand.sent.length, 4);
  assert.equal(stand.serve(1_000).length, 20);
  const huge = recordOf(1, 8 * 1024 * 1024);
  stand.lose("a");
  stand.keep("huge", "a", huge);
  stand.link("a");
  assert.equal(stand.serve(1_000).length, 1, "one that is longer than all of them goes too");
});

test("delivery: so many in a second, after a first burst", () => {
  const stand = withHints(600, { config: { handoffRowsPerSecond: 100 } });
  stand.link("a");
  stand.deliver();
  const first = stand.serve(1_000).length;
  assert.ok(first >= 100 && first <= 100 + WINDOW, `${first} in the first second`);
  const second = stand.serve(1_000).length;
  assert.ok(Math.abs(second - 100) <= 3, `${second} in the second`);
  const rate = stand.hintsFor("a")!.rowsPerSecond;
  assert.ok(Math.abs(rate - 100) <= 5, `it says ${rate} a second`);
  assert.ok(stand.hintsFor("a")!.keys > 0);
});

test("delivery: with less time for it there are fewer in a second, and never none", () => {
  const stand = withHints(300, { config: { handoffRowsPerSecond: 100 } });
  stand.link("a");
  stand.deliver();
  stand.serve(1_000);
  stand.share = 0.25;
  const slowed = stand.serve(2_000).length;
  assert.ok(Math.abs(slowed - 50) <= 3, `${slowed} in two seconds`);
  stand.share = 1;
  assert.ok(stand.serve(1_000).length >= 97);
});

test("delivery: who does not answer in time is left alone, and told again later", () => {
  const stand = withHints(3);
  stand.link("a");
  stand.deliver();
  stand.pass(100);
  const first = stand.take();
  assert.equal(first.length, 3);
  stand.pass(5_100);
  assert.equal(stand.hintsFor("a")?.state, "resting");
  stand.pass(9_000);
  assert.deepEqual(stand.take(), []);
  assert.equal(stand.accept(first[0]!), false, "a late answer is nobody's");
  assert.equal(stand.hintsFor("a")?.keys, 3);
  assert.equal(stand.serve(3_000).length, 3);
  assert.deepEqual(stand.count("a"), [0, 0]);
});

test("delivery: after a refusal it rests, with whatever was under way", () => {
  for (const reason of ["full", "stale-epoch", "epochs-exhausted", "not-owner"] as const) {
    const stand = withHints(3);
    stand.link("a");
    stand.deliver();
    stand.pass(100);
    const [first, second] = stand.take();
    stand.refuse(first!, reason);
    assert.equal(stand.hintsFor("a")?.state, "resting", reason);
    assert.equal(stand.accept(second!), false);
    assert.equal(stand.serve(9_000).length, 0);
    assert.equal(stand.serve(3_000).length, 3);
    assert.deepEqual(stand.count("a"), [0, 0]);
  }
});

test("delivery: a damaged row of the target holds up none but itself", () => {
  const stand = withHints(100);
  stand.link("a");
  stand.deliver();
  stand.pass(100);
  stand.refuse(stand.sent.shift()!, "damaged");
  assert.equal(stand.serve(2_000).length, 99);
  assert.equal(stand.hintsFor("a")?.keys, 1);
  assert.equal(stand.hintsFor("a")?.state, "resting");
  assert.equal(stand.serve(11_000).length, 1);
  assert.deepEqual(stand.count("a"), [0, 0]);
});

test("delivery: what grew while it was under way is told again", () => {
  const stand = withHints(1);
  stand.link("a");
  stand.deliver();
  stand.pass(100);
  const [first] = stand.take();
  stand.keep("k0", "a", MORE);
  stand.accept(first!);
  assert.equal(stand.hintsFor("a")?.keys, 1);
  const again = stand.serve(1_000);
  assert.deepEqual(
    again.map(({ message }) => message.delta),
    [BOTH],
  );
  assert.deepEqual(stand.count("a"), [0, 0]);
});

test("delivery: what is kept behind the walk is not forgotten when the walk ends", () => {
  const stand = withHints(1);
  stand.link("a");
  stand.deliver();
  stand.pass(100);
  // All partitions are behind: nothing of this one is met any more.
  for (let i = 0; i < 40; i++) stand.keep(`late ${i}`, "a", RECORD);
  assert.equal(stand.serve(5_000).length, 41);
  assert.deepEqual(stand.count("a"), [0, 0]);
});

test("delivery: answers that come twice, or from others, are harmless", () => {
  const stand = withHints(2);
  stand.link("a");
  stand.deliver();
  stand.pass(100);
  const [first, second] = stand.take();
  stand.accept({ ...first!, to: "b" });
  assert.equal(stand.hintsFor("a")?.keys, 2);
  assert.equal(stand.accept(first!), true);
  assert.equal(stand.accept(first!), false);
  stand.refuse(first!, "full");
  assert.equal(stand.hintsFor("a")?.keys, 1);
  assert.equal(stand.hintsFor("a")?.state, "delivering");
  stand.accept(second!);
  assert.deepEqual(stand.count("a"), [0, 0]);
  assert.deepEqual(
    stand.facts.filter(({ kind }) => kind === "hint-delivered").map(({ kind }) => kind),
    ["hint-delivered", "hint-delivered"],
  );
});

test("delivery: a target that is lost stops it, and what was under way is told again", () => {
  const stand = withHints(2);
  stand.link("a");
  stand.deliver();
  stand.pass(100);
  const [first] = stand.take();
  stand.lose("a");
  assert.equal(stand.accept(first!), false);
  stand.pass(60_000);
  assert.deepEqual(stand.take(), []);
  assert.equal(stand.deadlines.count, 0, "nothing goes on for one that is away");
  assert.equal(stand.hintsFor("a")?.state, "waiting");
  stand.link("a");
  assert.equal(stand.serve(1_000).length, 2);
  assert.deepEqual(stand.count("a"), [0, 0]);
});

test("delivery: with a disk too full to take a hint off, it is not told at once for ever", () => {
  const stand = withHints(1);
  stand.link("a");
  stand.disk = "full";
  assert.equal(stand.serve(9_000).length, 1);
  assert.equal(stand.hintsFor("a")?.state, "resting");
  stand.disk = "durable";
  assert.equal(stand.serve(11_000).length, 1);
  assert.deepEqual(stand.count("a"), [0, 0]);
});

test("delivery: who owns nothing any more is not told: most owners of now are enough", () => {
  const stand = withHints(1);
  stand.follow(["b", "c", "d"], ["a", "b", "c", "d"]);
  for (const name of ["a", "b", "c", "d"]) stand.link(name);
  stand.deliver();
  stand.pass(100);
  const sent = stand.take();
  assert.deepEqual(targetsOf(sent), ["b", "c", "d"]);
  stand.accept(sent[0]!);
  assert.equal(stand.hintsFor("a")?.keys, 1);
  stand.refuse(sent[1]!, "full");
  stand.accept(sent[2]!);
  assert.deepEqual(stand.count("a"), [0, 0]);
});

test("delivery: a target that has left for ever holds nothing up", () => {
  const stand = withHints(5);
  for (const name of ["b", "c", "d"]) stand.link(name);
  stand.follow(["b", "c", "d"]);
  assert.equal(stand.serve(1_000).length, 15);
  assert.deepEqual(stand.count("a"), [0, 0]);
  assert.equal(stand.deadlines.count, 0);
});

test("delivery: hints of one that left are brought home after a start, too", () => {
  const before = withHints(5);
  const owners = ["b", "c", "d"];
  const after = new HandoffStand({ engine: before.engine, owners });
  for (const name of owners) after.link(name);
  assert.equal(after.serve(1_000).length, 15);
  assert.deepEqual(after.count("a"), [0, 0]);
});

test("delivery: without most owners it waits, and tells nobody in vain", () => {
  const stand = withHints(50);
  stand.link("b");
  stand.follow(["b", "c", "d"]);
  assert.deepEqual(stand.serve(30_000), []);
  assert.equal(stand.hintsFor("a")?.state, "resting");
  stand.link("c");
  assert.equal(stand.serve(15_000).length, 150);
  assert.deepEqual(stand.count("a"), [0, 0]);
});

test("delivery: an owner of now counts itself when its own row is durable, not before", () => {
  const stand = withHints(1);
  stand.link("b");
  stand.follow(["b", "c", ME], ["a", "b", "c", ME]);
  stand.pass(1_000);
  const sent = stand.take();
  assert.deepEqual(targetsOf(sent), ["b", "c"]);
  stand.accept(sent[0]!);
  assert.equal(stand.hintsFor("a")?.keys, 1);
  const [own] = stand.ownStored;
  assert.ok(own !== undefined && stand.ownStored.length === 1);
  assert.equal(stand.handoff.onWritten(stand.now, ME, own.id), true);
  assert.deepEqual(stand.count("a"), [0, 0]);
});

test("delivery: the only owner of now is this node, and its own row is enough", () => {
  const stand = withHints(1);
  stand.follow([ME], ["a", ME]);
  stand.pass(1_000);
  assert.deepEqual(stand.take(), []);
  stand.handoff.onWritten(stand.now, ME, stand.ownStored[0]!.id);
  assert.deepEqual(stand.count("a"), [0, 0]);
});

test("delivery: an own row that cannot take it does not count", () => {
  const stand = withHints(1);
  stand.ownRefusal = "damaged";
  stand.follow([ME], ["a", ME]);
  stand.pass(1_000);
  assert.equal(stand.hintsFor("a")?.keys, 1);
  assert.equal(stand.hintsFor("a")?.state, "resting");
  stand.ownRefusal = undefined;
  stand.pass(11_000);
  stand.handoff.onWritten(stand.now, ME, stand.ownStored.at(-1)!.id);
  assert.deepEqual(stand.count("a"), [0, 0]);
});
