/**
 * The options of a run, drawn from its seed.
 *
 * A run with every fault at once is a bad run: one fault hides another (a cluster that is always
 * partitioned never loses a row at an interesting moment). So each seed draws a subset and its
 * rates, and the sweep covers the combinations.
 *
 * Each option has a generator of its own, named after it: an option that is added later leaves what
 * older seeds draw for the others as it was.
 */
import { Random } from "../core/base/random.ts";
import { levelCount } from "../core/coordinator/quorum.ts";
import { LEASE_BLOCK } from "../core/replica/epochs.ts";
import type { BucketMode, Level } from "../core/requests.ts";
import { HARMS } from "./node-storage.ts";
import type { NemesisOptions, PartitionKind } from "./nemesis.ts";
import type { NetworkOptions } from "./network.ts";
import type { SimulationOptions } from "./settings.ts";
import type { WorkloadOptions } from "./workload.ts";

export interface RunOptions {
  readonly simulation: SimulationOptions;
  readonly workload: WorkloadOptions;
  readonly nemesis: NemesisOptions;
  /** How long faults and clients go on before everything is healed. */
  readonly safetyMs: number;
  /** They go on beyond that until so many strikes have hit, at most `SAFETY_STRETCH` as long. */
  readonly hitsMin?: number;
  /** How many nodes stay away for a while when faults have ended, and the others must serve. */
  readonly outside?: number;
}

export const SAFETY_STRETCH = 8;

const MODES: readonly (readonly BucketMode[])[] = [
  ["overwrite"],
  ["siblings"],
  ["lww"],
  ["merge"],
  ["overwrite", "siblings", "lww", "merge"],
];

export const LEVELS: readonly (readonly Level[])[] = [
  ["default"],
  ["quorum"],
  [2],
  ["one", "quorum"],
  ["one", "quorum", "all"],
  ["quorum", "all"],
  ["all"],
  ["one"],
];

/** A log takes several times the time of a model. */
const LOG_SHARE = 0.25;

/** Each name is drawn for itself; calling twice with one name answers the same. */
class Draws {
  readonly #seed: Random;

  constructor(seed: number) {
    this.#seed = new Random(seed).fork("swarm");
  }

  of(name: string): Random {
    return this.#seed.fork(name);
  }

  pick<T>(name: string, items: readonly T[]): T {
    return this.of(name).pick(items);
  }

  /** With the given probability a number up to `max`, else nothing. */
  rate(name: string, probability: number, max: number): number {
    const random = this.of(name);
    return random.chance(probability) ? round(random.fraction() * max) : 0;
  }

  maybe<T>(name: string, probability: number, draw: (random: Random) => T): T | undefined {
    const random = this.of(name);
    return random.chance(probability) ? draw(random) : undefined;
  }
}

export function drawRun(seed: number): RunOptions {
  const draws = new Draws(seed);
  const workload = drawWorkload(draws);
  const simulation = drawSimulation(seed, draws);
  const forgetfulMax = smallestWrite(workload, simulation.replicas ?? 3) - 1;
  return {
    simulation,
    workload,
    nemesis: {
      ...drawNemesis(draws, Math.min(forgetfulMax, (simulation.nodes ?? 5) - 1)),
      ...(simulation.storage === "log" ? drawDiskTrouble(draws) : NO_DISK_TROUBLE),
    },
    safetyMs: 30_000,
  };
}

/** The same run on model storage, which is what every run was on before there was another. */
export function withModel(options: RunOptions): RunOptions {
  const { simulation, nemesis } = options;
  return {
    ...options,
    simulation: { ...simulation, storage: "model" },
    nemesis: { ...nemesis, ...NO_DISK_TROUBLE },
  };
}

/** One line an option, for people. */
export function describeRun(options: RunOptions): string {
  const lines: string[] = [];
  describe("", options, lines);
  return lines.join("\n");
}

/** The smallest number of owners that any write of the run waits for. */
export function smallestWrite(workload: Pick<WorkloadOptions, "w">, replicas: number): number {
  const counts = workload.w.map((level) =>
    levelCount(level === "default" ? "quorum" : level, replicas),
  );
  return Math.min(...counts.map((count) => count ?? 1));
}

