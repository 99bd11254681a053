/**
 * What members say to each other about who is alive. A factory per kind: every message of a kind
 * has the same fields in the same order.
 *
 *     prober                   target                  helper
 *       │── probe ───────────────▶│                       │
 *       │◀──────────── probe-ack ─│                       │
 *       │── probe-for (target) ──────────────────────────▶│   silence: three others try
 *       │                         │◀────────────── probe ─│
 *       │◀──────────────────── probe-ack │ probe-nack ────│   "it answers", "it does not"
 *
 *     gossip      rumours, to a few at random        sync     everything I know; send me yours
 *     unwelcome   why you are not listened to: the last word, never answered
 *
 * Every message begins with its speaker, which is the speaker's own claim to be alive: whoever
 * hears it from the node itself needs no rumour. Rumours ride along wherever there is room. All
 * messages are best effort, may come twice and out of order, and are immutable once sent.
 */
import { varintBytes } from "./base/bytes.ts";
import type { NodeId } from "./ring/node-id.ts";

/** Order is the wire's, and the rank of what is said of one incarnation: the later outweighs. */
export const MEMBER_STATES = ["alive", "suspect", "dead", "left"] as const;
export type MemberState = (typeof MEMBER_STATES)[number];

/** Order is the wire's: append only. */
export const UNWELCOMES = ["wrong-cluster", "removed", "old-generation", "clone"] as const;
export type Unwelcome = (typeof UNWELCOMES)[number];

export interface Speaker {
  /** A fingerprint of the cluster's id. */
  readonly cluster: number;
  /** Grows with every boot of that node, from 1. */
  readonly generation: number;
  /** Drawn at every boot: two processes of one id and generation differ in it. */
  readonly boot: number;
  /** Grows within a boot, whenever the node refutes an accusation. */
  readonly incarnation: number;
}

export interface Rumour {
  readonly id: NodeId;
  readonly state: MemberState;
  /** On the wire from 1: nobody tells of a node that nobody has heard of. */
  readonly generation: number;
  readonly boot: number;
  readonly incarnation: number;
  /** Empty where it does not matter, which is everywhere but in `alive` and in a sync. */
  readonly address: string;
  /** Whose probe failed, of a suspect; empty for hearsay. */
  readonly accuser: NodeId | "";
}

export interface Probe {
  readonly kind: "probe";
  readonly speaker: Speaker;
  readonly sequence: number;
  readonly rumours: readonly Rumour[];
}

export interface ProbeAck {
  readonly kind: "probe-ack";
  readonly speaker: Speaker;
  readonly sequence: number;
  readonly rumours: readonly Rumour[];
}

export interface ProbeFor {
  readonly kind: "probe-for";
  readonly speaker: Speaker;
  readonly sequence: number;
  readonly target: NodeId;
  readonly rumours: readonly Rumour[];
}

export interface ProbeNack {
  readonly kind: "probe-nack";
  readonly speaker: Speaker;
  readonly sequence: number;
}

export interface Gossip {
  readonly kind: "gossip";
  readonly speaker: Speaker;
  readonly rumours: readonly Rumour[];
}

/** A part of what the speaker knows: all of its parts together are everything. */
export interface Sync {
  readonly kind: "sync";
  readonly speaker: Speaker;
  readonly wantsAnswer: boolean;
  readonly rumours: readonly Rumour[];
}

export interface UnwelcomeTold {
  readonly kind: "unwelcome";
  readonly speaker: Speaker;
  /** The boot that is refused: a late message of an earlier one must not end a later one. */
  readonly boot: number;
  readonly reason: Unwelcome;
}

export type MembershipMessage =
  | Probe
  | ProbeAck
  | ProbeFor
  | ProbeNack
  | Gossip
  | Sync
  | UnwelcomeTold;

export const NO_RUMOURS: readonly Rumour[] = [];

/** A frame's length and kind, and which of these messages it is. */
const FRAME_BYTES = 6;
const U32_BYTES = 4;
/** What a message may take beside its rumours: the speaker, a sequence, a target, a count. */
export const MESSAGE_HEAD_BYTES_MAX = 120;
/** A sync is cut into messages of about this size. */
export const SYNC_BYTES_MAX: number = 32 * 1024;

export function probe(speaker: Speaker, sequence: number, rumours: readonly Rumour[]): Probe {
  return { kind: "probe", speaker, sequence, rumours };
}

export function probeAck(speaker: Speaker, sequence: number, rumours: readonly Rumour[]): ProbeAck {
  return { kind: "probe-ack", speaker, sequence, rumours };
}

export function probeFor(
  speaker: Speaker,
  sequence: number,
  target: NodeId,
  rumours: readonly Rumour[],
): ProbeFor {
  return { kind: "probe-for", speaker, sequence, target, rumours };
}

export function probeNack(speaker: Speaker, sequence: number): ProbeNack {
  return { kind: "probe-nack", speaker, sequence };
}

export function gossip(speaker: Speaker, rumours: readonly Rumour[]): Gossip {
  return { kind: "gossip", speaker, rumours };
}

export function sync(speaker: Speaker, wantsAnswer: boolean, rumours: readonly Rumour[]): Sync {
  return { kind: "sync", speaker, wantsAnswer, rumours };
}

export function unwelcome(speaker: Speaker, boot: number, reason: Unwelcome): UnwelcomeTold {
  return { kind: "unwelcome", speaker, boot, reason };
}

/** Bytes on the wire. The codec's test holds it to what the codec writes. */
export function rumourBytes(rumour: Rumour): number {
  const { id, generation, incarnation, address, accuser } = rumour;
  const numbers = varintBytes(generation) + U32_BYTES + varintBytes(incarnation);
  return 1 + textBytes(id) + numbers + textBytes(address) + textBytes(accuser);
}

/** Bytes of the whole frame. */
export function membershipMessageBytes(message: MembershipMessage): number {
  const { generation, incarnation } = message.speaker;
  const speaker = 2 * U32_BYTES + varintBytes(generation) + varintBytes(incarnation);
  let bytes = FRAME_BYTES + speaker;
  if ("sequence" in message || message.kind === "unwelcome") bytes += U32_BYTES;
  if (message.kind === "probe-for") bytes += textBytes(message.target);
  if (message.kind === "sync" || message.kind === "unwelcome") bytes++;
  if ("rumours" in message) {
    bytes += varintBytes(message.rumours.length);
    for (const rumour of message.rumours) bytes += rumourBytes(rumour);
  }
  return bytes;
}

/** Ids and addresses are ASCII: a character is a byte. */
function textBytes(text: string): number {
  return varintBytes(text.length) + text.length;
}
