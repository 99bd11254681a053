/**
 * Finding owners for partitions that lack some.
 *
 * Two wishes. Pace: after `filled` of all vacancies, a node that needs `need` of them should have
 * got need * filled / vacancies, so that nobody is left at the end with partitions it owns already.
 * And company: two nodes should own few partitions together, so that when one fails many others
 * each take over a little.
 *
 * So of the nodes furthest behind, within WINDOW partitions of the last, the one is taken that has
 * been with the other owners least often. What pace then lacks at the end, settle.ts puts right.
 */
import { assert } from "../base/assert.ts";
import type { Assignment } from "./assignment.ts";
import type { TieOrder } from "./tie-order.ts";

export interface Vacancies {
  readonly partitionCount: number;
  readonly ownersEach: number;
  readonly shares: Uint32Array;
  readonly order: TieOrder;
}

const WINDOW = 2;
/** More than any lag, so that it separates the two groups. */
const SATED = 1e6;

export function fillVacancies(assignment: Assignment, vacancies: Vacancies): void {
  const filler = new Filler(assignment, vacancies);
  for (let partition = 0; partition < vacancies.partitionCount; partition++) {
    filler.fill(partition);
  }
}

class Filler {
  readonly #assignment: Assignment;
  readonly #ownersEach: number;
  readonly #shares: Uint32Array;
  readonly #order: TieOrder;
  readonly #need: readonly number[];
  readonly #got: Uint32Array;
  /** Partitions that two nodes own together, as a square matrix. */
  readonly #together: Uint16Array;
  readonly #vacancies: number;
  #filled = 0;

  constructor(assignment: Assignment, { ownersEach, shares, order }: Vacancies) {
    const nodeCount = shares.length;
    this.#assignment = assignment;
    this.#ownersEach = ownersEach;
    this.#shares = shares;
    this.#order = order;
    this.#need = Array.from(shares, (share, node) => share - assignment.counts[node]!);
    this.#got = new Uint32Array(nodeCount);
    this.#together = new Uint16Array(nodeCount * nodeCount);
    this.#vacancies = this.#need.reduce((sum, need) => sum + need, 0);
  }

  /** Every partition is to be filled, in any order, those without a vacancy too. */
  fill(partition: number): void {
    const assignment = this.#assignment;
    const owners: number[] = [];
    for (let node = 0; node < this.#shares.length; node++) {
      if (assignment.owned(node).has(partition)) owners.push(node);
    }
    while (owners.length < this.#ownersEach) {
      const node = this.#choose(partition, owners);
      assignment.give(partition, node);
      this.#got[node]! += 1;
      owners.push(node);
    }
    for (const one of owners) {
      for (const other of owners) this.#together[one * this.#shares.length + other]! += 1;
    }
  }

  #choose(partition: number, owners: readonly number[]): number {
    this.#filled += 1;
    const candidates: number[] = [];
    let lagMax = -Infinity;
    for (let node = 0; node < this.#shares.length; node++) {
      if (!this.#assignment.mayTake(partition, node)) continue;
      candidates.push(node);
      lagMax = Math.max(lagMax, this.#lag(node));
    }
    assert(candidates.length > 0, "the zone rule leaves room for every owner");
    let best = -1;
    let bestCompany = Infinity;
    for (const node of candidates) {
      if (this.#lag(node) <= lagMax - WINDOW) continue;
      const company = this.#company(node, owners);
      if (company > bestCompany) continue;
      const tied = company === bestCompany;
      if (tied && this.#order.rank(partition, node) >= this.#order.rank(partition, best)) continue;
      best = node;
      bestCompany = company;
    }
    return best;
  }

  /**
   * Partitions the node is behind its pace. Who has its share already comes after all who have not.
   */
  #lag(node: number): number {
    const lag = (this.#need[node]! * this.#filled) / this.#vacancies - this.#got[node]!;
    return this.#got[node]! < this.#need[node]! ? lag : lag - SATED;
  }

  #company(node: number, owners: readonly number[]): number {
    let together = 0;
    for (const owner of owners) together += this.#together[node * this.#shares.length + owner]!;
    return together / Math.max(1, this.#shares[node]!);
  }
}
