/**
 * The flags of a request about keys, and the request that they make. What each of them means is the
 * core's word (`core/requests.ts`); nothing is decided here.
 */
import { InvalidArgumentError, Option, type Command } from "commander";
import { Context } from "../client/context.ts";
import { keyIn } from "../client/user-key.ts";
import type { BucketMode, ClientRequest, Level, Operation } from "../core/requests.ts";
import { clientRequest, TTL_MS_MAX } from "../core/requests.ts";
import { clusterFlags, level, type ClusterFlags } from "./flags.ts";

export interface RequestFlags extends ClusterFlags {
  readonly bucket: string;
  readonly mode: BucketMode;
  readonly consistency?: "one" | "quorum" | "all";
  readonly r?: Level;
  readonly w?: Level;
  readonly pr?: Level;
  readonly pw?: Level;
  readonly session?: boolean;
  readonly context?: Uint8Array;
  /** Milliseconds. */
  readonly ttl?: number;
}

export const BUCKET_DEFAULT = "default";

export function requestFlags(command: Command): Command {
  const levelFlag = (flags: string, description: string): Option =>
    new Option(flags, description).argParser(level);
  return clusterFlags(command)
    .addOption(
      new Option("-b, --bucket <name>", "the key's bucket")
        .env("GRAMME_BUCKET")
        .default(BUCKET_DEFAULT),
    )
    .addOption(
      new Option("-m, --mode <mode>", "what a put does to values it has not seen")
        .choices(["overwrite", "siblings", "lww", "merge"])
        .default("overwrite"),
    )
    .addOption(
      new Option("-c, --consistency <level>", "owners that must agree: sets r and w").choices([
        "one",
        "quorum",
        "all",
      ]),
    )
    .addOption(levelFlag("-r, --r <level>", "owners that must answer a read"))
    .addOption(levelFlag("-w, --w <level>", "owners that must hold a write"))
    .addOption(levelFlag("--pr <level>", "of those that answer, owners proper"))
    .addOption(levelFlag("--pw <level>", "of those that hold, owners proper"))
    .option("--session", "what was once read or written stays so for every later --session read");
}

/** For writes: what a get --json told. */
export function contextFlag(command: Command): Command {
  return command.addOption(
    new Option("--context <token>", "from a get: replace what it saw, nothing else").argParser(
      (token) => {
        if (!/^[A-Za-z0-9_-]+$/.test(token)) {
          throw new InvalidArgumentError("It is the context that a get --json has printed.");
        }
        return Context.parse(token).bytes;
      },
    ),
  );
}

/** For puts. */
export function ttlFlag(command: Command): Command {
  return command.addOption(
    new Option("--ttl <time>", "for how long the value lives: 500ms, 90s, 15m, 12h, 7d").argParser(
      lifetime,
    ),
  );
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

export function lifetime(text: string): number {
  const [, count, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? [];
  const ms = Math.round(Number(count) * (UNIT_MS[unit ?? ""] ?? Number.NaN));
  if (ms >= 1 && ms <= TTL_MS_MAX) return ms;
  const days = TTL_MS_MAX / UNIT_MS["d"]!;
  throw new InvalidArgumentError(`It is a time from 1ms to ${days}d, as 500ms, 90s, 15m, 12h, 7d.`);
}

export function requestOf(
  operation: Operation,
  flags: RequestFlags,
  about: { readonly key: string; readonly value?: Uint8Array },
): ClientRequest {
  const { consistency = "default", r = consistency, w = consistency } = flags;
  return clientRequest({
    operation,
    key: keyIn(flags.bucket, about.key),
    mode: flags.mode,
    r,
    w,
    pr: flags.pr ?? "default",
    pw: flags.pw ?? "default",
    session: flags.session ?? false,
    timeoutMs: flags.timeout ?? 0,
    ttlMs: flags.ttl ?? 0,
    ...(about.value === undefined ? {} : { value: about.value }),
    ...(flags.context === undefined ? {} : { context: flags.context }),
  });
}
