/**
 * The hints of a whole cluster, as its nodes tell them when all of them are asked at once, for a
 * bounded time.
 *
 *     n0 keeps 1200 for n2 ┐
 *     n1 keeps  800 for n2 ├─▶ 2000 keys for n2
 *     n2 does not answer   ┘   what it keeps for others, nobody can say
 */
import type { RemoteClient } from "../client/remote-client.ts";
import type { HintOrder, HintsFor, HintState } from "../core/hint-orders.ts";
import type { Layout, LayoutNode } from "../core/ring/layout.ts";
import { type NodeId, checkNodeId } from "../core/ring/node-id.ts";
import { CommandError, EXIT } from "./exit-codes.ts";
import { remark } from "./output.ts";

/** What `--json` tells of one target. */
interface TargetDocument {
  readonly target: string;
  readonly keys: number;
  readonly bytes: number;
  readonly state: HintState;
  /** Null when it can be reached. */
  readonly awayMs: number | null;
  readonly rowsPerSecond: number;
}

/** What `--json` tells of one node. */
interface NodeDocument {
  readonly id: string;
  readonly address: string;
  readonly state: "up" | "down";
  /** Why it counts as down; empty for a node that is up. */
  readonly reason: string;
  /** False while it may keep more than it says, and for a node that is down. */
  readonly counted: boolean;
  readonly keys: number;
  readonly bytes: number;
  readonly targets: readonly TargetDocument[];
}

/** What one node keeps for one target. */
export interface Keeping extends HintsFor {
  readonly keeper: NodeId;
}

export class HintsView {
  readonly layout: Layout;
  readonly nodes: readonly NodeDocument[];
  readonly keepings: readonly Keeping[];

  private constructor(layout: Layout, told: readonly Told[]) {
    this.layout = layout;
    this.nodes = told.map(({ document }) => document);
    this.keepings = told.flatMap(({ keepings }) => keepings);
  }

  /** Gives the order to every node of the layout, and gathers what they say. */
  static async ask(client: RemoteClient, order: HintOrder, timeoutMs: number): Promise<HintsView> {
    const layout = client.layout();
    const told = layout.nodes.map((node) => askNode(client, node, order, timeoutMs));
    return new HintsView(layout, await Promise.all(told));
  }

  get isCounted(): boolean {
    return this.nodes.every(({ state, counted }) => state === "down" || counted);
  }

  /** Nodes of which nobody knows what they keep, but for the one that is asked about. */
  unknown(target: NodeId | undefined): readonly NodeDocument[] {
    return this.nodes.filter(({ id, state }) => state === "down" && id !== target);
  }

  of(target: NodeId | undefined): readonly Keeping[] {
    if (target === undefined) return this.keepings;
    return this.keepings.filter((keeping) => keeping.target === target);
  }

  /** Those for whom something is kept that somebody can be told now. */
  deliverable(target: NodeId | undefined): readonly Keeping[] {
    const isMember = (node: NodeId): boolean => this.layout.node(node) !== undefined;
    const keepings = this.of(target);
    return keepings.filter((each) => each.awayMs === undefined || !isMember(each.target));
  }

  get document(): object {
    const { clusterId, epoch } = this.layout;
    return { clusterId, epoch, ...sumOf(this.keepings), nodes: this.nodes };
  }

  remarkUnknown(target?: NodeId): void {
    for (const { id, reason } of this.unknown(target)) {
      remark(`${id} does not answer, and what it keeps is not known: ${reason}`);
    }
    if (!this.isCounted) remark("a node that has just started still counts what it keeps");
  }
}

export function sumOf(keepings: readonly HintsFor[]): {
  readonly keys: number;
  readonly bytes: number;
} {
  return {
    keys: keepings.reduce((sum, { keys }) => sum + keys, 0),
    bytes: keepings.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/** The target of a flag: a member of the cluster, or a node for which something is still kept. */
export function knownTarget(view: HintsView, name: string): NodeId {
  const { layout, keepings } = view;
  const id = name as NodeId;
  const isKnown = layout.node(id) !== undefined || keepings.some(({ target }) => target === id);
  if (checkNodeId(name) === undefined && isKnown) return id;
  const members = layout.nodes.map((node) => node.id).join(" ");
  throw new CommandError(
    EXIT.usage,
    `--to: cluster ${layout.clusterId} has no node ${JSON.stringify(name)}, nor hints for it`,
    `its nodes are ${members}`,
  );
}

interface Told {
  readonly document: NodeDocument;
  readonly keepings: readonly Keeping[];
}

async function askNode(
  client: RemoteClient,
  { id, address }: LayoutNode,
  order: HintOrder,
  timeoutMs: number,
): Promise<Told> {
  const report = await client.hints(id, order, timeoutMs);
  if ("kind" in report) {
    const reason = report.detail;
    const nothing = { counted: false, keys: 0, bytes: 0, targets: [] };
    return { document: { id, address, state: "down", reason, ...nothing }, keepings: [] };
  }
  const { isCounted: counted, targets } = report;
  const keepings = targets.map((hints) => ({ ...hints, keeper: id }));
  const document: NodeDocument = {
    id,
    address,
    state: "up",
    reason: "",
    counted,
    ...sumOf(targets),
    targets: targets.map((hints) => ({ ...hints, awayMs: hints.awayMs ?? null })),
  };
  return { document, keepings };
}
