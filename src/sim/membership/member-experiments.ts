/**
 * Measurements of membership, for docs/membership.md: how soon a crash is known, how many are
 * wrongly declared dead while some members are slow, and what it costs in bytes.
 *
 * The experiment with slow members is shaped after those of the Lifeguard paper: what such a member
 * sends and receives waits for a while, and its timers go on. A process that is absent does not run
 * at all, and its timers are late as well: that is what happens to an event loop.
 */
import { Random } from "../../core/base/random.ts";
import type { Instant } from "../../core/effects.ts";
import { Gossiper } from "../../core/membership/gossiper.ts";
import { Opinions } from "../../core/membership/opinions.ts";
import { Prober } from "../../core/membership/prober.ts";
import { Suspicion } from "../../core/membership/suspicion.ts";
import type { MembershipConfig } from "../../core/membership/membership-config.ts";
import type { Undo } from "../planted/patch.ts";
import { patchMethod, undoAll } from "../planted/patch.ts";
import type { NotedFact } from "./member-cluster.ts";
import { MemberCluster } from "./member-cluster.ts";

/** Parts of the detector that can be left out, to see what they are worth. */
export interface Variant {
  readonly name: string;
  readonly config: Partial<MembershipConfig>;
  readonly hasBuddy: boolean;
  readonly hasStallCheck: boolean;
}

const SWIM: Partial<MembershipConfig> = { awarenessMax: 0, suspicionMaxMult: 1 };

export const VARIANTS: readonly Variant[] = [
  { name: "SWIM", config: SWIM, hasBuddy: false, hasStallCheck: false },
  { name: "Lifeguard", config: {}, hasBuddy: true, hasStallCheck: false },
  { name: "Lifeguard and stall check", config: {}, hasBuddy: true, hasStallCheck: true },
];

export interface Detection {
  /** From the crash to the first member that holds it dead. */
  readonly firstMs: number;
  /** To the last. */
  readonly allMs: number;
}

/** One crash in a quiet cluster; with `isTold`, the transport notices that connections end. */
export function measureDetection(seed: number, count: number, isTold: boolean): Detection {
  const cluster = new MemberCluster({ seed, count });
  cluster.startWarm();
  cluster.runFor(3_000 + (seed % 17) * 211);
  const at = cluster.now;
  let firstAt: Instant | undefined = undefined;
  let lastAt: Instant = at;
  cluster.onFact = ({ at: factAt, fact }) => {
    if (fact.kind !== "member-changed" || fact.state !== "dead") return;
    firstAt ??= factAt;
    lastAt = factAt;
  };
  const crashed = seed % count;
  cluster.crash(crashed);
  if (isTold) {
    for (const process of cluster.processes) {
      process.run(at, () => process.membership.onLost(cluster.id(crashed)));
    }
  }
  cluster.runUntil(() => cluster.allHold(crashed, "dead"), 120_000);
  return { firstMs: (firstAt ?? Number.POSITIVE_INFINITY) - at, allMs: lastAt - at };
}

export interface Traffic {
  readonly messagesPerSecond: number;
  readonly bytesPerSecond: number;
}

/** What a member of a quiet cluster sends. */
export function measureRest(count: number, seconds: number): Traffic {
  const cluster = new MemberCluster({ seed: 1, count });
  cluster.startWarm();
  cluster.runFor(1_000);
  const { messages, bytes } = { ...cluster.traffic };
  cluster.runFor(seconds * 1_000);
  const share = count * seconds;
  return {
    messagesPerSecond: (cluster.traffic.messages - messages) / share,
    bytesPerSecond: (cluster.traffic.bytes - bytes) / share,
  };
}

export interface Slowness {
  /** Members that are slow. */
  readonly concurrent: number;
  /** How long each is away, and how long it runs between two absences. */
  readonly awayMs: number;
  readonly awakeMs: number;
}

export interface FalsePositives {
  /** Deaths of members that were never slow, counted at every member that came to hold one. */
  readonly all: number;
  /** Those of them at members that were never slow either. */
  readonly atHealthy: number;
  readonly messagesPerSecond: number;
  readonly bytesPerSecond: number;
}

