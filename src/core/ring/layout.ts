/**
 * A layout: which nodes own which partition, at one epoch.
 *
 *     partition      0        1        2      ...
 *     owners      [c a d]  [a b d]  [d c b]   ...     home first, then in order of preference
 *
 * It is a value: computed once by a placement strategy, agreed on, stored, sent around, and never
 * changed. Two nodes with the same epoch and fingerprint agree on every owner (law 5: liveness is
 * not ownership, so nothing here knows who is up). The owners are a table of node indexes; the
 * preference lists are made once, and reading one allocates nothing.
 *
 * Layouts come from peers and disks too: `layoutFrom` checks every bound before it believes a word.
 */
import { assert } from "../base/assert.ts";
import { hash32, hash32OfString } from "../base/hash.ts";
import type { Key } from "./key.ts";
import { checkNodeId, type NodeId } from "./node-id.ts";
import { checkPartitionCount, Partitioner } from "./slot.ts";

export interface LayoutNode {
  readonly id: NodeId;
  /** Where it was when the layout was made; empty when only the node itself can tell. */
  readonly address: string;
  /** Capacity relative to the other nodes: twice the weight, twice the partitions. */
  readonly weight: number;
  /** What fails together, for example a rack. Nodes that name no zone share the zone "". */
  readonly zone: string;
}

/**
 * What a layout is made of, without its owners. `nodes` ascend by id: equal layouts, equal bytes.
 */
export interface LayoutHead {
  readonly epoch: number;
  readonly clusterId: string;
  /** Name of the placement strategy that chose the owners. */
  readonly strategy: string;
  /** The number of owners each partition should have; fewer while there are fewer nodes. */
  readonly replicas: number;
  readonly partitionCount: number;
  readonly nodes: readonly LayoutNode[];
}

/** All there is to a layout. `Layout` adds the look-ups. */
export interface LayoutData extends LayoutHead {
  /** One row for each partition: indexes into `nodes`, home first, min(replicas, nodes) of them. */
  readonly ownerIndexes: Uint16Array;
}

export interface NodeLoad {
  /** Partitions this node owns, and those of them it is the home of. */
  readonly partitions: number;
  readonly home: number;
  /** What it owns over what its weight entitles it to: 1 is exactly fair. */
  readonly share: number;
  readonly homeShare: number;
}

export interface Balance {
  readonly perNode: ReadonlyMap<NodeId, NodeLoad>;
  /** The largest share: max/mean of the weighted load. */
  readonly maxOverMean: number;
  readonly homeMaxOverMean: number;
}

export const LAYOUT_NODES_MAX = 1024;
export const REPLICAS_MAX = 16;
export const WEIGHT_MAX = 1_000_000;

export class Layout implements LayoutData {
  readonly epoch: number;
  readonly clusterId: string;
  readonly strategy: string;
  readonly replicas: number;
  readonly partitionCount: number;
  readonly nodes: readonly LayoutNode[];
  readonly ownerIndexes: Uint16Array;
  /** Owners each partition really has, and so the length of a row of `ownerIndexes`. */
  readonly ownersEach: number;
  readonly partitioner: Partitioner;
  readonly #owners: readonly (readonly NodeId[])[];
  readonly #nodeById: ReadonlyMap<NodeId, LayoutNode>;
  #fingerprint: string | undefined = undefined;

  /** From data of our own making: a wrong layout here is a bug. */
  constructor(data: LayoutData) {
    const problem = checkLayout(data);
    assert(problem === undefined, problem ?? "");
    this.epoch = data.epoch;
    this.clusterId = data.clusterId;
    this.strategy = data.strategy;
    this.replicas = data.replicas;
    this.partitionCount = data.partitionCount;
    this.nodes = data.nodes.map(({ id, address, weight, zone }) => ({ id, address, weight, zone }));
    this.ownerIndexes = data.ownerIndexes.slice();
    this.ownersEach = ownersEachOf(data);
    this.partitioner = new Partitioner(data.partitionCount);
    this.#nodeById = new Map(this.nodes.map((node) => [node.id, node]));
    this.#owners = preferenceLists(this);
  }

