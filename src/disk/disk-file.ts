/**
 * One file of a disk: what is known of it, and what was asked of it and is not answered yet.
 *
 * Operations of a file are carried out one after the other, which gives the order of the answers
 * for nothing. Different files do not wait for each other.
 */
import type { AppendAnswer } from "../core/storage/disk.ts";

/** No descriptor is open. */
export const NONE = -1;

export type Operation =
  | {
      readonly kind: "append";
      readonly pieces: readonly Uint8Array[];
      readonly answer: (answer: AppendAnswer) => void;
    }
  | { readonly kind: "sync"; readonly answer: PlainAnswer }
  | { readonly kind: "remove"; readonly from: number; readonly answer: PlainAnswer };

type PlainAnswer = (answer: Exclude<AppendAnswer, "full">) => void;

export class DiskFile {
  readonly name: string;
  readonly path: string;
  /** False before the first append and after the removal. */
  exists: boolean;
  /** Only what was appended and answered: nobody reads what may still be cut off. */
  bytes: number;
  descriptor: number = NONE;
  /** Every write to this one is durable when it returns. */
  durableDescriptor: number = NONE;
  /** The room that the system gave it: zeros behind its bytes. */
  room: number;
  /** When it was last used, in a count of uses. */
  lastUse = 0;
  /** Something was appended since the last sync, or by a process that may have been killed. */
  isUnsynced: boolean;
  /** The first one is under way. */
  readonly operations: Operation[] = [];

  constructor(name: string, path: string, bytes: number | undefined) {
    this.name = name;
    this.path = path;
    this.exists = bytes !== undefined;
    this.bytes = bytes ?? 0;
    this.room = this.bytes;
    this.isUnsynced = this.exists;
  }

  get isBusy(): boolean {
    return this.operations.length > 0;
  }
}
