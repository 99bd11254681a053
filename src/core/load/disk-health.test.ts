import assert from "node:assert/strict";
import { test } from "node:test";
import { DeadlineWheel } from "../deadlines.ts";
import type { Fact } from "../facts.ts";
import type { Condition, Message } from "../messages.ts";
import { condition } from "../messages.ts";
import { nodeId } from "../ring/node-id.ts";
import { DiskHealth } from "./disk-health.ts";
import { DiskPace } from "./disk-pace.ts";

const [A, B, C] = ["a", "b", "c"].map(nodeId) as [
  ReturnType<typeof nodeId>,
  ReturnType<typeof nodeId>,
  ReturnType<typeof nodeId>,
];

/** Node `a` of three, whose disk takes as long as a test says. */
class Stand {
  readonly deadlines = new DeadlineWheel();
  readonly facts: Fact[] = [];
  readonly sent: Message[] = [];
  readonly health: DiskHealth;
  now = 1_000;
  #token = 0;

  constructor() {
    this.health = new DiskHealth({
      self: A,
      deadlines: this.deadlines,
      members: () => [A, B, C],
      isLinked: (node) => node !== C,
      effects: {
        send: (_to, message) => this.sent.push(message),
        note: (fact) => this.facts.push(fact),
        contact: () => assert.fail("it looks for nobody"),
        persist: () => assert.fail("it writes nothing"),
        reply: () => assert.fail("nobody asked"),
      },
    });
  }

  /** One write after the other, for so long. */
  write(forMs: number, latencyMs: number): void {
    for (const end = this.now + forMs; this.now < end;) {
      const token = ++this.#token;
      this.health.onGiven(this.now, token);
      this.pass(latencyMs);
      this.health.onDurable(this.now, token);
      if (latencyMs < 1) this.pass(1);
    }
  }

  pass(ms: number): void {
    this.now += ms;
    this.deadlines.advance(this.now);
  }

  get kinds(): string[] {
    return this.facts.map(({ kind }) => kind);
  }
}

test("disk health: a quick disk has nothing to say, and nothing to wake for", () => {
  const stand = new Stand();
  stand.write(30_000, 2);
  assert.deepEqual([stand.sent, stand.facts, stand.deadlines.count], [[], [], 0]);
});

test("disk health: a disk that is slow for ten seconds steps back, and says so to all", () => {
  const stand = new Stand();
  stand.write(5_000, 1);
  stand.write(9_000, 300);
  assert.deepEqual(stand.facts, [], "not yet");
  stand.write(5_000, 300);
  assert.deepEqual(stand.kinds, ["disk-degraded"]);
  assert.equal(stand.health.isDegraded(stand.now, A), true);
  const told = stand.sent.at(-1) as Condition;
  assert.equal(told.isDegraded, true);
  assert.ok(Math.abs(told.latencyMs - 300) < 20);
  assert.ok(stand.sent.length < 12, "every two seconds, to the one that is linked");
});

test("disk health: it comes back once it was well for ten seconds, and not on the edge", () => {
  const stand = new Stand();
  stand.write(20_000, 300);
  stand.write(30_000, 40);
  assert.deepEqual(stand.kinds, ["disk-degraded"], "below the bound, but not by half");
  stand.write(8_000, 3);
  assert.deepEqual(stand.kinds, ["disk-degraded"]);
  stand.write(8_000, 3);
  assert.deepEqual(stand.kinds, ["disk-degraded", "disk-recovered"]);
  assert.equal((stand.sent.at(-1) as Condition).isDegraded, false);
  stand.write(8_000, 3);
  assert.equal(stand.deadlines.count, 0);
});

test("disk health: where all are as slow nobody steps back", () => {
  const stand = new Stand();
  for (let second = 0; second < 30; second++) {
    for (const peer of [B, C]) stand.health.onTold(stand.now, peer, condition(280, false));
    stand.write(1_000, 300);
  }
  assert.deepEqual(stand.facts, []);
  assert.ok(stand.sent.length > 0);
});

test("disk health: what another said holds for ten seconds", () => {
  const stand = new Stand();
  stand.health.onTold(stand.now, B, condition(300, true));
  assert.deepEqual(stand.health.report(stand.now).degraded, [B]);
  stand.pass(10_001);
  assert.equal(stand.health.isDegraded(stand.now, B), false);
});

test("disk health: a stall counts before it is over; what nobody writes to is not slow", () => {
  const pace = new DiskPace();
  pace.onGiven(0, 1);
  assert.equal(pace.latencyMs(4_000), 500);
  pace.onGiven(4_000, 2);
  pace.onDurable(5_000, 2);
  assert.equal(pace.latencyMs(5_000), 625, "one is watched at a time");
  pace.onDurable(5_000, 1);
  assert.equal(pace.latencyMs(5_000), 625);
  assert.equal(pace.latencyMs(15_001), 0);
});
