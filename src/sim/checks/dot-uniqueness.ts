/**
 * S4: one dot, one write.
 *
 *     one dot names one value   over the whole run and all nodes, also of a node that crashed, lost
 *                               its disk or read a stale row. Whoever has seen the first of two
 *                               values under one dot drops the second unread
 *     one try has one dot       a request that is carried out again, because the network doubled
 *                               it, replaces whatever was put since with what was there before
 *
 * So no dot is minted twice, and wherever a dot is seen, in a delta on its way or in the final
 * rows, it carries the same key and the same bytes; and no value, since values are unique, has more
 * dots than its put has tries that may have had an effect. Which puts may be tried again after
 * such a try is S20's matter.
 *
 * Where it holds: always.
 */
import { bytesEqual } from "../../core/base/bytes.ts";
import { describeActor } from "../../core/causality/actor.ts";
import type { Dot } from "../../core/causality/record.ts";
import type { Key } from "../../core/ring/key.ts";
import type { NodeId } from "../../core/ring/node-id.ts";
import type { Checker, RunView } from "../checker.ts";
import type { HistoryEntry } from "../history.ts";
import { effectsMax } from "../history.ts";
import type { Observer } from "../observer.ts";
import { deltaOf, recordOf, valueOf } from "./stored.ts";

interface Meaning {
  readonly key: Key;
  readonly dot: Dot;
}

export function dotUniqueness(_run: RunView): Checker {
  return new DotUniqueness();
}

class DotUniqueness implements Checker {
  readonly id = "S4";
  readonly rule = "one dot names one value of one key, for ever and everywhere";
  readonly observer: Observer;
  readonly #minters: Map<string, NodeId> = new Map();
  readonly #meanings: Map<string, Meaning> = new Map();
  readonly #names: Map<string, string[]> = new Map();
  readonly #puts: Map<string, HistoryEntry> = new Map();
  readonly #problems: string[] = [];
  #checked = 0;

  constructor() {
    this.observer = {
      onInvoke: (entry) => {
        if (entry.value !== undefined) this.#puts.set(entry.value, entry);
      },
      onFact: (node, fact) => {
        if (fact.kind !== "dot-minted") return;
        const name = `${describeActor(fact)}#${fact.n}`;
        const minter = this.#minters.get(name);
        if (minter === undefined) this.#minters.set(name, node);
        else this.#problems.push(`${fact.key}: ${node} minted ${name}, as ${minter} had before`);
      },
      onSend: (_from, _to, message) => {
        if (message.kind !== "write" && message.kind !== "hint") return;
        for (const dot of deltaOf(message.delta).dots) this.#onDot(message.key, dot);
      },
    };
  }

  get checked(): number {
    return this.#checked;
  }

  finish(run: RunView): readonly string[] {
    for (const node of run.nodes) {
      for (const { key, row } of run.contents(node)) {
        for (const dot of recordOf(row)?.dots ?? []) this.#onDot(key, dot);
      }
    }
    return this.#problems;
  }

  #onDot(key: Key, dot: Dot): void {
    this.#checked++;
    const name = `${describeActor(dot)}#${dot.n}`;
    const before = this.#meanings.get(name);
    if (before === undefined) {
      this.#meanings.set(name, { key, dot });
      this.#onFirstSight(key, name, valueOf(dot));
      return;
    }
    if (before.key === key && bytesEqual(before.dot.payload, dot.payload)) return;
    this.#problems.push(
      `${name} names ${valueOf(before.dot)} of ${before.key} and ${valueOf(dot)} of ${key}`,
    );
  }

  #onFirstSight(key: Key, name: string, value: string): void {
    const names = this.#names.get(value);
    if (names === undefined) return void this.#names.set(value, [name]);
    names.push(name);
    const put = this.#puts.get(value);
    const most = put === undefined ? 1 : effectsMax(put);
    if (names.length <= most) return;
    const times = most === 1 ? "once" : `${most} times`;
    this.#problems.push(`${key}: ${value} was put ${times} and is ${names.join(" and ")}`);
  }
}
