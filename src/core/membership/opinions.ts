/**
 * What this node holds of the others, and what changes its mind.
 *
 *     its own probe failed     suspect, in the name of this node
 *     gossip                   believed as it is, if newer
 *     a sync                   believed too, but somebody else's dead is only a suspect here: their
 *                              state may be as old as the partition that has just healed
 *     the member itself        it speaks, so it is alive as it says
 *     time                     a suspicion is over: dead, in the name of this node
 *     somebody held dead       accuses nobody but this node: who hears nobody thinks all are dead,
 *                              and refutes that first if it can
 *
 * What is said of this node itself is answered: an accusation is refuted. A boot of its own id that
 * it does not know is a clone, or makes this node one.
 */
import type { Instant } from "../effects.ts";
import type { MemberState, Rumour, Speaker } from "../membership-messages.ts";
import type { NodeId } from "../ring/node-id.ts";
import type { Doorkeeper } from "./doorkeeper.ts";
import type { Gossiper } from "./gossiper.ts";
import type { Member } from "./members.ts";
import { newness, rumourOf } from "./members.ts";
import type { Seat } from "./seat.ts";
import { confirmationsWanted, Suspicion } from "./suspicion.ts";
import { locate } from "./whereabouts.ts";

export type Source = "self" | "gossip" | "sync";

export class Opinions {
  readonly #seat: Seat;
  readonly #gossiper: Gossiper;
  readonly #doorkeeper: Doorkeeper;
  /** A member is alive that was not, or was not known: there is much to tell each other. */
  readonly #onReturned: (now: Instant, id: NodeId) => void;

  constructor(
    seat: Seat,
    gossiper: Gossiper,
    doorkeeper: Doorkeeper,
    onReturned: (now: Instant, id: NodeId) => void,
  ) {
    this.#seat = seat;
    this.#gossiper = gossiper;
    this.#doorkeeper = doorkeeper;
    this.#onReturned = onReturned;
  }

  /** What a member has to say of others; after `hearSpeaker`. */
  hearAll(now: Instant, from: NodeId, rumours: readonly Rumour[], by: "gossip" | "sync"): void {
    const { members, self } = this.#seat;
    const isDead = members.get(from)?.state === "dead";
    for (const rumour of rumours) {
      const isIdle = isDead && rumour.state !== "alive" && rumour.id !== self.id;
      if (!isIdle) this.hear(now, rumour, by);
    }
  }

