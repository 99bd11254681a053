/**
 * What one direction of one link does to packets, and the words of `tc` that make it so.
 *
 *     bridge ── p3 ── eth0 of node 3         what enters p3 goes to node 3: one class of HTB for
 *               │                            each sender, picked by the source address
 *               ├ 1:1 from seat 0   a queue: open, slow (rate of the class), or cut
 *               ├ 1:2 from seat 1            (a queue that has room for no packet)
 *               ├ …
 *               └ 1:98              has room for nothing: where packets are sent to be lost
 *
 * Every direction has a class of its own, so one-way faults need nothing more. Delay, duplicates
 * and reordering need netem, which not every kernel has; loss is also made by a filter that draws
 * lots, and slowness by a rate.
 */

export interface LinkCondition {
  readonly isCut: boolean;
  /** Of the packets, how many are lost: from 0 to 1. */
  readonly lossShare: number;
  /** 0 for as fast as it goes. */
  readonly kilobits: number;
  readonly delayMs: number;
  readonly jitterMs: number;
  readonly duplicateShare: number;
  readonly reorderShare: number;
}

export const OPEN: LinkCondition = {
  isCut: false,
  lossShare: 0,
  kilobits: 0,
  delayMs: 0,
  jitterMs: 0,
  duplicateShare: 0,
  reorderShare: 0,
};

const LOST_CLASS = 98;
const OTHERS_CLASS = 99;
const QUEUE_PACKETS = 1_000;
/** A packet this size fits nowhere. */
const NO_ROOM = "bfifo limit 1";
const U32_END = 2 ** 32;

export function addressOf(seat: number): string {
  return `10.213.0.${10 + seat}`;
}

export function portOf(seat: number): string {
  return `p${seat}`;
}

/** Both of two faults at once: the worse of each kind. */
export function worse(left: LinkCondition, right: LinkCondition): LinkCondition {
  const rates = [left.kilobits, right.kilobits].filter((rate) => rate > 0);
  return {
    isCut: left.isCut || right.isCut,
    lossShare: Math.max(left.lossShare, right.lossShare),
    kilobits: rates.length === 0 ? 0 : Math.min(...rates),
    delayMs: Math.max(left.delayMs, right.delayMs),
    jitterMs: Math.max(left.jitterMs, right.jitterMs),
    duplicateShare: Math.max(left.duplicateShare, right.duplicateShare),
    reorderShare: Math.max(left.reorderShare, right.reorderShare),
  };
}

/** For the port of a seat, once. */
export function portLines(to: number, seats: number): readonly string[] {
  const port = portOf(to);
  const lines = [
    `qdisc replace dev ${port} root handle 1: htb default ${OTHERS_CLASS}`,
    `class replace dev ${port} parent 1: classid 1:${OTHERS_CLASS} htb ${rateOf(0)}`,
    `class replace dev ${port} parent 1: classid 1:${LOST_CLASS} htb ${rateOf(0)}`,
    `qdisc replace dev ${port} parent 1:${LOST_CLASS} ${NO_ROOM}`,
  ];
  for (let from = 0; from < seats; from++) {
    const ip = `protocol ip prio ${200 + from} u32 match ip src ${addressOf(from)}`;
    lines.push(
      `class replace dev ${port} parent 1: classid 1:${from + 1} htb ${rateOf(0)}`,
      `filter add dev ${port} parent 1: ${ip} flowid 1:${from + 1}`,
    );
  }
  return lines;
}

/** From one condition to another, for what `from` sends to `to`. */
export function conditionLines(
  from: number,
  to: number,
  before: LinkCondition,
  after: LinkCondition,
  hasNetem: boolean,
): readonly string[] {
  const port = portOf(to);
  const lines: string[] = [];
  if (before.kilobits !== after.kilobits) {
    const rate = rateOf(after.kilobits);
    lines.push(`class change dev ${port} parent 1: classid 1:${from + 1} htb ${rate}`);
  }
  const queue = queueOf(after, hasNetem);
  if (queue !== queueOf(before, hasNetem)) {
    lines.push(`qdisc replace dev ${port} parent 1:${from + 1} ${queue}`);
  }
  if (hasNetem || before.lossShare === after.lossShare) return lines;
  const filter = `dev ${port} parent 1: protocol ip prio ${10 + from}`;
  if (before.lossShare > 0) lines.push(`filter del ${filter}`);
  if (after.lossShare > 0) {
    const lots = drawingLots(addressOf(from), after.lossShare);
    lines.push(`filter add ${filter} bpf bytecode "${lots}" flowid 1:${LOST_CLASS}`);
  }
  return lines;
}

function queueOf(condition: LinkCondition, hasNetem: boolean): string {
  if (condition.isCut) return NO_ROOM;
  const { lossShare, delayMs, jitterMs, duplicateShare, reorderShare } = condition;
  const isPlain = lossShare + delayMs + duplicateShare + reorderShare === 0;
  if (isPlain || !hasNetem) return `pfifo limit ${QUEUE_PACKETS}`;
  // Packets can only overtake others that wait.
  const waitMs = reorderShare > 0 ? Math.max(delayMs, 5) : delayMs;
  return [
    `netem limit ${QUEUE_PACKETS}`,
    waitMs > 0 ? ` delay ${waitMs}ms ${jitterMs}ms` : "",
    lossShare > 0 ? ` loss ${percent(lossShare)}` : "",
    duplicateShare > 0 ? ` duplicate ${percent(duplicateShare)}` : "",
    reorderShare > 0 ? ` reorder ${percent(reorderShare)}` : "",
  ].join("");
}

function rateOf(kilobits: number): string {
  if (kilobits === 0) return "rate 10gbit ceil 10gbit quantum 1514";
  return `rate ${kilobits}kbit ceil ${kilobits}kbit burst 3000 cburst 3000 quantum 1514`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)}%`;
}

/**
 * A classic filter program: does the packet come from this address, and is a random word below the
 * share? The number of instructions, then code, jump if true, jump if false and operand of each.
 */
function drawingLots(address: string, share: number): string {
  const source = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const threshold = Math.floor(share * (U32_END - 1));
  const [sourceAt, randomAt, everything] = [26, 0xfffff038, U32_END - 1];
  const instructions = [
    `32 0 0 ${sourceAt}`,
    `21 0 3 ${source}`,
    `32 0 0 ${randomAt}`,
    `37 1 0 ${threshold}`,
    `6 0 0 ${everything}`,
    "6 0 0 0",
  ];
  return [instructions.length, ...instructions].join(",");
}
