/**
 * What a host grants the machines around it: default, unit, bound (law 7). What the node itself may
 * spend is in `core/config.ts`. Impossible values are refused with the field's name.
 */
export interface HostLimits {
  /**
   * Bytes waiting for one peer. From a quarter of it on anti-entropy is dropped, from three eighths
   * on hints, from half of it on repairs, from all of it on what clients wait for; from an eighth
   * more on everything. See `outbound-lanes.ts`.
   */
  readonly outboundBytesMax: number;
  /** The longest frame between nodes: it must hold a record with all its siblings. */
  readonly frameBytesMax: number;
  /** Connections of native clients; one more is refused by name. */
  readonly clientConnectionsMax: number;
  /** Open requests of one client connection; with more the host stops reading from it. */
  readonly clientInFlightMax: number;
  /**
   * Bytes of answers that one client has not taken: with more the host stops reading from it, and
   * what it still has to answer with a value it answers with OVERLOADED.
   */
  readonly clientOutboundBytesMax: number;
  /** A client that says nothing for so long is disconnected; 0 for never. */
  readonly clientIdleMs: number;
  /**
   * From the first packet of a connection to its greeting, and from a dial to the greeting that
   * answers it.
   */
  readonly greetingTimeoutMs: number;
  /**
   * A peer that owes an answer and says nothing for so long is asked, and after as long again given
   * up.
   */
  readonly peerSilenceMs: number;
  /** Between two dials of a peer that cannot be reached: the shortest and the longest wait. */
  readonly redialMsMin: number;
  readonly redialMsMax: number;
  /** How long a stopping host waits for the requests that are open. */
  readonly drainMs: number;
}

const MIB = 1024 * 1024;

export const DEFAULT_LIMITS: HostLimits = {
  outboundBytesMax: 64 * MIB,
  frameBytesMax: 256 * MIB,
  clientConnectionsMax: 1_024,
  clientInFlightMax: 1_024,
  clientOutboundBytesMax: 64 * MIB,
  clientIdleMs: 600_000,
  greetingTimeoutMs: 5_000,
  peerSilenceMs: 3_000,
  redialMsMin: 50,
  redialMsMax: 1_000,
  drainMs: 5_000,
};

interface Bound {
  readonly min: number;
  readonly max: number;
}

const BOUNDS: { readonly [Field in keyof HostLimits]: Bound } = {
  outboundBytesMax: { min: 64 * 1024, max: 1024 * MIB },
  frameBytesMax: { min: 128 * 1024, max: 1024 * MIB },
  clientConnectionsMax: { min: 1, max: 100_000 },
  clientInFlightMax: { min: 1, max: 100_000 },
  clientOutboundBytesMax: { min: 64 * 1024, max: 1024 * MIB },
  clientIdleMs: { min: 0, max: 2 ** 31 - 1 },
  greetingTimeoutMs: { min: 10, max: 60_000 },
  peerSilenceMs: { min: 100, max: 600_000 },
  redialMsMin: { min: 1, max: 60_000 },
  redialMsMax: { min: 1, max: 600_000 },
  drainMs: { min: 0, max: 600_000 },
};

export interface LimitProblem {
  readonly field: string;
  readonly value: unknown;
  readonly problem: string;
}

/** The defaults with the given fields over them, or which of them cannot be and why. */
export function hostLimits(given: Partial<HostLimits>): HostLimits | LimitProblem {
  for (const [field, value] of Object.entries(given)) {
    if (!Object.hasOwn(BOUNDS, field)) {
      return {
        field,
        value,
        problem: `there is no such limit; known are ${Object.keys(BOUNDS).join(", ")}`,
      };
    }
  }
  const limits: HostLimits = { ...DEFAULT_LIMITS, ...given };
  for (const field of Object.keys(BOUNDS) as (keyof HostLimits)[]) {
    const { min, max } = BOUNDS[field];
    const value = limits[field];
    if (!Number.isInteger(value) || value < min || value > max) {
      return { field, value, problem: `must be an integer from ${min} to ${max}` };
    }
  }
  if (limits.redialMsMin > limits.redialMsMax) {
    const problem = `must not be above redialMsMax ${limits.redialMsMax}`;
    return { field: "redialMsMin", value: limits.redialMsMin, problem };
  }
  return limits;
}
