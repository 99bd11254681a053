/**
 * Push and pull: everything this node knows, for everything another one knows.
 *
 * Gossip tells the news and forgets it. What a node missed while it was away, or while a partition
 * lasted, it learns here: from a member at random in every interval, at once from a member that has
 * come back, and after a stall of its own before it accuses anybody.
 *
 * In large clusters everything is much. It is cut into messages of bounded size, the interval grows
 * with the size of the cluster, and of many that come back at once only a few are asked.
 */
import { Deadline } from "../deadlines.ts";
import type { Instant } from "../effects.ts";
import type { Rumour, Sync } from "../membership-messages.ts";
import {
  MESSAGE_HEAD_BYTES_MAX,
  rumourBytes,
  sync,
  SYNC_BYTES_MAX,
} from "../membership-messages.ts";
import type { NodeId } from "../ring/node-id.ts";
import type { Member } from "./members.ts";
import { rumourOf } from "./members.ts";
import { pushPullScale } from "./scale.ts";
import type { Seat } from "./seat.ts";

/** Members that are to be asked as soon as it is their turn, one in each probe interval. */
const WAITING_MAX = 4;

export class Exchange {
  readonly #seat: Seat;
  readonly #round: Deadline = new Deadline({ onDeadline: (now) => this.#onRound(now) });
  readonly #turn: Deadline = new Deadline({ onDeadline: (now) => this.#onTurn(now) });
  readonly #waiting: Set<NodeId> = new Set();

  constructor(seat: Seat) {
    this.#seat = seat;
  }

  start(now: Instant): void {
    this.#seat.deadlines.set(this.#round, now + this.#seat.random.fraction() * this.#intervalMs);
  }

  stop(): void {
    this.#seat.deadlines.cancel(this.#round);
    this.#seat.deadlines.cancel(this.#turn);
    this.#waiting.clear();
  }

  /** With this member, in a moment. */
  soon(now: Instant, id: NodeId): void {
    const { config, random, deadlines } = this.#seat;
    if (this.#waiting.size >= WAITING_MAX) return;
    this.#waiting.add(id);
    if (this.#turn.isSet) return;
    deadlines.set(this.#turn, now + random.fraction() * config.gossipIntervalMs);
  }

  /** With this many members that are alive, now. */
  now(count: number): void {
    const { members, random } = this.#seat;
    const isAlive = (member: Member): boolean => member.state === "alive";
    for (const { id } of members.pick(random, count, isAlive)) this.#sendState(id, true);
  }

  onSync(from: NodeId, { wantsAnswer }: Sync): void {
    if (wantsAnswer) this.#sendState(from, false);
  }

  #onRound(now: Instant): void {
    this.now(1);
    this.#seat.deadlines.set(this.#round, now + this.#intervalMs);
  }

  #onTurn(now: Instant): void {
    for (const id of this.#waiting) {
      this.#waiting.delete(id);
      this.#sendState(id, true);
      break;
    }
    if (this.#waiting.size === 0) return;
    this.#seat.deadlines.set(this.#turn, now + this.#seat.config.probeIntervalMs);
  }

  get #intervalMs(): number {
    const { config, members } = this.#seat;
    return config.pushPullIntervalMs * pushPullScale(members.clusterSize);
  }

  /** The first part alone asks for an answer. */
  #sendState(to: NodeId, wantsAnswer: boolean): void {
    const { self, members, effects } = this.#seat;
    let part: Rumour[] = [self.rumour];
    let room = SYNC_BYTES_MAX - MESSAGE_HEAD_BYTES_MAX - rumourBytes(self.rumour);
    let asks = wantsAnswer;
    for (const member of members.values()) {
      if (member.generation === 0) continue;
      const rumour = rumourOf(member);
      room -= rumourBytes(rumour);
      if (room < 0) {
        effects.send(to, sync(self.speaker, asks, part));
        asks = false;
        part = [];
        room = SYNC_BYTES_MAX - MESSAGE_HEAD_BYTES_MAX - rumourBytes(rumour);
      }
      part.push(rumour);
    }
    effects.send(to, sync(self.speaker, asks, part));
  }
}
