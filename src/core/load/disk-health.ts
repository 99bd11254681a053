/**
 * Is this node's disk slow, compared with the disks of the others? Then it says so, and steps back:
 * it coordinates nothing that another owner can, and stands in for nobody.
 *
 *     well ──above the bound for 10 s──▶ degraded ──below half of it for 10 s──▶ well
 *
 *     bound = ten times the median of all disks, 50 ms at least
 *
 * Nodes whose writes take 5 ms or more tell all others every two seconds how long, and whether they
 * have stepped back. Who says nothing is quick: a cluster that is well has nothing to say. A slow
 * disk is not a dead node (law 5): it goes on owning, and holds what it owns.
 */
import type { Timed } from "../deadlines.ts";
import { Deadline, type DeadlineWheel } from "../deadlines.ts";
import type { Effects, Instant } from "../effects.ts";
import type { Condition } from "../messages.ts";
import { condition } from "../messages.ts";
import type { NodeId } from "../ring/node-id.ts";
import { DiskPace } from "./disk-pace.ts";

export interface DiskHealthSetup {
  readonly self: NodeId;
  readonly effects: Effects;
  readonly deadlines: DeadlineWheel;
  /** All nodes, this one among them. */
  readonly members: () => readonly NodeId[];
  readonly isLinked: (node: NodeId) => boolean;
}

export interface DiskReport {
  readonly latencyMs: number;
  readonly isDegraded: boolean;
  /** Others that have stepped back. */
  readonly degraded: readonly NodeId[];
}

interface Told {
  readonly latencyMs: number;
  readonly isDegraded: boolean;
  readonly at: Instant;
}

const SLOW_TIMES = 10;
const BOUND_MS_MIN = 50;
const RECOVERED_SHARE = 1 / 2;
const LASTS_MS = 10_000;
const LOOK_EVERY_MS = 1_000;
const TELL_EVERY_MS = 2_000;
/** Who takes longer than this tells the others. */
const TOLD_FROM_MS = 5;
const FORGOTTEN_AFTER_MS = 10_000;

export class DiskHealth implements Timed {
  readonly #setup: DiskHealthSetup;
  readonly #pace: DiskPace = new DiskPace();
  readonly #deadline: Deadline = new Deadline(this);
  readonly #told: Map<NodeId, Told> = new Map();
  #isDegraded = false;
  /** Since when it is on the other side of the bound; Infinity while it is not. */
  #otherSideSince: Instant = Number.POSITIVE_INFINITY;
  #tellAt: Instant = Number.NEGATIVE_INFINITY;

  constructor(setup: DiskHealthSetup) {
    this.#setup = setup;
  }

  onGiven(now: Instant, token: number): void {
    this.#pace.onGiven(now, token);
    this.#watch(now);
  }

  onDurable(now: Instant, token: number): void {
    this.#pace.onDurable(now, token);
    this.#watch(now);
  }

  /** Another node says how its disk is. */
  onTold(now: Instant, from: NodeId, { latencyMs, isDegraded }: Condition): void {
    this.#told.set(from, { latencyMs, isDegraded, at: now });
  }

  /** It has stepped back, and said so of late; or this node has. */
  isDegraded(now: Instant, node: NodeId): boolean {
    if (node === this.#setup.self) return this.#isDegraded;
    return this.#told.size > 0 && this.#fresh(now, node)?.isDegraded === true;
  }

  report(now: Instant): DiskReport {
    const others = this.#setup.members().filter((node) => node !== this.#setup.self);
    return {
      latencyMs: this.#pace.latencyMs(now),
      isDegraded: this.#isDegraded,
      degraded: others.filter((node) => this.isDegraded(now, node)),
    };
  }

  onDeadline(now: Instant): void {
    const latencyMs = this.#pace.latencyMs(now);
    this.#judge(now, latencyMs);
    const isQuiet = latencyMs < TOLD_FROM_MS && !this.#isDegraded;
    if (now >= this.#tellAt || isQuiet) this.#tell(now, latencyMs);
    if (!isQuiet) this.#setup.deadlines.set(this.#deadline, now + LOOK_EVERY_MS);
  }

  /** Looks at it every second from now on, if there is anything to see. */
  #watch(now: Instant): void {
    if (this.#deadline.isSet || this.#pace.latencyMs(now) < TOLD_FROM_MS) return;
    this.#setup.deadlines.set(this.#deadline, now + LOOK_EVERY_MS);
  }

  #judge(now: Instant, latencyMs: number): void {
    const medianMs = this.#medianMs(now, latencyMs);
    const boundMs = Math.max(BOUND_MS_MIN, SLOW_TIMES * medianMs);
    const isOther = this.#isDegraded ? latencyMs < boundMs * RECOVERED_SHARE : latencyMs > boundMs;
    if (!isOther) this.#otherSideSince = Number.POSITIVE_INFINITY;
    else if (this.#otherSideSince === Number.POSITIVE_INFINITY) this.#otherSideSince = now;
    if (now - this.#otherSideSince < LASTS_MS || !isOther) return;
    this.#isDegraded = !this.#isDegraded;
    this.#otherSideSince = Number.POSITIVE_INFINITY;
    this.#tellAt = now;
    const kind = this.#isDegraded ? "disk-degraded" : "disk-recovered";
    this.#setup.effects.note({ kind, latencyMs, medianMs });
  }

  #medianMs(now: Instant, ownMs: number): number {
    const { members, self } = this.#setup;
    const all = members().map((node) => {
      return node === self ? ownMs : (this.#fresh(now, node)?.latencyMs ?? 0);
    });
    all.sort((left, right) => left - right);
    return all[(all.length - 1) >> 1] ?? 0;
  }

  #tell(now: Instant, latencyMs: number): void {
    const { members, self, isLinked, effects } = this.#setup;
    this.#tellAt = now + TELL_EVERY_MS;
    const message = condition(Math.round(latencyMs), this.#isDegraded);
    for (const node of members()) if (node !== self && isLinked(node)) effects.send(node, message);
  }

  #fresh(now: Instant, node: NodeId): Told | undefined {
    const told = this.#told.get(node);
    return told === undefined || now - told.at > FORGOTTEN_AFTER_MS ? undefined : told;
  }
}
