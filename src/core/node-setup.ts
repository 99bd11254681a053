/** What a node is made of: who it is, what it may spend, and where its effects go. */
import type { Random } from "./base/random.ts";
import type { SipKey } from "./base/siphash.ts";
import type { ActorId } from "./causality/actor.ts";
import type { NodeConfig } from "./config.ts";
import type { Effects } from "./effects.ts";
import type { HintRows } from "./handoff/hints.ts";
import type { MembershipConfig } from "./membership/membership-config.ts";
import type { PurgeConfig } from "./purge/purge-config.ts";
import type { RepairConfig } from "./repair/repair-config.ts";
import type { EpochLease } from "./replica/epochs.ts";
import type { Layout } from "./ring/layout.ts";
import type { NodeId } from "./ring/node-id.ts";

export interface NodeSetup {
  readonly id: NodeId;
  /** How others reach this node, as they are told. */
  readonly address: string;
  readonly actor: ActorId;
  readonly generation: number;
  readonly config: NodeConfig;
  readonly membership: MembershipConfig;
  readonly repair: RepairConfig;
  readonly purge: PurgeConfig;
  readonly layout: Layout;
  /** Where to ask who is there, while members of the layout are missing. */
  readonly seeds: readonly string[];
  readonly epochs: EpochLease;
  /** Shared by all nodes of a cluster: seals the contexts that clients carry. */
  readonly secret: SipKey;
  readonly random: Random;
  readonly rows: HintRows;
  readonly effects: Effects;
}
