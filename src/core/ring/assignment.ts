/**
 * A placement under construction: who owns what, who owned what before, and which exchanges the
 * rules allow.
 *
 * Exchanges prefer what costs least to move. A node that takes back a partition it owned before
 * fetches nothing; a node that gives away a partition it was only just given never fetched it:
 *
 *     giver was just given it, taker owned it before     one fetch less than without
 *     one of the two                                     as many
 *     neither                                            one more
 */
import { lowestIn, PartitionSet } from "./partition-set.ts";
import type { Exchange } from "./settle.ts";
import type { Zones } from "./zones.ts";

export class Assignment implements Exchange {
  readonly counts: Uint32Array;
  readonly #owned: readonly PartitionSet[];
  readonly #before: readonly PartitionSet[];
  readonly #zones: Zones;
  /** Owners of each partition in each zone. */
  readonly #zoneHeld: Uint8Array;
  readonly #ownerCounts: Uint16Array;
  /**
   * Where the last search ended. The next starts there, so that moves are taken from all around the
   * ring.
   */
  #cursor = 0;

  constructor(nodeCount: number, partitionCount: number, zones: Zones) {
    this.counts = new Uint32Array(nodeCount);
    this.#owned = Array.from({ length: nodeCount }, () => new PartitionSet(partitionCount));
    this.#before = Array.from({ length: nodeCount }, () => new PartitionSet(partitionCount));
    this.#zones = zones;
    this.#zoneHeld = new Uint8Array(partitionCount * zones.count);
    this.#ownerCounts = new Uint16Array(partitionCount);
  }

  /** What the node owns now. */
  owned(node: number): PartitionSet {
    return this.#owned[node]!;
  }

  ownerCount(partition: number): number {
    return this.#ownerCounts[partition]!;
  }

  /**
   * Notes that the node owned the partition before. It does not own it now, until it is given it.
   */
  remember(partition: number, node: number): void {
    this.#before[node]!.add(partition);
  }

  give(partition: number, node: number): void {
    this.#owned[node]!.add(partition);
    this.counts[node]! += 1;
    this.#ownerCounts[partition]! += 1;
    this.#zoneHeld[this.#zoneSlot(partition, node)]! += 1;
  }

  take(partition: number, node: number): void {
    this.#owned[node]!.remove(partition);
    this.counts[node]! -= 1;
    this.#ownerCounts[partition]! -= 1;
    this.#zoneHeld[this.#zoneSlot(partition, node)]! -= 1;
  }

  mayTake(partition: number, node: number): boolean {
    return !this.#owned[node]!.has(partition) && this.#zoneHasRoom(partition, node);
  }

  /** Whether the node's zone holds more owners of the partition than the zone rule allows. */
  isZoneOverfull(partition: number, node: number): boolean {
    return this.#zoneHeld[this.#zoneSlot(partition, node)]! > this.#zones.limit;
  }

  move(partition: number, from: number, to: number): void {
    this.take(partition, from);
    this.give(partition, to);
  }

  /** The exchanges without a further fetch. Chains of them are better than one step that is not. */
  get free(): Exchange {
    return {
      counts: this.counts,
      find: (from, to) => this.#find(from, to, true),
      move: (partition, from, to) => this.move(partition, from, to),
    };
  }

  find(from: number, to: number): number {
    return this.#find(from, to, false);
  }

  #find(from: number, to: number, isFree: boolean): number {
    const gives = this.#owned[from]!.words;
    const has = this.#owned[to]!.words;
    const gaveBefore = this.#before[from]!.words;
    const hadBefore = this.#before[to]!.words;
    const sameZone = this.#zones.ofNode[from] === this.#zones.ofNode[to];
    const wordCount = gives.length;
    let neutral = -1;
    let costly = -1;
    for (let step = 0; step < wordCount; step++) {
      const index = (this.#cursor + step) & (wordCount - 1);
      for (let rest = gives[index]! & ~has[index]!; rest !== 0; rest &= rest - 1) {
        const bit = rest & -rest;
        const fresh = (gaveBefore[index]! & bit) === 0;
        const returns = (hadBefore[index]! & bit) !== 0;
        if (!fresh && !returns && (isFree || costly >= 0)) continue;
        if (fresh !== returns && neutral >= 0) continue;
        const partition = lowestIn(rest, index);
        if (!sameZone && !this.#zoneHasRoom(partition, to)) continue;
        if (fresh && returns) return this.#found(partition);
        if (fresh || returns) neutral = partition;
        else costly = partition;
      }
    }
    return this.#found(neutral >= 0 ? neutral : costly);
  }

  #zoneHasRoom(partition: number, node: number): boolean {
    return this.#zoneHeld[this.#zoneSlot(partition, node)]! < this.#zones.limit;
  }

  #found(partition: number): number {
    if (partition >= 0) this.#cursor = partition >>> 5;
    return partition;
  }

  #zoneSlot(partition: number, node: number): number {
    return partition * this.#zones.count + this.#zones.ofNode[node]!;
  }
}
