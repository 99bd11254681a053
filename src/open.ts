/**
 * The four ways to a store. What comes back is the same for all of them.
 *
 *     open({ memory: true })                  one node, in this process: no sockets, no files
 *     open({ dir: "data" })                   the same, and what it stores stays in that directory
 *     open({ node: { id: "n1", … } })         a member of a cluster, in this process
 *     open({ cluster: ["db1:7411", …] })      a cluster elsewhere
 */
import { connect } from "./client/connect.ts";
import { GrammeError } from "./client/gramme-error.ts";
import type { RemoteOptions } from "./client/remote-options.ts";
import { Store } from "./client/store.ts";
import type { NodeConfig } from "./core/config.ts";
import type { NodeSettings } from "./host/cluster-settings.ts";
import { DirectoryError } from "./disk/directory-error.ts";
import { LibraryMissing } from "./disk/library-engine-missing.ts";
import { StoppedWaiting } from "./host/settle-rows.ts";
import { SettingsError } from "./host/settings-error.ts";
import type { GivenStorage } from "./host/storage-settings.ts";
import type { HostFact } from "./host/host-fact.ts";
import type { RunningNode, StartOptions } from "./host/start-node.ts";
import { startNode } from "./host/start-node.ts";
import { soloNode } from "./solo-node.ts";

export interface MemoryOptions {
  readonly memory: true;
  /** Limits and times of the node. */
  readonly config?: Partial<NodeConfig>;
  /**
   * Hears what the node observes, from the first fact on. It looks and records, and calls nothing
   * of the store.
   */
  readonly onFact?: (fact: HostFact) => void;
}

/** One durable node in this process, without a server. */
export interface DirOptions extends GivenStorage {
  readonly config?: Partial<NodeConfig>;
  readonly onFact?: (fact: HostFact) => void;
}

export interface NodeOptions {
  readonly node: NodeSettings;
  /**
   * How long to wait for connections to the other members; 0 for not at all. Members that are down
   * then are no error: the node goes on without them, as it would later.
   */
  readonly linkTimeoutMs?: number;
  readonly onFact?: (fact: HostFact) => void;
  /** Ends an `open` that waits for other members to say whether rows that were put back count. */
  readonly signal?: AbortSignal;
}

export interface ClusterOptions extends Partial<RemoteOptions> {
  /** The addresses of some members, host:port; one that answers is enough. */
  readonly cluster: readonly string[];
}

export type OpenOptions =
  | (MemoryOptions & { readonly dir?: never; readonly node?: never; readonly cluster?: never })
  | (DirOptions & { readonly memory?: never; readonly node?: never; readonly cluster?: never })
  | (NodeOptions & { readonly memory?: never; readonly dir?: never; readonly cluster?: never })
  | (ClusterOptions & { readonly memory?: never; readonly dir?: never; readonly node?: never });

const LINK_TIMEOUT_MS_DEFAULT = 1_000;
const LINK_TIMEOUT_MS_MAX = 600_000;
const MEMORY: ReadonlySet<string> = new Set<keyof MemoryOptions>(["memory", "config", "onFact"]);
const NODE: ReadonlySet<string> = new Set<keyof NodeOptions>([
  "node",
  "linkTimeoutMs",
  "onFact",
  "signal",
]);

/**
 * Rejects with INVALID_ARGUMENT for a setting that cannot be, with OPEN_FAILED when it cannot
 * listen or connect.
 */
export async function open(options: OpenOptions): Promise<Store> {
  const ways = [options.memory, options.dir, options.node, options.cluster];
  if (ways.filter((way) => way !== undefined).length !== 1) {
    const hint = "Pass { memory: true }, { dir: … }, { node: { … } } or { cluster: [ … ] }";
    throw new GrammeError("INVALID_ARGUMENT", "open takes one of four ways", { hint });
  }
  if (options.cluster !== undefined) {
    const { cluster, ...remote } = options;
    return connect(cluster, remote);
  }
  if (options.node !== undefined) return openNode(options);
  return options.dir === undefined ? openMemory(options) : openDir(options);
}

async function openDir({ config = {}, onFact, ...storage }: DirOptions): Promise<Store> {
  try {
    const node = await soloNode({ config, storage, onFact });
    return new Store({ door: node.host, status: async () => [node.status()] });
  } catch (error) {
    throw openFailure(error);
  }
}

async function openMemory(options: MemoryOptions): Promise<Store> {
  refuseUnknown(options, MEMORY);
  if (options.memory !== true) {
    const hint = "Pass { memory: true }";
    throw new GrammeError("INVALID_ARGUMENT", "memory must be true", { hint });
  }
  try {
    const { config = {}, onFact } = options;
    const node = await soloNode({ config, storage: undefined, onFact });
    return new Store({ door: node.host, status: async () => [node.status()] });
  } catch (error) {
    throw openFailure(error);
  }
}

async function openNode(options: NodeOptions): Promise<Store> {
  refuseUnknown(options, NODE);
  const { node, linkTimeoutMs = LINK_TIMEOUT_MS_DEFAULT, onFact, signal } = options;
  if (!(linkTimeoutMs >= 0 && linkTimeoutMs <= LINK_TIMEOUT_MS_MAX)) {
    const problem = `linkTimeoutMs must be from 0 to ${LINK_TIMEOUT_MS_MAX}, got ${linkTimeoutMs}`;
    throw new GrammeError("INVALID_ARGUMENT", problem);
  }
  const running = await started(node, { ...(onFact && { onFact }), ...(signal && { signal }) });
  if (linkTimeoutMs > 0) await running.linked(linkTimeoutMs);
  return new Store({ door: running.host, status: async () => [running.status()] });
}

async function started(settings: NodeSettings, options: StartOptions): Promise<RunningNode> {
  try {
    return await startNode(settings, options);
  } catch (error) {
    throw openFailure(error);
  }
}

function openFailure(error: unknown): unknown {
  if (error instanceof SettingsError) {
    const { message, hint, cause = error } = error;
    return new GrammeError("INVALID_ARGUMENT", message, { hint: sentence(hint), cause });
  }
  if (error instanceof DirectoryError) {
    const { message, hint } = error;
    return new GrammeError("OPEN_FAILED", message, { hint: sentence(hint), cause: error });
  }
  if (error instanceof StoppedWaiting) {
    const hint = "Its rows were put back: see docs/durability.md, A disk that is put back";
    return new GrammeError("OPEN_FAILED", error.message, { hint, cause: error });
  }
  if (error instanceof LibraryMissing) {
    const hint = "Install it, or choose another engine";
    return new GrammeError("OPEN_FAILED", error.message, { hint, cause: error });
  }
  if (error instanceof Error && "syscall" in error) {
    const hint = "Choose another address or port for listen";
    const problem = `the node cannot listen: ${error.message}`;
    return new GrammeError("OPEN_FAILED", problem, { hint, cause: error });
  }
  return error;
}

function refuseUnknown(options: object, known: ReadonlySet<string>): void {
  for (const name of Object.keys(options)) {
    if (known.has(name)) continue;
    const hint = `Known are ${[...known].join(", ")}`;
    throw new GrammeError("INVALID_ARGUMENT", `there is no option ${name} for open`, { hint });
  }
}

function sentence(hint: string): string {
  return hint.slice(0, 1).toUpperCase() + hint.slice(1);
}
