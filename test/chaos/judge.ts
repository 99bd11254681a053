/**
 * The verdict on a run: everything that happened is told to the checkers once more, in the order of
 * its time, and then they are asked.
 *
 * Those of the simulator that need only a history and the last rows are the simulator's own. A kill
 * is told twice, before the signal and after the end, since nobody knows where in between the
 * process lost what was not written.
 */
import { unavailable } from "#src/core/caller/door-outcome.ts";
import type { NodeId } from "#src/core/ring/node-id.ts";
import type { Checker, CheckerFactory } from "#src/sim/checker.ts";
import { comebacks } from "#src/sim/checks/comebacks.ts";
import { convergence } from "#src/sim/checks/convergence.ts";
import { invention } from "#src/sim/checks/invention.ts";
import { leaks } from "#src/sim/checks/leaks.ts";
import { regularReads } from "#src/sim/checks/regular-reads.ts";
import { sessions } from "#src/sim/checks/sessions.ts";
import type { FinalView } from "./final-view.ts";
import { goneValues } from "./gone-values.ts";
import { lostAcks } from "./lost-acks.ts";

const CHECKERS: readonly CheckerFactory[] = [
  lostAcks,
  invention,
  goneValues,
  convergence,
  sessions,
  regularReads,
  comebacks,
  leaks,
];

/** A node lost, at that time, what it had not written yet. */
export interface Crash {
  readonly node: NodeId;
  readonly at: number;
}

export interface Finding {
  readonly rule: string;
  readonly checked: number;
  readonly problems: readonly string[];
}

interface Happening {
  readonly at: number;
  /** Of two at one time: an answer, then a crash, then a question. */
  readonly order: number;
  readonly tell: (checker: Checker) => void;
}

/** No checker that judges here looks at it: what was answered stands in the entry. */
const ANSWER = unavailable("");

export function judge(view: FinalView, crashes: readonly Crash[]): readonly Finding[] {
  const checkers = CHECKERS.map((make) => make(view));
  const happenings = happeningsOf(view, crashes);
  for (const { tell } of happenings) for (const checker of checkers) tell(checker);
  return checkers.map((checker) => {
    const problems = checker.finish(view);
    return { rule: `${checker.id}: ${checker.rule}`, checked: checker.checked, problems };
  });
}

function happeningsOf(view: FinalView, crashes: readonly Crash[]): readonly Happening[] {
  const happenings: Happening[] = [];
  for (const entry of view.history) {
    const { invokedAt, completedAt } = entry;
    happenings.push({
      at: invokedAt,
      order: 2,
      tell: ({ observer }) => observer?.onInvoke?.(entry, invokedAt),
    });
    if (completedAt === undefined) continue;
    happenings.push({
      at: completedAt,
      order: 0,
      tell: ({ observer }) => observer?.onReply?.(entry, ANSWER, completedAt),
    });
  }
  for (const { node, at } of crashes) {
    happenings.push({ at, order: 1, tell: ({ observer }) => observer?.onCrash?.(node, at) });
  }
  return happenings.toSorted((left, right) => left.at - right.at || left.order - right.order);
}
