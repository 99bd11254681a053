/**
 * The paces and bounds of anti-entropy.
 */
export interface RepairConfig {
  /**
   * Between the two comparisons: twice the time that a write may take, so that whatever was on its
   * way at the first has arrived at the second or never will.
   */
  readonly settleMs: number;
  /** A key written so recently is not looked at. */
  readonly recentMs: number;
  /** A question without an answer is asked again after so long. */
  readonly repeatMs: number;
  /** A peer that says nothing for so long ends the exchange. */
  readonly silenceMs: number;
  /** No exchange lasts longer. */
  readonly exchangeMs: number;
  /** Every pair of a partition and a peer is compared about once in this time … */
  readonly roundMs: number;
  /** … or in so many rounds, when it has been in sync again and again. */
  readonly roundsMax: number;
  /** From one exchange to the next, at least. */
  readonly gapMs: number;
  /** A pair that could not be proven in sync is tried again after so long, or longer. */
  readonly retryMs: number;
  /** Exchanges that other nodes may have open with this one. */
  readonly respondersMax: number;
  readonly keysPerSecond: number;
  /** Keys of one listing. */
  readonly listingKeysMax: number;
  /** About so many bytes of keys or records in one message. A single record may be larger. */
  readonly messageBytesMax: number;
  /** Rows that are scanned at once, and the pause after them. */
  readonly sliceRows: number;
  readonly slicePauseMs: number;
  /** How long to wait while the node is busy. */
  readonly busyPauseMs: number;
  readonly rebuildMs: number;
  readonly doubtMs: number;
  /** Keys that the building of a tree remembers. */
  readonly seenMax: number;
}

const DAY_MS = 86_400_000;

export const DEFAULT_REPAIR_CONFIG: RepairConfig = {
  settleMs: 2_000,
  recentMs: 2_000,
  repeatMs: 1_000,
  silenceMs: 10_000,
  exchangeMs: 600_000,
  roundMs: 600_000,
  roundsMax: 8,
  gapMs: 20,
  retryMs: 5_000,
  respondersMax: 2,
  keysPerSecond: 2_000,
  listingKeysMax: 16_384,
  messageBytesMax: 256 * 1024,
  sliceRows: 256,
  slicePauseMs: 5,
  busyPauseMs: 100,
  rebuildMs: 7 * DAY_MS,
  doubtMs: 60_000,
  seenMax: 131_072,
};
