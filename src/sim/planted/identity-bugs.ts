/**
 * Planted bugs of identity: a node that gives out a dot it has given out before. Each leaves out
 * one of the rules of `replica/replica.ts`, so that each of them is shown to be needed.
 */
import { EMPTY_RECORD } from "../../core/causality/record.ts";
import { Replica } from "../../core/replica/replica.ts";
import type { Key } from "../../core/ring/key.ts";
import { Identity } from "../identity.ts";
import type { RunOptions } from "../swarm.ts";
import { withModel } from "../swarm.ts";
import { ISOLATION } from "./isolation.ts";
import type { Undo } from "./patch.ts";
import { patchMethod } from "./patch.ts";

/** Nodes die all the time, on disks so slow that something is always not durable yet. */
export function crashesOnSlowDisks(drawn: RunOptions): RunOptions {
  const { simulation, nemesis } = withModel(drawn);
  const crashes = { everyMs: 300, lastsMsMax: 10, silentRate: 0, stopRate: 0, forgetRate: 0 };
  return {
    ...drawn,
    simulation: { ...simulation, disk: { ...simulation.disk, syncMsMean: 30 } },
    nemesis: { ...nemesis, crashes },
  };
}

/** One node forgets all it has, again and again, while others are cut off and fall behind. */
export function oneForgetsOften(drawn: RunOptions): RunOptions {
  const crashes = { everyMs: 300, lastsMsMax: 10, silentRate: 0, stopRate: 0, forgetRate: 1 };
  return {
    ...drawn,
    workload: { ...drawn.workload, w: ["quorum"] },
    nemesis: { ...drawn.nemesis, crashes, partitions: ISOLATION, forgetful: 1 },
  };
}

/**
 * There is one epoch for each key, for ever: plain dotted version vectors, in which a node that
 * forgot counts from 1 again.
 */
export function epochsUnused(): Undo {
  const epochs = new Map<Key, number>();
  return patchMethod(
    Replica.prototype,
    "nextDot",
    (original) =>
      function (this: Replica, key, row, context) {
        const next = original.call(this, key, row, context);
        if (next?.n !== 1) return next;
        const epoch = epochs.get(key) ?? 2 ** 40 + epochs.size;
        epochs.set(key, epoch);
        return { epoch, n: 1 };
      },
  );
}

/**
 * A copy of its own past reaches a node that forgot it, and the node goes on where that copy ends.
 */
export function reservedEpochIgnored(): Undo {
  return patchMethod(
    Replica.prototype,
    "nextDot",
    (original) =>
      function (this: Replica, key, row, context) {
        return original.call(this, key, { reservedEpoch: 0, record: row.record }, context);
      },
  );
}

/** After a kill -9 a node trusts that its rows are as new as everything it ever sent. */
export function bootFloorIgnored(): Undo {
  return patchMethod(
    Identity.prototype,
    "onRestart",
    (original) =>
      function (this: Identity, kind) {
        original.call(this, kind === "kept" ? "clean" : kind);
      },
  );
}

/** Safe, and ruinous: no dot ever follows another, so the context grows with every put. */
export function epochPerPut(): Undo {
  return patchMethod(
    Replica.prototype,
    "nextDot",
    (original) =>
      function (this: Replica, key, _row, context) {
        return original.call(this, key, { reservedEpoch: 0, record: EMPTY_RECORD }, context);
      },
  );
}
