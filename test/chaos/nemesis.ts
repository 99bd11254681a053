/**
 * Carries a plan of faults out: begins each when its time has come, ends it when its time is over,
 * and notes both. After the last one everything is whole again: every process runs, every link is
 * open, every disk has room.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { NodeId } from "#src/core/ring/node-id.ts";
import type { ChaosCluster } from "./chaos-cluster.ts";
import { NODES } from "./chaos-cluster.ts";
import type { ChaosNode } from "./chaos-node.ts";
import type { FaultLog } from "./fault-log.ts";
import type { Fault, FaultKind } from "./fault-plan.ts";
import type { Crash } from "./judge.ts";
import { OPEN, worse } from "./link-condition.ts";
import { conditionUnder } from "./network-faults.ts";

/** Too little for a write of any size. */
const LEFT_BYTES = 4_096;
const FILL_EVERY_MS = 100;
const HEARD_LATE_MS = 100;

export class Nemesis {
  readonly crashes: Crash[] = [];
  readonly counts: Map<FaultKind, number> = new Map();
  readonly #cluster: ChaosCluster;
  readonly #log: FaultLog;
  readonly #now: () => number;
  /** Of the network, those under way. */
  readonly #open: Set<Fault> = new Set();

  constructor(cluster: ChaosCluster, log: FaultLog, now: () => number) {
    this.#cluster = cluster;
    this.#log = log;
    this.#now = now;
    for (const node of cluster.nodes) node.onEnd = () => this.#noteEnd(node.id);
  }

  async carryOut(plan: readonly Fault[]): Promise<void> {
    const startedAt = this.#now();
    await Promise.all(
      plan.map(async (fault) => {
        await sleep(startedAt + fault.atMs - this.#now());
        await this.strike(fault);
      }),
    );
  }

  /** A bug to be found: all nodes forget all that they acknowledged. */
  async loseEverything(): Promise<void> {
    const { nodes } = this.#cluster;
    this.#log.note("planted: all directories are removed");
    await Promise.all(nodes.map((node) => node.kill()));
    for (const node of nodes) {
      node.removeData();
      start(node);
    }
  }

  async strike(fault: Fault): Promise<void> {
    const { kind, forMs, nodes, amount, number } = fault;
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    const who = nodes.map((node) => `n${node}`);
    this.#log.note("begin", { number, kind, forMs, nodes: who, amount });
    await this.#suffer(fault, this.#cluster.nodes[nodes[0]!]!);
    this.#log.note("end", { number, kind });
  }

  async #suffer(fault: Fault, node: ChaosNode): Promise<void> {
    const { kind, forMs, amount } = fault;
    switch (kind) {
      case "kill":
        return this.#killFor([node], forMs);
      case "kill-all":
        return this.#killFor(this.#cluster.nodes, forMs);
      case "kill-starting":
        await this.#killFor([node], forMs);
        await sleep(amount);
        return this.#killFor([node], forMs);
      case "stop":
        await node.stop();
        await sleep(forMs);
        return start(node);
      case "pause":
        node.pause();
        await sleep(forMs);
        return node.resume();
      case "stutter":
        return this.#stutter(node, amount, forMs);
      case "full-disk":
        await this.#fill(node, forMs);
        return start(node);
      case "slow-disk":
        node.slowSyncs(amount);
        await sleep(forMs);
        return node.slowSyncs(0);
      default:
        return this.#weaken(fault);
    }
  }

  async #killFor(nodes: readonly ChaosNode[], forMs: number): Promise<void> {
    for (const { id } of nodes) this.#noteCrash(id);
    await Promise.all(nodes.map((node) => node.kill()));
    await sleep(forMs);
    for (const node of nodes) start(node);
  }

  async #stutter(node: ChaosNode, amountMs: number, forMs: number): Promise<void> {
    const until = this.#now() + forMs;
    while (this.#now() < until) {
      node.pause();
      await sleep(amountMs);
      node.resume();
      await sleep(amountMs);
    }
  }

  /** What compaction frees is taken as well. */
  async #fill(node: ChaosNode, forMs: number): Promise<void> {
    const until = this.#now() + forMs;
    while (this.#now() < until) {
      node.fill(LEFT_BYTES);
      await sleep(FILL_EVERY_MS);
    }
    this.#log.note("was full", { node: node.id, isRunning: node.isRunning });
    node.empty();
  }

  async #weaken(fault: Fault): Promise<void> {
    this.#open.add(fault);
    this.#setLinks();
    await sleep(fault.forMs);
    this.#open.delete(fault);
    this.#setLinks();
  }

  #setLinks(): void {
    const faults = [...this.#open];
    this.#cluster.wire.setConditions((from, to) => {
      return faults.map((fault) => conditionUnder(fault, from, to, NODES)).reduce(worse, OPEN);
    });
  }

  #noteCrash(id: string, at: number = this.#now()): void {
    this.crashes.push({ node: id as NodeId, at });
  }

  /** Of a process that nobody killed it is heard a little late. */
  #noteEnd(id: string): void {
    this.#noteCrash(id, this.#now() - HEARD_LATE_MS);
    this.#noteCrash(id);
  }
}

/** Nothing is awaited: a node may be long in finding the others. */
function start(node: ChaosNode): void {
  if (!node.isRunning) node.start();
}
