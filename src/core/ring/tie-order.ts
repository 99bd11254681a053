/**
 * An order of the nodes that is different for each partition.
 *
 * Where a placement has a free choice, "the first in the list" would favour the same nodes
 * everywhere and put the same few together. This order looks random and is the same on every run.
 */
import { hash32OfString } from "../base/hash.ts";
import type { LayoutNode } from "./layout.ts";

const SEED = 0x62616c61;

export class TieOrder {
  readonly #hashes: readonly number[];

  constructor(nodes: readonly LayoutNode[]) {
    this.#hashes = nodes.map(({ id }) => hash32OfString(id, SEED));
  }

  /** Position of a node, by index: the smallest comes first. */
  rank(partition: number, node: number): number {
    let mixed = this.#hashes[node]! ^ Math.imul(partition + 1, 0x9e3779b1);
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return (mixed ^ (mixed >>> 16)) >>> 0;
  }
}
