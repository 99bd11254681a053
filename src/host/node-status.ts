/**
 * How a node is, for people and scripts: what `status-ask` is answered with. A JSON document that
 * gains fields with releases and loses none.
 */
import type { PeerState } from "./peer.ts";

export interface PeerStatus {
  readonly id: string;
  readonly address: string;
  readonly state: PeerState;
  /** Messages that found no connection or no room, since the start. */
  readonly droppedCount: number;
  /** Bytes that wait for it now. */
  readonly outboundBytes: number;
}

export interface NodeStatus {
  readonly id: string;
  readonly address: string;
  readonly clusterId: string;
  readonly version: string;
  readonly pid: number;
  readonly state: "running" | "stopping" | "stopped";
  readonly generation: number;
  readonly layoutEpoch: number;
  readonly peers: readonly PeerStatus[];
  readonly keys: number;
  /** Of keys and rows together, without the engine's own structures. */
  readonly bytes: number;
  readonly openRequests: number;
  readonly uptimeMs: number;
}
