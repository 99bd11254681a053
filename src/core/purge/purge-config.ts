/** How the purging of tombstones paces itself. */
export interface PurgeConfig {
  /** From one round of a leader to its next; a tombstone rests as long before its first. */
  readonly everyMs: number;
  /**
   * An era lasts so long at least. What takes two of them is given up, so it is longer than
   * requests usually take.
   */
  readonly eraMs: number;
  /** A round that takes longer is given up. */
  readonly roundMs: number;
  /** A question is asked again after so long. */
  readonly repeatMs: number;
  /** Tombstones of one round. */
  readonly keysMax: number;
  /** Keys that are remembered as deleted; beyond that their partitions are scanned. */
  readonly rememberedMax: number;
  /** Partitions with values that expire are scanned so often for those that have. */
  readonly expireMs: number;
  /** Rows that are scanned at once, and the pause after them. */
  readonly sliceRows: number;
  readonly slicePauseMs: number;
}

export const DEFAULT_PURGE_CONFIG: PurgeConfig = {
  everyMs: 30_000,
  eraMs: 5_000,
  roundMs: 60_000,
  repeatMs: 1_000,
  keysMax: 4_096,
  rememberedMax: 65_536,
  expireMs: 600_000,
  sliceRows: 256,
  slicePauseMs: 20,
};
