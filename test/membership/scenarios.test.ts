/**
 * What happens to a cluster, and what its members come to hold of each other.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteReader, ByteWriter } from "#src/core/base/bytes.ts";
import type { MembershipFact } from "#src/core/membership-facts.ts";
import type { MembershipMessage } from "#src/core/membership-messages.ts";
import { SYNC_BYTES_MAX } from "#src/core/membership-messages.ts";
import { readMembership, writeMembership } from "#src/core/wire/membership-codec.ts";
import type { MemberClusterOptions, NotedFact } from "#src/sim/membership/member-cluster.ts";
import { MemberCluster } from "#src/sim/membership/member-cluster.ts";

function warm(options: MemberClusterOptions): MemberCluster {
  const cluster = new MemberCluster(options);
  cluster.startWarm();
  cluster.runFor(2_000);
  return cluster;
}

function record(cluster: MemberCluster): NotedFact[] {
  const noted: NotedFact[] = [];
  cluster.onFact = (fact) => void noted.push(fact);
  return noted;
}

function verdicts(noted: readonly NotedFact[], state: "suspect" | "dead"): NotedFact[] {
  return noted.filter(({ fact }) => fact.kind === "member-changed" && fact.state === state);
}

function kinds(noted: readonly NotedFact[], by: number): MembershipFact["kind"][] {
  return noted.filter((one) => one.by === by).map(({ fact }) => fact.kind);
}

function allAlive(cluster: MemberCluster): boolean {
  return cluster.processes.every(({ index }) => cluster.allHold(index, "alive"));
}

/** Everybody has heard of everybody, and holds it alive. */
function isMet(cluster: MemberCluster): boolean {
  if (!allAlive(cluster)) return false;
  return cluster.processes.every(({ index, membership }) =>
    cluster.processes.every(
      ({ id, index: other }) => index === other || membership.view(id)!.generation > 0,
    ),
  );
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

for (const [count, firstMs, allMs] of [
  [3, 8_000, 8_500],
  [5, 12_000, 12_500],
  [64, 14_000, 15_000],
] as const) {
  test(`a crash among ${count} is known to all within ${allMs / 1_000} s`, () => {
    for (let seed = 1; seed <= 10; seed++) {
      const cluster = warm({ seed, count });
      const noted = record(cluster);
      const { now } = cluster;
      cluster.crash(1);
      assert.ok(
        cluster.runUntil(() => cluster.allHold(1, "dead"), allMs),
        `seed ${seed}`,
      );
      const dead = verdicts(noted, "dead");
      assert.ok(dead[0]!.at - now <= firstMs, `first after ${dead[0]!.at - now} ms`);
      const member = cluster.id(1);
      assert.ok(dead.every(({ fact }) => "member" in fact && fact.member === member));
    }
  });
}

test("a connection that ended makes everybody look at once", () => {
  const cluster = warm({ seed: 1, count: 5 });
  cluster.crash(1);
  for (const process of cluster.processes) {
    process.run(cluster.now, () => process.membership.onLost(cluster.id(1)));
  }
  assert.ok(cluster.runUntil(() => cluster.allHold(1, "dead"), 6_500));
});

test("a lost connection alone is nothing", () => {
  const cluster = warm({ seed: 1, count: 3 });
  const noted = record(cluster);
  cluster.processes[0]!.membership.onLost(cluster.id(1));
  cluster.runFor(10_000);
  assert.deepEqual(noted, []);
});

for (const [count, seeds] of [
  [3, 40],
  [5, 40],
  [64, 4],
] as const) {
  test(`nobody of ${count} is declared dead because anybody stalls for two seconds`, () => {
    for (let seed = 1; seed <= seeds; seed++) {
      const cluster = warm({ seed, count });
      const noted = record(cluster);
      cluster.runFor(seed * 97);
      cluster.stall(1, 2_000);
      cluster.runFor(20_000);
      assert.deepEqual(verdicts(noted, "dead"), [], `seed ${seed}`);
      assert.ok(allAlive(cluster));
    }
  });
}

test("a node that was away for 20 s comes back, and accuses nobody of its own absence", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const cluster = warm({ seed, count: 5 });
    cluster.runFor(seed * 71);
    const noted = record(cluster);
    cluster.stall(2, 20_000);
    cluster.runFor(19_990);
    assert.ok(cluster.allHold(2, "dead"));
    cluster.runFor(20);
    const wake = noted.findIndex(({ fact }) => fact.kind === "stall-noticed");
    assert.equal(noted[wake]!.by, 2);
    cluster.runFor(20_000);
    const own = noted.slice(wake).filter(({ by }) => by === 2);
    assert.deepEqual(verdicts(own, "suspect"), [], `seed ${seed}`);
    assert.deepEqual(verdicts(own, "dead"), []);
    assert.ok(kinds(own, 2).includes("accusation-refuted"));
    assert.ok(allAlive(cluster), `seed ${seed}`);
  }
});

