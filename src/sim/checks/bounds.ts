/**
 * B2: what a node has open is bounded, at all times.
 *
 *     in flight   at most `inFlightMax` requests without an answer
 *     open        answered ones that wait for late owners too: three times as many at most
 *
 * A queue without a bound is a failure that has not happened yet. Looked at whenever a node speaks
 * to another: that is when it has just begun something.
 *
 * Where it holds: always.
 */
import type { NodeId } from "../../core/ring/node-id.ts";
import type { Checker, RunView } from "../checker.ts";
import type { Observer } from "../observer.ts";

const OPEN_TIMES = 3;
/** One node says the same again and again. */
const PROBLEMS_MAX = 10;

export function bounds(run: RunView): Checker {
  return new Bounds(run);
}

class Bounds implements Checker {
  readonly id = "B2";
  readonly rule =
    "the requests of a node in flight, and those it has open, stay under their limits";
  readonly observer: Observer;
  readonly #run: RunView;
  readonly #problems: string[] = [];
  #checked = 0;

  constructor(run: RunView) {
    this.#run = run;
    this.observer = {
      onSend: (from, _to, message) => {
        if (message.kind === "read" || message.kind === "write" || message.kind === "ask") {
          this.#check(from);
        }
      },
    };
  }

  get checked(): number {
    return this.#checked;
  }

  finish(): readonly string[] {
    return this.#problems;
  }

  #check(node: NodeId): void {
    this.#checked++;
    const { inFlightMax } = this.#run.config;
    const inFlight = this.#run.requestsInFlight(node);
    const open = this.#run.openRequests(node);
    if (inFlight <= inFlightMax && open <= OPEN_TIMES * inFlightMax) return;
    if (this.#problems.length >= PROBLEMS_MAX) return;
    this.#problems.push(
      `${node} has ${inFlight} requests in flight and ${open} open, ` +
        `${inFlightMax} and ${OPEN_TIMES * inFlightMax} are the most`,
    );
  }
}
