/**
 * What the parts of membership share: one table, one wheel of deadlines, one view of themselves.
 */
import type { Random } from "../base/random.ts";
import type { DeadlineWheel } from "../deadlines.ts";
import type { MembershipFact } from "../membership-facts.ts";
import type { MembershipMessage } from "../membership-messages.ts";
import type { NodeId } from "../ring/node-id.ts";
import type { Awareness } from "./awareness.ts";
import type { Members } from "./members.ts";
import type { MembershipConfig } from "./membership-config.ts";
import type { OwnSelf } from "./own-self.ts";

/** The doors out: they record, return nothing, and never call back in. */
export interface MembershipEffects {
  /** Best effort. */
  send(to: NodeId, message: MembershipMessage): void;
  /** Connect to this member, or to whoever is at this address: `onLocated` says who it was. */
  contact(address: string, member: NodeId | undefined): void;
  note(fact: MembershipFact): void;
}

export interface Seat {
  readonly config: MembershipConfig;
  readonly random: Random;
  readonly effects: MembershipEffects;
  readonly deadlines: DeadlineWheel;
  readonly self: OwnSelf;
  readonly members: Members;
  readonly awareness: Awareness;
}
