/**
 * The search for those who are missing, which never ends.
 *
 * A cluster that fell apart and whose halves forgot each other stays apart. So members of the ring
 * that are thought dead are contacted for ever: at every probe interval a few of them by lot, which
 * is how soon the halves are one again, and however many are dead it costs no more. A dead member
 * is sent what is held against it: if it lives it refutes.
 *
 * Where nobody knows the way, seeds do. While a member of the ring is missing, every seed at whose
 * address nobody is known to be alive is contacted: after 1, 2, 4 … s and then at a slow pace, but
 * never seldom by a node that hears nobody at all. When the ring is complete no seed is asked.
 *
 *     start   1 s   3 s      7 s  …  every 30 s     in company
 *     start   1 s   3 s      7 s  …  every 5 s      alone
 *
 * Housekeeping goes along: the dead that no layout names are forgotten in the end, and alarms may
 * be raised again.
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
/** Members who are told of a start at the address that was written down for them. */
const FIRST_CONTACTED = 3;
/** Probe intervals between two looks at the seeds, at most, of a node that hears nobody. */
const ALONE_INTERVALS = 5;
/** Nodes that started at one moment need not come back at one. */
const JITTER = 0.25;

export class Rejoin implements Timed {
  readonly #seat: Seat;
  readonly #contacting: Deadline = new Deadline({ onDeadline: (now) => this.contactDead(now) });
  readonly #searching: Deadline = new Deadline({ onDeadline: (now) => this.contactSeeds(now) });
  readonly #seeds: readonly string[];
  readonly #gossiper: Gossiper;
  readonly #doorkeeper: Doorkeeper;
  readonly #deadline: Deadline = new Deadline(this);
  #searchMs: number;

  constructor(seat: Seat, seeds: readonly string[], gossiper: Gossiper, doorkeeper: Doorkeeper) {
    this.#seat = seat;
    this.#seeds = seeds;
    this.#gossiper = gossiper;
    this.#doorkeeper = doorkeeper;
    this.#searchMs = seat.config.probeIntervalMs;
  }

  start(now: Instant): void {
    const { config, random, deadlines, members, effects } = this.#seat;
    const isPlaced = (member: Member): boolean => member.isRing && member.address !== "";
    for (const { id, address } of members.pick(random, FIRST_CONTACTED, isPlaced)) {
      effects.contact(address, id);
    }
    this.contactSeeds(now);
    deadlines.set(this.#deadline, now + random.fraction() * config.rejoinIntervalMs);
    deadlines.set(this.#contacting, now + random.fraction() * config.probeIntervalMs);
  }

  stop(): void {
    this.#seat.deadlines.cancel(this.#deadline);
    this.#seat.deadlines.cancel(this.#contacting);
    this.#seat.deadlines.cancel(this.#searching);
  }

  onDeadline(now: Instant): void {
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
      if (member.address !== "") effects.contact(member.address, member.id);
    }
  }

  contactSeeds(now: Instant): void {
    if (this.#seeds.length === 0) return;
    const { effects, random, config, deadlines } = this.#seat;
    const { heard, missing } = this.#company();
    const waitMs = missing ? this.#searchMs : config.rejoinIntervalMs;
    deadlines.set(this.#searching, now + waitMs * (1 - JITTER * random.fraction()));
    if (!missing) {
      this.#searchMs = config.probeIntervalMs;
      return;
    }
    const aloneMs = ALONE_INTERVALS * config.probeIntervalMs;
    const longestMs = heard.size > 0 ? config.rejoinIntervalMs : aloneMs;
    this.#searchMs = Math.min(this.#searchMs * 2, longestMs, config.rejoinIntervalMs);
    const { address } = this.#seat.self;
    for (const seed of this.#seeds) {
      if (seed !== address && !heard.has(seed)) effects.contact(seed, undefined);
    }
  }

  /** Where those are that were heard of and are up, and whether a member of the ring is not. */
  #company(): { readonly heard: ReadonlySet<string>; readonly missing: boolean } {
    const heard = new Set<string>();
    let ringCount = 0;
    let heardOfRing = 0;
    for (const member of this.#seat.members.values()) {
      const isHeard = isUp(member) && member.generation > 0;
      if (isHeard) heard.add(member.address);
      if (!member.isRing) continue;
      ringCount++;
      if (isHeard) heardOfRing++;
    }
    return { heard, missing: ringCount === 0 || heardOfRing < ringCount };
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
