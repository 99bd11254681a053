/**
 * S8: what a client has seen, it goes on seeing.
 *
 *     read your writes   a read knows every write of this client that was acknowledged before it
 *     monotonic reads    a read knows everything that an earlier read of this client knew
 *     session reads      one that begins after another ended, whoever made it, knows all of that
 *
 * The first two as far as quorums carry them: the owners that held the write, or that held exactly
 * what the earlier read returned, and the owners that the later read asked must be more than there
 * are. (A read at a quorum can return what only one owner holds. Without blocking repair a second
 * read may miss that owner, and this rule does not apply to the pair.) The third as it stands: a
 * session read answers when a majority holds what it returns, and asks a majority.
 *
 * Where it holds: for writes, while no owner of the key lost durable rows in between. For reads,
 * while none crashed either, since a read may return what is not durable yet.
 */
import type { Context } from "../../core/causality/context.ts";
import { descends, EMPTY_CONTEXT, joinContexts } from "../../core/causality/context.ts";
import type { Key } from "../../core/ring/key.ts";
import type { Checker, RunView } from "../checker.ts";
import type { HistoryEntry } from "../history.ts";
import type { Observer } from "../observer.ts";
import { heldBy, hintedBy, holdersOf, readersOf } from "./levels.ts";
import { MemoryLosses } from "./memory-losses.ts";
import { Purged } from "./purged.ts";

/** What one client knows of one key, by the number of owners that hold it for certain. */
interface Knowledge {
  losses: number;
  readonly contexts: Context[];
}

interface Expectation {
  readonly writes: Context;
  readonly reads: Context;
  readonly sessions: Context;
}

/** What session reads of a key returned, joined, since an owner forgot something. */
interface Shown {
  readonly losses: number;
  readonly context: Context;
}

export function sessions(run: RunView): Checker {
  return new Sessions(run);
}

class Sessions implements Checker {
  readonly id = "S8";
  readonly rule =
    "a client's read knows its own acknowledged writes and what it read before;" +
    " a session read, what any had returned";
  readonly observer: Observer;
  readonly #run: RunView;
  readonly #losses: MemoryLosses;
  readonly #written: Map<string, Knowledge> = new Map();
  readonly #read: Map<string, Knowledge> = new Map();
  readonly #shown: Map<Key, Shown> = new Map();
  readonly #expected: Map<HistoryEntry, Expectation> = new Map();
  readonly #purged: Purged = new Purged();
  readonly #problems: string[] = [];
  #checked = 0;

  constructor(run: RunView) {
    this.#run = run;
    this.#losses = new MemoryLosses(run);
    this.observer = {
      ...this.#losses.observer,
      onFact: (_node, fact) => this.#purged.onFact(fact),
      onInvoke: (entry) => this.#onInvoke(entry),
      onReply: (entry) => this.#onReply(entry),
    };
  }

  get checked(): number {
    return this.#checked;
  }

  finish(): readonly string[] {
    return this.#problems;
  }

  #onInvoke(entry: HistoryEntry): void {
    this.#losses.onInvoke(entry);
    const lost = this.#losses.lost(entry.key);
    const forgot = this.#losses.forgot(entry.key);
    const owners = this.#run.owners(entry.key).length;
    const enough = entry.operation === "get" ? owners + 1 - readersOf(this.#run, entry) : Infinity;
    this.#expected.set(entry, {
      writes: knownBy(this.#written, entry, lost, enough),
      reads: knownBy(this.#read, entry, forgot, enough),
      sessions: entry.session ? this.#shownOf(entry.key, forgot) : EMPTY_CONTEXT,
    });
  }

  #onReply(entry: HistoryEntry): void {
    const expected = this.#expected.get(entry);
    this.#expected.delete(entry);
    const { context } = entry;
    if (expected === undefined || entry.status !== "ok" || context === undefined) return;
    const isLost = this.#losses.lostSince(entry);
    if (entry.operation !== "get") {
      if (isLost) return;
      learn(this.#written, entry, this.#losses.lost(entry.key), holdersOf(this.#run, entry));
      return;
    }
    if (entry.session) this.#onSessionRead(entry, expected.sessions);
    if (hintedBy(entry) > 0) return;
    if (!isLost) this.#expect(entry, expected.writes, "a write of its own");
    if (this.#losses.forgotSince(entry)) return;
    this.#expect(entry, expected.reads, "what it had read before");
    learn(this.#read, entry, this.#losses.forgot(entry.key), heldBy(entry));
  }

  /** Owners proper have answered it, in the number that it asked for, whoever else did. */
  #onSessionRead(entry: HistoryEntry, expected: Context): void {
    if (this.#losses.forgotSince(entry)) return;
    this.#expect(entry, expected, "what another session read had returned");
    const losses = this.#losses.forgot(entry.key);
    const context = joinContexts(this.#shownOf(entry.key, losses), entry.context!);
    this.#shown.set(entry.key, { losses, context });
  }

  #shownOf(key: Key, losses: number): Context {
    const shown = this.#shown.get(key);
    return shown?.losses === losses ? shown.context : EMPTY_CONTEXT;
  }

  #expect(read: HistoryEntry, context: Context, what: string): void {
    if (context.length === 0) return;
    this.#checked++;
    if (descends(this.#purged.with(read.key, read.context!), context)) return;
    this.#problems.push(
      `${read.key}: get ${read.sequence} of ${read.client} at ${read.node} does not know ${what}`,
    );
  }
}

/** What at least `enough` owners hold of what this client knows, and have not lost since. */
function knownBy(
  knowledge: ReadonlyMap<string, Knowledge>,
  entry: HistoryEntry,
  losses: number,
  enough: number,
): Context {
  const known = knowledge.get(nameOf(entry));
  if (known === undefined || known.losses !== losses) return EMPTY_CONTEXT;
  let context = EMPTY_CONTEXT;
  for (let held = enough; held < known.contexts.length; held++) {
    context = joinContexts(context, known.contexts[held]!);
  }
  return context;
}

function learn(
  knowledge: Map<string, Knowledge>,
  entry: HistoryEntry,
  losses: number,
  held: number,
): void {
  let known = knowledge.get(nameOf(entry));
  if (known === undefined || known.losses !== losses) {
    known = { losses, contexts: [] };
    knowledge.set(nameOf(entry), known);
  }
  while (known.contexts.length <= held) known.contexts.push(EMPTY_CONTEXT);
  known.contexts[held] = joinContexts(known.contexts[held]!, entry.context!);
}

function nameOf(entry: HistoryEntry): string {
  return `${entry.client}\n${entry.key}`;
}
