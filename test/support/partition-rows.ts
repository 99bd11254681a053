/**
 * What an owner holds of a partition, asked of the node itself, slice by slice, as a backup asks.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { RemoteClient } from "#src/client/remote-client.ts";
import { EMPTY_BYTES } from "#src/core/base/bytes.ts";
import type { NodeId } from "#src/core/ring/node-id.ts";
import type { RowsTold } from "#src/core/wire/copy-codec.ts";

const SLICE_BYTES = 256 * 1024;
const TIMEOUT_MS = 5_000;
/** Of each slice: a node may be busy for a while. */
const TRIES = 40;
const PAUSE_MS = 50;

export async function* partitionRows(
  client: RemoteClient,
  node: NodeId,
  partition: number,
): AsyncGenerator<RowsTold, void> {
  let position = EMPTY_BYTES;
  for (let tries = 0; tries < TRIES; tries++) {
    const { epoch } = client.layout();
    const question = { epoch, partition, bytesMax: SLICE_BYTES, position };
    const told = await client.copy(node, { kind: "rows-ask", ...question }, TIMEOUT_MS);
    if (told.kind !== "rows-told") {
      await sleep(PAUSE_MS);
      continue;
    }
    yield told;
    if (told.next.length === 0) return;
    position = told.next.slice();
    tries = 0;
  }
  throw new Error(`${node} does not give its rows of partition ${partition}`);
}
