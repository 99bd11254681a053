/**
 * The knobs of membership, with the values for a local network.
 *
 * The three intervals set what detection costs and how fast it is; the multipliers set how sure it
 * is. docs/membership.md says what these values measured.
 */
export interface MembershipConfig {
  /** One member is probed in each interval. */
  readonly probeIntervalMs: number;
  /** After so much silence others are asked to try. */
  readonly probeTimeoutMs: number;
  readonly indirectProbes: number;
  readonly gossipIntervalMs: number;
  /** Members that hear of news at every tick. */
  readonly gossipNodes: number;
  /** The dead hear gossip for so long, since some are not. */
  readonly gossipToDeadMs: number;
  /** How often everything is exchanged with one member; seldom in large clusters. */
  readonly pushPullIntervalMs: number;
  /** The shortest suspicion, in probe intervals of a small cluster. */
  readonly suspicionMult: number;
  /** The longest, in shortest ones. */
  readonly suspicionMaxMult: number;
  /** How unwell a node may believe itself to be. */
  readonly awarenessMax: number;
  /** How often a rumour is told, times the digits of the number of members. */
  readonly retransmitMult: number;
  /** How often seeds and dead members of the ring are contacted, for ever. */
  readonly rejoinIntervalMs: number;
  /** The dead that are in no layout are forgotten after so long. */
  readonly forgetAfterMs: number;
  readonly membersMax: number;
  /** A message with rumours in it, as a frame. */
  readonly packetBytesMax: number;
  /** Indirect probes made for others at one time. */
  readonly relaysMax: number;
}

export const LAN_MEMBERSHIP: MembershipConfig = {
  probeIntervalMs: 1_000,
  probeTimeoutMs: 500,
  indirectProbes: 3,
  gossipIntervalMs: 200,
  gossipNodes: 3,
  gossipToDeadMs: 30_000,
  pushPullIntervalMs: 30_000,
  suspicionMult: 4,
  suspicionMaxMult: 6,
  awarenessMax: 7,
  retransmitMult: 4,
  rejoinIntervalMs: 30_000,
  forgetAfterMs: 24 * 3_600_000,
  membersMax: 4_096,
  packetBytesMax: 1_400,
  relaysMax: 1_024,
};

interface Bound {
  readonly min: number;
  readonly max: number;
}

const BOUNDS: { readonly [Field in keyof MembershipConfig]: Bound } = {
  probeIntervalMs: { min: 10, max: 60_000 },
  probeTimeoutMs: { min: 5, max: 30_000 },
  indirectProbes: { min: 0, max: 16 },
  gossipIntervalMs: { min: 5, max: 60_000 },
  gossipNodes: { min: 1, max: 16 },
  gossipToDeadMs: { min: 0, max: 3_600_000 },
  pushPullIntervalMs: { min: 100, max: 3_600_000 },
  suspicionMult: { min: 1, max: 20 },
  suspicionMaxMult: { min: 1, max: 20 },
  awarenessMax: { min: 0, max: 20 },
  retransmitMult: { min: 1, max: 20 },
  rejoinIntervalMs: { min: 100, max: 3_600_000 },
  forgetAfterMs: { min: 1_000, max: 365 * 24 * 3_600_000 },
  membersMax: { min: 1, max: 65_536 },
  packetBytesMax: { min: 1_024, max: 65_536 },
  relaysMax: { min: 0, max: 65_536 },
};

/** The defaults with the given fields over them, or the sentence that says which cannot be. */
export function membershipConfig(
  given: Partial<MembershipConfig>,
): MembershipConfig | { readonly problem: string } {
  for (const field of Object.keys(given)) {
    if (!(field in BOUNDS)) return { problem: `membership.${field} is not a known field` };
  }
  const config: MembershipConfig = { ...LAN_MEMBERSHIP, ...given };
  for (const field of Object.keys(BOUNDS) as (keyof MembershipConfig)[]) {
    const { min, max } = BOUNDS[field];
    const value = config[field];
    if (!Number.isInteger(value) || value < min || value > max) {
      return {
        problem: `membership.${field} must be an integer from ${min} to ${max}, got ${value}`,
      };
    }
  }
  const { probeIntervalMs, probeTimeoutMs } = config;
  if (probeTimeoutMs < probeIntervalMs) return config;
  return {
    problem:
      `membership.probeTimeoutMs ${probeTimeoutMs} must be below ` +
      `probeIntervalMs ${probeIntervalMs}: others need the rest of the interval`,
  };
}
