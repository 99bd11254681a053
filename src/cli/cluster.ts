/**
 * The way of the command line into a cluster: a remote client for as long as a verb runs, and one
 * request after the other through it, each tried again once where that means the same.
 */
import { Call, type Done } from "../client/call.ts";
import type { AnyOptions } from "../client/call-options.ts";
import { GrammeError } from "../client/gramme-error.ts";
import { ConnectError } from "../client/connect-error.ts";
import { RemoteClient } from "../client/remote-client.ts";
import { retryBudget } from "../core/caller/retries.ts";
import type { ClientRequest } from "../core/requests.ts";
import { nodesOf, type ClusterFlags } from "./flags.ts";

/** Hands the cluster to `use`, and leaves it afterwards, whatever happened. */
export async function withCluster<T>(
  flags: ClusterFlags,
  use: (client: RemoteClient) => Promise<T>,
): Promise<T> {
  const client = await connect(nodesOf(flags), flags.timeout);
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

export async function connect(
  addresses: readonly string[],
  timeoutMs: number | undefined,
): Promise<RemoteClient> {
  try {
    const options = timeoutMs === undefined ? {} : { connectTimeoutMs: timeoutMs };
    return await RemoteClient.connect(addresses, options);
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error;
    const hint = "Check that the nodes run (gramme dev), or name others with --node or GRAMME_NODE";
    throw new GrammeError("UNAVAILABLE", error.message, { hint, retryable: true, cause: error });
  }
}

/** One for all that a verb asks. */
const RETRY_BUDGET = retryBudget();

/** Rejects with a GrammeError for every outcome that is a failure. */
export function ask(
  client: RemoteClient,
  request: ClientRequest,
  options: Pick<AnyOptions, "retries"> = {},
): Promise<Done> {
  return new Promise((resolve, reject) => {
    const caller = { read: (done: Done) => done, resolve, reject };
    const line = { door: client, retryBudget: RETRY_BUDGET, isClosed: false };
    new Call(line, request, options, caller).start();
  });
}
