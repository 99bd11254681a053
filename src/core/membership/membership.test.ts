/** One member, spoken to by hand. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../base/random.ts";
import type { MembershipFact } from "../membership-facts.ts";
import type { MembershipMessage, MemberState, Rumour, Speaker } from "../membership-messages.ts";
import * as messages from "../membership-messages.ts";
import type { NodeId } from "../ring/node-id.ts";
import { nodeId } from "../ring/node-id.ts";
import { LAN_MEMBERSHIP, membershipConfig } from "./membership-config.ts";
import { Membership } from "./membership.ts";

const SELF = nodeId("me");
const PEERS = ["a", "b", "c", "d"].map(nodeId);
const [A, B, C] = PEERS as [NodeId, NodeId, NodeId];

class Bench {
  readonly sent: { to: NodeId; message: MembershipMessage }[] = [];
  readonly facts: MembershipFact[] = [];
  readonly contacted: string[] = [];
  readonly membership: Membership;
  now = 0;

  constructor(
    peers: readonly NodeId[] = PEERS,
    given: { seeds?: readonly string[]; isUnplaced?: boolean } = {},
  ) {
    this.membership = new Membership({
      self: SELF,
      clusterId: "c",
      generation: 5,
      address: "me:1",
      config: LAN_MEMBERSHIP,
      random: new Random(1),
      members: peers.map((id) => ({ id, address: given.isUnplaced === true ? "" : `${id}:1` })),
      removed: [nodeId("gone")],
      seeds: given.seeds ?? [],
      effects: {
        send: (to, message) => void this.sent.push({ to, message }),
        contact: (address, member) => {
          this.contacted.push(member === undefined ? address : `${member} at ${address}`);
        },
        note: (fact) => void this.facts.push(fact),
      },
    });
    this.membership.start(0);
  }

  get self(): Speaker {
    return this.sent[0]!.message.speaker;
  }

  /** As a peer of this cluster would say it. */
  speaker(generation = 1, boot = 7, incarnation = 0): Speaker {
    return { cluster: this.self.cluster, generation, boot, incarnation };
  }

  gossip(from: NodeId, rumours: readonly Rumour[], speaker: Speaker = this.speaker()): void {
    this.membership.receive(this.now, from, messages.gossip(speaker, rumours));
  }

  sync(from: NodeId, rumours: readonly Rumour[]): void {
    this.membership.receive(this.now, from, messages.sync(this.speaker(), false, rumours));
  }

  /** Every deadline when it is due, and everybody but these answers every probe. */
  run(ms: number, silent: readonly NodeId[] = []): void {
    const until = this.now + ms;
    for (;;) {
      const next = this.membership.nextDeadline;
      if (next === undefined || next > until) break;
      this.now = Math.max(this.now, next);
      const from = this.sent.length;
      this.membership.advance(this.now);
      for (const { to, message } of this.sent.slice(from)) {
        if (message.kind !== "probe" || silent.includes(to)) continue;
        const ack = messages.probeAck(this.speaker(), message.sequence, []);
        this.membership.receive(this.now, to, ack);
      }
    }
    this.now = until;
  }

  state(id: NodeId): MemberState | undefined {
    return this.membership.view(id)?.state;
  }

  last(kind: MembershipMessage["kind"]): MembershipMessage | undefined {
    return this.sent.findLast(({ message }) => message.kind === kind)?.message;
  }
}

function said(id: NodeId, state: MemberState, incarnation = 0, accuser: NodeId | "" = ""): Rumour {
  return { id, state, generation: 1, boot: 7, incarnation, address: "", accuser };
}

test("what is said of a member has one order", () => {
  const bench = new Bench();
  const steps: readonly [MemberState, number, MemberState][] = [
    ["alive", 0, "alive"],
    ["suspect", 0, "suspect"],
    ["alive", 0, "suspect"],
    ["alive", 1, "alive"],
    ["suspect", 0, "alive"],
    ["dead", 0, "alive"],
    ["dead", 1, "dead"],
    ["suspect", 1, "dead"],
    ["alive", 1, "dead"],
    ["left", 1, "left"],
    ["dead", 1, "left"],
    ["alive", 2, "alive"],
  ];
  for (const [state, incarnation, then] of steps) {
    bench.gossip(B, [said(A, state, incarnation)]);
    assert.equal(bench.state(A), then, `${state} ${incarnation}`);
  }
  bench.gossip(B, [{ ...said(A, "alive"), generation: 2, boot: 9 }]);
  bench.gossip(B, [said(A, "dead", 900)]);
  assert.equal(bench.state(A), "alive");
});

