/**
 * The contract between a run and those who judge it: one invariant a checker, one checker a file.
 *
 * A checker is made at the start of a run with a view of it, may watch through the hooks of an
 * observer, and gives its findings at the end, after heal and quiesce. An empty list is a pass. The
 * view is the whole truth of the run (white box); a checker that wants to judge as a client would
 * reads `history` alone.
 */
import type { Instant } from "../core/effects.ts";
import type { Fact } from "../core/facts.ts";
import type { SipKey } from "../core/base/siphash.ts";
import type { StoredIdentity } from "../core/identity/identity-file.ts";
import type { Key } from "../core/ring/key.ts";
import type { Layout } from "../core/ring/layout.ts";
import type { NodeId } from "../core/ring/node-id.ts";
import type { NodeConfig } from "../core/config.ts";
import type { RowEntry, RowRead } from "../core/storage/engine.ts";
import type { FaultKind } from "./faults.ts";
import type { HistoryEntry } from "./history.ts";
import type { StorageKind } from "./node-storage.ts";
import type { Observer } from "./observer.ts";

export type Phase = "safety" | "liveness" | "done";

export interface RunView {
  readonly now: Instant;
  readonly phase: Phase;
  /** In order of invocation; entries are filled in as operations end. */
  readonly history: readonly HistoryEntry[];
  /** Every node of the cluster, up or down, in the order of its making. */
  readonly nodes: readonly NodeId[];
  readonly layout: Layout;
  /** What every node of the run was configured with. */
  readonly config: NodeConfig;
  /** Seals and opens the contexts of clients. */
  readonly secret: SipKey;
  /** Every key that a client has named, in order of first use. */
  readonly keys: readonly Key[];
  /** What the nodes keep their data in. */
  readonly storage: StorageKind;
  isUp(node: NodeId): boolean;
  /** `Node.openRequests` of a node that is up; 0 for one that is down. */
  openRequests(node: NodeId): number;
  /** Of those, what has no answer yet. */
  requestsInFlight(node: NodeId): number;
  /** The latest wall time that the node was told in this life: what it goes by. */
  wallMs(node: NodeId): number;
  /** The key's owners, in the order of its preference list. */
  owners(key: Key): readonly NodeId[];
  /** Every row a node holds, as its next read would see them; also of a node that is down. */
  contents(node: NodeId): readonly RowEntry[];
  row(node: NodeId, key: Key): RowRead;
  /** What is left of the row if the node crashes now and every uncompleted write of it is lost. */
  durableRow(node: NodeId, key: Key): RowRead;
  /** Both of what the node keeps of this key for owners that cannot be reached. */
  hint(node: NodeId, key: Key): RowRead;
  durableHint(node: NodeId, key: Key): RowRead;
  /** What a crash leaves of who a node is; undefined where that is kept in no file. */
  storedIdentity(node: NodeId): StoredIdentity | undefined;
  /** How often a kind of fact was noted, and a kind of fault injected, so far. */
  factCount(kind: Fact["kind"]): number;
  faultCount(kind: FaultKind): number;
}

export interface Checker {
  /** Short and stable, as `S1`. */
  readonly id: string;
  /** The invariant in one sentence. */
  readonly rule: string;
  readonly observer?: Observer;
  /**
   * How many operations or rows the rule could be applied to so far: a pass over none proves
   * nothing.
   */
  readonly checked: number;
  /** One sentence a violation, naming the key, the node and both values. Called once. */
  finish(run: RunView): readonly string[];
}

export type CheckerFactory = (run: RunView) => Checker;