  /**
   * The preference list of a partition: its home, then the other owners. Shared: not to be changed.
   */
  owners(partition: number): readonly NodeId[] {
    const owners = this.#owners[partition];
    assert(owners !== undefined, "a partition lies within the layout");
    return owners;
  }

  ownersOf(key: Key): readonly NodeId[] {
    return this.owners(this.partitioner.of(key));
  }

  isOwner(node: NodeId, partition: number): boolean {
    return this.owners(partition).includes(node);
  }

  node(id: NodeId): LayoutNode | undefined {
    return this.#nodeById.get(id);
  }

  /** The same, with nodes where they are now; an empty answer leaves a node where it was. */
  placed(addressOf: (node: NodeId) => string): Layout {
    const { epoch, clusterId, strategy, replicas, partitionCount, ownerIndexes } = this;
    const head = { epoch, clusterId, strategy, replicas, partitionCount, ownerIndexes };
    const nodes = this.nodes.map((node) => {
      const address = addressOf(node.id);
      return address === "" ? node : { ...node, address };
    });
    return new Layout({ ...head, nodes });
  }

  /**
   * 16 hexadecimal digits over all that ownership follows from: everything but addresses, since
   * nodes move and keys do not. It detects difference, it is no proof against forgery.
   */
  fingerprint(): string {
    this.#fingerprint ??= fingerprintOf(this);
    return this.#fingerprint;
  }

  balance(): Balance {
    return balanceOf(this);
  }
}

/** From data of strangers. */
export function layoutFrom(data: LayoutData): Layout | { readonly problem: string } {
  const problem = checkLayout(data);
  return problem === undefined ? new Layout(data) : { problem };
}

/** What is wrong with a layout-to-be, before anybody chooses its owners. */
export function checkLayoutHead(head: LayoutHead): string | undefined {
  if (!isIntegerIn(head.epoch, 1, Number.MAX_SAFE_INTEGER)) {
    return `the epoch is an integer from 1, got ${head.epoch}`;
  }
  if (!NAME.test(head.clusterId)) return `bad cluster id ${quote(head.clusterId)}`;
  if (!NAME.test(head.strategy)) return `bad strategy name ${quote(head.strategy)}`;
  if (!isIntegerIn(head.replicas, 1, REPLICAS_MAX)) {
    return `the number of replicas is 1 to ${REPLICAS_MAX}, got ${head.replicas}`;
  }
  return checkPartitionCount(head.partitionCount) ?? checkNodes(head.nodes);
}

const NAME = /^[A-Za-z0-9._-]{1,64}$/;
const ZONE = /^[A-Za-z0-9._-]{0,64}$/;
const ADDRESS = /^[\x21-\x7e]{0,255}$/;
const FINGERPRINT_SEED_HIGH = 0x6c61796f;
const FINGERPRINT_SEED_LOW = 0x75742e31;

function ownersEachOf(data: LayoutData): number {
  return Math.min(data.replicas, data.nodes.length);
}

function checkLayout(data: LayoutData): string | undefined {
  return checkLayoutHead(data) ?? checkOwners(data);
}

function checkNodes(nodes: readonly LayoutNode[]): string | undefined {
  if (nodes.length < 1 || nodes.length > LAYOUT_NODES_MAX) {
    return `a layout has 1 to ${LAYOUT_NODES_MAX} nodes, got ${nodes.length}`;
  }
  let previous = "";
  for (const { id, address, weight, zone } of nodes) {
    const problem = checkNodeId(id);
    if (problem !== undefined) return problem;
    if (id <= previous) return `nodes ascend by id, got ${id} after ${previous}`;
    previous = id;
    if (!ADDRESS.test(address)) return `bad address ${quote(address)} of node ${id}`;
    if (!ZONE.test(zone)) return `bad zone ${quote(zone)} of node ${id}`;
    if (!isIntegerIn(weight, 1, WEIGHT_MAX)) {
      return `a weight is an integer from 1 to ${WEIGHT_MAX}, got ${weight} for node ${id}`;
    }
  }
  return undefined;
}

