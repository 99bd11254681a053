/**
 * B5: what is asked twice is bounded, whatever goes wrong.
 *
 *     hedges         at most `hedgeShare` of the reads, and for each life of a node 20 once
 *     repetitions    at most a tenth of what each client asks, and 100 once; and one of each call
 *                    whose node stopped
 *
 * The numbers stand here as they are promised: a checker that asked the product for its budget
 * would believe whatever it was told. A read counts wherever one may have begun, at a node that
 * was asked and at one that it was sent on to.
 *
 * Where it holds: always.
 */
import type { Checker, RunView } from "../checker.ts";
import type { HistoryEntry } from "../history.ts";
import type { Observer } from "../observer.ts";

const HEDGES_AT_ONCE = 20;
const REPEATED_SHARE = 0.1;
const REPEATED_AT_ONCE = 100;

export function extras(run: RunView): Checker {
  return new Extras(run);
}

class Extras implements Checker {
  readonly id = "B5";
  readonly rule = "hedges and repetitions are a small share of the requests, and so many once";
  readonly observer: Observer;
  #lives: number;
  #forwarded = 0;
  #checked = 0;

  constructor(run: RunView) {
    this.#lives = run.nodes.length;
    this.observer = {
      onRestart: () => void this.#lives++,
      onSend: (_from, _to, message) => {
        if (message.kind === "ask" && message.request.operation === "get") this.#forwarded++;
      },
    };
  }

  get checked(): number {
    return this.#checked;
  }

  finish(run: RunView): readonly string[] {
    const problems: string[] = [];
    const reads = this.#forwarded + triesOf(run.history.filter(isRead));
    const hedges = run.factCount("hedge-asked");
    const hedgesMax = run.config.hedgeShare * reads + HEDGES_AT_ONCE * this.#lives;
    this.#checked = hedges;
    if (hedges > hedgesMax) problems.push(`${hedges} hedges of ${reads} reads, above ${hedgesMax}`);
    for (const [client, entries] of byClient(run.history)) {
      const repeated = triesOf(entries) - entries.length - lossesOf(entries);
      this.#checked += repeated;
      const repeatedMax = REPEATED_SHARE * entries.length + REPEATED_AT_ONCE;
      if (repeated <= repeatedMax) continue;
      problems.push(`${client} repeated ${repeated} of ${entries.length}, above ${repeatedMax}`);
    }
    return problems;
  }
}

function byClient(history: readonly HistoryEntry[]): ReadonlyMap<string, readonly HistoryEntry[]> {
  const clients = new Map<string, HistoryEntry[]>();
  for (const entry of history) {
    const entries = clients.get(entry.client);
    if (entries === undefined) clients.set(entry.client, [entry]);
    else entries.push(entry);
  }
  return clients;
}

function isRead({ operation }: HistoryEntry): boolean {
  return operation === "get";
}

function triesOf(entries: readonly HistoryEntry[]): number {
  return entries.reduce((sum, { tries }) => sum + tries.length, 0);
}

/** Calls that were repeated after a loss. */
function lossesOf(entries: readonly HistoryEntry[]): number {
  return entries.filter(({ tries }) => tries.slice(0, -1).some(({ wasLost }) => wasLost === true))
    .length;
}