test("a sync never kills: somebody else's dead is a suspect here", () => {
  const bench = new Bench();
  bench.sync(B, [said(A, "dead"), said(C, "left")]);
  assert.equal(bench.state(A), "suspect");
  assert.equal(bench.state(C), "left");
});

test("an accusation is refuted by a higher incarnation, with the next packet", () => {
  const bench = new Bench();
  const accusation = { ...said(SELF, "suspect", 4, B), generation: 5, boot: bench.self.boot };
  bench.membership.receive(0, B, messages.probe(bench.speaker(), 77, [accusation]));
  const ack = bench.last("probe-ack");
  assert.equal(ack?.speaker.incarnation, 5);
  assert.ok(ack?.kind === "probe-ack" && ack.sequence === 77);
  assert.ok(bench.facts.some(({ kind }) => kind === "accusation-refuted"));
  assert.equal(bench.membership.awareness, 1);
});

test("an accusation of an earlier boot, or an old one, costs no incarnation", () => {
  const bench = new Bench();
  bench.gossip(B, [{ ...said(SELF, "dead", 9), generation: 4 }]);
  assert.equal(bench.membership.view(SELF)?.incarnation, 0);
  assert.equal(bench.membership.awareness, 0);
});

test("silence: helpers are asked, then suspicion, then death", () => {
  const bench = new Bench();
  bench.run(10_000);
  bench.run(60_000, [A]);
  const helped = bench.sent.filter(({ message }) => message.kind === "probe-for");
  assert.ok(helped.length >= 3 && helped.every(({ to }) => to !== A));
  const fates = bench.facts.flatMap((fact) =>
    fact.kind === "member-changed" && fact.member === A ? [fact.state] : [],
  );
  assert.deepEqual(fates, ["alive", "suspect", "dead"]);
  // The helpers sent no nack either.
  const scores = bench.facts.flatMap((fact) =>
    fact.kind === "awareness-changed" ? [fact.score] : [],
  );
  assert.equal(scores[0], 3);
});

test("silence that a late timer noticed is no silence", () => {
  for (const [endMs, state] of [
    [1_001, "suspect"],
    [1_700, "alive"],
  ] as const) {
    const bench = new Bench([A]);
    bench.run(10_000);
    const from = bench.sent.length;
    while (!bench.sent.slice(from).some(({ message }) => message.kind === "probe")) {
      bench.now = bench.membership.nextDeadline!;
      bench.membership.advance(bench.now);
    }
    bench.membership.advance(bench.now + 501);
    bench.membership.advance(bench.now + endMs);
    assert.equal(bench.state(A), state);
  }
});

test("a probe of a suspect brings the suspicion along", () => {
  const bench = new Bench([A]);
  bench.gossip(A, []);
  bench.gossip(B, [said(A, "suspect", 0, C)]);
  bench.run(2_500, [A]);
  const probe = bench.sent.findLast(({ to, message }) => to === A && message.kind === "probe");
  assert.ok(probe?.message.kind === "probe");
  const { rumours } = probe.message;
  assert.deepEqual([rumours[0]?.id, rumours[0]?.state], [A, "suspect"]);
});

test("a helper passes the answer on, and says so when there is none", () => {
  const bench = new Bench();
  const ask = messages.probeFor(bench.speaker(), 77, A, []);
  bench.membership.receive(bench.now, B, ask);
  const probe = bench.last("probe");
  assert.ok(probe?.kind === "probe");
  const ack = messages.probeAck(bench.speaker(), probe.sequence, []);
  bench.membership.receive(bench.now, C, ack);
  assert.equal(bench.last("probe-ack"), undefined);
  bench.membership.receive(bench.now, A, ack);
  const passed = bench.sent.at(-1)!;
  assert.deepEqual([passed.to, passed.message.kind], [B, "probe-ack"]);
  bench.membership.receive(bench.now, B, ask);
  bench.run(400, PEERS);
  const nack = bench.sent.findLast(({ message }) => message.kind === "probe-nack");
  assert.equal(nack?.to, B);
  assert.ok(nack.message.kind === "probe-nack" && nack.message.sequence === 77);
});

