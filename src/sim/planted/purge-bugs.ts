/**
 * Planted bugs of purging and expiry: tombstones that go while somebody still knows what was
 * deleted, values that stay when their time is over.
 */
import { WallTime } from "../../core/base/wall-time.ts";
import { Coordinator } from "../../core/coordinator/coordinator.ts";
import { Handoff } from "../../core/handoff/handoff.ts";
import { Settling } from "../../core/identity/settling.ts";
import { Eras } from "../../core/purge/eras.ts";
import { Witness } from "../../core/purge/witness.ts";
import { Replica } from "../../core/replica/replica.ts";
import type { RunOptions } from "../swarm.ts";
import type { Undo } from "./patch.ts";
import { patchGetter, patchMethod, undoAll } from "./patch.ts";

/** What was under way for long is listened to. */
export function erasEndless(): Undo {
  return patchGetter(Eras.prototype, "oldest", () => 0);
}

/** What is kept for an owner that is away does not hold up anything. */
export function hintsOverlooked(): Undo {
  return undoAll([
    patchMethod(Handoff.prototype, "keeps", () => () => false),
    patchMethod(Witness.prototype, "onChange", () => () => {}),
  ]);
}

/** An owner vouches for a tombstone that it does not have. */
export function ownersNotAsked(): Undo {
  let isPurging = false;
  return undoAll([
    patchMethod(
      Replica.prototype,
      "purge",
      (original) =>
        function (this: Replica, place, digest, isVouchedFor, wallMs) {
          isPurging = true;
          original.call(this, place, digest, isVouchedFor, wallMs);
          isPurging = false;
        },
    ),
    patchMethod(
      Replica.prototype,
      "isTombstone",
      (original) =>
        function (this: Replica, place, digest, wallMs) {
          return !isPurging || original.call(this, place, digest, wallMs);
        },
    ),
  ]);
}

/** Rows that were put back are kept, however old they are. */
export function settledAtOnce(): Undo {
  return patchMethod(Settling.prototype, "verdict", () => () => "keep");
}

/** One disk is replaced by an older copy of itself, again and again. */
export function oldCopiesPutBack(drawn: RunOptions): RunOptions {
  const often = deletesAllTheTime(drawn);
  const { nemesis, workload } = often;
  return {
    ...often,
    workload: { ...workload, w: ["quorum"] },
    nemesis: {
      ...nemesis,
      forgetful: 1,
      backups: { everyMs: 3_000, lastsMsMax: 0 },
      diskSwaps: { everyMs: 2_000, lastsMsMax: 100, kinds: ["restored", "copied"] },
    },
  };
}

/** Nothing is ever over. */
export function expiryIgnored(): Undo {
  return patchGetter(WallTime.prototype, "ms", () => 0);
}

/** How long a value is to live is taken for seconds. */
export function livesInSeconds(): Undo {
  return patchMethod(
    Coordinator.prototype,
    "request",
    (original) =>
      function (this: Coordinator, now, request, asker) {
        original.call(this, now, { ...request, ttlMs: request.ttlMs * 1_000 }, asker);
      },
  );
}

/** Half of the values live for a moment. */
export function shortLives(drawn: RunOptions): RunOptions {
  return { ...drawn, workload: { ...drawn.workload, expiryRate: 0.5, ttlMsMax: 2_000 } };
}

/** Few keys, deleted again and again, purged as soon as may be; messages that come very late. */
export function deletesAllTheTime(drawn: RunOptions): RunOptions {
  const { simulation, workload } = drawn;
  const lateMessages = { lateRate: 0.05, lateMsMin: 1_000, lateMsMax: 5_000 };
  return {
    ...drawn,
    simulation: {
      ...simulation,
      purge: { ...simulation.purge, everyMs: 300, eraMs: 100, roundMs: 5_000 },
      network: { ...simulation.network, ...lateMessages },
    },
    workload: { ...workload, keys: 10, puts: 1, deletes: 2, thinkMsMean: 200 },
  };
}
