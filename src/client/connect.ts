/**
 * A store over sockets: `gramme/client` in one function, without any server code behind it.
 */
import type { DoorFailed } from "../core/caller/door-outcome.ts";
import type { NodeStatus } from "../host/node-status.ts";
import { ConnectError } from "./connect-error.ts";
import { GrammeError } from "./gramme-error.ts";
import { checkRemoteOptions } from "./remote-bounds.ts";
import { RemoteClient } from "./remote-client.ts";
import type { RemoteOptions } from "./remote-options.ts";
import { Store } from "./store.ts";

/**
 * Resolves when one of the addresses, "host:port", has told who the members are; the others are
 * found through it. Rejects with OPEN_FAILED when none does.
 */
export async function connect(
  cluster: readonly string[],
  options: Partial<RemoteOptions> = {},
): Promise<Store> {
  if (!Array.isArray(cluster) || cluster.length === 0) {
    const hint = 'Name one node or more, like ["127.0.0.1:7411"]';
    throw new GrammeError("INVALID_ARGUMENT", "no address of the cluster is given", { hint });
  }
  checkRemoteOptions(options);
  const client = await remoteClient(cluster, options);
  return new Store({ door: client, status: () => statuses(client) });
}

async function remoteClient(
  cluster: readonly string[],
  options: Partial<RemoteOptions>,
): Promise<RemoteClient> {
  try {
    return await RemoteClient.connect(cluster, options);
  } catch (cause) {
    if (!(cause instanceof ConnectError)) throw cause;
    throw connectFailure(cause);
  }
}

function connectFailure(cause: ConnectError): GrammeError {
  const { code, message } = cause;
  if (code === "INVALID_ADDRESS") {
    const hint = "Write an address like 127.0.0.1:7411 or [::1]:7411";
    return new GrammeError("INVALID_ARGUMENT", message, { hint, cause });
  }
  const retryable = code === "UNAVAILABLE";
  const hint = retryable
    ? "Check the addresses and that the nodes run, and try again"
    : "Check that the addresses belong to this cluster and speak this version";
  return new GrammeError("OPEN_FAILED", message, { hint, retryable, cause });
}

/**
 * Of all members that answer. A member that does not is left out: its peers say how they see it.
 */
async function statuses(client: RemoteClient): Promise<readonly NodeStatus[]> {
  const asked = client.layout().nodes.map(({ id }) => client.status(id));
  const answers = await Promise.all(asked);
  const known = answers.filter((answer): answer is NodeStatus => !isFailed(answer));
  if (known.length > 0) return known;
  const failure = answers.find(isFailed);
  throw new GrammeError("UNAVAILABLE", failure?.detail ?? "no node answered", { retryable: true });
}

function isFailed(answer: NodeStatus | DoorFailed): answer is DoorFailed {
  return "kind" in answer;
}
