/**
 * The sums of a node's rows over a stop: kept when it was in order, on every engine, and made from
 * the rows after any other.
 */
import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { text } from "gramme/client";
import type { HostFact } from "#src/host/host-fact.ts";
import { type RunningNode, startNode } from "#src/host/start-node.ts";
import { gramme } from "../support/cli.ts";
import { DurableCluster, SMALL_RESERVE } from "../support/durable-cluster.ts";
import { put, QUICK_LIMITS, until } from "../support/local-cluster.ts";
import { at, freePorts } from "../support/ports.ts";

type Engine = "log" | "lmdb" | "level";

const PARTITIONS = 16;
const VALUE = new Uint8Array(50);

class Trio {
  readonly nodes: RunningNode[] = [];
  readonly facts: HostFact[][] = [[], [], []];
  readonly root: string = mkdtempSync(join(tmpdir(), "gramme-trees-"));
  readonly #engine: Engine;
  readonly #ports: readonly number[];

  constructor(engine: Engine, ports: readonly number[]) {
    this.#engine = engine;
    this.#ports = ports;
  }

  async start(): Promise<void> {
    for (const index of [0, 1, 2]) {
      this.facts[index]!.length = 0;
      this.nodes[index] = await startNode(
        {
          id: `n${index}`,
          listen: at(this.#ports[index]!),
          peers: this.#ports.map((port, each) => ({ id: `n${each}`, address: at(port) })),
          partitions: PARTITIONS,
          limits: QUICK_LIMITS,
          storage: { dir: this.directory(index), engine: this.#engine },
        },
        { onFact: (fact) => this.facts[index]!.push(fact) },
      );
    }
    await until("all are linked", () =>
      this.nodes.every((node) => node.status().peers.every(({ state }) => state === "linked")),
    );
  }

  directory(index: number): string {
    return join(this.root, `n${index}`);
  }

  count(index: number, kind: HostFact["kind"]): number {
    return this.facts[index]!.filter((fact) => fact.kind === kind).length;
  }

  async proven(): Promise<void> {
    await until(
      "all is proven in sync",
      () => this.nodes.every((node) => node.status().repair.proven === 2 * PARTITIONS),
      30_000,
    );
  }

  /** Of all exchanges of this life: also of those that moved something for nothing. */
  moved(): number {
    let keys = 0;
    for (const facts of this.facts) {
      for (const fact of facts) if (fact.kind === "exchange-finished") keys += fact.keysMoved;
    }
    return keys;
  }

  async stop(): Promise<void> {
    for (const node of this.nodes) await node.stop();
  }
}

for (const engine of ["log", "lmdb", "level"] as const) {
  test(`trees: kept over a clean stop, they are those of the rows (${engine})`, async () => {
    const trio = new Trio(engine, await freePorts(3));
    try {
      await trio.start();
      for (let n = 0; n < 200; n++) await put(trio.nodes[0]!.host, `k${n}`, VALUE);
      await trio.proven();
      await trio.stop();
      for (const index of [0, 1, 2]) assert.ok(existsSync(join(trio.directory(index), "trees")));

      // Two that go on with what they kept against one that makes its sums from its rows.
      rmSync(join(trio.directory(2), "trees"));
      await trio.start();
      await trio.proven();
      assert.deepEqual(
        [0, 1, 2].map((index) => trio.count(index, "tree-built")),
        [0, 0, PARTITIONS],
      );
      assert.equal(trio.count(0, "trees-restored"), 1);
      assert.equal(trio.moved(), 0);
      assert.equal(existsSync(join(trio.directory(0), "trees")), false);
    } finally {
      await trio.stop();
      rmSync(trio.root, { recursive: true });
    }
  });
}

test("trees: one that was put back behind a kill is not believed", async () => {
  const words = [...SMALL_RESERVE, "--partitions", `${PARTITIONS}`];
  const cluster = await DurableCluster.start({ words });
  const repair = async (): Promise<Record<string, number>> => {
    const { code, stdout, stderr } = await gramme([
      "repair",
      "--json",
      "--node",
      cluster.addresses[1]!,
    ]);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as Record<string, number>;
  };
  try {
    const store = await cluster.connect();
    const bucket = store.bucket("load", text);
    const write = async (round: string): Promise<void> => {
      await cluster.linked();
      for (let n = 0; n < 100; n++) await bucket.put(`k${n}`, round, { w: "all" });
    };
    await write("before");
    await repair();
    const trees = join(cluster.directory(0), "trees");
    const copy = join(cluster.root, "trees");
    assert.equal(existsSync(trees), false);
    assert.equal(await cluster.stop(0), 0);
    copyFileSync(trees, copy);
    await cluster.start(0);
    assert.equal(existsSync(trees), false);
    await write("after");
    await cluster.kill(0);
    assert.equal(existsSync(trees), false);
    copyFileSync(copy, trees);
    await cluster.start(0);
    assert.equal(existsSync(trees), false);
    const { asked, proven, keysMoved } = await repair();
    assert.deepEqual([asked, proven, keysMoved], [PARTITIONS * 6, PARTITIONS * 6, 0]);
    await store.close();
  } finally {
    await cluster.end();
  }
});
