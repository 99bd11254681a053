/**
 * What nodes say to each other. A factory per kind: every message of a kind has the same fields in
 * the same order.
 *
 *     coordinator                      owner
 *        │── write (delta) ──────────────▶│  joins, makes durable
 *        │◀─────────────── written ───────│
 *        │── read (digest) ──────────────▶│  compares
 *        │◀──────── same │ held ──────────│  one byte, or the record
 *        │── repair (record) ────────────▶│  joins; nobody waits
 *        │                              stand-in
 *        │── hint (delta, for an owner) ─▶│  keeps it until that owner is back; answers written
 *        │── hinted-ask (for an owner) ──▶│  answers held, if it keeps something
 *        │◀─────────────── refused ───────│  not an owner, stale epoch, damaged row, no room,
 *                                            too late
 *
 *     non-owner                        owner
 *        │── ask (a client's request) ───▶│  coordinates
 *        │◀─────────────── answer ────────│
 *
 * `hello` and `goodbye` are the first and last words of a connection: the transport speaks the
 * goodbye on behalf of a peer whose connection ended, and `located` for whoever said in a greeting
 * where it can be reached. Messages are best effort: they may be lost,
 * doubled, reordered or very late, so every reply names the request by a number that its node never
 * uses twice, also not after a restart. An `ask` may be lost or late like the others but is never
 * doubled: running a write twice is not harmless, and a connection delivers its bytes once and dies
 * with either end. A message is immutable once sent. Bytes inside are views: whoever keeps them
 * copies them.
 */
import type { MembershipMessage } from "./membership-messages.ts";
import type { PurgeMessage } from "./purge-messages.ts";
import type { ExchangeMessage } from "./repair-messages.ts";
import type { Layout } from "./ring/layout.ts";
import type { Key } from "./ring/key.ts";
import type { NodeId } from "./ring/node-id.ts";
import type { ClientRequest } from "./requests.ts";
import type { Outcome } from "./outcomes.ts";

export interface Hello {
  readonly kind: "hello";
  /** Grows with every boot of that node: an older one is a clone or a restored copy. */
  readonly generation: number;
  readonly layoutEpoch: number;
  readonly era: number;
}

export interface Goodbye {
  readonly kind: "goodbye";
}

export interface Located {
  readonly kind: "located";
  readonly generation: number;
  readonly address: string;
}

export interface Write {
  readonly kind: "write";
  readonly id: number;
  readonly epoch: number;
  /** In which its operation began: see `purge/eras.ts`. */
  readonly era: number;
  readonly remainingMs: number;
  readonly key: Key;
  /** An encoded record: new dots and the context they cover. */
  readonly delta: Uint8Array;
}

export interface Written {
  readonly kind: "written";
  readonly id: number;
}

export interface Read {
  readonly kind: "read";
  readonly id: number;
  readonly epoch: number;
  readonly remainingMs: number;
  readonly key: Key;
  /** The asker's own digest of the record, or zeros for an absent one. */
  readonly digestHigh: number;
  readonly digestLow: number;
}

export interface Same {
  readonly kind: "same";
  readonly id: number;
}

export interface Held {
  readonly kind: "held";
  readonly id: number;
  /** An encoded record; no bytes when the owner holds nothing. */
  readonly record: Uint8Array;
}

/** Order is the wire's: append only. */
export const REFUSALS = [
  "not-owner",
  "stale-epoch",
  "damaged",
  "full",
  "epochs-exhausted",
  "late",
] as const;
export type Refusal = (typeof REFUSALS)[number];

export interface Refused {
  readonly kind: "refused";
  readonly id: number;
  readonly reason: Refusal;
  /** The layout epoch of the refuser. */
  readonly epoch: number;
}

export interface Repair {
  readonly kind: "repair";
  readonly epoch: number;
  readonly era: number;
  readonly key: Key;
  readonly record: Uint8Array;
}

/** A write for an owner that cannot be reached. */
export interface Hint {
  readonly kind: "hint";
  readonly id: number;
  readonly epoch: number;
  readonly era: number;
  readonly remainingMs: number;
  readonly target: NodeId;
  readonly key: Key;
  /** An encoded record. */
  readonly delta: Uint8Array;
}