function drawSimulation(seed: number, draws: Draws): SimulationOptions {
  const replicas = draws.pick("replicas", [3, 3, 3, 3, 2, 5]);
  const spareNodes = draws.pick("nodes", [2, 2, 2, 0, 1, 4]);
  return {
    seed,
    nodes: replicas + spareNodes,
    replicas,
    partitions: draws.pick("partitions", [16, 16, 64]),
    placement: draws.pick("placement", ["balanced", "ring"]),
    config: {
      requestTimeoutMs: draws.pick("requestTimeoutMs", [1_000, 1_000, 250, 3_000]),
      spareAfterMs: draws.pick("spareAfterMs", [20, 20, 1, 200]),
      hedgeShare: draws.pick("hedgeShare", [0.05, 0.05, 0, 1]),
      siblingsMax: draws.pick("siblingsMax", [100, 8, 3]),
      inFlightMax: draws.pick("inFlightMax", [4_096, 4_096, 2]),
      pr: draws.pick("pr", ["one", "one", "one", "all"]),
      pw: draws.pick("pw", ["one", "one", "one", "all"]),
    },
    purge: {
      everyMs: draws.pick("purgeEveryMs", [300, 1_000, 5_000]),
      eraMs: draws.pick("eraMs", [1_000, 1_000, 3_000, 100]),
      roundMs: draws.pick("purgeRoundMs", [2_000, 10_000]),
      repeatMs: 200,
      keysMax: draws.pick("purgeKeysMax", [4_096, 2]),
      rememberedMax: draws.pick("purgeRememberedMax", [65_536, 2]),
      expireMs: draws.pick("purgeExpireMs", [1_000, 5_000]),
      sliceRows: draws.pick("purgeSliceRows", [256, 1]),
    },
    network: drawNetwork(draws),
    connections: {
      connectMs: draws.pick("connectMs", [1, 10, 100]),
      goodbyeMs: draws.pick("goodbyeMs", [1, 10, 100]),
      timeoutMs: draws.maybe("connectionTimeoutMs", 0.5, (random) => random.between(100, 5_000)),
    },
    disk: {
      syncMs: draws.pick("syncMs", [0, 0.1, 1]),
      syncMsMean: draws.pick("syncMsMean", [0.1, 0.5, 5, 30, 200]),
      stallRate: draws.rate("stallRate", 0.3, 0.02),
      stallMsMax: draws.pick("stallMsMax", [50, 500, 3_000]),
    },
    wall: {
      offsetMsMax: draws.pick("wallOffsetMs", [0, 100, 5_000]),
      driftPpmMax: draws.pick("wallDriftPpm", [0, 200]),
    },
    storage: draws.of("storage").chance(LOG_SHARE) ? "log" : "model",
    log: {
      segmentBytes: draws.pick("segmentBytes", [1_024, 4_096, 16_384]),
      reserveBytes: draws.pick("reserveBytes", [2_048, 8_192]),
      recentBytes: draws.pick("recentBytes", [1_024, 4_096]),
      chunkBytes: 512,
    },
    leaseBlock: draws.pick("leaseBlock", [LEASE_BLOCK, LEASE_BLOCK, 2, 8]),
    wire: draws.of("wire").chance(0.25),
    onBug: "keep",
  };
}

function drawNetwork(draws: Draws): NetworkOptions {
  return {
    delayMs: draws.pick("delayMs", [0, 0.2, 2]),
    delayMsMean: draws.pick("delayMsMean", [0.2, 1, 5, 30, 100]),
    spikeRate: draws.rate("spikeRate", 0.4, 0.02),
    spikeMsMax: draws.pick("spikeMsMax", [100, 1_000]),
    lossRate: draws.rate("lossRate", 0.5, 0.3),
    duplicateRate: draws.rate("duplicateRate", 0.5, 0.5),
    lateRate: draws.rate("lateRate", 0.4, 0.05),
    lateMsMin: 1_000,
    lateMsMax: 30_000,
    inOrder: draws.of("inOrder").chance(0.3),
  };
}

function drawWorkload(draws: Draws): WorkloadOptions {
  return {
    clients: draws.of("clients").between(1, 8),
    keys: draws.of("keys").between(1, 20),
    modes: draws.pick("modes", MODES),
    thinkMsMean: draws.pick("thinkMsMean", [5, 20, 50, 200]),
    operationsMax: 3_000,
    gets: draws.pick("gets", [1, 2, 5]),
    puts: draws.pick("puts", [1, 3, 5]),
    deletes: draws.pick("deletes", [0, 0.3, 1]),
    contextRate: draws.pick("contextRate", [0, 0.3, 0.7, 1]),
    oldContextRate: draws.pick("oldContextRate", [0, 0.1, 0.5]),
    foreignContextRate: draws.pick("foreignContextRate", [0, 0.1, 0.5]),
    r: draws.pick("r", LEVELS),
    w: draws.pick("w", LEVELS),
    ownerRate: draws.pick("ownerRate", [0, 0.5, 1]),
    timeoutMs: draws.pick("timeoutMs", [[0], [0, 50], [0, 500, 2_000]]),
    retries: draws.pick("retries", [[0], [0], [1], [0, 1, 5]]),
    updateRate: draws.pick("updateRate", [0, 0, 0.2, 1]),
    expiryRate: draws.pick("expiryRate", [0, 0, 0.2, 0.8]),
    ttlMsMax: draws.pick("ttlMsMax", [500, 5_000, 60_000]),
    sessionRate: draws.pick("sessionRate", [0, 0, 0.3, 1]),
    skipped: [],
  };
}

