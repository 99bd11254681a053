/**
 * How much there is to do for a node, and what follows from it: what waits for clients, and what is
 * not begun any more.
 */
import type { Effects, Instant } from "../effects.ts";
import { Backlog } from "./backlog.ts";
import type { BackgroundReport } from "./background-budget.ts";
import { BackgroundBudget } from "./background-budget.ts";
import type { DiskHealthSetup, DiskReport } from "./disk-health.ts";
import { DiskHealth } from "./disk-health.ts";
import type { Foreground } from "./strain.ts";
import { Strain } from "./strain.ts";

export interface LoadReport extends BackgroundReport {
  readonly inFlight: number;
  /** So many it takes now. */
  readonly inFlightLimit: number;
  /** What a request takes of late. */
  readonly latencyMs: number;
  readonly disk: DiskReport;
}

export class Load {
  readonly background: BackgroundBudget;
  readonly disk: DiskHealth;
  readonly #foreground: Foreground;
  readonly #backlog: Backlog = new Backlog();

  constructor(foreground: Foreground, disk: DiskHealthSetup) {
    this.disk = new DiskHealth(disk);
    this.#foreground = foreground;
    this.background = new BackgroundBudget(new Strain(foreground));
  }

  /** The event loop came to a deadline so late. */
  onLate(now: Instant, lateMs: number): void {
    this.background.onLate(now, lateMs);
    this.#backlog.onLate(now, lateMs);
  }

  /** Whether the time of a message that is read now is over, with so much left when it was sent. */
  hasExpired(now: Instant, remainingMs: number): boolean {
    return this.#backlog.hasExpired(now, remainingMs);
  }

  report(now: Instant): LoadReport {
    const { inFlight, inFlightLimit, latencyMs } = this.#foreground;
    const disk = this.disk.report(now);
    return { inFlight, inFlightLimit, latencyMs, ...this.background.report(now), disk };
  }
}

/** The same effects, with an eye on the disk; `now` is the instant of the input that is run. */
export function watchingDisk(
  effects: Effects,
  now: () => Instant,
  disk: () => DiskHealth,
): Effects {
  return {
    send: (to, message, isPatient) => effects.send(to, message, isPatient),
    contact: (address, member) => effects.contact(address, member),
    reply: (request, outcome) => effects.reply(request, outcome),
    note: (fact) => effects.note(fact),
    persist: (writes, token) => {
      disk().onGiven(now(), token);
      effects.persist(writes, token);
    },
  };
}
