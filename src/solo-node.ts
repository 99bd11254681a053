/**
 * A cluster of one node in this process: nothing listens. Its rows are in memory, for tests, caches
 * and to begin with, or in a data directory.
 *
 * It is the same node and the same host as in a cluster, without a transport. In memory it ends
 * with the process or the store, whichever is first, and its cluster id, which is all that its
 * contexts are sealed with, is drawn anew each time: those of an earlier life are refused. With a
 * directory the id is kept there.
 */
import { randomUUID } from "node:crypto";
import type { NodeConfig } from "./core/config.ts";
import { NodeStorage } from "./disk/node-storage.ts";
import { checkSettings } from "./host/cluster-settings.ts";
import type { HostFact } from "./host/host-fact.ts";
import type { Host } from "./host/host.ts";
import type { NodeStatus } from "./host/node-status.ts";
import { layoutLine, makeHost, noteBoot } from "./host/made-node.ts";
import { statusDocument } from "./host/status-document.ts";
import type { GivenStorage } from "./host/storage-settings.ts";
import { Turn } from "./socket/turn.ts";

export interface SoloNode {
  readonly host: Host;
  status(): NodeStatus;
}

export interface SoloSettings {
  readonly config: Partial<NodeConfig>;
  readonly storage: GivenStorage | undefined;
  readonly onFact: ((fact: HostFact) => void) | undefined;
}

/** In the layout every node has an address; this one says that nobody can dial it. */
const ADDRESS = "127.0.0.1:0";
const ID = "solo";

export async function soloNode({ config, storage, onFact }: SoloSettings): Promise<SoloNode> {
  const given = { id: ID, listen: ADDRESS, config, ...(storage === undefined ? {} : { storage }) };
  const checked = checkSettings({ ...given, clusterId: `solo-${randomUUID()}` });
  const owner = { clusterId: undefined, nodeId: ID, layout: layoutLine(checked) };
  const opened =
    checked.storage === undefined ? undefined : await NodeStorage.open(checked.storage, owner);
  const clusterId = opened?.identity.clusterId ?? checked.clusterId;
  const { host } = makeHost({ ...checked, clusterId }, new Turn(), 0, opened);
  // There is nobody who could have forgotten anything.
  if (opened?.isSettled === false) await opened.settle();
  host.start();
  if (onFact !== undefined) host.onFact(onFact);
  if (opened !== undefined) noteBoot(host, opened);
  return { host, status: () => statusDocument(host, ADDRESS, [], opened) };
}
