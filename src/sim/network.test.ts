import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../core/base/random.ts";
import type { Message } from "../core/messages.ts";
import { ask, written } from "../core/messages.ts";
import { clientRequest } from "../core/requests.ts";
import { keyOf } from "../core/ring/key.ts";
import type { FaultKind } from "./faults.ts";
import type { NetworkOptions } from "./network.ts";
import { Network, QUIET_NETWORK } from "./network.ts";
import { Scheduler } from "./scheduler.ts";
import { nodeNames } from "./settings.ts";

const [N1, N2, N3] = [0, 1, 2] as const;

class Wire {
  readonly scheduler = new Scheduler();
  readonly network: Network;
  readonly faults: FaultKind[] = [];
  readonly arrived: string[] = [];
  changes = 0;

  constructor(options: Partial<NetworkOptions> = {}) {
    this.network = new Network({
      scheduler: this.scheduler,
      random: new Random(1),
      nodes: nodeNames(3),
      options: { ...QUIET_NETWORK, ...options },
      onFault: (kind) => void this.faults.push(kind),
      onChange: () => void this.changes++,
    });
  }

  send(source: number, target: number, id = 1): void {
    this.network.send(source, target, written(id));
  }

  /** Everything that is due within so many milliseconds. */
  run(ms: number): readonly string[] {
    const end = this.scheduler.now + ms;
    for (;;) {
      const event = this.scheduler.next(end);
      if (event === undefined) return this.arrived.splice(0);
      const { source, target, message, action } = event;
      if (action !== undefined) action();
      else if (this.network.admits(source, target, message!)) {
        this.arrived.push(`${source}→${target} ${idOf(message!)}`);
      }
    }
  }
}

function idOf(message: Message): number {
  return message.kind === "written" ? message.id : -1;
}

test("network: a message takes its time and arrives", () => {
  const wire = new Wire({ delayMs: 5, delayMsMean: 1 });
  wire.send(N1, N2);
  assert.deepEqual(wire.run(5), []);
  assert.deepEqual(wire.run(50), ["0→1 1"]);
});

test("network: a partition cuts both directions, a one-way partition only one", () => {
  const wire = new Wire();
  wire.network.partition(["n1"], ["n2"]);
  wire.send(N1, N2);
  wire.send(N2, N1);
  wire.send(N1, N3);
  assert.deepEqual(wire.run(100), ["0→2 1"]);
  wire.network.heal();
  wire.network.partition(["n1"], ["n2"], { direction: "one-way" });
  wire.send(N1, N2);
  wire.send(N2, N1);
  assert.deepEqual(wire.run(100), ["1→0 1"]);
  assert.equal(wire.network.isConnected(N1, N2), false);
});

test("network: without a right side a partition cuts off everybody else", () => {
  const wire = new Wire();
  wire.network.partition(["n1"]);
  wire.send(N1, N2);
  wire.send(N3, N1);
  wire.send(N2, N3);
  assert.deepEqual(wire.run(100), ["1→2 1"]);
});

test("network: what is in flight when a partition begins is lost", () => {
  const wire = new Wire({ delayMs: 10 });
  wire.send(N1, N2);
  wire.run(5);
  const partition = wire.network.partition(["n1"]);
  wire.run(50);
  partition.heal();
  assert.deepEqual(wire.run(100), []);
});

test("network: a link carries again when every partition that cut it is healed", () => {
  const wire = new Wire();
  const first = wire.network.partition(["n1"], ["n2"]);
  const second = wire.network.partition(["n1"]);
  first.heal();
  first.heal();
  assert.equal(wire.network.isConnected(N1, N2), false);
  second.heal();
  assert.equal(wire.network.isConnected(N1, N2), true);
  assert.equal(wire.changes, 4);
});

test("network: a held link keeps what comes due, shows it, and lets it go in order", () => {
  const wire = new Wire({ inOrder: true });
  wire.send(N1, N2, 1);
  wire.network.hold("n1", "n2");
  wire.send(N1, N2, 2);
  assert.deepEqual(wire.run(1_000), []);
  assert.deepEqual(wire.network.held("n1", "n2").map(idOf), [1, 2]);
  wire.network.release("n1", "n2");
  assert.deepEqual(wire.run(0), ["0→1 1", "0→1 2"]);
  assert.throws(() => wire.network.release("n1", "n2"), /not held/);
});

test("network: a clogged link lets go by itself", () => {
  const wire = new Wire();
  wire.network.clog("n1", "n2", 500);
  wire.send(N1, N2);
  assert.deepEqual(wire.run(499), []);
  assert.deepEqual(wire.run(1), ["0→1 1"]);
});

test("network: messages are lost, doubled and come late at the given rates, and each is counted", () => {
  const wire = new Wire({
    lossRate: 0.2,
    duplicateRate: 0.3,
    lateRate: 0.1,
    lateMsMin: 1_000,
    lateMsMax: 2_000,
  });
  for (let id = 0; id < 10_000; id++) wire.send(N1, N2, id);
  const soon = wire.run(900).length;
  const late = wire.run(2_000).length;
  const count = (kind: FaultKind): number => wire.faults.filter((each) => each === kind).length;
  assert.ok(Math.abs(count("message-lost") - 2_000) < 200);
  assert.ok(Math.abs(count("message-doubled") - 3_000) < 200);
  assert.ok(Math.abs(count("message-late") - 1_000) < 150);
  assert.equal(soon, 10_000 - count("message-lost") + count("message-doubled"));
  assert.equal(late, count("message-late"));
});

test("network: an ask is never doubled: it alone is not idempotent", () => {
  const wire = new Wire({ duplicateRate: 1, lateRate: 1, lateMsMin: 10, lateMsMax: 20 });
  const request = clientRequest({ operation: "put", key: keyOf("t", "k") });
  wire.network.send(N1, N2, ask(request));
  assert.equal(wire.run(1_000).length, 1);
});

test("network: messages overtake each other unless the link keeps its order", () => {
  for (const inOrder of [false, true]) {
    const wire = new Wire({ inOrder, delayMsMean: 10 });
    const sent = Array.from({ length: 50 }, (_, id) => id);
    for (const id of sent) wire.send(N1, N2, id);
    const arrived = wire.run(1_000);
    const asSent = sent.map((id) => `0→1 ${id}`);
    assert.equal(arrived.length, 50);
    if (inOrder) assert.deepEqual(arrived, asSent);
    else assert.notDeepEqual(arrived, asSent);
  }
});