  hear(now: Instant, rumour: Rumour, by: Source): void {
    if (rumour.id === this.#seat.self.id) return this.#hearOfSelf(now, rumour);
    if (this.#doorkeeper.isRemoved(rumour.id)) return;
    const member = this.#seat.members.get(rumour.id);
    if (member === undefined) return this.#hearOfStranger(now, rumour, by);
    if (this.#doorkeeper.isCloneOf(member, rumour)) return;
    const told = by === "sync" && rumour.state === "dead" ? suspectOf(rumour) : rumour;
    const difference = newness(told, member);
    if (difference > 0) return this.#adopt(now, member, told, by);
    if (difference < 0) return;
    if (locate(this.#seat, member, told.generation, told.address)) {
      this.#tell(now, member, told.accuser);
    }
    if (member.suspicion?.accuse(told.accuser) === true) this.#tell(now, member, told.accuser);
  }

  /** Every message is its sender's claim to be alive. */
  hearSpeaker(now: Instant, from: NodeId, speaker: Speaker): void {
    const { generation, boot, incarnation } = speaker;
    const known = this.#seat.members.get(from);
    if (known?.generation === generation && known.incarnation >= incarnation) return;
    const claim: Rumour = {
      id: from,
      state: "alive",
      generation,
      boot,
      incarnation,
      // Where it is, it says in its greeting, and in what it tells of itself.
      address: "",
      accuser: "",
    };
    this.hear(now, claim, "gossip");
  }

  /** Nobody's silence of the time in which this node was not there counts. */
  restartSuspicions(now: Instant): void {
    for (const { suspicion } of this.#seat.members.values()) suspicion?.restart(now);
  }

  #hearOfSelf(now: Instant, rumour: Rumour): void {
    const { self, awareness, effects } = this.#seat;
    const { generation, boot, incarnation } = self.speaker;
    const isOther = rumour.generation === generation && rumour.boot !== boot;
    if (rumour.generation > generation || isOther) {
      return this.#doorkeeper.onOwnClone(rumour.generation, generation);
    }
    if (self.hasLeft) return;
    if (rumour.generation < generation) {
      if (rumour.state !== "left") this.#gossiper.tell(now, self.rumour);
      return;
    }
    const isAccused = rumour.state !== "alive" || rumour.incarnation > incarnation;
    if (!isAccused) return;
    if (rumour.incarnation >= incarnation) {
      self.refute(rumour.incarnation);
      awareness.adjust(1);
      effects.note({ kind: "accusation-refuted", incarnation: self.speaker.incarnation });
    }
    // An old accusation was refuted before, but whoever repeats it has not heard of that.
    this.#gossiper.tell(now, self.rumour);
  }

  #hearOfStranger(now: Instant, rumour: Rumour, by: Source): void {
    const { members, config } = this.#seat;
    const { id, state, address } = rumour;
    // Whoever is dead or gone and was not known need not become known. An accusation in a gossip
    // does not say where its victim is.
    if (state === "dead" || state === "left") return;
    if (state === "suspect" && by === "gossip") return;
    if (members.count >= config.membersMax) return this.#doorkeeper.onNoRoomFor(id);
    this.#adopt(now, members.add(now, { id, address }, false), rumour, by);
  }

  #adopt(now: Instant, member: Member, rumour: Rumour, by: Source): void {
    const { members, effects } = this.#seat;
    const { id, state, generation, boot, incarnation } = rumour;
    const before = member.generation === 0 && !member.isRing ? undefined : member.state;
    const isSame = before === state && member.generation === generation;
    member.generation = generation;
    member.boot = boot;
    member.incarnation = incarnation;
    locate(this.#seat, member, generation, rumour.address);
    member.suspicion?.end();
    member.suspicion = undefined;
    members.setState(now, member, state);
    if (state === "suspect") this.#suspect(now, member, rumour.accuser);
    this.#tell(now, member, rumour.accuser);
    if (isSame) return;
    effects.note({
      kind: "member-changed",
      member: id,
      before,
      state,
      generation,
      incarnation,
      by,
    });
    const wasThere = before === "alive" || before === "suspect";
    if (state === "alive" && !wasThere) this.#onReturned(now, id);
  }

  #suspect(now: Instant, member: Member, accuser: NodeId | ""): void {
    const { config, members, deadlines } = this.#seat;
    const { clusterSize } = members;
    // Of a member that was never heard of nobody else says anything.
    const wanted =
      member.generation === 0 ? 0 : confirmationsWanted(config.suspicionMult, clusterSize);
    const onOver = (at: Instant): void => this.#onSuspicionOver(at, member);
    member.suspicion = new Suspicion(now, { config, clusterSize, wanted, deadlines, onOver });
    member.suspicion.accuse(accuser);
  }

  #onSuspicionOver(now: Instant, member: Member): void {
    this.hear(now, { ...rumourOf(member), state: "dead" }, "self");
  }

  #tell(now: Instant, member: Member, accuser: NodeId | ""): void {
    if (member.generation === 0) return;
    const rumour = rumourOf(member);
    const address = member.state === "alive" ? rumour.address : "";
    this.#gossiper.tell(now, { ...rumour, address, accuser });
  }
}

function suspectOf(rumour: Rumour): Rumour {
  const state: MemberState = "suspect";
  return { ...rumour, state };
}
