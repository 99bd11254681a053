/**
 * Those who are left when the others do not come back: a core of nodes that are well and can talk,
 * while everybody outside stays as it is, down, cut off or asleep.
 *
 *     n1 ── n2 ── n4     the core: healed, at its best
 *     n3 (down)  n5 ─▶   outside: nothing of it is mended while the core is tried
 *
 * What the core can do at all, `unattainable` says, apart from what the product says of itself: a
 * read at quorum takes so many owners in the core that can read their row; a write takes owners
 * that can, to mint its dot, and so many of those and of the nodes that own nothing of the key, to
 * hold it. An owner that cannot read its row holds nothing until a read has mended it. Whatever
 * fails without such a reason is a failure of the cluster.
 */
import type { Random } from "../core/base/random.ts";
import type { NodeId } from "../core/ring/node-id.ts";
import { DAMAGED } from "../core/storage/engine.ts";
import type { Aim } from "./attempt.ts";
import { ownersMeant } from "./checks/levels.ts";
import type { Simulation } from "./simulation.ts";
import type { Place } from "./workload.ts";

/** What becomes of a node outside. */
const FATES = ["crash", "crash-silent", "pause", "cut", "cut-one-way"] as const;

export class Core {
  members: readonly NodeId[];
  readonly #sim: Simulation;
  readonly #random: Random;
  readonly #outside: readonly NodeId[];

  /** `outside`: how many nodes it has to do without. */
  constructor(sim: Simulation, random: Random, outside: number) {
    const nodes = [...sim.nodes];
    random.shuffle(nodes);
    this.#sim = sim;
    this.#random = random;
    this.#outside = nodes.slice(0, outside);
    this.members = nodes.slice(outside);
  }

  /** From a cluster in which every fault has ended. */
  separate(): void {
    for (const id of this.#outside) this.#takeOut(id);
  }

  reunite(): void {
    const sim = this.#sim;
    sim.network.heal();
    for (const id of this.#outside) {
      const node = sim.node(id);
      if (node.isDown) node.restart();
      node.resume();
    }
  }

  /** Who has to ask those outside before it may speak cannot be part of it. */
  leaveOutUnsettled(): void {
    this.members = this.members.filter((id) => !this.#sim.isUnsettled(id));
  }

  get areUp(): boolean {
    return this.members.every((id) => this.#sim.isUp(id));
  }

  /** What to try of a key: as much as can be had. Undefined when that is nothing. */
  aimAt(place: Place, writes: boolean): Aim | undefined {
    if (this.unattainable(place, "read") === undefined) {
      const mayWrite = writes && this.unattainable(place, "write") === undefined;
      return mayWrite ? "read and write" : "read";
    }
    // Without a read, a put leaves what it did not see beside it, and there may be too much of it.
    const isBlind = place.mode === "overwrite" || place.mode === "lww";
    return isBlind && this.unattainable(place, "write") === undefined ? "write" : undefined;
  }

  /** Too few owners, copies or nodes are left for it: the sentence that proves it. */
  unattainable({ id }: Place, aim: Aim): string | undefined {
    const { config } = this.#sim;
    const owners = this.#sim.owners(id);
    const quorum = Math.floor(owners.length / 2) + 1;
    const there = owners.filter((owner) => this.members.includes(owner));
    const readable = there.filter((owner) => this.#sim.row(owner, id) !== DAMAGED).length;
    const read = Math.max(quorum, ownersMeant("default", config.pr, owners.length));
    if (aim !== "write" && readable < read) return `${readable} of ${read} copies are left`;
    if (aim === "read") return undefined;
    const proper = Math.min(quorum, ownersMeant("default", config.pw, owners.length));
    // It is not handed on by an owner that would have to read its own row first.
    const isWhole = readable === there.length;
    if (readable < proper || !isWhole) return `${readable} of ${there.length} owners can read it`;
    if (this.members.length >= quorum) return undefined;
    return `${this.members.length} of ${quorum} nodes are left`;
  }

  #takeOut(id: NodeId): void {
    const sim = this.#sim;
    const node = sim.node(id);
    const fate = this.#random.pick(FATES);
    const cutsFrom = this.#random.chance(0.5);
    if (fate === "cut") sim.network.partition([id]);
    else if (fate === "cut-one-way") {
      const others = sim.nodes.filter((other) => other !== id);
      const [left, right] = cutsFrom ? [[id], others] : [others, [id]];
      sim.network.partition(left, right, { direction: "one-way" });
    } else if (fate === "pause" && node.isUp) node.pause();
    else if (!node.isDown) node.crash({ silent: fate === "crash-silent" });
  }
}