test("a suspicion that ran out while its holder was away is begun again", () => {
  const cluster = warm({ seed: 4, count: 3 });
  const noted = record(cluster);
  // 1 stalls until 0 suspects it; then 0 stalls, and the refutation waits in its socket.
  cluster.stall(1, 3_500);
  assert.ok(cluster.runUntil(() => cluster.stateOf(0, 1) === "suspect", 3_400));
  cluster.stall(0, 8_000);
  cluster.runFor(20_000);
  assert.deepEqual(
    verdicts(noted, "dead").filter(({ by }) => by === 0),
    [],
  );
  assert.ok(allAlive(cluster));
});

test("a direction that is cut between two members worries nobody", () => {
  for (const count of [3, 5]) {
    const cluster = warm({ seed: 2, count });
    const noted = record(cluster);
    cluster.network.cut([0], [1]);
    cluster.runFor(60_000);
    assert.deepEqual(verdicts(noted, "dead"), []);
    assert.ok(allAlive(cluster));
  }
});

test("a member that another cannot reach, and the rest can, stays alive for all", () => {
  for (const count of [3, 5]) {
    const cluster = warm({ seed: 3, count });
    const noted = record(cluster);
    cluster.network.cut([0], [1]);
    cluster.network.cut([1], [0]);
    cluster.runFor(60_000);
    assert.deepEqual(verdicts(noted, "suspect"), []);
    assert.ok(allAlive(cluster));
  }
});

test("a member that speaks and does not hear is dead, and kills nobody with what it thinks", () => {
  const cluster = warm({ seed: 5, count: 5 });
  const noted = record(cluster);
  cluster.network.cut([0, 2, 3, 4], [1]);
  cluster.runFor(120_000);
  assert.ok(cluster.allHold(1, "dead"));
  const mistaken = verdicts(noted, "dead").filter(({ by, fact }) => {
    return by !== 1 && "member" in fact && fact.member !== cluster.id(1);
  });
  assert.deepEqual(mistaken, []);
});

for (const [count, seconds] of [
  [6, 30],
  [6, 600],
  [64, 30],
] as const) {
  test(`${count} members, ${seconds} s in two halves, are one cluster again`, () => {
    const cluster = warm({ seed: 6, count });
    const left = range(0, count / 2);
    const right = range(count / 2, count);
    const cuts = [cluster.network.cut(left, right), cluster.network.cut(right, left)];
    cluster.runFor(seconds * 1_000);
    assert.equal(cluster.stateOf(0, count - 1), "dead");
    assert.equal(cluster.stateOf(0, 1), "alive");
    for (const cut of cuts) cluster.network.heal(cut);
    assert.ok(cluster.runUntil(() => allAlive(cluster), 45_000));
  });
}

test("all die and come back", () => {
  const cluster = warm({ seed: 7, count: 5 });
  for (let index = 0; index < 5; index++) cluster.crash(index);
  cluster.runFor(3_600_000);
  for (let index = 0; index < 5; index++) cluster.at(index * 3_000, () => cluster.boot(index));
  cluster.runFor(12_100);
  assert.ok(cluster.runUntil(() => allAlive(cluster), 35_000));
  assert.equal(cluster.processes[0]!.membership.view(cluster.id(4))?.generation, 2);
});

test("a member that is down for an hour is welcome when it boots", () => {
  const cluster = warm({ seed: 8, count: 3 });
  cluster.crash(1);
  cluster.runFor(3_600_000);
  assert.ok(cluster.allHold(1, "dead"));
  cluster.boot(1);
  assert.ok(cluster.runUntil(() => allAlive(cluster), 2_000));
});

