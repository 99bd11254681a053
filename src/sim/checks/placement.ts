/**
 * S13: a key is stored by its owners and by nobody else.
 *
 * A copy at a node that does not own the key is read by nobody and mended by nobody, until the node
 * becomes an owner and serves it as the truth.
 *
 * Where it holds: at the end. That every owner does hold the key is convergence (S5).
 */
import type { Checker, RunView } from "../checker.ts";

export function placement(_run: RunView): Checker {
  return new Placement();
}

class Placement implements Checker {
  readonly id = "S13";
  readonly rule = "a key is stored at its owners only";
  #checked = 0;

  get checked(): number {
    return this.#checked;
  }

  finish(run: RunView): readonly string[] {
    const problems: string[] = [];
    for (const node of run.nodes) {
      for (const { key } of run.contents(node)) {
        this.#checked++;
        if (run.owners(key).includes(node)) continue;
        problems.push(`${key}: stored at ${node}, owned by ${run.owners(key).join(", ")}`);
      }
    }
    return problems;
  }
}
