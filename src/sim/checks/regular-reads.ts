/**
 * S9: a read knows every write that was acknowledged before it began.
 *
 * Of any client, whenever the two quorums must overlap: W of the write plus R of the read is more
 * than there are owners. "Knows" means that the context of the answer holds everything in the
 * context of the acknowledgement: the value is returned, or something that replaced it, and what
 * was replaced or deleted is not returned. A write that began before the read and ended after it
 * may be seen or not: this is regular, not linearizable.
 *
 * Where it holds: while no owner of the key lost durable rows between the beginning of the write
 * and the end of the read. After a loss the rule begins anew with the writes that begin after it.
 */
import type { Context } from "../../core/causality/context.ts";
import { descends, EMPTY_CONTEXT, joinContexts } from "../../core/causality/context.ts";
import type { Key } from "../../core/ring/key.ts";
import type { Checker, RunView } from "../checker.ts";
import type { HistoryEntry } from "../history.ts";
import type { Observer } from "../observer.ts";
import { hintedBy, holdersOf, readersOf } from "./levels.ts";
import { MemoryLosses } from "./memory-losses.ts";
import { Purged } from "./purged.ts";

/** What was acknowledged of a key since the last loss, joined by the number of its holders. */
interface Acknowledged {
  readonly lost: number;
  readonly contexts: Context[];
}

export function regularReads(run: RunView): Checker {
  return new RegularReads(run);
}

class RegularReads implements Checker {
  readonly id = "S9";
  readonly rule = "when R + W > N, a read knows every write acknowledged before it began";
  readonly observer: Observer;
  readonly #run: RunView;
  readonly #losses: MemoryLosses;
  readonly #acknowledged: Map<Key, Acknowledged> = new Map();
  /** What a read that is under way has to know. */
  readonly #expected: Map<HistoryEntry, Context> = new Map();
  readonly #purged: Purged = new Purged();
  readonly #problems: string[] = [];
  #checked = 0;

  constructor(run: RunView) {
    this.#run = run;
    this.#losses = new MemoryLosses(run);
    this.observer = {
      ...this.#losses.observer,
      onFact: (_node, fact) => this.#purged.onFact(fact),
      onInvoke: (entry) => {
        this.#losses.onInvoke(entry);
        if (entry.operation === "get") this.#expected.set(entry, this.#expectedOf(entry));
      },
      onReply: (entry) => {
        const expected = this.#expected.get(entry);
        this.#expected.delete(entry);
        if (entry.status !== "ok" || entry.context === undefined) return;
        if (this.#losses.lostSince(entry)) return;
        if (entry.operation !== "get") this.#learn(entry);
        else if (hintedBy(entry) === 0) this.#check(entry, expected!);
      },
    };
  }

  get checked(): number {
    return this.#checked;
  }

  finish(): readonly string[] {
    return this.#problems;
  }

  #check(read: HistoryEntry, expected: Context): void {
    if (expected.length === 0) return;
    this.#checked++;
    if (descends(this.#purged.with(read.key, read.context!), expected)) return;
    this.#problems.push(
      `${read.key}: get ${read.sequence} at ${read.node} with r ${read.r} does not know` +
        ` everything that was acknowledged before ${read.invokedAt} ms`,
    );
  }

  #expectedOf(read: HistoryEntry): Context {
    const acknowledged = this.#acknowledged.get(read.key);
    if (acknowledged?.lost !== this.#losses.lost(read.key)) return EMPTY_CONTEXT;
    const enough = this.#run.owners(read.key).length + 1 - readersOf(this.#run, read);
    let expected = EMPTY_CONTEXT;
    for (let held = enough; held < acknowledged.contexts.length; held++) {
      expected = joinContexts(expected, acknowledged.contexts[held]!);
    }
    return expected;
  }

  #learn(write: HistoryEntry): void {
    const lost = this.#losses.lost(write.key);
    let acknowledged = this.#acknowledged.get(write.key);
    if (acknowledged?.lost !== lost) {
      acknowledged = { lost, contexts: [] };
      this.#acknowledged.set(write.key, acknowledged);
    }
    const { contexts } = acknowledged;
    const held = holdersOf(this.#run, write);
    while (contexts.length <= held) contexts.push(EMPTY_CONTEXT);
    contexts[held] = joinContexts(contexts[held]!, write.context!);
  }
}
