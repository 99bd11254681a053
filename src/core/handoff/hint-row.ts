/**
 * A hint: what owners that could not be reached must still be told of one key, as a row of the node
 * that keeps it for them.
 *
 *     02 │ 02 6e 31 │ 02 6e 33 │ record …
 *     two targets: n1, n3        one joined record
 *
 * There is one for each key, whatever was written and for however many targets: all of them own the
 * key, so each may have the join of what any of them missed. Order does not matter then, nor how
 * often it is delivered, and a million writes to one key take no more room than one.
 */
import { ByteReader, ByteWriter } from "../base/bytes.ts";
import { REPLICAS_MAX } from "../ring/layout.ts";
import { type NodeId, checkNodeId } from "../ring/node-id.ts";

export interface HintRow {
  readonly targets: readonly NodeId[];
  /** Encoded. */
  readonly record: Uint8Array;
}

/** Owners of several layouts may be waiting for one key. */
export const TARGETS_MAX: number = 4 * REPLICAS_MAX;

export function encodeHintRow({ targets, record }: HintRow): Uint8Array {
  let size = 1 + record.length;
  for (const target of targets) size += 1 + target.length;
  const writer = new ByteWriter(new Uint8Array(size));
  writer.u8(targets.length);
  for (const target of targets) writer.binary(target);
  writer.raw(record);
  return writer.filled();
}

/** Undefined when it is none. The record is a view. */
export function decodeHintRow(bytes: Uint8Array): HintRow | undefined {
  const reader = new ByteReader(bytes);
  const count = reader.u8();
  if (count === 0 || count > TARGETS_MAX) return undefined;
  const targets: NodeId[] = [];
  for (let i = 0; i < count && !reader.failed; i++) {
    const target = reader.binary();
    if (checkNodeId(target) !== undefined) return undefined;
    targets.push(target as NodeId);
  }
  if (reader.failed) return undefined;
  return { targets, record: bytes.subarray(reader.offset) };
}
