/**
 * A layout as the body of a `layout-told`.
 *
 *     │ epoch │ clusterId │ strategy │ replicas │ partitionCount │ count │ nodes │ owners … │
 *       varint  name        name       u8         u16              u16             u16 each
 *
 *     node      id name · address text · weight varint · zone (a name, or length 0)
 *
 * The owner table has no length: it is min(replicas, nodes) indexes for each partition, home first,
 * and whatever else is left in the frame is malformed. So the table is made only when its bytes are
 * there. What the fields may say is the business of `layoutFrom`, which believes nothing.
 */
import type { ByteReader, ByteWriter } from "../base/bytes.ts";
import type { Layout, LayoutNode } from "../ring/layout.ts";
import { LAYOUT_NODES_MAX, layoutFrom } from "../ring/layout.ts";
import type { NodeId } from "../ring/node-id.ts";
import { readName, readNameOrNone, readText, writeText } from "./field-codec.ts";

export const ADDRESS_BYTES_MAX = 255;

const INDEX_BYTES = 2;

export function writeLayout(writer: ByteWriter, layout: Layout): void {
  const { nodes, ownerIndexes } = layout;
  writer.varint(layout.epoch);
  writer.binary(layout.clusterId);
  writer.binary(layout.strategy);
  writer.u8(layout.replicas);
  writer.u16(layout.partitionCount);
  writer.u16(nodes.length);
  for (const node of nodes) {
    writer.binary(node.id);
    writeText(writer, node.address, ADDRESS_BYTES_MAX);
    writer.varint(node.weight);
    writer.binary(node.zone);
  }
  for (const index of ownerIndexes) writer.u16(index);
}

/** Takes the reader to its end. Nothing for malformed bytes. */
export function readLayout(reader: ByteReader): Layout | undefined {
  const epoch = reader.varint();
  const clusterId = readName(reader);
  const strategy = readName(reader);
  const replicas = reader.u8();
  const partitionCount = reader.u16();
  const nodes = readNodes(reader);
  if (nodes === undefined) return undefined;
  const entries = partitionCount * Math.min(replicas, nodes.length);
  if (reader.failed || reader.remaining !== entries * INDEX_BYTES) return undefined;
  const ownerIndexes = new Uint16Array(entries);
  for (let entry = 0; entry < entries; entry++) ownerIndexes[entry] = reader.u16();
  const layout = layoutFrom({
    epoch,
    clusterId,
    strategy,
    replicas,
    partitionCount,
    nodes,
    ownerIndexes,
  });
  return "problem" in layout ? undefined : layout;
}

function readNodes(reader: ByteReader): readonly LayoutNode[] | undefined {
  const count = reader.u16();
  if (count > LAYOUT_NODES_MAX) return undefined;
  const nodes: LayoutNode[] = [];
  for (let i = 0; i < count; i++) {
    const id = readName(reader) as NodeId;
    const address = readText(reader, ADDRESS_BYTES_MAX);
    const weight = reader.varint();
    const zone = readNameOrNone(reader);
    if (reader.failed) return undefined;
    nodes.push({ id, address, weight, zone });
  }
  return nodes;
}
