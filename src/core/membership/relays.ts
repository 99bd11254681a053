/**
 * Probes made for somebody else who got no answer.
 *
 *     asker ── probe-for 7 (target) ──▶ here ── probe 31 ──▶ target
 *     asker ◀──────────── probe-ack 7 ── here ◀─ probe-ack 31 ──
 *     asker ◀─ probe-nack 7 ── here                         "I am well and heard you; it is silent"
 *
 * The nack leaves after four fifths of the timeout, so that it arrives before the asker judges. An
 * answer that comes after it is still passed on.
 */
import type { Timed } from "../deadlines.ts";
import { Deadline } from "../deadlines.ts";
import type { Instant } from "../effects.ts";
import { probe, probeAck, probeNack } from "../membership-messages.ts";
import type { NodeId } from "../ring/node-id.ts";
import type { Gossiper } from "./gossiper.ts";
import type { Seat } from "./seat.ts";

const NACK_SHARE = 0.8;

export class Relays {
  readonly #seat: Seat;
  readonly #gossiper: Gossiper;
  /** By the sequence of this node's own probe. */
  readonly #open: Map<number, Relay> = new Map();

  constructor(seat: Seat, gossiper: Gossiper) {
    this.#seat = seat;
    this.#gossiper = gossiper;
  }

  get open(): number {
    return this.#open.size;
  }

  onProbeFor(now: Instant, asker: NodeId, askerSequence: number, target: NodeId): void {
    const { config, random, effects, self, members } = this.#seat;
    if (members.get(target) === undefined) return;
    // Without room there is neither a probe nor a nack: the asker will take it for what it is.
    if (this.#open.size >= config.relaysMax) return;
    const sequence = random.next();
    if (this.#open.has(sequence)) return;
    const close = (): void => void this.#open.delete(sequence);
    this.#open.set(sequence, new Relay(now, this.#seat, { asker, askerSequence, target, close }));
    effects.send(target, probe(self.speaker, sequence, this.#gossiper.rumoursWith(undefined)));
  }

  onAck(from: NodeId, sequence: number): void {
    const relay = this.#open.get(sequence);
    if (relay === undefined || relay.asked.target !== from) return;
    relay.end();
    const { effects, self } = this.#seat;
    const { asker, askerSequence } = relay.asked;
    const rumours = this.#gossiper.rumoursWith(undefined);
    effects.send(asker, probeAck(self.speaker, askerSequence, rumours));
  }

  discard(): void {
    for (const relay of this.#open.values()) relay.end();
  }
}

interface Asked {
  readonly asker: NodeId;
  readonly askerSequence: number;
  readonly target: NodeId;
  close(): void;
}

class Relay implements Timed {
  readonly asked: Asked;
  readonly #seat: Seat;
  readonly #deadline: Deadline = new Deadline(this);
  #hasNacked = false;

  constructor(now: Instant, seat: Seat, asked: Asked) {
    this.#seat = seat;
    this.asked = asked;
    seat.deadlines.set(this.#deadline, now + NACK_SHARE * seat.config.probeTimeoutMs);
  }

  end(): void {
    this.#seat.deadlines.cancel(this.#deadline);
    this.asked.close();
  }

  onDeadline(now: Instant): void {
    if (this.#hasNacked) return this.asked.close();
    this.#hasNacked = true;
    const { config, deadlines, effects, self } = this.#seat;
    effects.send(this.asked.asker, probeNack(self.speaker, this.asked.askerSequence));
    deadlines.set(this.#deadline, now + config.probeIntervalMs);
  }
}
