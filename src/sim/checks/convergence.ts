/**
 * S5: after heal, the copies of a key are equal.
 *
 * All owners of a key hold the same context, the same dots and the same bytes under each dot. Equal
 * vectors are not enough: two copies can have seen the same writes and kept different ones, and
 * nothing would ever mend a difference that digests do not show.
 *
 * Where it holds: at the end, when every node is up, every link works, and every key was read from
 * all of its owners. A row that is still damaged then is a difference like any other.
 */
import { bytesEqual } from "../../core/base/bytes.ts";
import { sameContext } from "../../core/causality/context.ts";
import type { Record } from "../../core/causality/record.ts";
import type { Key } from "../../core/ring/key.ts";
import type { Checker, RunView } from "../checker.ts";
import { recordOf, sameDot, valueOf } from "./stored.ts";

export function convergence(_run: RunView): Checker {
  return new Convergence();
}

class Convergence implements Checker {
  readonly id = "S5";
  readonly rule = "after heal all owners of a key hold the same record";
  #checked = 0;

  get checked(): number {
    return this.#checked;
  }

  finish(run: RunView): readonly string[] {
    return run.keys.flatMap((key) => this.#compareOwners(run, key));
  }

  #compareOwners(run: RunView, key: Key): string[] {
    const [first, ...others] = run.owners(key);
    const model = recordOf(run.row(first!, key));
    if (model === undefined) return [`${key}: the row at ${first} is still damaged`];
    const problems: string[] = [];
    for (const other of others) {
      this.#checked++;
      const copy = recordOf(run.row(other, key));
      const difference = copy === undefined ? "is still damaged" : differenceOf(model, copy);
      if (difference === undefined) continue;
      problems.push(`${key}: the row at ${other} ${difference}, compared with ${first}`);
    }
    return problems;
  }
}

function differenceOf(model: Record, copy: Record): string | undefined {
  if (!sameContext(model.context, copy.context)) return "has seen other writes";
  const kept = model.dots.map(valueOf).join(", ");
  if (model.dots.length !== copy.dots.length) {
    return `has seen the same writes and keeps ${copy.dots.map(valueOf).join(", ")}, not ${kept}`;
  }
  for (let i = 0; i < model.dots.length; i++) {
    const left = model.dots[i]!;
    const right = copy.dots[i]!;
    if (!sameDot(left, right)) return `keeps ${valueOf(right)} in place of ${valueOf(left)}`;
    if (!bytesEqual(left.payload, right.payload)) return `has other bytes for ${valueOf(left)}`;
  }
  return undefined;
}