function checkOwners(data: LayoutData): string | undefined {
  const { partitionCount, nodes, ownerIndexes } = data;
  const width = ownersEachOf(data);
  if (ownerIndexes.length !== partitionCount * width) {
    return `the owner table needs ${partitionCount * width} entries, got ${ownerIndexes.length}`;
  }
  for (let entry = 0; entry < ownerIndexes.length; entry++) {
    const index = ownerIndexes[entry]!;
    if (index >= nodes.length) {
      const partition = Math.floor(entry / width);
      return `an owner index is below ${nodes.length}, got ${index} in partition ${partition}`;
    }
    for (let earlier = entry - (entry % width); earlier < entry; earlier++) {
      if (ownerIndexes[earlier] === index) {
        return `partition ${Math.floor(entry / width)} names node ${nodes[index]!.id} twice`;
      }
    }
  }
  return undefined;
}

function preferenceLists(layout: Layout): readonly (readonly NodeId[])[] {
  const lists: NodeId[][] = [];
  let entry = 0;
  for (let partition = 0; partition < layout.partitionCount; partition++) {
    const owners: NodeId[] = [];
    for (const end = entry + layout.ownersEach; entry < end; entry++) {
      owners.push(layout.nodes[layout.ownerIndexes[entry]!]!.id);
    }
    lists.push(owners);
  }
  return lists;
}

/** No field can contain a line break, so the lines say unambiguously what each field is. */
function fingerprintOf(layout: Layout): string {
  const { epoch, clusterId, strategy, replicas, partitionCount, nodes, ownerIndexes } = layout;
  const lines = [`${epoch}`, clusterId, strategy, `${replicas}`, `${partitionCount}`];
  for (const { id, weight, zone } of nodes) lines.push(id, `${weight}`, zone);
  const text = lines.join("\n");
  const table = new Uint8Array(ownerIndexes.length * 2);
  for (let entry = 0; entry < ownerIndexes.length; entry++) {
    table[entry * 2] = ownerIndexes[entry]! >>> 8;
    table[entry * 2 + 1] = ownerIndexes[entry]!;
  }
  const halves = [FINGERPRINT_SEED_HIGH, FINGERPRINT_SEED_LOW].map((seed) =>
    hash32(table, 0, table.length, hash32OfString(text, seed)),
  );
  return halves.map((half) => half.toString(16).padStart(8, "0")).join("");
}

function balanceOf(layout: Layout): Balance {
  const { nodes, ownerIndexes, ownersEach, partitionCount } = layout;
  const partitions = new Uint32Array(nodes.length);
  const homes = new Uint32Array(nodes.length);
  for (let entry = 0; entry < ownerIndexes.length; entry++) {
    const index = ownerIndexes[entry]!;
    partitions[index]! += 1;
    if (entry % ownersEach === 0) homes[index]! += 1;
  }
  const totalWeight = nodes.reduce((sum, node) => sum + node.weight, 0);
  const perNode = new Map<NodeId, NodeLoad>();
  let maxOverMean = 0;
  let homeMaxOverMean = 0;
  for (const [index, node] of nodes.entries()) {
    const fairHomes = (partitionCount * node.weight) / totalWeight;
    const share = partitions[index]! / (fairHomes * ownersEach);
    const homeShare = homes[index]! / fairHomes;
    perNode.set(node.id, { partitions: partitions[index]!, home: homes[index]!, share, homeShare });
    maxOverMean = Math.max(maxOverMean, share);
    homeMaxOverMean = Math.max(homeMaxOverMean, homeShare);
  }
  return { perNode, maxOverMean, homeMaxOverMean };
}

function isIntegerIn(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max;
}

/** Cut short: a stranger's text must not fill our logs. */
function quote(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}
