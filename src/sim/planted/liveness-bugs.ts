/**
 * Planted bugs of liveness and of who is believed: clusters that could serve and do not, and nodes
 * that listen to a boot that is over.
 */
import { Gather } from "../../core/coordinator/gather.ts";
import { Tally } from "../../core/coordinator/quorum.ts";
import { Substitutes } from "../../core/coordinator/substitutes.ts";
import { Peers } from "../../core/membership/peers.ts";
import type { RunOptions } from "../swarm.ts";
import type { Undo } from "./patch.ts";
import { patchMethod, undoAll } from "./patch.ts";

/** Any boot of a peer is as good as any other. */
export function olderBootsBelieved(): Undo {
  return patchMethod(
    Peers.prototype,
    "onLinked",
    (original) =>
      function (this: Peers, id, generation) {
        if (original.call(this, id, generation)) return true;
        return original.call(this, id, Number.MAX_SAFE_INTEGER);
      },
  );
}

/** Who was asked first is waited for, though it is lost or silent. */
export function sparesNotAsked(): Undo {
  return undoAll([
    patchMethod(Gather.prototype, "askSpares", () => () => {}),
    patchMethod(Gather.prototype, "hedge", () => () => {}),
    patchMethod(
      Gather.prototype,
      "onLost",
      () =>
        function (this: Gather, _now, owner) {
          this.tally.reject(owner);
        },
    ),
  ]);
}

/**
 * A stand-in that hears and is not heard holds up every write that it is the first for: nobody is
 * asked in its place, and the next write begins with it again.
 */
export function silentKept(): Undo {
  return undoAll([
    patchMethod(Tally.prototype, "isAwaited", () => () => false),
    patchMethod(
      Substitutes.prototype,
      "next",
      () =>
        function (this: Substitutes, owner) {
          return this.nextInOrder(owner);
        },
    ),
  ]);
}

/** Two of five nodes stay away when the faults have ended. */
export function someStayAway(drawn: RunOptions): RunOptions {
  const { simulation } = drawn;
  const config = { ...simulation.config, requestTimeoutMs: 3_000 };
  return { ...drawn, outside: 2, simulation: { ...simulation, nodes: 5, replicas: 5, config } };
}

/** Of the two owners of each key often one alone is left, and others have to stand in. */
export function fewOwnersLeft(drawn: RunOptions): RunOptions {
  const { simulation, workload, nemesis } = drawn;
  return {
    ...drawn,
    outside: 2,
    simulation: { ...simulation, nodes: 5, replicas: 2 },
    workload: { ...workload, modes: ["overwrite"], keys: 20, w: ["quorum"] },
    nemesis: { ...nemesis, forgetful: 0, damage: undefined },
  };
}

/** Disks are put back all the time, and clocks too, so that a boot looks older than the last. */
export function disksSetBack(drawn: RunOptions): RunOptions {
  const { simulation, nemesis, workload } = drawn;
  return {
    ...drawn,
    simulation: { ...simulation, storage: "log" },
    workload: { ...workload, w: ["quorum"], deletes: 0 },
    nemesis: {
      ...nemesis,
      forgetful: 1,
      machineRate: 1,
      backups: { everyMs: 5_000, lastsMsMax: 0 },
      diskSwaps: { everyMs: 1_000, lastsMsMax: 100, kinds: ["restored", "copied", "new-identity"] },
      wallJumps: { everyMs: 1_000, lastsMsMax: 0, jumpMsMax: 3_600_000 },
    },
  };
}
