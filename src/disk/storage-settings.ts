/** Where and how a node keeps its rows, with nothing left open. */
export type EngineKind = "log" | "lmdb" | "level";
export type SyncKind = "always" | "interval" | "never";

export const ENGINE_KINDS: readonly EngineKind[] = ["log", "lmdb", "level"];
export const SYNC_KINDS: readonly SyncKind[] = ["always", "interval", "never"];

export interface StorageSettings {
  /** The data directory; made when it is not there. */
  readonly dir: string;
  readonly engine: EngineKind;
  /**
   * When a write is called durable: after its sync; when the system has it, with a sync now and
   * then; or without any sync but that of a clean stop.
   */
  readonly sync: SyncKind;
  /** Between two syncs, with sync `interval`. */
  readonly syncIntervalMs: number;
  /** `log` only: a segment that has reached this length is sealed. */
  readonly segmentBytes: number;
  /** `log` only: room that is kept for deletes and compaction on a full disk. */
  readonly reserveBytes: number;
  /** `log` only: what is kept in memory of the end of the log. */
  readonly recentBytes: number;
  /** The directory comes from a backup: the node goes on under a new identity. */
  readonly restored: boolean;
  /** Rows that were put back count, whatever the other members have forgotten since. */
  readonly keepRows: boolean;
  /** An operator says that rows which were put back and are too old may be moved aside. */
  readonly giveUpRows: boolean;
}

const MIB = 1024 * 1024;

export const STORAGE_DEFAULTS: Omit<StorageSettings, "dir"> = {
  engine: "log",
  sync: "always",
  syncIntervalMs: 1_000,
  segmentBytes: 32 * MIB,
  reserveBytes: 64 * MIB,
  recentBytes: 32 * MIB,
  restored: false,
  keepRows: false,
  giveUpRows: false,
};
