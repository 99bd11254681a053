/**
 * Three nodes in this process, for the tests of the API: on ports that were free a moment ago.
 */
import { open } from "gramme";
import type { NodeSettings, Store } from "gramme";
import { freeBasePort } from "../support/ports.ts";

export interface Cluster {
  readonly stores: readonly Store[];
  readonly addresses: readonly string[];
  close(): Promise<void>;
}

export async function startCluster(settings: Partial<NodeSettings> = {}): Promise<Cluster> {
  const port = await freeBasePort(3);
  const peers = ["n1", "n2", "n3"].map((id, index) => ({
    id,
    address: `127.0.0.1:${port + index}`,
  }));
  const stores = await Promise.all(
    peers.map(({ id, address }) =>
      open({ node: { ...settings, id, listen: address, peers }, linkTimeoutMs: 10_000 }),
    ),
  );
  return {
    stores,
    addresses: peers.map(({ address }) => address),
    close: async () => {
      await Promise.all(stores.map((store) => store.close()));
    },
  };
}
