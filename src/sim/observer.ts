/**
 * What happens in a run, for whoever wants to watch: checkers, the trace, a dashboard.
 *
 * Every hook is optional. An observer is called after the thing has happened and never acts on the
 * cluster: with or without it a seed gives the same trace. What it is handed belongs to the run and
 * is never altered.
 */
import type { DoorOutcome } from "../core/caller/door-outcome.ts";
import type { Instant } from "../core/effects.ts";
import type { Fact } from "../core/facts.ts";
import type { Message } from "../core/messages.ts";
import type { Key } from "../core/ring/key.ts";
import type { NodeId } from "../core/ring/node-id.ts";
import type { RowWrite } from "../core/storage/engine.ts";
import type { FaultKind } from "./faults.ts";
import type { HistoryEntry } from "./history.ts";

/** The damage of a stop to what a node knew; `identity.ts` says what each leaves behind. */
export type RestartKind = "kept" | "clean" | "lost" | "new-identity";

export interface Observer {
  /** A client's operation has begun and is in the history. */
  onInvoke?(entry: HistoryEntry, at: Instant): void;
  /** It has ended, maybe after several tries, and its entry has been filled in. */
  onReply?(entry: HistoryEntry, outcome: DoorOutcome, at: Instant): void;
  onFact?(node: NodeId, fact: Fact, at: Instant): void;
  /**
   * A node handed rows to its disk: they are visible to it now, and durable at `onDurable`. Rows
   * that a full disk refused are no such rows: each of them is a fault `row-refused`.
   */
  onPersist?(node: NodeId, writes: readonly RowWrite[], token: number, at: Instant): void;
  onDurable?(node: NodeId, token: number, at: Instant): void;
  onSend?(from: NodeId, to: NodeId, message: Message, at: Instant): void;
  onReceive?(from: NodeId, to: NodeId, message: Message, at: Instant): void;
  /** A node died; uncompleted writes have been cut back already. */
  onCrash?(node: NodeId, at: Instant): void;
  onRestart?(node: NodeId, kind: RestartKind, at: Instant): void;
  /** `key` is named by the faults of one row, `node` by those of one node. */
  onFault?(kind: FaultKind, node: NodeId | undefined, key: Key | undefined, at: Instant): void;
}
