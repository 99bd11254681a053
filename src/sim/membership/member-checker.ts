/**
 * What must hold of every run, whatever happens in it.
 *
 *     M1  when all is quiet, everybody holds of everybody what is so
 *     M2  who is up, awake and connected to an observer since before it was suspected, or for so
 *         long that it must have heard and refuted, is not declared dead by that observer, however
 *         long the observer itself was away
 *     M3  news of a death travels by gossip, soon or never: whoever learns of it later learns it
 *         from a state that may be old, and only suspects
 *     M4  no message is larger than it may be
 *     M5  when all is quiet, nobody has anything left to tell
 *     M6  a crash in a quiet cluster is known to all in time
 *
 * M2 and M3 need to know what was really so: the story that makes the trouble says it here as well.
 */
import type { Instant } from "../../core/effects.ts";
import { SYNC_BYTES_MAX } from "../../core/membership-messages.ts";
import type { NodeId } from "../../core/ring/node-id.ts";
import type { MemberCluster, NotedFact } from "./member-cluster.ts";
import type { Cut } from "./member-network.ts";

export type MemberRule = "M1" | "M2" | "M3" | "M4" | "M5" | "M6";

export interface MemberFinding {
  readonly rule: MemberRule;
  readonly at: Instant;
  readonly detail: string;
}

/** A direct probe that began before the trouble may end after it. */
const PROBE_MS = 1_500;
/** A suspect is probed by somebody, and hears what is held against it. */
const REFUTED_MS_MAX = 12_000;
/** A rumour is told within seconds, unless its bearer stalls. */
const GOSSIP_MS_MAX = 25_000;
export const STALL_MS_MAX = 20_000;
const QUIET_MS_MAX = 120_000;
const DETECTED_MS_MAX = 20_000;

interface Trouble {
  readonly index: number;
  readonly cut: Cut | undefined;
  readonly from: Instant;
  until: Instant;
}

export class MemberChecker {
  readonly findings: MemberFinding[] = [];
  /** Messages get lost for no reason: then M2 and M6 are only likely. */
  isLossy = false;
  readonly #cluster: MemberCluster;
  readonly #troubles: Trouble[] = [];
  readonly #suspectedAt: Map<string, Instant> = new Map();
  readonly #declaredAt: Map<string, Instant> = new Map();

  constructor(cluster: MemberCluster) {
    this.#cluster = cluster;
    cluster.onFact = (noted) => this.#onFact(noted);
  }

  /** Away: stalled, or down. */
  onAway(index: number, from: Instant, until: Instant): void {
    this.#troubles.push({ index, cut: undefined, from, until });
  }

  onCut(cut: Cut): void {
    const from = this.#cluster.now;
    this.#troubles.push({ index: -1, cut, from, until: Number.POSITIVE_INFINITY });
  }

  onHealed(): void {
    const { now } = this.#cluster;
    for (const trouble of this.#troubles) {
      if (trouble.cut !== undefined) trouble.until = Math.min(trouble.until, now);
    }
  }

  /** The trouble is over: runs the cluster until it is at rest, then some more. */
  checkQuiet(): void {
    const cluster = this.#cluster;
    if (!cluster.runUntil(() => this.#mistake() === undefined, QUIET_MS_MAX)) {
      this.#find("M1", `${this.#mistake()} after ${QUIET_MS_MAX / 1_000} s of quiet`);
    }
    cluster.runFor(30_000);
    if (this.isLossy) return;
    for (const { index, isUp, membership } of cluster.processes) {
      if (!isUp || membership.pendingRumours === 0) continue;
      this.#find("M5", `n${index} has ${membership.pendingRumours} rumours to tell`);
    }
  }

  checkDetection(index: number): void {
    const cluster = this.#cluster;
    cluster.crash(index);
    this.onAway(index, cluster.now, Number.POSITIVE_INFINITY);
    if (cluster.runUntil(() => cluster.allHold(index, "dead"), DETECTED_MS_MAX)) return;
    this.#find("M6", `not all know of the crash of n${index} after ${DETECTED_MS_MAX / 1_000} s`);
  }

  checkSizes(): void {
    const { traffic, config } = this.#cluster;
    if (traffic.packetBytesMax > config.packetBytesMax) {
      this.#find("M4", `a packet of ${traffic.packetBytesMax} of ${config.packetBytesMax} bytes`);
    }
    if (traffic.syncBytesMax > SYNC_BYTES_MAX) {
      this.#find("M4", `a sync of ${traffic.syncBytesMax} of ${SYNC_BYTES_MAX} bytes`);
    }
  }

  #onFact({ at, by, fact }: NotedFact): void {
    if (fact.kind !== "member-changed") return;
    const { member, state, generation, incarnation } = fact;
    const pair = `${by} ${member}`;
    if (state === "suspect") this.#suspectedAt.set(pair, at);
    if (state !== "dead") return;
    const claim = `${member} ${generation}.${incarnation}`;
    if (fact.by === "self") {
      this.#declaredAt.set(claim, at);
      this.#judge(at, by, member, this.#suspectedAt.get(pair) ?? at);
      return;
    }
    const declaredAt = this.#declaredAt.get(claim) ?? Number.NEGATIVE_INFINITY;
    if (at - declaredAt <= GOSSIP_MS_MAX + STALL_MS_MAX) return;
    const ageMs = at - declaredAt;
    this.#find("M3", `n${by} believes that ${claim} is dead, ${ageMs} ms after anybody saw it`);
  }

  #judge(at: Instant, observer: number, member: NodeId, suspectedAt: Instant): void {
    const subject = this.#cluster.indexOf(member);
    const since = Math.max(suspectedAt - PROBE_MS, at - REFUTED_MS_MAX);
    const isExcused = this.#troubles.some(({ index, cut, from, until }) => {
      if (until < since || from > at) return false;
      if (cut === undefined) return index === subject;
      return parts(cut, observer, subject) || parts(cut, subject, observer);
    });
    if (isExcused || this.isLossy) return;
    this.#find("M2", `n${observer} declares ${member} dead, which was well since ${since}`);
  }

  #mistake(): string | undefined {
    for (const one of this.#cluster.processes) {
      if (!one.isUp) continue;
      for (const other of this.#cluster.processes) {
        if (one === other) continue;
        const view = one.membership.view(other.id);
        const isRight = other.isUp
          ? view?.state === "alive" && view.generation === other.generation
          : view?.state === "dead" || (view?.state === "left" && other.hasLeft);
        if (isRight) continue;
        const truth = `${other.isUp ? "up" : "down"} in generation ${other.generation}`;
        const held = `${view?.state} in generation ${view?.generation}`;
        return `n${one.index} holds n${other.index} ${held}, it is ${truth}`;
      }
    }
    return undefined;
  }

  #find(rule: MemberRule, detail: string): void {
    this.findings.push({ rule, at: this.#cluster.now, detail });
  }
}

function parts({ from, to }: Cut, one: number, other: number): boolean {
  return from.has(one) && to.has(other);
}
