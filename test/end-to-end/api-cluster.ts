/**
 * Three nodes in this process, for the tests of the API: on ports that were free a moment ago.
 */
import { createServer } from "node:net";
import { once } from "node:events";
import { open } from "gramme";
import type { NodeSettings, Store } from "gramme";

const PORT_MIN = 20_000;
const PORT_MAX = 32_000;

export interface Cluster {
  readonly stores: readonly Store[];
  readonly addresses: readonly string[];
  close(): Promise<void>;
}

export async function startCluster(settings: Partial<NodeSettings> = {}): Promise<Cluster> {
  const port = await freePorts(3);
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

/** The first of so many neighbouring ports that nobody listens on. */
export async function freePorts(count: number): Promise<number> {
  for (;;) {
    const first = PORT_MIN + Math.floor(Math.random() * (PORT_MAX - PORT_MIN - count));
    const servers = await Promise.all(
      Array.from({ length: count }, (_, at) => tryPort(first + at)),
    );
    const areFree = servers.every((server) => server !== undefined);
    await Promise.all(servers.map(async (server) => server?.()));
    if (areFree) return first;
  }
}

async function tryPort(port: number): Promise<(() => Promise<void>) | undefined> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  } catch {
    return undefined;
  }
  return async () => {
    server.close();
    await once(server, "close");
  };
}
