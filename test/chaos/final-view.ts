/**
 * What is known at the end of a run of real processes, in the shape that the simulator's checkers
 * take: the history of all clients, the rows of all nodes, and how the nodes are.
 *
 * It is less than the simulator knows: nobody sees messages, disks and facts of a real process. So
 * a checker that needs those cannot judge here, and the two that need them most are written anew,
 * for the history alone: `lost-acks.ts` and `gone-values.ts`.
 */
import assert from "node:assert/strict";
import { DEFAULT_CONFIG, type NodeConfig } from "#src/core/config.ts";
import type { SipKey } from "#src/core/base/siphash.ts";
import { wrapRecord } from "#src/core/replica/row.ts";
import type { Key } from "#src/core/ring/key.ts";
import type { Layout } from "#src/core/ring/layout.ts";
import type { NodeId } from "#src/core/ring/node-id.ts";
import { DAMAGED, type RowEntry, type RowRead } from "#src/core/storage/engine.ts";
import type { Phase, RunView } from "#src/sim/checker.ts";
import type { HistoryEntry } from "#src/sim/history.ts";

export interface Final {
  readonly now: number;
  readonly history: readonly HistoryEntry[];
  readonly layout: Layout;
  readonly secret: SipKey;
  /** Of each node, every row as encoded records; null for one that it cannot read. */
  readonly rows: ReadonlyMap<NodeId, ReadonlyMap<Key, Uint8Array | null>>;
  readonly openRequests: ReadonlyMap<NodeId, number>;
}

export class FinalView implements RunView {
  readonly now: number;
  readonly phase: Phase = "done";
  readonly history: readonly HistoryEntry[];
  readonly nodes: readonly NodeId[];
  readonly layout: Layout;
  readonly config: NodeConfig = DEFAULT_CONFIG;
  readonly secret: SipKey;
  readonly keys: readonly Key[];
  readonly storage = "log";
  readonly #rows: ReadonlyMap<NodeId, ReadonlyMap<Key, RowRead>>;
  readonly #openRequests: ReadonlyMap<NodeId, number>;

  constructor({ now, history, layout, secret, rows, openRequests }: Final) {
    this.now = now;
    this.history = history;
    this.layout = layout;
    this.secret = secret;
    this.nodes = layout.nodes.map(({ id }) => id);
    this.keys = [...new Set(history.map(({ key }) => key))];
    this.#openRequests = openRequests;
    this.#rows = new Map([...rows].map(([node, ofNode]) => [node, readable(ofNode)]));
  }

  isUp(): boolean {
    return true;
  }

  openRequests(node: NodeId): number {
    return this.#openRequests.get(node) ?? 0;
  }

  /** At the end nobody waits for an answer; what is left open is counted above. */
  requestsInFlight(): number {
    return 0;
  }

  owners(key: Key): readonly NodeId[] {
    return this.layout.ownersOf(key);
  }

  contents(node: NodeId): readonly RowEntry[] {
    const entries: RowEntry[] = [];
    for (const [key, row] of this.#rowsOf(node)) {
      if (row !== undefined && row !== DAMAGED) entries.push({ key, row });
    }
    return entries;
  }

  row(node: NodeId, key: Key): RowRead {
    return this.#rowsOf(node).get(key);
  }

  /** What is read over the network stands in a log already that syncs before it answers. */
  durableRow(node: NodeId, key: Key): RowRead {
    return this.row(node, key);
  }

  wallMs(): number {
    return 0;
  }

  /** Nobody outside sees what a node keeps for others. */
  hint(): RowRead {
    return undefined;
  }

  durableHint(): RowRead {
    return undefined;
  }

  storedIdentity(): undefined {
    return undefined;
  }

  factCount(): number {
    return 0;
  }

  faultCount(): number {
    return 0;
  }

  #rowsOf(node: NodeId): ReadonlyMap<Key, RowRead> {
    const rows = this.#rows.get(node);
    assert(rows !== undefined, `the rows of ${node} were copied`);
    return rows;
  }
}

function readable(rows: ReadonlyMap<Key, Uint8Array | null>): ReadonlyMap<Key, RowRead> {
  return new Map(
    [...rows].map(([key, record]) => [key, record === null ? DAMAGED : wrapRecord(0, record)]),
  );
}
