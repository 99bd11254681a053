/**
 * Every knob of the core: default, unit, bound. Impossible values are refused with the field's
 * name.
 *
 * All of these have an effect that a test shows (law 10); what the host, the engine or a client may
 * tune lives with them.
 */
export interface NodeConfig {
  /** Owners that must answer a read, and hold a write, when the request does not say. */
  readonly r: number | "one" | "quorum" | "all";
  readonly w: number | "one" | "quorum" | "all";
  /**
   * Of those, owners proper: others may stand in for the rest while they cannot be reached. With
   * the same level as `r` and `w` nobody stands in.
   */
  readonly pr: number | "one" | "quorum" | "all";
  readonly pw: number | "one" | "quorum" | "all";
  readonly requestTimeoutMs: number;
  readonly requestTimeoutMsMax: number;
  /** How long the asked owners may be silent before a read asks the others too. */
  readonly spareAfterMs: number;
  /**
   * The share of the reads, 0 to 1, that may ask one further owner sooner than that, because the
   * asked ones take longer than they usually do.
   */
  readonly hedgeShare: number;
  /** How long owners may be silent before another node stands in for a write that needs it. */
  readonly standInAfterMs: number;
  /** Requests that a node coordinates or forwards at one time; more are refused with OVERLOADED. */
  readonly inFlightMax: number;
  /** Bytes of keys, values and contexts of those requests. */
  readonly inFlightBytesMax: number;
  readonly valueBytesMax: number;
  /**
   * Bytes of all siblings that a client's put may leave together. A record travels in one frame,
   * and each owner may add as much before it hears of the others.
   */
  readonly recordBytesMax: number;
  /** Siblings that a client's put may leave behind. Replication is never refused. */
  readonly siblingsMax: number;
  /** Entries that a client's context may carry. */
  readonly vectorEntriesMax: number;
  /** Bytes of writes that are kept for owners that cannot be reached: for one of them, for all. */
  readonly hintBytesPerTargetMax: number;
  readonly hintBytesMax: number;
  /** For an owner that is away longer nothing more is kept: anti-entropy mends it. */
  readonly hintAwayMsMax: number;
  /** How long an owner is left in peace that can be reached again … */
  readonly handoffAfterMs: number;
  /** … and how many it is told in a second then. */
  readonly handoffRowsPerSecond: number;
  /** How often a node looks whether deletions can be forgotten. */
  readonly purgeEveryMs: number;
  /** How long an era lasts at least: what takes two of them is given up while deletions go. */
  readonly eraMs: number;
}

export const DEFAULT_CONFIG: NodeConfig = {
  r: "quorum",
  w: "quorum",
  pr: "one",
  pw: "one",
  requestTimeoutMs: 1_000,
  requestTimeoutMsMax: 60_000,
  spareAfterMs: 20,
  hedgeShare: 0.05,
  standInAfterMs: 200,
  inFlightMax: 4_096,
  inFlightBytesMax: 64 * 1024 * 1024,
  valueBytesMax: 16 * 1024 * 1024,
  recordBytesMax: 64 * 1024 * 1024,
  siblingsMax: 100,
  vectorEntriesMax: 4_096,
  hintBytesPerTargetMax: 256 * 1024 * 1024,
  hintBytesMax: 1024 * 1024 * 1024,
  hintAwayMsMax: 3 * 60 * 60 * 1000,
  handoffAfterMs: 1_000,
  handoffRowsPerSecond: 2_000,
  purgeEveryMs: 30_000,
  eraMs: 5_000,
};

const LEVEL_FIELDS = ["r", "w", "pr", "pw"] as const;
type LevelField = (typeof LEVEL_FIELDS)[number];

interface Bound {
  readonly min: number;
  readonly max: number;
  readonly isShare?: boolean;
}

const BOUNDS: { readonly [Field in Exclude<keyof NodeConfig, LevelField>]: Bound } = {
  requestTimeoutMs: { min: 1, max: 600_000 },
  requestTimeoutMsMax: { min: 1, max: 600_000 },
  spareAfterMs: { min: 1, max: 60_000 },
  hedgeShare: { min: 0, max: 1, isShare: true },
  standInAfterMs: { min: 1, max: 60_000 },
  inFlightMax: { min: 1, max: 1_000_000 },
  inFlightBytesMax: { min: 1_024, max: 16 * 1024 ** 3 },
  valueBytesMax: { min: 1, max: 64 * 1024 * 1024 },
  recordBytesMax: { min: 1_024, max: 64 * 1024 * 1024 },
  siblingsMax: { min: 1, max: 1_000 },
  vectorEntriesMax: { min: 1, max: 65_536 },
  hintBytesPerTargetMax: { min: 0, max: 1024 ** 4 },
  hintBytesMax: { min: 0, max: 1024 ** 4 },
  hintAwayMsMax: { min: 1_000, max: 30 * 24 * 60 * 60 * 1000 },
  handoffAfterMs: { min: 1, max: 600_000 },
  handoffRowsPerSecond: { min: 1, max: 1_000_000 },
  purgeEveryMs: { min: 10, max: 24 * 60 * 60 * 1000 },
  eraMs: { min: 10, max: 600_000 },
};

/**
 * The defaults with the given fields over them, or the sentence that says which field cannot be.
 */
export function nodeConfig(given: Partial<NodeConfig>): NodeConfig | { readonly problem: string } {
  const known: ReadonlySet<string> = new Set(Object.keys(DEFAULT_CONFIG));
  for (const field of Object.keys(given)) {
    if (!known.has(field)) return { problem: `config.${field} is not a known field` };
  }
  const config: NodeConfig = { ...DEFAULT_CONFIG, ...given };
  for (const field of LEVEL_FIELDS) {
    const problem = levelProblem(field, config[field]);
    if (problem !== undefined) return { problem };
  }
  for (const field of Object.keys(BOUNDS) as (keyof typeof BOUNDS)[]) {
    const { min, max, isShare = false } = BOUNDS[field];
    const value = config[field];
    const isRight = isShare ? Number.isFinite(value) : Number.isInteger(value);
    if (!isRight || value < min || value > max) {
      const wanted = isShare ? "a number" : "an integer";
      return { problem: `config.${field} must be ${wanted} from ${min} to ${max}, got ${value}` };
    }
  }
  if (config.requestTimeoutMs > config.requestTimeoutMsMax) {
    const { requestTimeoutMs, requestTimeoutMsMax } = config;
    return {
      problem:
        `config.requestTimeoutMs ${requestTimeoutMs} is above ` +
        `requestTimeoutMsMax ${requestTimeoutMsMax}`,
    };
  }
  return config;
}

function levelProblem(field: string, level: NodeConfig["r"]): string | undefined {
  if (level === "one" || level === "quorum" || level === "all") return undefined;
  if (Number.isInteger(level) && level >= 1 && level <= 16) return undefined;
  const wanted = "one, quorum, all, or an integer from 1 to 16";
  return `config.${field} must be ${wanted}, got ${String(level)}`;
}
