/**
 * Choosing the home of every partition among its owners.
 *
 * The home coordinates, so homes are what balances work. A node that owns a share of the partitions
 * is home of the N-th part of them, up to rounding; that is always possible, since every partition
 * could give each of its N owners an N-th of its home. Changing a home moves no data: the other
 * owners hold the partition already.
 */
import type { Assignment } from "./assignment.ts";
import { lowestIn, PartitionSet } from "./partition-set.ts";
import { settle, type Exchange } from "./settle.ts";

/**
 * Puts the home first in each of `rows`, the owners of each partition; `keep` says which first
 * owner should stay.
 */
export function chooseHomes(
  rows: readonly number[][],
  keep: (partition: number) => boolean,
  assignment: Assignment,
): void {
  const { counts: shares } = assignment;
  const homes = new Homes(assignment, rows.length);
  for (const [partition, owners] of rows.entries()) {
    if (keep(partition)) homes.name(partition, owners[0]!);
  }
  for (const [partition, owners] of rows.entries()) {
    if (keep(partition)) continue;
    // The owner that would still have the fewest homes for its share.
    const load = (node: number): number => (homes.counts[node]! + 1) / shares[node]!;
    homes.name(
      partition,
      owners.reduce((best, node) => (load(node) < load(best) ? node : best)),
    );
  }
  const ownersEach = rows[0]!.length;
  settle(homes, {
    low: shares.map((share) => Math.floor(share / ownersEach)),
    high: shares.map((share) => Math.ceil(share / ownersEach)),
  });
  for (const [partition, owners] of rows.entries()) {
    const place = owners.indexOf(homes.of(partition));
    owners.unshift(...owners.splice(place, 1));
  }
}

class Homes implements Exchange {
  readonly counts: Uint32Array;
  readonly #assignment: Assignment;
  readonly #homeOf: Uint16Array;
  readonly #homesOf: readonly PartitionSet[];

  constructor(assignment: Assignment, partitionCount: number) {
    const nodeCount = assignment.counts.length;
    this.counts = new Uint32Array(nodeCount);
    this.#assignment = assignment;
    this.#homeOf = new Uint16Array(partitionCount);
    this.#homesOf = Array.from({ length: nodeCount }, () => new PartitionSet(partitionCount));
  }

  of(partition: number): number {
    return this.#homeOf[partition]!;
  }

  name(partition: number, node: number): void {
    this.#homeOf[partition] = node;
    this.#homesOf[node]!.add(partition);
    this.counts[node]! += 1;
  }

  find(from: number, to: number): number {
    const homes = this.#homesOf[from]!.words;
    const owned = this.#assignment.owned(to).words;
    for (let index = 0; index < homes.length; index++) {
      const both = homes[index]! & owned[index]!;
      if (both !== 0) return lowestIn(both, index);
    }
    return -1;
  }

  move(partition: number, from: number, to: number): void {
    this.#homesOf[from]!.remove(partition);
    this.counts[from]! -= 1;
    this.name(partition, to);
  }
}
