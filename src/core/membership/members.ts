/**
 * The members that this node knows of, beside itself.
 *
 * Members of the ring come from the layout and are never forgotten, dead or alive: an island that
 * forgot the rest of its cluster would never look for it again. Others come from what was heard.
 *
 * What is said of a member has a place in one order, and the highest wins, whoever hears it in
 * whatever sequence:
 *
 *     generation, incarnation, then alive < suspect < dead < left
 *
 *     alive 3.0  <  suspect 3.0  <  dead 3.0  <  alive 3.1 (refuted)  <  alive 4.0 (booted again)
 */
import { assert } from "../base/assert.ts";
import type { Random } from "../base/random.ts";
import type { Instant } from "../effects.ts";
import type { MemberState, Rumour } from "../membership-messages.ts";
import { MEMBER_STATES } from "../membership-messages.ts";
import type { NodeId } from "../ring/node-id.ts";
import type { Suspicion } from "./suspicion.ts";

/** A member as somebody else may name it. */
export interface NamedMember {
  readonly id: NodeId;
  readonly address: string;
}

export interface Member {
  readonly id: NodeId;
  /** Empty when nobody has said it. Changed by `locate` alone. */
  address: string;
  /** The boot that said it; 0 for one that was only written down. */
  addressGeneration: number;
  /** Of a member that was never heard of, the benefit of the doubt. */
  state: MemberState;
  /** 0: never heard of. */
  generation: number;
  boot: number;
  incarnation: number;
  /** When it came into this state. */
  sinceMs: Instant;
  isRing: boolean;
  suspicion: Suspicion | undefined;
}

export class Members {
  readonly #byId: Map<NodeId, Member> = new Map();
  /** The same members in no order: picking shuffles it. */
  readonly #bag: Member[] = [];
  #leftCount = 0;

  /** This node and all others but those who left: the size of the cluster as timeouts see it. */
  get clusterSize(): number {
    return 1 + this.#bag.length - this.#leftCount;
  }

  get count(): number {
    return this.#bag.length;
  }

  get(id: NodeId): Member | undefined {
    return this.#byId.get(id);
  }

  values(): IterableIterator<Member> {
    return this.#byId.values();
  }

  add(now: Instant, { id, address }: NamedMember, isRing: boolean): Member {
    assert(!this.#byId.has(id), `${id} is a member already`);
    const member: Member = {
      id,
      address,
      addressGeneration: 0,
      state: "alive",
      generation: 0,
      boot: 0,
      incarnation: 0,
      sinceMs: now,
      isRing,
      suspicion: undefined,
    };
    this.#byId.set(id, member);
    this.#bag.push(member);
    return member;
  }

  remove(member: Member): void {
    member.suspicion?.end();
    member.suspicion = undefined;
    if (member.state === "left") this.#leftCount--;
    this.#byId.delete(member.id);
    this.#bag.splice(this.#bag.indexOf(member), 1);
  }

  setState(now: Instant, member: Member, state: MemberState): void {
    if (member.state === state) return;
    if (member.state === "left") this.#leftCount--;
    if (state === "left") this.#leftCount++;
    member.state = state;
    member.sinceMs = now;
  }

  /** Up to `count` different members that are wanted, every choice equally likely. */
  pick(random: Random, count: number, isWanted: (member: Member) => boolean): Member[] {
    const bag = this.#bag;
    const picked: Member[] = [];
    for (let at = 0; at < bag.length && picked.length < count; at++) {
      const drawn = at + random.integer(bag.length - at);
      const member = bag[drawn]!;
      bag[drawn] = bag[at]!;
      bag[at] = member;
      if (isWanted(member)) picked.push(member);
    }
    return picked;
  }
}

export function isUp(member: Member): boolean {
  return member.state === "alive" || member.state === "suspect";
}

/** Negative when the rumour is older than what is known, 0 when it is the same, else positive. */
export function newness(rumour: Rumour, member: Member): number {
  if (rumour.generation !== member.generation) return rumour.generation - member.generation;
  if (rumour.incarnation !== member.incarnation) return rumour.incarnation - member.incarnation;
  return MEMBER_STATES.indexOf(rumour.state) - MEMBER_STATES.indexOf(member.state);
}

/** What this node would tell of a member. Where an earlier boot of it was is no news. */
export function rumourOf(member: Member): Rumour {
  const { id, state, generation, boot, incarnation } = member;
  const address = member.addressGeneration === generation ? member.address : "";
  return { id, state, generation, boot, incarnation, address, accuser: "" };
}

/** What is held against a member, to be told to itself first; nothing when nothing is. */
export function accusationOf(member: Member): Rumour | undefined {
  const isAccused = member.state === "suspect" || member.state === "dead";
  return isAccused && member.generation > 0 ? rumourOf(member) : undefined;
}