test("nobody is probed for others who is not a member", () => {
  const bench = new Bench();
  const from = bench.sent.length;
  for (const target of [SELF, nodeId("stranger"), nodeId("gone")]) {
    bench.membership.receive(0, B, messages.probeFor(bench.speaker(), 77, target, []));
  }
  assert.equal(bench.sent.length, from);
});

test("helpers that nack spare this node the blame", () => {
  const bench = new Bench();
  bench.run(10_000);
  for (let step = 0; step < 240; step++) {
    const from = bench.sent.length;
    bench.run(50, [A]);
    for (const { to, message } of bench.sent.slice(from)) {
      if (message.kind !== "probe-for") continue;
      const nack = messages.probeNack(bench.speaker(), message.sequence);
      bench.membership.receive(bench.now, to, nack);
    }
  }
  assert.equal(bench.state(A), "suspect");
  assert.equal(bench.membership.awareness, 0);
});

test("another cluster, a removed id and an older boot are refused by name", () => {
  const bench = new Bench();
  bench.gossip(A, [], bench.speaker(3));
  const cases = [
    [B, { ...bench.speaker(), cluster: 1 }, "wrong-cluster"],
    [nodeId("gone"), bench.speaker(), "removed"],
    [A, bench.speaker(2), "old-generation"],
    [A, bench.speaker(3, 8), "clone"],
    [SELF, bench.speaker(5, 8), "clone"],
  ] as const;
  for (const [from, speaker, reason] of cases) {
    bench.gossip(from, [said(C, "dead")], speaker);
    const told = bench.sent.at(-1)!;
    assert.deepEqual([told.to, told.message.kind], [from, "unwelcome"]);
    assert.ok(told.message.kind === "unwelcome" && told.message.reason === reason);
    assert.equal(told.message.boot, speaker.boot);
    const fact = bench.facts.findLast(({ kind }) => kind === "member-refused");
    assert.deepEqual(fact, { kind: "member-refused", from, reason });
  }
  assert.equal(bench.state(C), "alive");
  assert.equal(bench.state(nodeId("gone")), undefined);
});

test("two boots of one id and generation are an alarm, said once", () => {
  const bench = new Bench();
  bench.gossip(A, []);
  for (let time = 0; time < 5; time++) bench.gossip(B, [{ ...said(A, "alive", 3), boot: 8 }]);
  const alarms = bench.facts.filter(({ kind }) => kind === "clone-seen");
  assert.deepEqual(alarms, [{ kind: "clone-seen", member: A, generation: 1, known: 1 }]);
});

test("a node that hears of another boot of itself says so", () => {
  for (const generation of [5, 6]) {
    const bench = new Bench();
    bench.gossip(B, [{ ...said(SELF, "alive"), generation, boot: 8 }]);
    const alarm = bench.facts.find(({ kind }) => kind === "clone-seen");
    assert.deepEqual(alarm, { kind: "clone-seen", member: SELF, generation, known: 5 });
    assert.equal(bench.membership.view(SELF)?.incarnation, 0);
  }
});

test("a refusal is a fact for the boot it means, and is not answered", () => {
  const bench = new Bench();
  const from = bench.sent.length;
  for (const boot of [bench.self.boot, 1]) {
    bench.membership.receive(0, A, messages.unwelcome(bench.speaker(), boot, "removed"));
  }
  assert.equal(bench.sent.length, from);
  const refusals = bench.facts.filter(({ kind }) => kind === "refused-by");
  assert.deepEqual(refusals, [{ kind: "refused-by", peer: A, reason: "removed" }]);
});

test("seeds are contacted for ever, until somebody is known to live there", () => {
  const bench = new Bench([], { seeds: ["a:1", "me:1"] });
  bench.run(95_000);
  assert.deepEqual([...new Set(bench.contacted)], ["a:1"]);
  assert.ok(bench.contacted.length >= 4);
  bench.membership.onLinked(bench.now, A, 1);
  bench.run(1_000);
  assert.ok(bench.sent.some(({ to, message }) => to === A && message.kind === "sync"));
  bench.gossip(A, [{ ...said(A, "alive"), address: "a:1" }]);
  const { length } = bench.contacted;
  bench.run(95_000);
  assert.equal(bench.contacted.length, length);
});

