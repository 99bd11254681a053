/**
 * The search for those who are missing, which never ends.
 *
 * A cluster that fell apart and whose halves forgot each other stays apart. So members of the ring
 * that are thought dead are contacted for ever: at every probe interval a few of them by lot, which
 * is how soon the halves are one again, and however many are dead it costs no more. A dead member
 * is sent what is held against it: if it lives it refutes.
 *
 * Every seed at whose address nobody is known to be alive is contacted at a slower pace. On that
 * round goes the housekeeping too: the dead that no layout names are forgotten in the end, and
 * alarms may be raised again.
 */
import type { Timed } from "../deadlines.ts";
import { Deadline } from "../deadlines.ts";
import type { Instant } from "../effects.ts";
import { NO_RUMOURS, probe } from "../membership-messages.ts";
import type { Doorkeeper } from "./doorkeeper.ts";
import type { Gossiper } from "./gossiper.ts";
import type { Member } from "./members.ts";
import { accusationOf, isUp } from "./members.ts";
import type { Seat } from "./seat.ts";

/** Of the dead, at every probe interval. */
const DEAD_CONTACTED = 2;

export class Rejoin implements Timed {
  readonly #seat: Seat;
  readonly #contacting: Deadline = new Deadline({ onDeadline: (now) => this.contactDead(now) });
  readonly #seeds: readonly string[];
  readonly #gossiper: Gossiper;
  readonly #doorkeeper: Doorkeeper;
  readonly #deadline: Deadline = new Deadline(this);

  constructor(seat: Seat, seeds: readonly string[], gossiper: Gossiper, doorkeeper: Doorkeeper) {
    this.#seat = seat;
    this.#seeds = seeds;
    this.#gossiper = gossiper;
    this.#doorkeeper = doorkeeper;
  }

  start(now: Instant): void {
    const { config, random, deadlines } = this.#seat;
    this.#contactSeeds();
    deadlines.set(this.#deadline, now + random.fraction() * config.rejoinIntervalMs);
    deadlines.set(this.#contacting, now + random.fraction() * config.probeIntervalMs);
  }

  stop(): void {
    this.#seat.deadlines.cancel(this.#deadline);
    this.#seat.deadlines.cancel(this.#contacting);
  }

  onDeadline(now: Instant): void {
    this.#contactSeeds();
    this.#forget(now);
    this.#doorkeeper.rearm();
    this.#seat.deadlines.set(this.#deadline, now + this.#seat.config.rejoinIntervalMs);
  }

  contactDead(now: Instant): void {
    const { members, effects, self, random, config, deadlines } = this.#seat;
    deadlines.set(this.#contacting, now + config.probeIntervalMs);
    const isDead = (member: Member): boolean => member.state === "dead" && member.isRing;
    for (const member of members.pick(random, DEAD_CONTACTED, isDead)) {
      const accusation = accusationOf(member);
      const rumours = accusation === undefined ? NO_RUMOURS : [accusation];
      effects.send(member.id, probe(self.speaker, random.next(), rumours));
    }
  }

  #contactSeeds(): void {
    const { members, effects, self } = this.#seat;
    const reached = new Set([self.address]);
    for (const member of members.values()) {
      if (isUp(member) && member.generation > 0) reached.add(member.address);
    }
    for (const seed of this.#seeds) if (!reached.has(seed)) effects.contact(seed);
  }

  #forget(now: Instant): void {
    const { members, effects, config } = this.#seat;
    for (const member of [...members.values()]) {
      if (member.isRing || isUp(member)) continue;
      if (now - member.sinceMs < config.forgetAfterMs) continue;
      members.remove(member);
      this.#gossiper.forget(member.id);
      effects.note({ kind: "member-forgotten", member: member.id });
    }
  }
}
