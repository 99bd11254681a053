/**
 * The last rows as the process of a client has copied them from all nodes, and whether the owners
 * of a key hold the same.
 */
import { createHash } from "node:crypto";
import { ByteReader } from "#src/core/base/bytes.ts";
import { type SipKey, sipKeyOf } from "#src/core/base/siphash.ts";
import type { Key } from "#src/core/ring/key.ts";
import type { Layout } from "#src/core/ring/layout.ts";
import type { NodeId } from "#src/core/ring/node-id.ts";
import { readLayout } from "#src/core/wire/layout-codec.ts";
import { bytesOf } from "./history-line.ts";
import type { Told } from "./load-main.ts";

/** Of each node and key the encoded record; null for one that the node cannot read. */
export function rowsIn({ rows }: Told): ReadonlyMap<NodeId, ReadonlyMap<Key, Uint8Array | null>> {
  const ofNodes = new Map<NodeId, Map<Key, Uint8Array | null>>();
  for (const { node, rows: copied } of rows!) {
    const records = new Map<Key, Uint8Array | null>();
    for (const { key, record } of copied) {
      records.set(key, record === null ? null : bytesOf(record));
    }
    ofNodes.set(node, records);
  }
  return ofNodes;
}

export function layoutIn({ layout }: Told): Layout {
  return readLayout(new ByteReader(bytesOf(layout!)))!;
}

/** Keys whose owners do not hold the same bytes, or cannot read them. */
export function differingKeys(told: Told, keys: readonly Key[]): readonly Key[] {
  const layout = layoutIn(told);
  const records = new Map<NodeId, ReadonlyMap<Key, string | null>>();
  for (const { node, rows } of told.rows!) {
    records.set(node, new Map(rows.map(({ key, record }) => [key, record])));
  }
  return keys.filter((key) => {
    const copies = layout.ownersOf(key).map((owner) => records.get(owner)?.get(key));
    return copies.some((copy) => copy !== copies[0] || copy === null);
  });
}

/** That seals the contexts of a cluster which was given no secret. */
export function openSecret(): SipKey {
  const digest = createHash("sha256").update("gramme open cluster gramme").digest();
  return sipKeyOf(new Uint8Array(digest.subarray(0, 16)));
}
