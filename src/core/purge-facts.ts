/** What the purging of tombstones observes of itself. */
import type { Context } from "./causality/context.ts";
import type { Key } from "./ring/key.ts";
import type { NodeId } from "./ring/node-id.ts";

/**
 * How a round ended.
 *
 *     purged    every owner was told to forget what every member had found clear
 *     silent    somebody did not answer in time
 *     refused   somebody did not know of the round: it has started anew, or the layout has changed
 */
export type PurgeResult = "purged" | "silent" | "refused";

export type PurgeFact =
  | {
      readonly kind: "tombstone-purged";
      readonly key: Key;
      /** What is gone with it. */
      readonly context: Context;
    }
  | { readonly kind: "era-begun"; readonly era: number }
  | {
      readonly kind: "purge-finished";
      readonly result: PurgeResult;
      readonly asked: number;
      readonly purged: number;
      /** Who did not answer, or refused. */
      readonly waitedFor: NodeId | undefined;
      readonly elapsedMs: number;
    };