/** The seconds in which the seed was asked. */
function times(bench: Bench, ms: number, silent: readonly NodeId[]): number[] {
  const at: number[] = [];
  for (const until = bench.now + ms; bench.now < until;) {
    const { length } = bench.contacted;
    bench.run(100, silent);
    if (bench.contacted.slice(length).includes("seed:1")) at.push(Math.round(bench.now / 1_000));
  }
  return at;
}

test("seeds are asked ever more seldom, and by a node that hears nobody never seldom", () => {
  const alone = new Bench(PEERS, { seeds: ["seed:1"], isUnplaced: true });
  assert.deepEqual(alone.contacted, ["seed:1"]);
  const waits = times(alone, 600_000, PEERS).map((at, index, all) => at - (all[index - 1] ?? 0));
  assert.ok(waits.length >= 110 && Math.max(...waits) <= 5, waits.join(" "));
  const inCompany = new Bench(PEERS, { seeds: ["seed:1"], isUnplaced: true });
  inCompany.gossip(A, []);
  const seldom = times(inCompany, 600_000, PEERS.slice(1)).map(
    (at, index, all) => at - (all[index - 1] ?? 0),
  );
  assert.ok(seldom.length >= 20 && seldom.length < 35, seldom.join(" "));
  assert.ok(Math.max(...seldom) <= 31 && seldom[0]! <= 1, seldom.join(" "));
});

test("a ring in which nobody is missing asks at no seed", () => {
  const bench = new Bench(PEERS, { seeds: ["seed:1"], isUnplaced: true });
  bench.gossip(
    A,
    [A, B, C, PEERS[3]!].map((id) => said(id, "alive")),
  );
  bench.run(30_000);
  const { length } = bench.contacted;
  bench.run(600_000);
  assert.equal(bench.contacted.length, length);
});

test("an address is one boot's: a later boot's word is followed, an earlier one's is not", () => {
  const bench = new Bench(PEERS, { isUnplaced: true });
  const placed = (generation: number, address: string): Rumour => ({
    ...said(A, "alive"),
    generation,
    address,
  });
  bench.gossip(B, [placed(2, "two:1")]);
  bench.gossip(B, [placed(1, "one:1")]);
  assert.equal(bench.membership.view(A)?.address, "two:1");
  bench.membership.onLocated(A, 3, "three:1");
  bench.membership.onLocated(A, 3, "three:1");
  bench.membership.onLocated(A, 3, "clone:1");
  bench.membership.onLocated(A, 2, "two:1");
  bench.gossip(B, [placed(2, "two:1")]);
  assert.equal(bench.membership.view(A)?.address, "three:1");
  assert.deepEqual(bench.contacted, ["a at two:1", "a at three:1"]);
  bench.membership.onLocated(nodeId("nobody"), 1, "x:1");
  bench.membership.onLocated(SELF, 9, "x:1");
  assert.equal(bench.membership.view(SELF)?.address, "me:1");
});

test("where an earlier boot was is not told of a later one", () => {
  const bench = new Bench();
  bench.gossip(A, [{ ...said(B, "alive"), address: "b:2" }]);
  bench.run(1_000);
  bench.gossip(B, [], bench.speaker(2, 8));
  bench.run(1_000);
  const told = bench.sent.flatMap(({ message }) => ("rumours" in message ? message.rumours : []));
  const ofB = told
    .filter(({ id }) => id === B)
    .map(({ generation, address }) => [generation, address]);
  assert.ok(ofB.some(([generation, address]) => generation === 1 && address === "b:2"));
  assert.ok(ofB.some(([generation]) => generation === 2));
  assert.ok(ofB.every(([generation, address]) => generation === 1 || address === ""));
});

test("whoever was heard of and becomes a member is contacted where it is", () => {
  const bench = new Bench([A]);
  bench.gossip(A, [{ ...said(B, "alive"), address: "b:2" }]);
  const { length } = bench.contacted;
  const ring = [A, B].map((id) => ({ id, address: "" }));
  bench.membership.follow(bench.now, ring, []);
  bench.membership.follow(bench.now, ring, []);
  assert.deepEqual(bench.contacted.slice(length), ["b at b:2"]);
});

