/**
 * Planted bugs of nodes with much to do: they take whatever comes, or choose without looking at who
 * is busy.
 */
import { InFlightLimit } from "../../core/coordinator/in-flight-limit.ts";
import { Reach } from "../../core/membership/reach.ts";
import type { RunOptions } from "../swarm.ts";
import type { Undo } from "./patch.ts";
import { patchMethod } from "./patch.ts";

/** Many clients that hardly think, and nodes that take two requests at a time. */
export function manyForFew(drawn: RunOptions): RunOptions {
  const { simulation, workload } = drawn;
  return {
    ...drawn,
    simulation: { ...simulation, config: { ...simulation.config, inFlightMax: 2 } },
    workload: { ...workload, clients: 24, thinkMsMean: 2 },
  };
}

/** What is configured is forgotten at the first request. */
export function limitForgotten(): Undo {
  return patchMethod(
    InFlightLimit.prototype,
    "onAdmitted",
    () =>
      function (this: InFlightLimit) {
        this.value = Number.POSITIVE_INFINITY;
      },
  );
}

/** However late the answers are, as many are let in. */
export function limitFixed(): Undo {
  return patchMethod(
    InFlightLimit.prototype,
    "onAnswered",
    () => function (this: InFlightLimit) {},
  );
}

/** Everybody is as good as everybody else. */
export function costIgnored(): Undo {
  return patchMethod(
    Reach.prototype,
    "cost",
    () =>
      function (this: Reach) {
        return 1;
      },
  );
}
