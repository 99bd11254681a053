/**
 * Which faults, on whom, when and for how long: drawn from the seed, and from nothing else.
 *
 * A seed draws which kinds it knows at all (a run with few kinds goes deeper into each), then one
 * fault after the other. A node suffers one fault of its process, and one of its disk, at a time;
 * of the network two may overlap. No node ever loses its disk, so nothing excuses a lost write.
 */
import { Random } from "#src/core/base/random.ts";

export const FAULT_KINDS = [
  "kill",
  "kill-all",
  "kill-starting",
  "stop",
  "pause",
  "stutter",
  "isolate",
  "split",
  "bridge",
  "ring",
  "deaf",
  "mute",
  "client-cut",
  "loss",
  "slow-link",
  "late-link",
  "full-disk",
  "slow-disk",
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface Fault {
  readonly number: number;
  readonly kind: FaultKind;
  readonly atMs: number;
  readonly forMs: number;
  /** All of them, in an order that means something to some kinds. */
  readonly nodes: readonly number[];
  /** Share, rate or time, as the kind takes it; 0 for those that take none. */
  readonly amount: number;
}

interface Shape {
  readonly weight: number;
  readonly forMs: readonly [number, number];
  readonly amount?: readonly [number, number];
  readonly lane: "process" | "network" | "disk";
  /** How many nodes it takes out of use. */
  readonly reach: "one" | "all";
}

const ONE = { lane: "process", reach: "one" } as const;
const NETWORK = { lane: "network", reach: "one" } as const;

const SHAPES: { readonly [Kind in FaultKind]: Shape } = {
  kill: { ...ONE, weight: 4, forMs: [100, 4_000] },
  "kill-all": { ...ONE, weight: 1, forMs: [100, 800], reach: "all" },
  "kill-starting": { ...ONE, weight: 2, forMs: [300, 1_000], amount: [20, 400] },
  stop: { ...ONE, weight: 1, forMs: [100, 2_000] },
  pause: { ...ONE, weight: 3, forMs: [200, 5_000] },
  stutter: { ...ONE, weight: 2, forMs: [2_000, 5_000], amount: [30, 300] },
  isolate: { ...NETWORK, weight: 2, forMs: [500, 6_000] },
  split: { ...NETWORK, weight: 2, forMs: [500, 6_000] },
  bridge: { ...NETWORK, weight: 2, forMs: [500, 6_000] },
  ring: { ...NETWORK, weight: 1, forMs: [500, 6_000] },
  deaf: { ...NETWORK, weight: 2, forMs: [500, 6_000] },
  mute: { ...NETWORK, weight: 2, forMs: [500, 6_000] },
  "client-cut": { ...NETWORK, weight: 1, forMs: [500, 4_000] },
  loss: { ...NETWORK, weight: 2, forMs: [1_000, 6_000], amount: [2, 30] },
  "slow-link": { ...NETWORK, weight: 2, forMs: [1_000, 5_000], amount: [100, 2_000] },
  "late-link": { ...NETWORK, weight: 3, forMs: [1_000, 6_000], amount: [5, 150] },
  "full-disk": { weight: 2, forMs: [2_000, 8_000], lane: "disk", reach: "one" },
  "slow-disk": { weight: 2, forMs: [1_000, 5_000], amount: [10, 800], lane: "disk", reach: "one" },
};

const KINDS_SHARE = 0.7;
const GAP_MS_MEAN = 1_600;
const NETWORK_AT_ONCE = 2;
const TRIES_MAX = 20;

/** Kinds that this machine cannot make are left out, after all draws: the others stay the same. */
export function planOf(
  seed: number,
  nodes: number,
  durationMs: number,
  canMake: (kind: FaultKind) => boolean,
): readonly Fault[] {
  const random = new Random(seed).fork("faults");
  const kinds = drawKinds(random);
  const plan: Fault[] = [];
  let atMs = 0;
  for (;;) {
    atMs += Math.round(random.exponential(GAP_MS_MEAN));
    if (atMs >= durationMs) return plan.filter(({ kind }) => canMake(kind));
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const fault = drawFault(random, kinds, plan.length, atMs, nodes);
      if (atMs + fault.forMs > durationMs || !hasRoom(plan, fault)) continue;
      plan.push(fault);
      break;
    }
  }
}

function drawKinds(random: Random): readonly FaultKind[] {
  const kinds = FAULT_KINDS.filter(() => random.chance(KINDS_SHARE));
  return kinds.length < 3 ? FAULT_KINDS : kinds;
}

function drawFault(
  random: Random,
  kinds: readonly FaultKind[],
  number: number,
  atMs: number,
  nodes: number,
): Fault {
  const kind = random.pick(kinds.flatMap((each) => repeated(each, SHAPES[each].weight)));
  const { forMs, amount = [0, 0] } = SHAPES[kind];
  const order = Array.from({ length: nodes }, (_, node) => node);
  random.shuffle(order);
  return {
    number,
    kind,
    atMs,
    forMs: random.between(...forMs),
    nodes: order,
    amount: random.between(...amount),
  };
}

/** Only what the fault shares with others that are under way keeps it from beginning. */
function hasRoom(plan: readonly Fault[], fault: Fault): boolean {
  const { lane, reach } = SHAPES[fault.kind];
  const open = plan.filter(({ kind, atMs, forMs }) => {
    return SHAPES[kind].lane === lane && atMs + forMs + REST_MS > fault.atMs;
  });
  if (lane === "network") return open.length < NETWORK_AT_ONCE;
  if (reach === "all") return open.length === 0;
  return open.every(({ kind, nodes }) => {
    return SHAPES[kind].reach === "one" && nodes[0] !== fault.nodes[0];
  });
}

/** To come back from a fault. */
const REST_MS = 700;

function repeated<T>(item: T, times: number): readonly T[] {
  return Array.from({ length: times }, () => item);
}
