/**
 * A simulated cluster to tell a story with: its nodes all own every key, there is one client, and
 * each verb waits for its end. Every checker watches, and the end of a story is judged by all.
 */
import assert from "node:assert/strict";
import type { Checker } from "#src/sim/checker.ts";
import { ALL_CHECKERS } from "#src/sim/checks/all.ts";
import type { ClientOperation } from "#src/sim/client-operation.ts";
import type { OperationOptions } from "#src/sim/clients.ts";
import type { SimulationOptions } from "#src/sim/settings.ts";
import { Simulation } from "#src/sim/simulation.ts";

export class Story {
  readonly sim: Simulation;
  readonly #checkers: readonly Checker[];

  constructor(options: Partial<SimulationOptions> = {}) {
    this.sim = new Simulation({ seed: 679, nodes: 3, replicas: 3, ...options });
    this.#checkers = ALL_CHECKERS.map((factory) => factory(this.sim));
    for (const { observer } of this.#checkers) if (observer) this.sim.observe(observer);
    this.sim.runFor(50);
  }

  put(node: string, value: string, options: OperationOptions = {}): Uint8Array {
    const put = this.tries(node, value, options);
    assert.equal(put.entry.status, "ok", `${value} ended with ${put.entry.code ?? "no answer"}`);
    return put.context;
  }

  /** A put that may fail. */
  tries(node: string, value: string, options: OperationOptions = {}): ClientOperation {
    return this.#ended(this.sim.client("teller").put("key", value, { node, ...options }));
  }

  delete(node: string, options: OperationOptions = {}): void {
    this.#done(this.sim.client("teller").delete("key", { node, ...options }));
  }

  /** A read, and time for the repairs that it sent out. */
  get(node: string, options: OperationOptions = {}): ClientOperation {
    const read = this.#done(this.sim.client("teller").get("key", { node, ...options }));
    this.sim.runFor(10);
    return read;
  }

  /** Only these nodes reach each other; everybody else is alone. */
  connectOnly(...nodes: readonly string[]): void {
    this.sim.network.heal();
    for (const id of this.sim.nodes) if (!nodes.includes(id)) this.sim.network.partition([id]);
    this.sim.runFor(20);
  }

  connectAll(): void {
    this.sim.network.heal();
    this.sim.runFor(20);
  }

  /** The node comes back without a single row, and nobody tells it. */
  forgets(node: string): void {
    this.sim.node(node).crash();
    this.sim.node(node).restart("lost");
    this.sim.runFor(20);
  }

  /** What everybody finds at the end, after a first read that mends. */
  ends(mode: OperationOptions = {}): readonly string[] {
    const [first] = this.sim.nodes;
    this.get(first!, { r: "all", ...mode });
    assert.ok(
      this.sim.runUntil(() => this.sim.converged, { within: 5_000 }),
      "owners agree",
    );
    const { entry } = this.get(first!, { r: "all", ...mode });
    this.sim.runFor(2_000);
    for (const checker of this.#checkers) {
      assert.deepEqual(checker.finish(this.sim), [], checker.id);
    }
    return [...(entry.returned ?? [])].sort();
  }

  #done(operation: ClientOperation): ClientOperation {
    const { status, operation: verb, code } = this.#ended(operation).entry;
    assert.equal(status, "ok", `${verb} ended with ${code ?? status}`);
    return operation;
  }

  #ended(operation: ClientOperation): ClientOperation {
    this.sim.runUntil(() => operation.isDone, { within: 5_000 });
    return operation;
  }
}
