/**
 * S17: who a node is only goes forward.
 *
 *     of one actor   every boot has a higher generation, and no lower lease end or boot floor
 *     of its epochs  each is above all that were taken before, and below the end of a lease that is
 *                    durable at that moment
 *
 * The second is what the first is for: an epoch that is taken twice hands out dots twice, and one
 * beyond the durable lease is taken twice when the machine dies at the wrong moment, which is too
 * seldom to wait for.
 *
 * Where it holds: always, for nodes with identity files. Of a disk that was harmed until none of
 * them can be read nobody can say what is durable.
 */
import { describeActor } from "../../core/causality/actor.ts";
import type { Identity } from "../../core/identity/identity.ts";
import type { NodeId } from "../../core/ring/node-id.ts";
import type { Checker, RunView } from "../checker.ts";
import type { Observer } from "../observer.ts";

interface Progress {
  readonly identity: Identity;
  /** The highest that was taken. */
  readonly epoch: number;
}

export function monotone(run: RunView): Checker {
  return new Monotone(run);
}

class Monotone implements Checker {
  readonly id = "S17";
  readonly rule = "generations, leases and floors only grow, and no epoch is taken twice";
  readonly observer: Observer;
  readonly #run: RunView;
  readonly #progress: Map<string, Progress> = new Map();
  readonly #actors: Map<NodeId, string> = new Map();
  readonly #problems: string[] = [];
  #checked = 0;

  constructor(run: RunView) {
    this.#run = run;
    this.observer = {
      onBoot: (node, identity) => this.#onBoot(node, identity),
      onFact: (node, fact) => {
        if (fact.kind === "epoch-taken") this.#onEpoch(node, fact.epoch);
      },
    };
  }

  get checked(): number {
    return this.#checked;
  }

  finish(): readonly string[] {
    return this.#problems;
  }

  #onBoot(node: NodeId, identity: Identity): void {
    const { generation, leaseEnd, bootFloor } = identity;
    const name = describeActor({ ...identity.actor, epoch: 0 });
    const before = this.#progress.get(name);
    this.#checked++;
    this.#actors.set(node, name);
    this.#progress.set(name, { identity, epoch: before?.epoch ?? 0 });
    if (before === undefined) return;
    const last = before.identity;
    const isForward =
      generation > last.generation && leaseEnd >= last.leaseEnd && bootFloor >= last.bootFloor;
    if (isForward && last.nodeId === node) return;
    this.#problems.push(
      `${node} booted as ${name} with generation ${generation}, lease end ${leaseEnd} and floor` +
        ` ${bootFloor}, after ${last.nodeId} with ${last.generation}, ${last.leaseEnd} and` +
        ` ${last.bootFloor}`,
    );
  }

  #onEpoch(node: NodeId, epoch: number): void {
    const name = this.#actors.get(node);
    const progress = name === undefined ? undefined : this.#progress.get(name);
    if (name === undefined || progress === undefined) return;
    this.#checked++;
    if (epoch <= progress.epoch) {
      this.#problems.push(`${node} took epoch ${epoch} of ${name} after ${progress.epoch}`);
    }
    this.#progress.set(name, { ...progress, epoch: Math.max(epoch, progress.epoch) });
    const stored = this.#run.storedIdentity(node);
    if (stored?.kind !== "found" || stored.identity.leaseEnd > epoch) return;
    this.#problems.push(
      `${node} took epoch ${epoch} of ${name}, and its durable lease ends at` +
        ` ${stored.identity.leaseEnd}`,
    );
  }
}
