/**
 * What a remote client may spend and how long it waits: default and unit. The bounds are checked
 * where the public API takes them from a user.
 */
export interface RemoteOptions {
  /** Empty for whatever cluster the seeds are of. */
  readonly clusterId: string;
  /** For the seeds to tell the layout, and for a node to tell its status. */
  readonly connectTimeoutMs: number;
  /** From a dial to the greeting that answers it. */
  readonly greetingTimeoutMs: number;
  /** For a request that does not say. */
  readonly requestTimeoutMs: number;
  /** Requests that may be open at a time, and the bytes of their keys, values and contexts. */
  readonly inFlightMax: number;
  readonly inFlightBytesMax: number;
  readonly valueBytesMax: number;
  /** The longest answer: all siblings of a value travel in one. */
  readonly frameBytesMax: number;
  /** Between two dials of one address: the shortest and the longest wait. */
  readonly redialMsMin: number;
  readonly redialMsMax: number;
  /** How long `close` waits for the requests that are open. */
  readonly drainMs: number;
}

const MIB = 1024 * 1024;

export const DEFAULT_REMOTE_OPTIONS: RemoteOptions = {
  clusterId: "",
  connectTimeoutMs: 5_000,
  greetingTimeoutMs: 5_000,
  requestTimeoutMs: 1_000,
  inFlightMax: 65_536,
  inFlightBytesMax: 256 * MIB,
  valueBytesMax: 16 * MIB,
  frameBytesMax: 256 * MIB,
  redialMsMin: 50,
  redialMsMax: 1_000,
  drainMs: 5_000,
};
