/**
 * Which links a fault touches and what it does to them: a pure function of the fault.
 *
 *     isolate, deaf, mute    one node from the others; it hears, or is heard by, nobody
 *     split, bridge, ring    two | three;  two | two and one that sees all;  neighbours alone
 *     client-cut             one client from three of the nodes
 *     loss, slow-link,       all links of one node; the odd faults of these kinds in the way to it
 *     late-link              alone
 *
 * The odd ones of the first two rows cut the clients off as well: one is on each side.
 */
import { type LinkCondition, OPEN } from "./link-condition.ts";
import type { Fault } from "./fault-plan.ts";

const CUT: LinkCondition = { ...OPEN, isCut: true };

/** Seats from here on are clients. */
export function conditionUnder(
  fault: Fault,
  from: number,
  to: number,
  nodeCount: number,
): LinkCondition {
  const ends = [from, to];
  const isBetweenNodes = from < nodeCount && to < nodeCount;
  const one = fault.nodes[0]!;
  switch (fault.kind) {
    case "isolate":
      return ends.includes(one) && (isBetweenNodes || fault.number % 2 === 1) ? CUT : OPEN;
    case "deaf":
      return to === one && isBetweenNodes ? CUT : OPEN;
    case "mute":
      return from === one && isBetweenNodes ? CUT : OPEN;
    case "split":
      return sideOf(fault, from, 2, nodeCount) === sideOf(fault, to, 2, nodeCount) ||
        (!isBetweenNodes && fault.number % 2 === 0)
        ? OPEN
        : CUT;
    case "bridge":
      return isBetweenNodes && areApart(fault, from, to) ? CUT : OPEN;
    case "ring":
      return isBetweenNodes && !areNeighbours(fault, from, to) ? CUT : OPEN;
    case "client-cut": {
      const client = nodeCount + (fault.number % 2);
      const others = fault.nodes.slice(0, 3);
      return ends.includes(client) && ends.some((end) => others.includes(end)) ? CUT : OPEN;
    }
    case "loss":
    case "slow-link":
    case "late-link": {
      const isTouched = isBetweenNodes && (to === one || (from === one && fault.number % 2 === 0));
      return isTouched ? weaknessOf(fault) : OPEN;
    }
    default:
      return OPEN;
  }
}

function weaknessOf({ kind, amount }: Fault): LinkCondition {
  if (kind === "loss") return { ...OPEN, lossShare: amount / 100 };
  if (kind === "slow-link") return { ...OPEN, kilobits: amount };
  const late = { delayMs: amount, jitterMs: Math.ceil(amount / 3) };
  return { ...OPEN, ...late, duplicateShare: 0.05, reorderShare: 0.1 };
}

/** The first so many of the nodes are on one side, the first client with them. */
function sideOf({ nodes }: Fault, seat: number, first: number, nodeCount: number): boolean {
  if (seat >= nodeCount) return seat === nodeCount;
  return nodes.indexOf(seat) < first;
}

/** Two and two, and the last sees all. */
function areApart({ nodes }: Fault, from: number, to: number): boolean {
  const [left, right] = [nodes.indexOf(from), nodes.indexOf(to)];
  if (Math.max(left, right) === 4) return false;
  return left < 2 !== right < 2;
}

function areNeighbours({ nodes }: Fault, from: number, to: number): boolean {
  const distance = Math.abs(nodes.indexOf(from) - nodes.indexOf(to));
  return distance === 1 || distance === nodes.length - 1;
}
