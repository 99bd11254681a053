/**
 * A member that did not answer, on its way from alive to dead.
 *
 *     suspect ──────────────── max ────────────────▶ dead      nobody else says so
 *     suspect ─────── one more accuser ─────▶ dead
 *     suspect ── as many as wanted ──▶ dead
 *          └── refuted: alive again, and this object is over
 *
 * The accusers are counted by name: the same one saying it again proves nothing. The first, with
 * whom the suspicion began, confirms nothing either.
 */
import type { Timed } from "../deadlines.ts";
import type { DeadlineWheel } from "../deadlines.ts";
import { Deadline } from "../deadlines.ts";
import type { Instant } from "../effects.ts";
import type { NodeId } from "../ring/node-id.ts";
import type { MembershipConfig } from "./membership-config.ts";
import { suspicionMs, suspicionMsMin } from "./scale.ts";

/** How many accusers besides the first make a suspicion certain, in a cluster of this size. */
export function confirmationsWanted(suspicionMult: number, clusterSize: number): number {
  const wanted = Math.max(suspicionMult - 2, 0);
  return clusterSize - 2 < wanted ? 0 : wanted;
}

export interface SuspicionSetup {
  readonly config: MembershipConfig;
  readonly clusterSize: number;
  readonly wanted: number;
  readonly deadlines: DeadlineWheel;
  /** The time is over, and nobody refuted. */
  onOver(now: Instant): void;
}

export class Suspicion implements Timed {
  readonly #setup: SuspicionSetup;
  readonly #minMs: number;
  readonly #deadline: Deadline = new Deadline(this);
  readonly #accusers: Set<NodeId> = new Set();
  #startedAt: Instant;

  constructor(now: Instant, setup: SuspicionSetup) {
    const { suspicionMult, probeIntervalMs } = setup.config;
    this.#setup = setup;
    this.#minMs = suspicionMsMin(suspicionMult, setup.clusterSize, probeIntervalMs);
    this.#startedAt = now;
    this.#arm();
  }

  /** Besides the first. */
  get confirmations(): number {
    return Math.max(this.#accusers.size - 1, 0);
  }

  get timeoutMs(): number {
    const maxMs = this.#minMs * this.#setup.config.suspicionMaxMult;
    return suspicionMs(this.#minMs, maxMs, this.confirmations, this.#setup.wanted);
  }

  /** True when this accuser is a new one that counts, and worth telling others of. */
  accuse(accuser: NodeId | ""): boolean {
    if (accuser === "" || this.#accusers.has(accuser)) return false;
    if (this.confirmations >= this.#setup.wanted && this.#accusers.size > 0) return false;
    this.#accusers.add(accuser);
    this.#arm();
    return true;
  }

  /** From the beginning: this node was not there to hear a refutation. */
  restart(now: Instant): void {
    this.#startedAt = now;
    this.#arm();
  }

  end(): void {
    this.#setup.deadlines.cancel(this.#deadline);
  }

  onDeadline(now: Instant): void {
    const { config, deadlines } = this.#setup;
    // A refutation may lie in a socket, and sockets are read after timers: look again when it was.
    if (this.isLate(now)) deadlines.set(this.#deadline, now + config.probeTimeoutMs);
    else this.#setup.onOver(now);
  }

  /** A timer this late fired in a process that was not running. */
  isLate(now: Instant): boolean {
    return now - this.#deadline.dueMs > this.#setup.config.gossipIntervalMs;
  }

  #arm(): void {
    this.#setup.deadlines.set(this.#deadline, this.#startedAt + this.timeoutMs);
  }
}
