/**
 * A cluster of one node that keeps everything in this process's memory: for tests, for caches, and
 * to begin with.
 *
 * It is the same node and the same host as in a cluster, without a transport: nothing listens and
 * nothing is written. It ends with the process or the store, whichever is first. Its cluster id is
 * drawn anew each time and is all that its contexts are sealed with, so those of an earlier life
 * are refused.
 */
import { randomUUID } from "node:crypto";
import type { NodeConfig } from "./core/config.ts";
import { checkSettings } from "./host/cluster-settings.ts";
import type { HostFact } from "./host/host-fact.ts";
import type { Host } from "./host/host.ts";
import type { NodeStatus } from "./host/node-status.ts";
import { makeHost, nodeStatus } from "./host/start-node.ts";
import { Turn } from "./socket/turn.ts";

export interface MemoryNode {
  readonly host: Host;
  status(): NodeStatus;
}

/** In the layout every node has an address; this one says that nobody can dial it. */
const ADDRESS = "127.0.0.1:0";

export function memoryNode(
  config: Partial<NodeConfig>,
  onFact: ((fact: HostFact) => void) | undefined,
): MemoryNode {
  const settings = checkSettings({
    id: "memory",
    listen: ADDRESS,
    clusterId: `memory-${randomUUID()}`,
    config,
  });
  const { host } = makeHost(settings, new Turn(), 0);
  if (onFact !== undefined) host.onFact(onFact);
  return { host, status: () => nodeStatus(host, ADDRESS, []) };
}
