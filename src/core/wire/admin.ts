/**
 * What operators ask of a node over a client's connection. The core never sees these: the host
 * answers.
 *
 *     status-ask    nothing
 *     status-told   a JSON document up to the end of the frame, at most 1 MiB
 *
 * A status is JSON because people and scripts read it, and it gains fields with every release. It
 * is bounded like everything that travels, and whoever parses it parses what a node of its own
 * cluster said.
 */
import type { ByteWriter } from "../base/bytes.ts";
import { FRAME_KIND } from "./frame-kind.ts";
import { beginFrame, endFrame } from "./frame.ts";

export const STATUS_BYTES_MAX: number = 1024 * 1024;

export function encodeStatusAsk(writer: ByteWriter): void {
  endFrame(writer, beginFrame(writer, FRAME_KIND.statusAsk));
}

/** True when the body of a frame is that of a status-ask. */
export function decodeStatusAsk(start: number, end: number): boolean {
  return start === end;
}

/**
 * False, and nothing written, when the status is longer than may travel: how long it gets is up to
 * the cluster.
 */
export function encodeStatusTold(writer: ByteWriter, json: Uint8Array): boolean {
  if (json.length > STATUS_BYTES_MAX) return false;
  const frame = beginFrame(writer, FRAME_KIND.statusTold);
  writer.raw(json);
  endFrame(writer, frame);
  return true;
}

/** The document, a view; undefined when it is longer than a status may be. */
export function decodeStatusTold(
  bytes: Uint8Array,
  start: number,
  end: number,
): Uint8Array | undefined {
  return end - start > STATUS_BYTES_MAX ? undefined : bytes.subarray(start, end);
}