function drawNemesis(draws: Draws, forgetfulMax: number): Omit<NemesisOptions, keyof DiskTrouble> {
  const forgetful = forgetfulMax <= 0 ? 0 : draws.pick("forgetful", [0, 1, 1, forgetfulMax]);
  return {
    partitions: draws.maybe("partitions", 0.5, (random) => ({
      everyMs: random.pick([1_000, 4_000, 10_000]),
      lastsMsMax: random.pick([500, 3_000, 15_000]),
      kinds: random.pick<readonly PartitionKind[]>([
        ["split"],
        ["isolate"],
        ["bridge"],
        ["split", "isolate", "bridge"],
      ]),
      oneWayRate: random.pick([0, 0.3, 1]),
    })),
    clogs: draws.maybe("clogs", 0.3, (random) => ({
      everyMs: random.pick([300, 2_000]),
      lastsMsMax: random.pick([200, 2_000, 10_000]),
    })),
    crashes: draws.maybe("crashes", 0.6, (random) => ({
      everyMs: random.pick([500, 2_000, 8_000]),
      lastsMsMax: random.pick([10, 1_000, 10_000]),
      silentRate: random.pick([0, 0.3, 1]),
      stopRate: random.pick([0, 0.3, 0.8]),
      forgetRate: random.pick([0.2, 0.6, 1]),
    })),
    pauses: draws.maybe("pauses", 0.3, (random) => ({
      everyMs: random.pick([1_000, 5_000]),
      lastsMsMax: random.pick([100, 2_000, 20_000]),
    })),
    slowness: draws.maybe("slowness", 0.3, (random) => ({
      everyMs: random.pick([1_000, 5_000]),
      lastsMsMax: random.pick([1_000, 10_000]),
      factorMax: random.pick([10, 100]),
    })),
    slowDisks: draws.maybe("slowDisks", 0.3, (random) => ({
      everyMs: random.pick([500, 3_000]),
      lastsMsMax: random.pick([1_000, 10_000]),
      syncMsMax: random.pick([50, 1_000]),
    })),
    fullDisks: draws.maybe("fullDisks", 0.3, (random) => ({
      everyMs: random.pick([500, 3_000]),
      lastsMsMax: random.pick([300, 3_000, 20_000]),
    })),
    damage: draws.maybe("damage", forgetful === 0 ? 0 : 0.4, (random) => ({
      everyMs: random.pick([200, 2_000]),
      lastsMsMax: 0,
    })),
    wallJumps: draws.maybe("wallJumps", 0.3, (random) => ({
      everyMs: random.pick([2_000, 10_000]),
      lastsMsMax: 0,
      jumpMsMax: random.pick([1_000, 3_600_000]),
    })),
    forgetful,
    skipped: [],
  };
}

type DiskTrouble = Pick<NemesisOptions, "harms" | "backups" | "machineRate">;

/** A model has no disk that could have it. */
const NO_DISK_TROUBLE: DiskTrouble = { harms: undefined, backups: undefined, machineRate: 0 };

function drawDiskTrouble(draws: Draws): DiskTrouble {
  return {
    harms: draws.maybe("harms", 0.8, (random) => ({
      everyMs: random.pick([300, 1_000, 5_000]),
      lastsMsMax: 0,
      kinds: random.chance(0.7) ? HARMS : [random.pick(HARMS)],
    })),
    backups: draws.maybe("backups", 0.5, (random) => ({
      everyMs: random.pick([1_000, 10_000]),
      lastsMsMax: 0,
    })),
    machineRate: draws.pick("machineRate", [0.5, 1, 0.1]),
  };
}

function describe(path: string, value: object, lines: string[]): void {
  for (const [name, part] of Object.entries(value)) {
    const full = path === "" ? name : `${path}.${name}`;
    if (typeof part === "object" && part !== null && !Array.isArray(part)) {
      describe(full, part as object, lines);
    } else {
      const text = Array.isArray(part) ? part.join(" ") : part === undefined ? "-" : String(part);
      lines.push(`${full.padEnd(34)} ${text}`);
    }
  }
}

/** Rates with three digits are easier to read, and to type again. */
function round(rate: number): number {
  return Math.ceil(rate * 1_000) / 1_000;
}
