/**
 * Who hands out dots: an actor is an identity of a node's data and an epoch.
 *
 * The identity is 64 random bits, drawn when the data directory is made and drawn again whenever
 * the node cannot prove that it still has everything it stored. It is not the node's name: a node
 * keeps its name and its place in the layout when it loses its disk, but never its dots (law 6).
 * The epoch is per key and taken from a counter that is leased ahead, so that also a single
 * forgotten key cannot make a dot come back (see `replica/replica.ts`).
 *
 * The halves are signed 32-bit integers: V8 keeps those unboxed. The order between actors means
 * nothing but must be total, because the encoding of a record is canonical.
 */
export interface ActorId {
  readonly high: number;
  readonly low: number;
}

export interface Actor extends ActorId {
  readonly epoch: number;
}

/** Epochs fit in 48 bits. */
export const EPOCH_MAX: number = 2 ** 48 - 1;

export function compareActors(left: Actor, right: Actor): number {
  if (left.high !== right.high) return left.high < right.high ? -1 : 1;
  if (left.low !== right.low) return left.low < right.low ? -1 : 1;
  return left.epoch === right.epoch ? 0 : left.epoch < right.epoch ? -1 : 1;
}

export function sameIdentity(left: ActorId, right: ActorId): boolean {
  return left.high === right.high && left.low === right.low;
}

export function describeActor(actor: Actor): string {
  const half = (value: number): string => (value >>> 0).toString(16).padStart(8, "0");
  return `${half(actor.high)}${half(actor.low)}/${actor.epoch}`;
}