/** Two minutes in which the same members are slow again and again. */
export function measureFalsePositives(
  seed: number,
  count: number,
  slowness: Slowness,
  { config, hasBuddy, hasStallCheck }: Variant,
): FalsePositives {
  const undo = without(hasBuddy, hasStallCheck);
  try {
    return slowRun(seed, new MemberCluster({ seed, count, config }), slowness);
  } finally {
    undo();
  }
}

const SLOW_RUN_MS = 120_000;

function slowRun(seed: number, cluster: MemberCluster, slowness: Slowness): FalsePositives {
  const { concurrent, awayMs, awakeMs } = slowness;
  cluster.startWarm();
  cluster.runFor(2_000);
  const order = cluster.processes.map(({ index }) => index);
  new Random(seed).fork("slow").shuffle(order);
  const slow = new Set(order.slice(0, concurrent));
  const start = { ...cluster.traffic };
  let all = 0;
  let atHealthy = 0;
  cluster.onFact = ({ by, fact }: NotedFact) => {
    if (fact.kind !== "member-changed" || fact.state !== "dead") return;
    if (slow.has(cluster.indexOf(fact.member))) return;
    all++;
    if (!slow.has(by)) atHealthy++;
  };
  for (let at = 0; at < SLOW_RUN_MS; at += awayMs + awakeMs) {
    cluster.at(at, () => {
      for (const index of slow) cluster.hold(index, awayMs);
    });
  }
  cluster.runFor(SLOW_RUN_MS);
  const share = (cluster.processes.length * SLOW_RUN_MS) / 1_000;
  return {
    all,
    atHealthy,
    messagesPerSecond: (cluster.traffic.messages - start.messages) / share,
    bytesPerSecond: (cluster.traffic.bytes - start.bytes) / share,
  };
}

export interface Absences {
  /** Verdicts: a suspicion that ran out. */
  readonly verdicts: number;
  /** Those about members that had been awake for longer than a refutation takes. */
  readonly wrong: number;
}

const ABSENT_RUN_MS = 600_000;
const AWAKE_MS_MIN = 5_000;

/** Ten minutes in which every process stalls now and then, each for itself. */
export function measureAbsences(
  seed: number,
  count: number,
  { config, hasBuddy, hasStallCheck }: Variant,
): Absences {
  const undo = without(hasBuddy, hasStallCheck);
  try {
    return absentRun(new Random(seed).fork("absences"), new MemberCluster({ seed, count, config }));
  } finally {
    undo();
  }
}

function absentRun(random: Random, cluster: MemberCluster): Absences {
  cluster.startWarm();
  let verdicts = 0;
  let wrong = 0;
  cluster.onFact = ({ at, fact }) => {
    if (fact.kind !== "member-changed" || fact.state !== "dead" || fact.by !== "self") return;
    const subject = cluster.processes[cluster.indexOf(fact.member)]!;
    verdicts++;
    if (at - subject.changedAt >= AWAKE_MS_MIN) wrong++;
  };
  const stallLater = (index: number): void => {
    const awayMs = random.between(200, 12_000);
    cluster.at(random.between(1_000, 15_000), () => {
      cluster.stall(index, awayMs);
      cluster.at(awayMs, () => stallLater(index));
    });
  };
  for (const { index } of cluster.processes) stallLater(index);
  cluster.runFor(ABSENT_RUN_MS);
  return { verdicts, wrong };
}

function without(hasBuddy: boolean, hasStallCheck: boolean): Undo {
  const undos: Undo[] = [];
  if (!hasBuddy) {
    undos.push(
      patchMethod(
        Gossiper.prototype,
        "rumoursWith",
        (original) =>
          function (this: Gossiper) {
            return original.call(this, undefined);
          },
      ),
    );
  }
  if (!hasStallCheck) {
    undos.push(
      patchMethod(Opinions.prototype, "restartSuspicions", () => () => {}),
      patchMethod(Prober.prototype, "discard", () => () => {}),
      patchMethod(Prober.prototype, "isLate", () => () => false),
      patchMethod(Suspicion.prototype, "isLate", () => () => false),
    );
  }
  return undoAll(undos);
}
