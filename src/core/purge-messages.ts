/**
 * What members say to each other to be able to forget deletions.
 *
 *     leader (home of the keys)              every member
 *        │── purge-watch (tombstones) ──────────▶│  has exactly these, keeps no hint of them?
 *        │── purge-step 2 ──────────────────────▶│  in which era are you?
 *        │── purge-step 3 (era + 1) ────────────▶│  begins that era
 *        │── purge-step 4 (era + 2) ────────────▶│  and that one
 *        │◀────────────── purge-told, each time ─│  which of them are not clear
 *        │── purge-now (tombstones) ────────────▶│  owners alone: removes those it still has
 *        │◀─────────────────────── purge-told 5 ─│
 *        │◀─────────────────────── purge-refused │  no such round
 *        │◀── era-told ─────────────────────────▶│  to whom is behind
 *
 * The leader repeats a question until it is answered. Any of these may be lost, doubled or late:
 * each names its round, `purge-now` names exactly what is to be removed.
 */
import type { Key } from "./ring/key.ts";

export const PURGE_KEYS_MAX = 4_096;

export interface Tombstone {
  readonly key: Key;
  readonly high: number;
  readonly low: number;
}

export interface PurgeWatch {
  readonly kind: "purge-watch";
  readonly id: number;
  readonly epoch: number;
  readonly tombstones: readonly Tombstone[];
}

export type PurgeStepNumber = 2 | 3 | 4;

export interface PurgeStep {
  readonly kind: "purge-step";
  readonly id: number;
  /** Of the member's answer to the watch: from then on it has watched. */
  readonly watch: number;
  readonly step: PurgeStepNumber;
  /** To be reached before it is answered. */
  readonly era: number;
}

export interface PurgeTold {
  readonly kind: "purge-told";
  readonly id: number;
  /** Another one each time that the member begins to watch. */
  readonly watch: number;
  readonly step: 1 | PurgeStepNumber | 5;
  readonly era: number;
  /** Places in the list of tombstones, ascending. */
  readonly unclear: readonly number[];
}

export interface PurgeRefused {
  readonly kind: "purge-refused";
  readonly id: number;
}

export interface PurgeNow {
  readonly kind: "purge-now";
  readonly id: number;
  readonly epoch: number;
  readonly tombstones: readonly Tombstone[];
}

export interface EraTold {
  readonly kind: "era-told";
  readonly era: number;
}

export type PurgeMessage = PurgeWatch | PurgeStep | PurgeTold | PurgeRefused | PurgeNow | EraTold;
