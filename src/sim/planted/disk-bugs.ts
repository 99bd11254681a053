/**
 * Planted bugs of the full disk: nothing was written, and somebody goes on as if it had been.
 */
import { Replica } from "../../core/replica/replica.ts";
import { LogStorage } from "../log-storage.ts";
import { ModelStorage } from "../model-storage.ts";
import type { NodeStorage } from "../node-storage.ts";
import type { RunOptions } from "../swarm.ts";
import type { Undo } from "./patch.ts";
import { patchMethod, undoAll } from "./patch.ts";

/** Disks fill up all the time, and are soon emptied. */
export function fullDisksOften(drawn: RunOptions): RunOptions {
  const fullDisks = { everyMs: 300, lastsMsMax: 1_000 };
  return { ...drawn, nemesis: { ...drawn.nemesis, fullDisks } };
}

/** The same, and nodes are stopped in order and started again all the time. */
export function stopsWithFullDisks(drawn: RunOptions): RunOptions {
  const { nemesis } = fullDisksOften(drawn);
  const crashes = { everyMs: 300, lastsMsMax: 10, silentRate: 0, stopRate: 1, forgetRate: 0 };
  return { ...drawn, nemesis: { ...nemesis, crashes } };
}

/** A replica hears that there was no room, and acknowledges all the same. */
export function fullCalledDurable(): Undo {
  return patchMethod(
    Replica.prototype,
    "completed",
    (original) =>
      function (this: Replica, now, token, _answer) {
        original.call(this, now, token, "durable");
      },
  );
}

/**
 * A stop in order counts as clean, though the disk has no row for the last dots: the next life goes
 * on from the row.
 */
export function refusalForgottenAtStop(): Undo {
  const trusted = (storage: NodeStorage): Undo =>
    patchMethod(
      storage,
      "close",
      (original) =>
        function (this: NodeStorage) {
          original.call(this, true);
        },
    );
  return undoAll([trusted(ModelStorage.prototype), trusted(LogStorage.prototype)]);
}
