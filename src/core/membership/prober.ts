/**
 * One probe an interval: who is asked, and what silence means.
 *
 *     ├──── timeout ────┼──────── rest of the interval ────────┤
 *     probe ──▶ target
 *               silence → probe-for ──▶ three others            still nothing: suspect
 *     ◀── probe-ack ──────────────── at any time ───────────────▶ well
 *
 * Members are probed in turn, in an order drawn anew for every round: the time until a crash is
 * noticed is bounded, and no two nodes keep step. A probe of a suspect brings the suspicion along,
 * so that the one who can refute it hears of it first (the buddy of the Lifeguard paper); so does
 * the answer to a probe of its own.
 *
 * A failed probe is also evidence against this node. Helpers who could not reach the target say so;
 * each that says nothing at all makes it likelier that nobody is heard here.
 */
import type { Timed } from "../deadlines.ts";
import { Deadline } from "../deadlines.ts";
import type { Instant } from "../effects.ts";
import { probe, probeFor } from "../membership-messages.ts";
import type { NodeId } from "../ring/node-id.ts";
import type { Gossiper } from "./gossiper.ts";
import type { Member } from "./members.ts";
import { accusationOf, isUp } from "./members.ts";
import type { Opinions } from "./opinions.ts";
import type { Seat } from "./seat.ts";

/** Hints of the transport that wait for their turn. */
const URGENT_MAX = 16;

interface OpenProbe {
  readonly sequence: number;
  readonly member: Member;
  /** As known when it was asked: the verdict is about that, not about what was refuted since. */
  readonly generation: number;
  readonly boot: number;
  readonly incarnation: number;
  readonly endsAt: Instant;
  /** The first half is over: others were asked, where there are any. */
  isPastTimeout: boolean;
  isAnswered: boolean;
  helpers: number;
  /** Helpers who have not sent a nack. */
  readonly silent: Set<NodeId>;
}

export class Prober implements Timed {
  readonly #seat: Seat;
  readonly #gossiper: Gossiper;
  readonly #opinions: Opinions;
  readonly #deadline: Deadline = new Deadline(this);
  readonly #urgent: Set<NodeId> = new Set();
  #round: Member[] = [];
  #turn = 0;
  #open: OpenProbe | undefined = undefined;
  /** Until then this node has missed too much to accuse anybody. */
  #mutedUntil: Instant = Number.NEGATIVE_INFINITY;

  constructor(seat: Seat, gossiper: Gossiper, opinions: Opinions) {
    this.#seat = seat;
    this.#gossiper = gossiper;
    this.#opinions = opinions;
  }

  start(now: Instant): void {
    const { config, random, deadlines } = this.#seat;
    deadlines.set(this.#deadline, now + random.fraction() * config.probeIntervalMs);
  }

  /** Probed before the others: somebody has reason to doubt it. */
  next(id: NodeId): void {
    if (this.#urgent.size < URGENT_MAX) this.#urgent.add(id);
  }

  /** Whatever was under way says nothing; nor does any probe that ends before this instant. */
  discard(now: Instant, mutedUntil: Instant): void {
    this.#open = undefined;
    this.#mutedUntil = mutedUntil;
    this.#seat.deadlines.set(this.#deadline, now + this.#seat.config.probeTimeoutMs);
  }

  /** This node knows again what the others know. */
  unmute(): void {
    this.#mutedUntil = Number.NEGATIVE_INFINITY;
  }

  stop(): void {
    this.#open = undefined;
    this.#seat.deadlines.cancel(this.#deadline);
  }

  onAck(sequence: number): void {
    const open = this.#open;
    if (open === undefined || open.sequence !== sequence || open.isAnswered) return;
    open.isAnswered = true;
    this.#seat.awareness.adjust(-1);
  }

  onNack(from: NodeId, sequence: number): void {
    if (this.#open?.sequence === sequence) this.#open.silent.delete(from);
  }

  /** The timer was late: so, perhaps, is the answer that lies in a socket. */
  isLate(now: Instant, dueAt: Instant): boolean {
    return now - dueAt > this.#seat.config.probeTimeoutMs;
  }

  onDeadline(now: Instant): void {
    const open = this.#open;
    if (open !== undefined && !open.isPastTimeout) {
      open.isPastTimeout = true;
      this.#seat.deadlines.set(this.#deadline, open.endsAt);
      if (!open.isAnswered) this.#askHelpers(open);
      return;
    }
    if (open !== undefined && !open.isAnswered) this.#onSilence(now, open);
    this.#begin(now);
  }

  #begin(now: Instant): void {
    const { config, random, deadlines, awareness, effects, self } = this.#seat;
    const endsAt = now + awareness.scaled(config.probeIntervalMs);
    const member = this.#nextMember();
    if (member === undefined) {
      this.#open = undefined;
      deadlines.set(this.#deadline, endsAt);
      return;
    }
    const { generation, boot, incarnation } = member;
    this.#open = {
      sequence: random.next(),
      member,
      generation,
      boot,
      incarnation,
      endsAt,
      isPastTimeout: false,
      isAnswered: false,
      helpers: 0,
      silent: new Set(),
    };
    deadlines.set(this.#deadline, now + awareness.scaled(config.probeTimeoutMs));
    const rumours = this.#gossiper.rumoursWith(accusationOf(member));
    effects.send(member.id, probe(self.speaker, this.#open.sequence, rumours));
  }

  #askHelpers(open: OpenProbe): void {
    const { member, sequence, silent } = open;
    const { config, random, members, effects, self } = this.#seat;
    const mayHelp = (other: Member): boolean => other.state === "alive" && other !== member;
    for (const { id } of members.pick(random, config.indirectProbes, mayHelp)) {
      open.helpers++;
      silent.add(id);
      const rumours = this.#gossiper.rumoursWith(undefined);
      effects.send(id, probeFor(self.speaker, sequence, member.id, rumours));
    }
  }

  #onSilence(now: Instant, open: OpenProbe): void {
    const { self, awareness } = this.#seat;
    if (this.isLate(now, open.endsAt) || now < this.#mutedUntil) return;
    awareness.adjust(open.helpers === 0 ? 1 : open.silent.size);
    const { member, generation, boot, incarnation } = open;
    const { id } = member;
    const state = "suspect" as const;
    const verdict = { id, state, generation, boot, incarnation, address: "", accuser: self.id };
    this.#opinions.hear(now, verdict, "self");
  }

  #nextMember(): Member | undefined {
    const { members, random } = this.#seat;
    for (const id of this.#urgent) {
      this.#urgent.delete(id);
      const member = members.get(id);
      if (member !== undefined && isUp(member)) return member;
    }
    for (let round = 0; round < 2; round++) {
      while (this.#turn < this.#round.length) {
        const member = this.#round[this.#turn++]!;
        if (members.get(member.id) === member && isUp(member)) return member;
      }
      this.#round = [...members.values()].filter(isUp);
      this.#turn = 0;
      random.shuffle(this.#round);
    }
    return undefined;
  }
}
