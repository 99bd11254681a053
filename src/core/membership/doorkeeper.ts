/**
 * Who is not listened to, and is told so by name.
 *
 *     wrong-cluster     a message of another cluster: mixing two member lists would join them
 *     removed           an id that the layout removed: its keys have other owners now, for ever
 *     old-generation    a boot that is over: a copy, or a disk that was set back
 *     clone             a second process of one id and one generation: which is real, nobody knows
 *
 * A refusal is never answered, so two who refuse each other do not talk for ever. The alarm for
 * each intruder is raised once in a while, not at every knock.
 */
import type { Rumour, Speaker, Unwelcome, UnwelcomeTold } from "../membership-messages.ts";
import { unwelcome } from "../membership-messages.ts";
import type { NodeId } from "../ring/node-id.ts";
import type { Member } from "./members.ts";
import type { Seat } from "./seat.ts";

/** Alarms remembered; beyond them an intruder is still refused, in silence. */
const ALARMS_MAX = 256;

export class Doorkeeper {
  readonly #seat: Seat;
  readonly #alarms: Set<string> = new Set();
  #removed: ReadonlySet<NodeId>;

  constructor(seat: Seat, removed: ReadonlySet<NodeId>) {
    this.#seat = seat;
    this.#removed = removed;
  }

  set removed(removed: ReadonlySet<NodeId>) {
    this.#removed = removed;
  }

  isRemoved(id: NodeId): boolean {
    return this.#removed.has(id);
  }

  /** True when this speaker is listened to. */
  admits(from: NodeId, speaker: Speaker): boolean {
    const reason = this.#objection(from, speaker);
    if (reason === undefined) return true;
    const { effects, self } = this.#seat;
    if (this.#isNew(`refused ${reason} ${from}`)) {
      effects.note({ kind: "member-refused", from, reason });
    }
    effects.send(from, unwelcome(self.speaker, speaker.boot, reason));
    return false;
  }

  onRefusedBy(peer: NodeId, { boot, reason }: UnwelcomeTold): void {
    if (boot !== this.#seat.self.speaker.boot) return;
    if (!this.#isNew(`by ${reason} ${peer}`)) return;
    this.#seat.effects.note({ kind: "refused-by", peer, reason });
  }

  /** Two boots with one number: what is known of the first is kept. */
  isCloneOf(member: Member, { generation, boot }: Rumour | Speaker): boolean {
    if (generation === 0 || generation !== member.generation || boot === member.boot) return false;
    this.#onClone(member.id, generation, generation);
    return true;
  }

  onOwnClone(generation: number, own: number): void {
    this.#onClone(this.#seat.self.id, generation, own);
  }

  onNoRoomFor(member: NodeId): void {
    if (!this.#isNew(`no room ${member}`)) return;
    const { membersMax } = this.#seat.config;
    this.#seat.effects.note({ kind: "member-ignored", member, membersMax });
  }

  /** From now on every alarm is raised again. */
  rearm(): void {
    this.#alarms.clear();
  }

  #objection(from: NodeId, speaker: Speaker): Unwelcome | undefined {
    const { self, members } = this.#seat;
    if (speaker.cluster !== self.speaker.cluster) return "wrong-cluster";
    if (this.#removed.has(from)) return "removed";
    if (from === self.id) {
      this.onOwnClone(speaker.generation, self.speaker.generation);
      return "clone";
    }
    const member = members.get(from);
    if (member === undefined) return undefined;
    if (speaker.generation < member.generation) return "old-generation";
    return this.isCloneOf(member, speaker) ? "clone" : undefined;
  }

  #onClone(member: NodeId, generation: number, known: number): void {
    if (!this.#isNew(`clone ${member}`)) return;
    this.#seat.effects.note({ kind: "clone-seen", member, generation, known });
  }

  #isNew(alarm: string): boolean {
    if (this.#alarms.has(alarm) || this.#alarms.size >= ALARMS_MAX) return false;
    this.#alarms.add(alarm);
    return true;
  }
}
