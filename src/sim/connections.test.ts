import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../core/base/random.ts";
import { hello } from "../core/messages.ts";
import type { ConnectionOptions } from "./connections.ts";
import { Connections, USUAL_CONNECTIONS } from "./connections.ts";
import { Network, QUIET_NETWORK } from "./network.ts";
import { Scheduler } from "./scheduler.ts";
import { nodeNames } from "./settings.ts";

/** Two machines and the words their transports speak. */
class Line {
  readonly scheduler = new Scheduler();
  readonly network: Network;
  readonly connections: Connections;
  readonly isUp = [true, true];
  readonly heard: string[] = [];

  constructor(options: Partial<ConnectionOptions> = {}) {
    this.network = new Network({
      scheduler: this.scheduler,
      random: new Random(1),
      nodes: nodeNames(2),
      options: QUIET_NETWORK,
      onFault: () => {},
      onChange: () => this.connections.refresh(),
    });
    this.connections = new Connections(this.scheduler, this.network, {
      ends: {
        count: 2,
        isUp: (node) => this.isUp[node]!,
        helloOf: (node) => hello(node, 1, 0),
        receive: (source, target, message) => {
          this.heard.push(`${target} hears ${message.kind} of ${source}`);
        },
      },
      options: { ...USUAL_CONNECTIONS, ...options },
    });
    this.connections.refresh();
  }

  run(ms: number): readonly string[] {
    const end = this.scheduler.now + ms;
    for (;;) {
      const event = this.scheduler.next(end);
      if (event === undefined) return this.heard.splice(0);
      event.action?.();
    }
  }

  stop(node: number, { silent = false } = {}): void {
    this.isUp[node] = false;
    this.connections.onStopped(node, { silent });
  }

  restart(node: number): void {
    this.isUp[node] = true;
    this.connections.refresh();
  }
}

const BOTH_HELLO = ["1 hears hello of 0", "0 hears hello of 1"];

test("connections: both sides hear hello when both are up", () => {
  assert.deepEqual(new Line().run(100), BOTH_HELLO);
});

test("connections: the survivor of a crash hears goodbye, and hello when the other is back", () => {
  const line = new Line();
  line.run(100);
  line.stop(1);
  assert.deepEqual(line.run(100), ["0 hears goodbye of 1"]);
  line.restart(1);
  assert.deepEqual(line.run(100), BOTH_HELLO);
});

test("connections: of a silent death nobody hears, or only after the time-out", () => {
  const line = new Line();
  line.run(100);
  line.stop(1, { silent: true });
  assert.deepEqual(line.run(100_000), []);

  const impatient = new Line({ timeoutMs: 3_000 });
  impatient.run(100);
  impatient.stop(1, { silent: true });
  assert.deepEqual(impatient.run(2_999), []);
  assert.deepEqual(impatient.run(1), ["0 hears goodbye of 1"]);
});

test("connections: a restart that is quicker than the goodbye leaves only the new connection", () => {
  const line = new Line({ goodbyeMs: 50, connectMs: 1 });
  line.run(100);
  line.stop(1);
  line.restart(1);
  assert.deepEqual(line.run(1_000), BOTH_HELLO);
});

test("connections: a partition is silent, and after the time-out it is the end of the connection", () => {
  const line = new Line();
  line.run(100);
  line.network.partition(["n1"]);
  assert.deepEqual(line.run(100_000), []);
  line.network.heal();
  assert.deepEqual(line.run(1_000), [], "the old connection goes on");

  const impatient = new Line({ timeoutMs: 3_000 });
  impatient.run(100);
  impatient.network.partition(["n1"]);
  assert.deepEqual(
    impatient.run(3_000),
    ["0 hears goodbye of 1", "1 hears goodbye of 0"].toReversed(),
  );
  impatient.network.heal();
  assert.deepEqual(impatient.run(1_000), BOTH_HELLO);
});

test("connections: a short partition does not end a connection that lasts longer", () => {
  const line = new Line({ timeoutMs: 3_000 });
  line.run(100);
  line.network.partition(["n1"]);
  line.run(2_000);
  line.network.heal();
  assert.deepEqual(line.run(10_000), []);
});

test("connections: a goodbye that a partition kept back is heard when it heals", () => {
  const line = new Line();
  line.run(100);
  line.network.partition(["n1"]);
  line.stop(1);
  assert.deepEqual(line.run(1_000), []);
  line.network.heal();
  assert.deepEqual(line.run(1_000), ["0 hears goodbye of 1"]);
});

test("connections: a node that restarts behind a partition is greeted when it heals", () => {
  const line = new Line();
  line.run(100);
  line.network.partition(["n1"]);
  line.stop(1);
  line.restart(1);
  assert.deepEqual(line.run(1_000), []);
  line.network.heal();
  const heard = line.run(1_000).filter((word) => word.includes("hello"));
  assert.deepEqual(heard, BOTH_HELLO);
});
