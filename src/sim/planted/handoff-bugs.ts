/**
 * Planted bugs of hinted hand-off: copies that count and are none, or go too early.
 */
import { DeleteOperation } from "../../core/coordinator/delete.ts";
import { Tally } from "../../core/coordinator/quorum.ts";
import { Hints } from "../../core/handoff/hints.ts";
import type { RunOptions } from "../swarm.ts";
import type { Undo } from "./patch.ts";
import { patchMethod } from "./patch.ts";

/** Who is asked to stand in counts from then on. */
export function standInsTrusted(): Undo {
  return patchMethod(
    Tally.prototype,
    "expect",
    () =>
      function (this: Tally, owner) {
        this.standIn(owner);
      },
  );
}

/** What a node keeps already counts for the deletion that is under way. */
export function keptCalledDeleted(): Undo {
  return patchMethod(
    DeleteOperation.prototype,
    "onHeldFor",
    (original) =>
      function (this: DeleteOperation, now, owner, record) {
        original.call(this, now, owner, record);
        this.onHinted(now, owner);
      },
  );
}

/** A hint goes when it is sent. */
export function hintsSentOnce(): Undo {
  return patchMethod(
    Hints.prototype,
    "slice",
    (original) =>
      function (this: Hints, partition, from, target) {
        const slice = original.call(this, partition, from, target);
        for (const { key } of slice.hints) {
          const isWhatever = (): boolean => true;
          this.done(partition, key, target, isWhatever, () => {});
        }
        return slice;
      },
  );
}

/** More nodes than owners, so that others can stand in, and owners that are often away. */
export function ownersAway(drawn: RunOptions): RunOptions {
  const partitions = {
    everyMs: 400,
    lastsMsMax: 3_000,
    kinds: ["isolate"],
    oneWayRate: 0,
  } as const;
  return {
    ...drawn,
    simulation: { ...drawn.simulation, nodes: 6, replicas: 3 },
    nemesis: { ...drawn.nemesis, partitions },
  };
}
