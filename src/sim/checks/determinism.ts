/**
 * S19: the same seed gives the same trace.
 *
 * A run whose trace changes from one execution to the next cannot be replayed, shrunk or stepped
 * through, and a seed in `seeds/known.json` would prove nothing. The hash covers every event: its
 * instant, its kind, its ends, and what its message said.
 *
 * Where it holds: always, in one process and in every JavaScript engine. It takes two runs, so it
 * is not one of the checkers that watch a run.
 */
import type { RunResult } from "../run.ts";

export const DETERMINISM_RULE = "the same seed gives the same trace, event for event";

/** What differs between two runs of one seed; empty when they are the same run. */
export function differencesBetween(first: RunResult, second: RunResult): readonly string[] {
  if (first.traceHash === second.traceHash && first.events === second.events) return [];
  return [
    `seed ${first.seed} ran ${first.events} events with trace ${first.traceHash},` +
      ` and then ${second.events} with ${second.traceHash}`,
  ];
}
