/**
 * What a node observed of the other members. All of it is opinion: liveness is not ownership (law
 * 5), so nothing here changes who owns a key.
 *
 * Most facts are somebody's fate. Those that name an intruder are alarms, and said once in a while
 * however often the intruder knocks: two processes of one identity would hand out the same dots.
 */
import type { MemberState, Unwelcome } from "./membership-messages.ts";
import type { NodeId } from "./ring/node-id.ts";

export type MembershipFact =
  | {
      readonly kind: "member-changed";
      readonly member: NodeId;
      /** Undefined for a member not heard of before. */
      readonly before: MemberState | undefined;
      readonly state: MemberState;
      readonly generation: number;
      readonly incarnation: number;
      /** Who told: this node's own verdict, the member itself or its accuser, a gossip, a sync. */
      readonly by: "self" | "gossip" | "sync";
    }
  /** Dead for so long, and in no layout, that it is not remembered. */
  | { readonly kind: "member-forgotten"; readonly member: NodeId }
  /** No room for another member. */
  | { readonly kind: "member-ignored"; readonly member: NodeId; readonly membersMax: number }
  /** Somebody accused this node, and it said no. */
  | { readonly kind: "accusation-refuted"; readonly incarnation: number }
  /** This node's own timer fired this late: it accuses nobody before it has caught up. */
  | { readonly kind: "stall-noticed"; readonly lateMs: number }
  | { readonly kind: "awareness-changed"; readonly score: number }
  /** A node that is not listened to, and was told why. */
  | { readonly kind: "member-refused"; readonly from: NodeId; readonly reason: Unwelcome }
  /** A peer does not listen to this node. All reasons but the first mean: stop. */
  | { readonly kind: "refused-by"; readonly peer: NodeId; readonly reason: Unwelcome }
  /**
   * Two boots of one id and generation are alive at once, or, of this node's own id, a later one.
   * The one with the lower generation stops; of equal generations both stop.
   */
  | {
      readonly kind: "clone-seen";
      readonly member: NodeId;
      readonly generation: number;
      /** The generation that was known before. */
      readonly known: number;
    };
