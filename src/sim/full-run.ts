/**
 * Runs that have everything a cluster must stand: `gramme sim --full`.
 *
 *     drawn by the seed as ever     workload, network, levels, which faults and how often
 *     the same in all of them       five nodes, 30 virtual seconds or more, 40 strikes that hit,
 *                                   wall clocks off by up to ten minutes, disks that are lost,
 *                                   put back from a copy, and moved
 *
 * Usual runs draw a subset of the faults, often a small one, since faults hide each other; that
 * stays so here: the plans that are drawn anyway strike often enough, and only what is always there
 * is added to them. Nobody writes to one node alone, for disks are lost, fewer of them than a write
 * needs: whatever is lost is a bug.
 */
import { Random } from "../core/base/random.ts";
import type { FaultPlan, NemesisOptions } from "./nemesis.ts";
import { DISK_SWAPS } from "./nemesis.ts";
import type { RunOptions } from "./swarm.ts";
import { drawRun, LEVELS, smallestWrite } from "./swarm.ts";

export const FULL_NODES = 5;
export const FULL_SAFETY_MS = 30_000;
export const FULL_HITS_MIN = 40;
const SKEW_MS_MAX = 600_000;
/** Expected; some of them hit a node that is down. */
const STRIKES_AIMED_AT = 70;
/** For runs that drew no other trouble. */
const USUAL_PARTITIONS: NemesisOptions["partitions"] = {
  everyMs: 1_000,
  lastsMsMax: 1_000,
  kinds: ["split", "isolate", "bridge"],
  oneWayRate: 0.3,
};
/** Holders that every write has at least. */
const WRITTEN_TO_MIN = 2;

export function drawFullRun(seed: number): RunOptions {
  const drawn = drawRun(seed);
  const draws = new Random(seed).fork("full");
  const replicas = drawn.simulation.replicas ?? 3;
  const workload = { ...drawn.workload };
  if (smallestWrite(workload, replicas) < WRITTEN_TO_MIN) {
    const safe = LEVELS.filter((w) => smallestWrite({ w }, replicas) >= WRITTEN_TO_MIN);
    workload.w = draws.fork("w").pick(safe);
  }
  const forgetful = draws.fork("forgetful").between(1, smallestWrite(workload, replicas) - 1);
  return {
    simulation: {
      ...drawn.simulation,
      nodes: FULL_NODES,
      wall: { ...drawn.simulation.wall, offsetMsMax: SKEW_MS_MAX },
    },
    workload,
    nemesis: struckOften({ ...drawn.nemesis, ...drawDisks(draws.fork("disks")), forgetful }),
    safetyMs: FULL_SAFETY_MS,
    hitsMin: FULL_HITS_MIN,
    outside: draws.fork("outside").pick([1, 1, 2]),
  };
}

function drawDisks(random: Random): Pick<NemesisOptions, "backups" | "diskSwaps"> {
  return {
    backups: { everyMs: random.pick([1_000, 5_000]), lastsMsMax: 0 },
    diskSwaps: {
      everyMs: random.pick([2_000, 5_000, 10_000]),
      lastsMsMax: random.pick([100, 2_000, 10_000]),
      kinds: random.chance(0.7) ? DISK_SWAPS : [random.pick(DISK_SWAPS)],
    },
  };
}

/** What there is strikes as much oftener as it takes. */
function struckOften(nemesis: NemesisOptions): NemesisOptions {
  const { clogs, crashes, pauses, slowness, slowDisks, fullDisks } = nemesis;
  const others = { clogs, crashes, pauses, slowness, slowDisks, fullDisks };
  const isCalm = Object.values(others).every((plan) => plan === undefined);
  const partitions = nemesis.partitions ?? (isCalm ? USUAL_PARTITIONS : undefined);
  const plans = Object.entries({ partitions, ...others });
  let expected = 0;
  for (const plan of [partitions, ...Object.values(others), nemesis.diskSwaps, nemesis.wallJumps]) {
    if (plan !== undefined) expected += FULL_SAFETY_MS / plan.everyMs;
  }
  const times = Math.max(1, STRIKES_AIMED_AT / expected);
  const quickened = plans.map(([name, plan]) => [name, plan && quicker(plan, times)]);
  return { ...nemesis, ...(Object.fromEntries(quickened) as Partial<NemesisOptions>) };
}

/** More of them, and each the shorter: a cluster that is always cut in two shows little. */
function quicker(plan: FaultPlan, times: number): FaultPlan {
  const everyMs = Math.ceil(plan.everyMs / times);
  return { ...plan, everyMs, lastsMsMax: Math.ceil(plan.lastsMsMax / Math.sqrt(times)) };
}
