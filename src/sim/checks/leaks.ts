/**
 * B3: nothing is left open.
 *
 * When the clients are silent and every message has arrived, no node waits for anything and every
 * operation of every client has ended. A request that is never answered holds its client, its bytes
 * and its place among the requests in flight for ever.
 *
 * Where it holds: at the end.
 */
import type { Checker, RunView } from "../checker.ts";

export function leaks(_run: RunView): Checker {
  return new Leaks();
}

class Leaks implements Checker {
  readonly id = "B3";
  readonly rule = "at rest no request is open, at any node or client";
  #checked = 0;

  get checked(): number {
    return this.#checked;
  }

  finish(run: RunView): readonly string[] {
    const problems: string[] = [];
    for (const node of run.nodes) {
      const open = run.openRequests(node);
      if (open > 0) problems.push(`${node} still has ${open} requests open`);
    }
    for (const entry of run.history) {
      this.#checked++;
      if (entry.status !== "open") continue;
      const { key, operation, sequence, node, client } = entry;
      problems.push(`${key}: ${operation} ${sequence} of ${client} at ${node} was never answered`);
    }
    return problems;
  }
}
