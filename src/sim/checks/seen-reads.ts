/**
 * What reads have shown of each key, and which later ones must agree with them.
 *
 * Two reads are comparable when their owners must overlap: `held` of the first receipt counts the
 * owners that held exactly what was returned, and with those that the second had to ask they are
 * more than there are. Without that overlap an older value may rightly be seen again (no blocking
 * repair). Nor does the first bind the second when an owner forgot anything in between: it may have
 * returned what was not durable yet.
 */
import type { Context } from "../../core/causality/context.ts";
import type { Key } from "../../core/ring/key.ts";
import type { RunView } from "../checker.ts";
import type { HistoryEntry } from "../history.ts";
import { heldBy, hintedBy, readersOf } from "./levels.ts";
import type { MemoryLosses } from "./memory-losses.ts";

/** Earlier reads that a later one is compared with, per key: the latest say the most. */
const READS_KEPT = 8;

/** What a read showed, and what its owners had forgotten by then. */
export interface Seen {
  readonly read: HistoryEntry;
  readonly context: Context;
  readonly held: number;
  readonly forgot: number;
}

export class SeenReads {
  readonly #run: RunView;
  readonly #losses: MemoryLosses;
  readonly #ofKeys: Map<Key, Seen[]> = new Map();

  constructor(run: RunView, losses: MemoryLosses) {
    this.#run = run;
    this.#losses = losses;
  }

  /** Remembers a read that has ended, and answers the earlier ones that it is comparable with. */
  add(read: HistoryEntry): readonly Seen[] {
    const { key, context, status } = read;
    if (status !== "ok" || context === undefined || this.#losses.forgotSince(read)) return [];
    const asked = readersOf(this.#run, read) - hintedBy(read);
    const owners = this.#run.owners(key).length;
    const comparable = this.unforgotten(key).filter((seen) => {
      return seen.read.completedAt! < read.invokedAt && seen.held + asked > owners;
    });
    const all = this.#ofKeys.get(key) ?? [];
    this.#ofKeys.set(key, all);
    all.push({ read, context, held: heldBy(read), forgot: this.#losses.forgot(key) });
    if (all.length > READS_KEPT) all.shift();
    return comparable;
  }

  /** Those of a key since which no owner forgot anything. */
  unforgotten(key: Key): readonly Seen[] {
    const forgot = this.#losses.forgot(key);
    return (this.#ofKeys.get(key) ?? []).filter((seen) => seen.forgot === forgot);
  }
}
