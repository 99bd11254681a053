/**
 * Planted bugs of the caller: the client library's own rules, which the simulator's clients follow,
 * with one of them left out.
 */
import { ShareBudget } from "../../core/base/share-budget.ts";
import { Retries } from "../../core/caller/retries.ts";
import type { RunOptions } from "../swarm.ts";
import { ISOLATION } from "./isolation.ts";
import type { Undo } from "./patch.ts";
import { patchMethod } from "./patch.ts";

/**
 * Everybody writes what they read, soon gives up waiting, and asks again: of a few keys, and of
 * nodes that are cut off from each other all the time.
 */
export function impatientWriters(drawn: RunOptions): RunOptions {
  const { workload, nemesis } = drawn;
  return {
    ...drawn,
    workload: {
      ...workload,
      keys: 2,
      deletes: 1,
      contextRate: 1,
      w: ["quorum"],
      r: ["quorum"],
      retries: [5],
      timeoutMs: [0],
    },
    nemesis: { ...nemesis, partitions: ISOLATION },
  };
}

/** There is always enough for one more. */
export function budgetsEndless(): Undo {
  return patchMethod(
    ShareBudget.prototype,
    "take",
    () =>
      function (this: ShareBudget) {
        return true;
      },
  );
}

/** After an unknown outcome a put is sent again, whatever it said it replaces. */
export function doubtfulPutsRepeated(): Undo {
  return patchMethod(
    Retries.prototype,
    "waitMsAfter",
    (original) =>
      function (this: Retries, failure, now, fraction) {
        const waitMs = original.call(this, failure, now, fraction);
        if (waitMs !== undefined || failure.code !== "OUTCOME_UNKNOWN") return waitMs;
        // What is told stays unknown: only the decision is another.
        return original.call(this, { ...failure, code: "UNAVAILABLE" }, now, fraction);
      },
  );
}
