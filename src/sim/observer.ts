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
import type { Identity } from "../core/identity/identity.ts";
import type { Message } from "../core/messages.ts";
import type { Key } from "../core/ring/key.ts";
import type { NodeId } from "../core/ring/node-id.ts";
import type { RowRead, RowWrite } from "../core/storage/engine.ts";
import type { FaultKind } from "./faults.ts";
import type { HistoryEntry } from "./history.ts";

/**
 * The damage of a stop to what a node knew; `identity.ts` says what each leaves behind. Of two the
 * operator is the cause:
 *
 *     restored   an older copy of the disk was put back, and the operator said so
 *     copied     the same in another place, and nobody said so
 */
export type RestartKind = "kept" | "clean" | "lost" | "new-identity" | "restored" | "copied";

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
  /** A node changed what it keeps of a key for others; the row is gone when it is undefined. */
  onHint?(node: NodeId, write: RowWrite, at: Instant): void;
  /** A node has read a row from its disk. Of a storage that cannot be wrong, nobody is told. */
  onRead?(node: NodeId, key: Key, row: RowRead, at: Instant): void;
  /** A node has made durable who it is in this life; of a model nobody is told. */
  onBoot?(node: NodeId, identity: Identity, at: Instant): void;
  /** The disk failed a node, or what it found there: the process ends, and says why. */
  onFailed?(node: NodeId, problem: string, at: Instant): void;
  onSend?(from: NodeId, to: NodeId, message: Message, at: Instant): void;
  onReceive?(from: NodeId, to: NodeId, message: Message, at: Instant): void;
  /** A node died; uncompleted writes have been cut back already. */
  onCrash?(node: NodeId, at: Instant): void;
  onRestart?(node: NodeId, kind: RestartKind, at: Instant): void;
  /** `key` is named by the faults of one row, `node` by those of one node. */
  onFault?(kind: FaultKind, node: NodeId | undefined, key: Key | undefined, at: Instant): void;
}