test("the dead are contacted where they were last, and at a start some of those written down", () => {
  const bench = new Bench();
  assert.equal(bench.contacted.length, 3);
  bench.contacted.length = 0;
  bench.gossip(A, [said(B, "alive")]);
  bench.run(60_000, PEERS);
  for (const id of PEERS) assert.ok(bench.contacted.includes(`${id} at ${id}:1`), id);
  assert.ok(bench.contacted.length <= 120, `${bench.contacted.length}`);
});

test("after a stall: no verdict of that time, a full exchange, less trust in itself", () => {
  const bench = new Bench();
  bench.run(5_000);
  const from = bench.sent.length;
  bench.now += 9_000;
  bench.membership.advance(bench.now);
  const stall = bench.facts.find(({ kind }) => kind === "stall-noticed");
  assert.ok(stall?.kind === "stall-noticed" && stall.lateMs > 7_000);
  assert.equal(bench.membership.awareness, 1);
  const kinds = bench.sent.slice(from).map(({ message }) => message.kind);
  assert.equal(kinds.filter((kind) => kind === "sync").length, 3);
  bench.run(3_500, PEERS);
  for (const id of PEERS) assert.equal(bench.state(id), "alive");
  bench.run(60_000, PEERS);
  assert.ok(PEERS.some((id) => bench.state(id) === "dead"));
});

test("a message that arrives before the late timer is the end of a stall as well", () => {
  const bench = new Bench();
  bench.run(5_000);
  bench.now += 9_000;
  bench.gossip(A, []);
  assert.ok(bench.facts.some(({ kind }) => kind === "stall-noticed"));
});

test("a node that leaves judges nobody and refutes nothing", () => {
  const bench = new Bench();
  bench.run(2_000);
  bench.membership.leave(bench.now);
  bench.gossip(B, [{ ...said(SELF, "dead"), generation: 5, boot: bench.self.boot }]);
  const from = bench.sent.length;
  bench.run(120_000, PEERS);
  assert.ok(bench.sent.slice(from).every(({ message }) => message.kind === "gossip"));
  assert.equal(bench.membership.pendingRumours, 0);
  assert.equal(bench.state(SELF), "left");
  assert.equal(bench.membership.view(SELF)?.incarnation, 0);
});

test("the layout decides who is remembered, and who is not spoken of", () => {
  const bench = new Bench();
  bench.gossip(B, [said(A, "alive")]);
  bench.membership.follow(bench.now, [{ id: B, address: "b:2" }], [A]);
  bench.gossip(B, [said(A, "alive", 1)]);
  assert.equal(bench.state(A), undefined);
  assert.equal(bench.state(B), "alive");
  assert.equal(bench.membership.members().includes(A), false);
});

test("the table is bounded, and whoever does not fit is named once", () => {
  const facts: MembershipFact[] = [];
  const config = membershipConfig({ membersMax: 2 });
  assert.ok(!("problem" in config));
  const membership = new Membership({
    self: SELF,
    clusterId: "c",
    generation: 1,
    address: "",
    config,
    random: new Random(1),
    members: [],
    removed: [],
    seeds: [],
    effects: { send: () => {}, contact: () => {}, note: (fact) => void facts.push(fact) },
  });
  const { cluster } = new Bench().self;
  for (let time = 0; time < 3; time++) {
    const rumours = PEERS.map((id) => said(id, "alive"));
    const speaker = { cluster, generation: 1, boot: 7, incarnation: 0 };
    membership.receive(0, A, messages.gossip(speaker, rumours));
  }
  assert.equal(membership.members().length, 2);
  assert.equal(facts.filter(({ kind }) => kind === "member-ignored").length, 2);
});

test("impossible knobs are refused by name", () => {
  const problems = [
    membershipConfig({ probeTimeoutMs: 1_000 }),
    membershipConfig({ gossipNodes: 0 }),
    membershipConfig({ probeIntervalMs: 1.5 }),
    membershipConfig({ unknown: 1 } as object),
  ].map((answer) => ("problem" in answer ? answer.problem.split(" ")[0] : ""));
  assert.deepEqual(problems, [
    "membership.probeTimeoutMs",
    "membership.gossipNodes",
    "membership.probeIntervalMs",
    "membership.unknown",
  ]);
});
