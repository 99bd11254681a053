/**
 * Moving partitions between nodes until every count lies within its bounds.
 *
 * Each node has a number of partitions and should have between `low` and `high`. One exchange moves
 * one partition from one node to another; which exchanges are possible is the business of whoever
 * calls. Where a node with too many cannot give to one with too few, others pass something on
 * between them:
 *
 *     a has 1 too many, d too few; a cannot give to d, but  a -> c  and  c -> d  are possible
 *
 * The shortest such chain is taken, because each of its steps moves data. This is the augmenting
 * path of network flow, on the small graph of nodes: when no chain is left, no other sequence of
 * exchanges would do better.
 */

export interface Exchange {
  /** Partitions each node has; `move` keeps it up to date. */
  readonly counts: Uint32Array;
  /** A partition that can go from one node to the other, or -1. Asked often. */
  find(from: number, to: number): number;
  move(partition: number, from: number, to: number): void;
}

export interface Bounds {
  readonly low: Uint32Array;
  readonly high: Uint32Array;
}

export function settle(exchange: Exchange, { low, high }: Bounds): void {
  const { counts } = exchange;
  const hasTooMany = (node: number): boolean => counts[node]! > high[node]!;
  const hasTooFew = (node: number): boolean => counts[node]! < low[node]!;
  const canGive = (node: number): boolean => counts[node]! > low[node]!;
  const canTake = (node: number): boolean => counts[node]! < high[node]!;
  // Nodes in want go first, so that what one has too many of goes where it is missing.
  drain(exchange, hasTooMany, hasTooFew);
  drain(exchange, hasTooMany, canTake);
  drain(exchange, canGive, hasTooFew);
}

type NodeTest = (node: number) => boolean;

/**
 * Chains that were blocked half-way could in theory chase each other for ever; no useful run is
 * that long.
 */
function drain(exchange: Exchange, isSource: NodeTest, isSink: NodeTest): void {
  let left = exchange.counts.reduce((sum, count) => sum + count, 0);
  for (; left > 0; left--) {
    const chain = shortestChain(exchange, isSource, isSink);
    if (chain === undefined || !carryOut(exchange, chain)) return;
  }
}

/** Breadth first from all sources at once: source, nodes between, sink. */
function shortestChain(
  exchange: Exchange,
  isSource: NodeTest,
  isSink: NodeTest,
): readonly number[] | undefined {
  const nodeCount = exchange.counts.length;
  const reachedFrom = new Int32Array(nodeCount).fill(-1);
  const queue: number[] = [];
  const sinks: number[] = [];
  for (let node = 0; node < nodeCount; node++) {
    if (isSource(node)) queue.push(node);
    else if (isSink(node)) sinks.push(node);
  }
  if (sinks.length === 0) return undefined;
  for (const node of queue) reachedFrom[node] = node;
  for (const from of queue) {
    for (const sink of sinks) {
      if (exchange.find(from, sink) < 0) continue;
      return chainTo(from, sink, reachedFrom);
    }
    for (let to = 0; to < nodeCount; to++) {
      if (reachedFrom[to] !== -1 || exchange.find(from, to) < 0) continue;
      reachedFrom[to] = from;
      queue.push(to);
    }
  }
  return undefined;
}

function chainTo(last: number, sink: number, reachedFrom: Int32Array): readonly number[] {
  const chain = [sink, last];
  for (let node = last; reachedFrom[node] !== node;) {
    node = reachedFrom[node]!;
    chain.push(node);
  }
  return chain.reverse();
}

/**
 * From the sink backwards, so that a node has given before it takes. A step can, rarely, block the
 * one before it: then the rest of the chain stays undone, and the search goes on from there as long
 * as anything moved.
 */
function carryOut(exchange: Exchange, chain: readonly number[]): boolean {
  for (let step = chain.length - 1; step > 0; step--) {
    const from = chain[step - 1]!;
    const to = chain[step]!;
    const partition = exchange.find(from, to);
    if (partition < 0) return step < chain.length - 1;
    exchange.move(partition, from, to);
  }
  return true;
}
