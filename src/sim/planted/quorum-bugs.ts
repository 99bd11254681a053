/**
 * Planted bugs of the quorum: an answer that says more than the owners did.
 */
import { Coordinator } from "../../core/coordinator/coordinator.ts";
import { Gather } from "../../core/coordinator/gather.ts";
import { Operation } from "../../core/coordinator/operation.ts";
import type { Admitted } from "../../core/coordinator/operation.ts";
import { PutOperation } from "../../core/coordinator/put.ts";
import { Tally } from "../../core/coordinator/quorum.ts";
import { SessionGetOperation } from "../../core/coordinator/session-get.ts";
import { WriteBack } from "../../core/coordinator/write-back.ts";
import type { Instant } from "../../core/effects.ts";
import type { Outcome } from "../../core/outcomes.ts";
import type { NodeId } from "../../core/ring/node-id.ts";
import type { RunOptions } from "../swarm.ts";
import type { Undo } from "./patch.ts";
import { patchGetter, patchMethod, undoAll } from "./patch.ts";

/** What an operation shows its own subclasses only. */
interface OpenOperation {
  readonly admitted: Admitted;
  readonly desk: { readonly self: NodeId };
  answerWith(now: Instant, outcome: Outcome): void;
}

interface OpenSession {
  onQuorum(now: Instant): void;
}

/** An owner whose acknowledgement arrives twice counts for two. */
export function repliesCounted(): Undo {
  const counts = new WeakMap<Tally, number>();
  const accept = patchMethod(
    Tally.prototype,
    "accept",
    (original) =>
      function (this: Tally, owner) {
        counts.set(this, (counts.get(this) ?? 0) + 1);
        original.call(this, owner);
      },
  );
  const got = patchGetter(Tally.prototype, "got", function () {
    return counts.get(this) ?? 0;
  });
  return undoAll([accept, got]);
}

/** The coordinator's own copy counts as soon as it is written, not when it is durable. */
export function ackBeforeDurable(): Undo {
  return patchMethod(
    PutOperation.prototype,
    "start",
    (original) =>
      function (this: PutOperation, now) {
        original.call(this, now);
        const { admitted, desk } = this as unknown as OpenOperation;
        if (!this.isClosed) this.onWritten(now, admitted.owners.indexOf(desk.self));
      },
  );
}

/** Whatever the client asked for, one owner is enough for a read. */
export function readsAskOne(): Undo {
  return patchMethod(
    Gather.prototype,
    "start",
    (original) =>
      function (this: Gather, now) {
        Object.assign(this.tally, { needed: 1 });
        original.call(this, now);
      },
  );
}

/** An owner that holds something else counts as one that holds the same. */
export function differenceIgnored(): Undo {
  return patchMethod(
    Gather.prototype,
    "onHeld",
    () =>
      function (this: Gather, now, owner) {
        this.onSame(now, owner);
      },
  );
}

/** A put that timed out is reported as one that never was. */
export function unknownCalledFailed(): Undo {
  return patchMethod(
    Operation.prototype as unknown as OpenOperation,
    "answerWith",
    (original) =>
      function (this: OpenOperation, now, outcome) {
        const isUnknown = outcome.kind === "failed" && outcome.code === "OUTCOME_UNKNOWN";
        original.call(this, now, isUnknown ? { ...outcome, code: "QUORUM_NOT_MET" } : outcome);
      },
  );
}

/** Now and then an operation that is over is not put away. */
export function operationsKept(): Undo {
  return patchMethod(
    Coordinator.prototype,
    "close",
    (original) =>
      function (this: Coordinator, id) {
        if (id % 64 !== 0) original.call(this, id);
      },
  );
}

/** A session read sends what it found to the owners that lack it, and answers meanwhile. */
export function writeBackNotAwaited(): Undo {
  return patchMethod(
    WriteBack.prototype,
    "start",
    (original) =>
      function (this: WriteBack, now, held, answered) {
        original.call(this, now, held, answered);
        for (let owner = 0; owner < this.tally.owners; owner++) this.tally.accept(owner);
      },
  );
}

/** A session read takes what one owner holds for what a majority holds. */
export function sessionsUnchecked(): Undo {
  const read = SessionGetOperation.prototype as unknown as OpenSession;
  return patchMethod(
    read,
    "onQuorum",
    () =>
      function (this: OpenSession, now) {
        Object.getPrototypeOf(SessionGetOperation.prototype).onQuorum.call(this, now);
      },
  );
}

/**
 * Few keys that many read and write in sessions, over a network that loses so much that owners
 * often differ. Nobody crashes: what an owner had not synced then would be an excuse.
 */
export function busySessions(drawn: RunOptions): RunOptions {
  const { simulation, workload, nemesis } = drawn;
  return {
    ...drawn,
    simulation: {
      ...simulation,
      config: { ...simulation.config, inFlightMax: 4_096 },
      network: { ...simulation.network, delayMsMean: 5, lossRate: 0.3 },
    },
    workload: {
      ...workload,
      clients: 8,
      keys: 2,
      thinkMsMean: 5,
      r: ["quorum"],
      w: ["quorum"],
      sessionRate: 1,
    },
    nemesis: { ...nemesis, crashes: undefined },
  };
}
