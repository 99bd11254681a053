/**
 * How news leaves: in every packet there is room in, and in a packet of its own to a few members at
 * every tick while there is any.
 *
 * The dead are told for a while too. Some of them are not dead, and this is how they hear of it.
 */
import type { Timed } from "../deadlines.ts";
import { Deadline } from "../deadlines.ts";
import type { Instant } from "../effects.ts";
import type { Rumour } from "../membership-messages.ts";
import { gossip, MESSAGE_HEAD_BYTES_MAX, rumourBytes } from "../membership-messages.ts";
import type { NodeId } from "../ring/node-id.ts";
import type { Member } from "./members.ts";
import { isUp } from "./members.ts";
import { Rumours } from "./rumours.ts";
import { retransmitLimit } from "./scale.ts";
import type { Seat } from "./seat.ts";

export class Gossiper implements Timed {
  readonly #seat: Seat;
  readonly #rumours: Rumours = new Rumours();
  readonly #deadline: Deadline = new Deadline(this);

  constructor(seat: Seat) {
    this.#seat = seat;
  }

  /** Rumours that are still to be told. */
  get pending(): number {
    return this.#rumours.size;
  }

  tell(now: Instant, rumour: Rumour): void {
    const { config, random, deadlines } = this.#seat;
    this.#rumours.add(rumour);
    if (this.#deadline.isSet) return;
    deadlines.set(this.#deadline, now + random.fraction() * config.gossipIntervalMs);
  }

  forget(id: NodeId): void {
    this.#rumours.drop(id);
  }

  /** What rides along in a packet, after what must be in it. */
  rumoursWith(first: Rumour | undefined): readonly Rumour[] {
    const { config, members } = this.#seat;
    const limit = retransmitLimit(config.retransmitMult, members.clusterSize);
    const room = config.packetBytesMax - MESSAGE_HEAD_BYTES_MAX;
    if (first === undefined) return this.#rumours.take(room, limit);
    return [first, ...this.#rumours.take(room - rumourBytes(first), limit)];
  }

  /** A packet to each of a few members, now. */
  spread(now: Instant): void {
    const { config, random, members, effects, self } = this.#seat;
    const mayHear = (member: Member): boolean =>
      isUp(member) || (member.state === "dead" && now - member.sinceMs < config.gossipToDeadMs);
    for (const { id } of members.pick(random, config.gossipNodes, mayHear)) {
      const rumours = this.rumoursWith(undefined);
      if (rumours.length === 0) return;
      effects.send(id, gossip(self.speaker, rumours));
    }
  }

  onDeadline(now: Instant): void {
    this.spread(now);
    if (this.#rumours.size === 0) return;
    this.#seat.deadlines.set(this.#deadline, now + this.#seat.config.gossipIntervalMs);
  }
}