/** What is kept of this key for an owner that cannot be reached. */
export interface HintedAsk {
  readonly kind: "hinted-ask";
  readonly id: number;
  readonly epoch: number;
  readonly remainingMs: number;
  readonly target: NodeId;
  readonly key: Key;
}

export interface Ask {
  readonly kind: "ask";
  readonly request: ClientRequest;
}

export interface Answer {
  readonly kind: "answer";
  readonly id: number;
  readonly outcome: Outcome;
}

/** Who is alive: what members tell each other. */
export interface MemberTalk {
  readonly kind: "member-talk";
  readonly talk: MembershipMessage;
}

/** What is deleted everywhere: what members tell each other to be able to forget it. */
export interface PurgeTalk {
  readonly kind: "purge-talk";
  readonly talk: PurgeMessage;
}

/** What owners differ in: what they tell each other to find out. */
export interface RepairTalk {
  readonly kind: "repair-talk";
  readonly talk: ExchangeMessage;
}

/** How a node is, as far as others should know. */
export interface Condition {
  readonly kind: "condition";
  /** Until its disk has made a write durable, in whole milliseconds. */
  readonly latencyMs: number;
  /** It coordinates nothing that others can, and stands in for nobody. */
  readonly isDegraded: boolean;
}

export interface LayoutAsk {
  readonly kind: "layout-ask";
}

export interface LayoutTold {
  readonly kind: "layout-told";
  readonly layout: Layout;
}

export type Message =
  | Hello
  | Goodbye
  | Located
  | Write
  | Written
  | Read
  | Same
  | Held
  | Refused
  | Repair
  | Hint
  | HintedAsk
  | Ask
  | Answer
  | MemberTalk
  | RepairTalk
  | PurgeTalk
  | Condition
  | LayoutAsk
  | LayoutTold;

export function hello(generation: number, layoutEpoch: number, era: number): Hello {
  return { kind: "hello", generation, layoutEpoch, era };
}

export const GOODBYE: Goodbye = { kind: "goodbye" };

export function located(generation: number, address: string): Located {
  return { kind: "located", generation, address };
}

export function write(
  id: number,
  epoch: number,
  era: number,
  remainingMs: number,
  key: Key,
  delta: Uint8Array,
): Write {
  return { kind: "write", id, epoch, era, remainingMs, key, delta };
}

export function written(id: number): Written {
  return { kind: "written", id };
}

export function read(
  id: number,
  epoch: number,
  remainingMs: number,
  key: Key,
  digest: { readonly high: number; readonly low: number },
): Read {
  const { high, low } = digest;
  return { kind: "read", id, epoch, remainingMs, key, digestHigh: high, digestLow: low };
}

export function same(id: number): Same {
  return { kind: "same", id };
}

export function held(id: number, record: Uint8Array): Held {
  return { kind: "held", id, record };
}

export function refused(id: number, reason: Refusal, epoch: number): Refused {
  return { kind: "refused", id, reason, epoch };
}

export function repair(epoch: number, era: number, key: Key, record: Uint8Array): Repair {
  return { kind: "repair", epoch, era, key, record };
}

export function hint(
  id: number,
  epoch: number,
  era: number,
  remainingMs: number,
  target: NodeId,
  key: Key,
  delta: Uint8Array,
): Hint {
  return { kind: "hint", id, epoch, era, remainingMs, target, key, delta };
}

export function hintedAsk(
  id: number,
  epoch: number,
  remainingMs: number,
  target: NodeId,
  key: Key,
): HintedAsk {
  return { kind: "hinted-ask", id, epoch, remainingMs, target, key };
}

export function ask(request: ClientRequest): Ask {
  return { kind: "ask", request };
}

export function answer(id: number, outcome: Outcome): Answer {
  return { kind: "answer", id, outcome };
}

export function memberTalk(talk: MembershipMessage): MemberTalk {
  return { kind: "member-talk", talk };
}

export function repairTalk(talk: ExchangeMessage): RepairTalk {
  return { kind: "repair-talk", talk };
}

export function purgeTalk(talk: PurgeMessage): PurgeTalk {
  return { kind: "purge-talk", talk };
}

export function condition(latencyMs: number, isDegraded: boolean): Condition {
  return { kind: "condition", latencyMs, isDegraded };
}

export const LAYOUT_ASK: LayoutAsk = { kind: "layout-ask" };

export function layoutTold(layout: Layout): LayoutTold {
  return { kind: "layout-told", layout };
}
