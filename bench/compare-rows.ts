/**
 * Whether all owners of every key hold the same bytes, read from the nodes themselves, partition by
 * partition, as a backup reads them.
 */
import type { RemoteClient } from "#src/client/remote-client.ts";
import type { Key } from "#src/core/ring/key.ts";
import type { NodeId } from "#src/core/ring/node-id.ts";
import { partitionRows } from "../test/support/partition-rows.ts";

export interface RowComparison {
  readonly keys: number;
  /** Keys that an owner lacks, cannot read, or holds otherwise than another. */
  readonly differing: number;
}

export async function compareRows(client: RemoteClient): Promise<RowComparison> {
  const layout = client.layout();
  let keys = 0;
  let differing = 0;
  for (let partition = 0; partition < layout.partitionCount; partition++) {
    const owners = layout.nodes.filter(({ id }) => layout.isOwner(id, partition));
    const copies = await Promise.all(owners.map(({ id }) => copyOf(client, id, partition)));
    const all = new Set(copies.flatMap((copy) => [...copy.keys()]));
    keys += all.size;
    for (const key of all) {
      const first = copies[0]!.get(key);
      if (first === undefined || copies.some((copy) => copy.get(key) !== first)) differing++;
    }
  }
  return { keys, differing };
}

/** The records of a node, as text that can be compared; of a row that it cannot read, nothing. */
async function copyOf(
  client: RemoteClient,
  node: NodeId,
  partition: number,
): Promise<ReadonlyMap<Key, string | undefined>> {
  const found = new Map<Key, string | undefined>();
  for await (const { damaged, records } of partitionRows(client, node, partition)) {
    for (const key of damaged) found.set(key, undefined);
    for (const { key, record } of records) found.set(key, Buffer.from(record).toString("latin1"));
  }
  return found;
}
