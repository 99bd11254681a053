/**
 * What a user may set for a remote client, and between which bounds. An unknown or impossible
 * setting is refused by name.
 */
import { GrammeError } from "./gramme-error.ts";
import type { RemoteOptions } from "./remote-options.ts";

interface Bound {
  readonly min: number;
  readonly max: number;
}

const MIB = 1024 * 1024;
const CLUSTER_ID = /^[A-Za-z0-9._-]{0,64}$/;

const BOUNDS: { readonly [Field in Exclude<keyof RemoteOptions, "clusterId">]: Bound } = {
  connectTimeoutMs: { min: 1, max: 600_000 },
  greetingTimeoutMs: { min: 1, max: 600_000 },
  requestTimeoutMs: { min: 1, max: 600_000 },
  inFlightMax: { min: 1, max: 1_000_000 },
  inFlightBytesMax: { min: 64 * 1024, max: 16 * 1024 * MIB },
  valueBytesMax: { min: 1, max: 64 * MIB },
  frameBytesMax: { min: 128 * 1024, max: 1024 * MIB },
  redialMsMin: { min: 1, max: 600_000 },
  redialMsMax: { min: 1, max: 600_000 },
  drainMs: { min: 0, max: 600_000 },
};

/** Throws for the first setting that cannot be. */
export function checkRemoteOptions(given: Partial<RemoteOptions>): void {
  for (const [field, value] of Object.entries(given)) {
    if (field === "clusterId") checkClusterId(value);
    else if (Object.hasOwn(BOUNDS, field)) checkNumber(field as keyof typeof BOUNDS, value);
    else throw unknownSetting(field);
  }
}

function checkNumber(field: keyof typeof BOUNDS, value: unknown): void {
  const { min, max } = BOUNDS[field];
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return;
  const problem = `${field} must be an integer from ${min} to ${max}, got ${String(value)}`;
  throw new GrammeError("INVALID_ARGUMENT", problem, { hint: "Leave it out for the default" });
}

function checkClusterId(value: unknown): void {
  if (typeof value === "string" && CLUSTER_ID.test(value)) return;
  const problem = "clusterId must have at most 64 characters of A-Z a-z 0-9 . _ -";
  throw new GrammeError("INVALID_ARGUMENT", problem, { hint: "Leave it out to take any cluster" });
}

function unknownSetting(field: string): GrammeError {
  const hint = `Known are clusterId, ${Object.keys(BOUNDS).join(", ")}`;
  return new GrammeError("INVALID_ARGUMENT", `there is no setting ${field} of a client`, { hint });
}
