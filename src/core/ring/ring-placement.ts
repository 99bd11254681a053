/**
 * Placement by consistent hashing, as in the Dynamo paper.
 *
 * Every node throws tokens on a circle of 2^32 positions. A partition starts at a point of the
 * circle, and its owners are the first N distinct nodes met clockwise from there, leaving out those
 * whose zone is full:
 *
 *          0 ── b ───── a ── c ──── a ── b ────── c ── 2^32        tokens
 *                   ^ partition 5: owners a, c, b
 *
 * No memory is needed: the same nodes always give the same layout, and a node that joins or leaves
 * only changes the stretches its tokens cut. The price is balance. A node's share is a matter of
 * luck, whose spread falls with the square root of the number of tokens and of partitions: 100
 * nodes on 256 partitions own 8 each on average but up to 15, because a partition is won as a
 * whole. For ring placement take at least 100 partitions a node.
 */
import { assert } from "../base/assert.ts";
import { hash32OfString } from "../base/hash.ts";
import type { LayoutNode } from "./layout.ts";
import type { PlacementRequest, PlacementStrategy } from "./placement.ts";
import { zonesOf } from "./zones.ts";

export const TOKENS_PER_NODE_DEFAULT = 256;

const POSITIONS = 0x1_0000_0000;
const TOKEN_SEED = 0x746f6b65;
/** A token is position * NODES + node, one number, so that sorting numbers sorts tokens. */
const NODES = 0x400;

/** Nodes of weight 1 among their like throw `tokensPerNode` tokens each. */
export function ringPlacement(tokensPerNode: number = TOKENS_PER_NODE_DEFAULT): PlacementStrategy {
  assert(Number.isInteger(tokensPerNode) && tokensPerNode > 0, "a node throws at least one token");
  return { name: "ring", place: (request) => place(request, tokensPerNode) };
}

function place(request: PlacementRequest, tokensPerNode: number): Uint16Array {
  const { nodes, partitionCount, replicas } = request;
  assert(nodes.length <= NODES, "a token has room for the index of its node");
  const width = Math.min(replicas, nodes.length);
  const zones = zonesOf(nodes, replicas);
  const tokens = throwTokens(nodes, tokensPerNode);
  const table = new Uint16Array(partitionCount * width);
  const zoneHeld = new Uint16Array(zones.count);
  /** The partition that chose this node last: tells at once whether the current one has. */
  const chosenBy = new Int32Array(nodes.length).fill(-1);
  let first = 0;
  for (let partition = 0; partition < partitionCount; partition++) {
    const start = partition * (POSITIONS / partitionCount) * NODES;
    while (first < tokens.length && tokens[first]! < start) first += 1;
    zoneHeld.fill(0);
    for (let entry = partition * width, step = first; entry < (partition + 1) * width; step++) {
      const node = tokens[step % tokens.length]! % NODES;
      const zone = zones.ofNode[node]!;
      if (chosenBy[node] === partition || zoneHeld[zone] === zones.limit) continue;
      chosenBy[node] = partition;
      zoneHeld[zone]! += 1;
      table[entry++] = node;
    }
  }
  return table;
}

/**
 * Tokens in proportion to weight. The unit is the power of two at or below the largest weight, not
 * the mean: it almost never changes when a node joins or leaves, and as long as it stays, the
 * tokens of all other nodes do.
 */
function throwTokens(nodes: readonly LayoutNode[], tokensPerNode: number): Float64Array {
  const heaviest = nodes.reduce((weight, node) => Math.max(weight, node.weight), 1);
  const unit = 1 << (31 - Math.clz32(heaviest));
  const tokens: number[] = [];
  for (const [index, { id, weight }] of nodes.entries()) {
    const count = Math.max(1, Math.round((tokensPerNode * weight) / unit));
    for (let token = 0; token < count; token++) {
      tokens.push(hash32OfString(`${id}#${token}`, TOKEN_SEED) * NODES + index);
    }
  }
  return Float64Array.from(tokens).sort();
}