test("a quick restart is never taken for a death", () => {
  const cluster = warm({ seed: 9, count: 5 });
  const noted = record(cluster);
  cluster.crash(3);
  cluster.runFor(500);
  cluster.boot(3);
  cluster.runFor(20_000);
  assert.deepEqual(verdicts(noted, "dead"), []);
  for (const index of [0, 1, 2, 4]) {
    const view = cluster.processes[index]!.membership.view(cluster.id(3));
    assert.deepEqual([view?.state, view?.generation], ["alive", 2]);
  }
});

test("whoever leaves is not dead, is not looked for, and may come back", () => {
  const cluster = warm({ seed: 10, count: 5 });
  const noted = record(cluster);
  cluster.leave(2);
  assert.ok(cluster.runUntil(() => cluster.processes[2]!.membership.pendingRumours === 0, 3_000));
  cluster.crash(2);
  assert.ok(cluster.allHold(2, "left"));
  cluster.runFor(120_000);
  assert.ok(cluster.allHold(2, "left"));
  assert.deepEqual([...verdicts(noted, "dead"), ...verdicts(noted, "suspect")], []);
  cluster.boot(2);
  assert.ok(cluster.runUntil(() => allAlive(cluster), 2_000));
});

test("an older boot of a member is refused by name", () => {
  const cluster = warm({ seed: 11, count: 3 });
  cluster.boot(1);
  cluster.runFor(5_000);
  const noted = record(cluster);
  cluster.boot(1, 1);
  cluster.runFor(2_000);
  assert.ok(kinds(noted, 0).includes("member-refused"));
  const refusal = noted.find(({ by, fact }) => by === 1 && fact.kind === "refused-by");
  assert.deepEqual(refusal?.fact, {
    kind: "refused-by",
    peer: refusal?.fact.kind === "refused-by" ? refusal.fact.peer : "",
    reason: "old-generation",
  });
  assert.equal(cluster.processes[0]!.membership.view(cluster.id(1))?.generation, 2);
});

test("a removed member is refused by name, and nobody speaks of it again", () => {
  const cluster = warm({ seed: 12, count: 4 });
  const noted = record(cluster);
  cluster.network.cut([3], [0, 1, 2]);
  cluster.remove(3);
  cluster.runFor(1_000);
  cluster.network.healAll();
  // It has not heard of the new layout, and starts again.
  cluster.boot(3);
  cluster.runFor(10_000);
  assert.equal(cluster.stateOf(0, 3), undefined);
  const refusals = noted.filter(({ fact }) => fact.kind === "refused-by");
  assert.ok(refusals.some(({ by }) => by === 3));
  assert.ok(refusals.every(({ fact }) => "reason" in fact && fact.reason === "removed"));
});

test("two members that know nothing but seeds find each other", () => {
  for (const count of [2, 5]) {
    const cluster = new MemberCluster({ seed: 13, count, seeds: [0, 1] });
    cluster.startAll();
    const isWhole = (): boolean =>
      allAlive(cluster) &&
      cluster.processes.every(({ membership }) => membership.members().length === count - 1);
    assert.ok(cluster.runUntil(isWhole, 10_000), `${count} members`);
  }
});

test("a seed that comes an hour late is found", () => {
  const cluster = new MemberCluster({ seed: 14, count: 2, seeds: [0] });
  cluster.boot(1);
  cluster.runFor(3_600_000);
  cluster.boot(0);
  assert.ok(cluster.runUntil(() => cluster.stateOf(1, 0) === "alive", 31_000));
  assert.equal(cluster.stateOf(0, 1), "alive");
});

for (const [count, seeds] of [
  [4, [0]],
  [6, [0, 3]],
  [9, [8]],
  [64, [0, 1, 2]],
] as const) {
  test(`${count} members that know names and ${seeds.length} seeds, cut in two for 30 s at the start`, () => {
    const cluster = new MemberCluster({ seed: 20, count, asks: () => seeds });
    const left = range(0, count / 2);
    const right = range(Math.ceil(count / 2), count);
    cluster.network.cut(left, right);
    cluster.network.cut(right, left);
    cluster.startAll();
    cluster.runFor(30_000);
    assert.ok(!allAlive(cluster));
    cluster.network.healAll();
    assert.ok(cluster.runUntil(() => isMet(cluster), 45_000));
    cluster.runFor(60_000);
    assert.ok(allAlive(cluster));
  });
}

