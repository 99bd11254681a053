/**
 * The search for members at addresses that were written down: seeds, and where members were once.
 *
 *     seed ─▶ names ─▶ 10.0.0.5:7400   met n2
 *                      10.0.0.6:7400   this node itself
 *                      10.0.0.7:7400   connected already: passed over
 *                      10.0.0.8:7400   refused: WRONG_CLUSTER …
 *
 * All addresses of a name are looked at in turn, also when the first has somebody: two islands of
 * one cluster stand behind one name, and each address shows one of them. When to look again is for
 * membership to say; here each place is looked at once at a time, and only a few places at once.
 */
import type { NodeId } from "../core/ring/node-id.ts";
import type { Greeting } from "../core/wire/greeting.ts";
import { type Address, formatAddress } from "../socket/address.ts";
import type { HandshakeFailure } from "../socket/handshake.ts";
import type { HostFact } from "./host-fact.ts";
import { endpointsOf, type NameSource } from "./names.ts";
import { noteFailure, problemOf } from "./peer.ts";
import { Scout, type ScoutOwner } from "./scout.ts";
import { parseSeed } from "./seed.ts";

export interface SearchOwner extends ScoutOwner {
  readonly id: NodeId;
  readonly names: NameSource;
  /** In this boot of it. */
  isLinkedWith(theirs: Greeting): boolean;
  /** Who of those that are connected is dialled there. */
  linkedAt(address: string): NodeId | undefined;
  located(theirs: Greeting): void;
  /** The member that was looked for there was not found. */
  onUnreached(member: NodeId, problem: string): void;
  note(fact: HostFact): void;
}

const PLACES_AT_ONCE = 8;
/** Endpoints whose inhabitant is remembered. */
const MET_MAX = 4_096;
/** Of several endpoints that fail the first few say enough. */
const PROBLEMS_TOLD = 3;

export class Search {
  readonly #owner: SearchOwner;
  /** Places by who is looked for there, and seeds, which come first. */
  readonly #waiting: Map<string, NodeId> = new Map();
  readonly #waitingSeeds: Set<string> = new Set();
  readonly #looking: Set<string> = new Set();
  readonly #scouts: Set<Scout> = new Set();
  readonly #metAt: Map<string, Greeting> = new Map();
  /** What was said last of each seed. */
  readonly #told: Map<string, string> = new Map();
  #isOver = false;

  constructor(owner: SearchOwner) {
    this.#owner = owner;
  }

  /** Looks there, as soon as it can. With a member named, it is a place and no seed. */
  at(place: string, member: NodeId | undefined): void {
    if (this.#isOver || this.#looking.has(place)) return;
    if (member === undefined) this.#waitingSeeds.add(place);
    else this.#waiting.set(place, member);
    this.#next();
  }

  stop(): void {
    this.#isOver = true;
    this.#waiting.clear();
    this.#waitingSeeds.clear();
    for (const scout of this.#scouts) scout.recall("the node is being closed");
  }

  #next(): void {
    for (const seed of this.#waitingSeeds) {
      if (this.#looking.size >= PLACES_AT_ONCE) return;
      this.#waitingSeeds.delete(seed);
      this.#begin(seed, undefined);
    }
    for (const [place, member] of this.#waiting) {
      if (this.#looking.size >= PLACES_AT_ONCE) return;
      this.#waiting.delete(place);
      this.#begin(place, member);
    }
  }

  #begin(place: string, member: NodeId | undefined): void {
    this.#looking.add(place);
    void this.#look(place, member).finally(() => {
      this.#looking.delete(place);
      this.#next();
    });
  }

  async #look(place: string, member: NodeId | undefined): Promise<void> {
    const met: NodeId[] = [];
    const problems: string[] = [];
    try {
      for (const endpoint of await this.#endpoints(place)) {
        const text = formatAddress(endpoint);
        if (this.#isOver) return;
        if (this.#isKnown(text)) continue;
        const report = await this.#report(endpoint);
        if (!("nodeId" in report)) problems.push(...this.#failure(place, member, text, report));
        else met.push(this.#meet(text, report));
      }
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
    }
    if (this.#isOver) return;
    const problem = problems.toSorted().slice(0, PROBLEMS_TOLD).join("; ");
    if (member === undefined) this.#tell(place, met, problem);
    else if (problem !== "") this.#owner.onUnreached(member, problem);
  }

  async #endpoints(place: string): Promise<readonly Address[]> {
    const seed = parseSeed(place);
    if ("problem" in seed) throw new Error(seed.problem);
    return endpointsOf(seed, this.#owner.names, Math.random);
  }

  async #report(endpoint: Address): Promise<Greeting | HandshakeFailure> {
    const scout = new Scout(endpoint, this.#owner);
    this.#scouts.add(scout);
    const report = await scout.report;
    this.#scouts.delete(scout);
    return report;
  }

  /** Whoever is connected need not be met again. */
  #isKnown(endpoint: string): boolean {
    const inhabitant = this.#metAt.get(endpoint);
    if (inhabitant !== undefined && this.#owner.isLinkedWith(inhabitant)) return true;
    return this.#owner.linkedAt(endpoint) !== undefined;
  }

  #meet(endpoint: string, theirs: Greeting): NodeId {
    if (this.#metAt.size >= MET_MAX) this.#metAt.clear();
    this.#metAt.set(endpoint, theirs);
    this.#owner.located(theirs);
    return theirs.nodeId as NodeId;
  }

  /** That a name leads to this node as well is how names are, and no problem. */
  #failure(
    place: string,
    member: NodeId | undefined,
    endpoint: string,
    failure: HandshakeFailure,
  ): readonly string[] {
    if (failure.kind === "refused" && failure.refusal.code === "SELF") return [];
    const title = member === undefined ? `seed ${place}` : `${member} at ${place}`;
    if (failure.kind === "refused") noteFailure(this.#owner, title, failure);
    return [`${endpoint}: ${problemOf(failure)}`];
  }

  #tell(seed: string, met: readonly NodeId[], problem: string): void {
    if (this.#told.get(seed) === problem) return;
    this.#told.set(seed, problem);
    this.#owner.note({ kind: "seed-asked", seed, met, problem });
  }
}
