/** How a log engine uses its disk. */
import type { HashSecret } from "../../base/half-siphash.ts";

/**
 * When a write is called durable: after a sync of its own (`always`), or when the system has it and
 * a sync comes later (`later`). The second survives the end of the process, not that of the
 * machine.
 */
export type SyncPolicy = "always" | "later";

export interface LogOptions extends LogSizes {
  readonly sync: SyncPolicy;
  /** Of the keys in memory: drawn anew at every start. */
  readonly hashSecret: HashSecret;
  /** The name of the store, if this is the first start: eight drawn bytes. */
  readonly newStore: Uint8Array;
}

export interface LogSizes {
  /** A segment that has reached this length is sealed. */
  readonly segmentBytes: number;
  /** Room kept free for a full disk. */
  readonly reserveBytes: number;
  /** What is kept in memory of the end of the log, in chunks. */
  readonly recentBytes: number;
  readonly chunkBytes: number;
}

const MIB: number = 1024 * 1024;

export const USUAL_LOG_SIZES: LogSizes = {
  segmentBytes: 32 * MIB,
  reserveBytes: 64 * MIB,
  recentBytes: 32 * MIB,
  chunkBytes: MIB,
};