test("two halves that each ask at one of their own are one as soon as anybody asks at both", () => {
  const count = 6;
  const asks = (index: number): readonly number[] => (index === 5 ? [3, 0] : index < 3 ? [0] : [3]);
  const cluster = new MemberCluster({ seed: 21, count, asks });
  for (const index of range(0, 5)) cluster.boot(index);
  cluster.runFor(600_000);
  assert.equal(cluster.stateOf(0, 2), "alive");
  assert.equal(cluster.stateOf(0, 3), "dead");
  cluster.boot(5);
  assert.ok(cluster.runUntil(() => isMet(cluster), 10_000));
});

test("all who know nothing but a seed go down, and come back elsewhere", () => {
  const cluster = new MemberCluster({ seed: 22, count: 5, asks: () => [0] });
  cluster.startAll();
  assert.ok(cluster.runUntil(() => isMet(cluster), 10_000));
  for (const index of range(0, 5)) cluster.crash(index);
  for (const index of range(1, 5)) cluster.at(index * 1_000, () => cluster.move(index));
  cluster.runFor(600_000);
  assert.ok(!allAlive(cluster));
  cluster.boot(0);
  assert.ok(cluster.runUntil(() => isMet(cluster), 10_000));
});

test("the dead are forgotten in the end, but never those of the ring", () => {
  const config = { forgetAfterMs: 60_000 };
  for (const [seeds, state] of [
    [[0], undefined],
    [undefined, "dead"],
  ] as const) {
    const options = { seed: 15, count: 3, config };
    const cluster = new MemberCluster(seeds === undefined ? options : { ...options, seeds });
    cluster.startAll();
    assert.ok(cluster.runUntil(() => cluster.stateOf(1, 2) === "alive", 60_000));
    cluster.crash(2);
    cluster.runFor(20_000);
    assert.equal(cluster.stateOf(1, 2), "dead");
    cluster.runFor(120_000);
    assert.equal(cluster.stateOf(1, 2), state);
  }
});

test("64 members that start at once: no packet is larger than it may be", () => {
  const cluster = new MemberCluster({ seed: 16, count: 64 });
  cluster.startAll();
  assert.ok(cluster.runUntil(() => allAlive(cluster), 10_000));
  cluster.runFor(5_000);
  const { packetBytesMax, syncBytesMax } = cluster.traffic;
  assert.ok(packetBytesMax > 1_000 && packetBytesMax <= cluster.config.packetBytesMax);
  assert.ok(syncBytesMax <= SYNC_BYTES_MAX);
  assert.ok(cluster.processes.every(({ membership }) => membership.pendingRumours === 0));
});

test("1,000 members: a crash is known to all, and a state takes one message", () => {
  const cluster = new MemberCluster({ seed: 17, count: 1_000 });
  cluster.startWarm();
  const noted = record(cluster);
  cluster.crash(1);
  assert.ok(cluster.runUntil(() => cluster.allHold(1, "dead"), 20_000));
  const member = cluster.id(1);
  assert.ok(
    verdicts(noted, "dead").every(({ fact }) => "member" in fact && fact.member === member),
  );
  assert.ok(cluster.traffic.packetBytesMax <= cluster.config.packetBytesMax);
});

test("every message of a run with troubles survives its bytes", () => {
  const kindsSeen = new Set<string>();
  const carry = (message: MembershipMessage): MembershipMessage => {
    const writer = new ByteWriter();
    writeMembership(writer, message);
    const carried = readMembership(new ByteReader(writer.finish()));
    assert.ok(carried !== undefined);
    assert.deepEqual(carried, message);
    kindsSeen.add(message.kind);
    return carried;
  };
  const cluster = warm({ seed: 19, count: 5, carry });
  cluster.crash(4);
  cluster.stall(3, 12_000);
  cluster.runFor(40_000);
  cluster.boot(4);
  cluster.leave(2);
  cluster.runFor(10_000);
  assert.ok(cluster.runUntil(() => cluster.allHold(4, "alive"), 1_000));
  assert.ok(kindsSeen.size >= 6, [...kindsSeen].join(" "));
});

test("the same seed gives the same run", () => {
  const trace = (): string => {
    const cluster = warm({ seed: 18, count: 8 });
    const noted = record(cluster);
    cluster.network.options = { ...cluster.network.options, lossRate: 0.1, duplicateRate: 0.1 };
    cluster.stall(3, 5_000);
    cluster.crash(4);
    cluster.runFor(60_000);
    return JSON.stringify([noted, cluster.traffic, cluster.events]);
  };
  assert.equal(trace(), trace());
});
