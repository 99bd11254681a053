/**
 * B1: a record stays small.
 *
 *     siblings   after its own put a coordinator holds at most `siblingsMax` values
 *     context    one entry for each owner, and one more for each time an owner began again after a
 *                stop that was not clean, or forgot, be it that a tombstone was purged
 *
 * A record that grows with every write makes every later write slower, until the key is unusable.
 * The bound on siblings is checked where it is promised: at the coordinator, right after the put.
 * Elsewhere a row may hold more, since what others put concurrently is never refused; that none of
 * them outlives its replacement is S1.
 *
 * Where it holds: siblings, always. Context, at the end, at every node: owners are fixed in a run.
 */
import type { Fact } from "../../core/facts.ts";
import type { Key } from "../../core/ring/key.ts";
import type { NodeId } from "../../core/ring/node-id.ts";
import type { RowWrite } from "../../core/storage/engine.ts";
import type { Checker, RunView } from "../checker.ts";
import type { Observer } from "../observer.ts";
import { MemoryLosses } from "./memory-losses.ts";
import { recordOf } from "./stored.ts";

type DotMinted = Extract<Fact, { readonly kind: "dot-minted" }>;

export function growth(run: RunView): Checker {
  return new Growth(run);
}

class Growth implements Checker {
  readonly id = "B1";
  readonly rule =
    "siblings stay under their limit, and a context grows with stops, not with writes";
  readonly observer: Observer;
  readonly #run: RunView;
  readonly #losses: MemoryLosses;
  readonly #minting: Map<NodeId, DotMinted> = new Map();
  /** Boots after stops that were not clean. */
  readonly #restarts: Map<NodeId, number> = new Map();
  readonly #purges: Map<Key, number> = new Map();
  readonly #problems: string[] = [];
  #checked = 0;

  constructor(run: RunView) {
    this.#run = run;
    this.#losses = new MemoryLosses(run);
    this.observer = {
      onFact: (node, fact) => {
        if (fact.kind === "dot-minted") this.#minting.set(node, fact);
        if (fact.kind === "tombstone-purged") this.#onPurged(fact.key);
      },
      onPersist: (node, writes) => this.#onPersist(node, writes),
      onRestart: (node, kind) => {
        this.#losses.onRestart(node, kind);
        if (kind !== "clean") this.#restarts.set(node, (this.#restarts.get(node) ?? 0) + 1);
      },
      onFault: (kind, node, key) => {
        this.#losses.onFault(kind, node, key);
        // What the disk refused is in no row: the next one of this key is another write.
        if (kind === "row-refused") this.#minting.delete(node!);
      },
    };
  }

  get checked(): number {
    return this.#checked;
  }

  finish(run: RunView): readonly string[] {
    for (const node of run.nodes) {
      for (const { key, row } of run.contents(node)) this.#checkContext(run, node, key, row);
    }
    return this.#problems;
  }

  #checkContext(run: RunView, node: NodeId, key: Key, row: Uint8Array): void {
    this.#checked++;
    const entries = recordOf(row)?.context.length ?? 0;
    let bound = this.#losses.lost(key) + (this.#purges.get(key) ?? 0);
    for (const owner of run.owners(key)) bound += 1 + (this.#restarts.get(owner) ?? 0);
    if (entries <= bound) return;
    this.#problems.push(
      `${key}: the context at ${node} has ${entries} entries,` +
        ` owners, stops, losses and purges explain ${bound}`,
    );
  }

  #onPurged(key: Key): void {
    this.#purges.set(key, (this.#purges.get(key) ?? 0) + 1);
  }

  #onPersist(node: NodeId, writes: readonly RowWrite[]): void {
    const minted = this.#minting.get(node);
    if (minted === undefined) return;
    for (const { key, row } of writes) {
      if (key !== minted.key) continue;
      this.#minting.delete(node);
      this.#checked++;
      const siblings = recordOf(row)?.dots.length ?? 0;
      const { siblingsMax } = this.#run.config;
      if (siblings <= siblingsMax) continue;
      this.#problems.push(
        `${key}: ${node} put a value beside others, ${siblings} in all,` +
          ` the limit is ${siblingsMax}`,
      );
    }
  }
}
