/**
 * S6: an acknowledgement is true when it is given.
 *
 * When a client hears that its write is stored or its deletion done, at least W distinct owners of
 * the key hold it durably: were all of them to crash at that very moment, their disks would still
 * have it. W is what the client asked for, never what the product says it needed. For an owner that
 * cannot be reached a node that owns nothing of the key counts, if it keeps the write for that one;
 * but each node counts once, and at least `pw` are owners. A receipt never names an owner that does
 * not hold the write, nor says that somebody stands in for one when nobody does.
 *
 * "Holds it" means that the owner's record knows everything in the context of the answer: the dot
 * of the put, and what put or deletion replaced. A deletion that found nothing has nothing to hold.
 *
 * Where it holds: when no owner of the key lost durable rows while the operation ran, and nobody at
 * all when others stood in. Who confirms and then loses its disk leaves the coordinator with a true
 * word about the past.
 */
import type { Context } from "../../core/causality/context.ts";
import { descends } from "../../core/causality/context.ts";
import type { Key } from "../../core/ring/key.ts";
import type { NodeId } from "../../core/ring/node-id.ts";
import type { Checker, RunView } from "../checker.ts";
import type { HistoryEntry } from "../history.ts";
import type { Observer } from "../observer.ts";
import { properOf, writersOf } from "./levels.ts";
import { MemoryLosses } from "./memory-losses.ts";
import { Purged } from "./purged.ts";
import { hintOf, recordOf } from "./stored.ts";

export function ackHonesty(run: RunView): Checker {
  return new AckHonesty(run);
}

class AckHonesty implements Checker {
  readonly id = "S6";
  readonly rule = "at the acknowledgement of a write, W distinct nodes hold it durably";
  readonly observer: Observer;
  readonly #run: RunView;
  readonly #losses: MemoryLosses;
  readonly #purged: Purged = new Purged();
  readonly #problems: string[] = [];
  #checked = 0;

  constructor(run: RunView) {
    this.#run = run;
    this.#losses = new MemoryLosses(run);
    this.observer = {
      ...this.#losses.observer,
      onFact: (_node, fact) => this.#purged.onFact(fact),
      onInvoke: (entry) => this.#losses.onInvoke(entry),
      onReply: (entry) => {
        if (entry.operation === "get" || entry.status !== "ok") return;
        const isSloppy = (entry.receipt?.hinted ?? 0) !== 0;
        const isLost = isSloppy
          ? this.#losses.lostAnywhereSince(entry)
          : this.#losses.lostSince(entry);
        if (!isLost) this.#check(entry);
      },
    };
  }

  get checked(): number {
    return this.#checked;
  }

  finish(): readonly string[] {
    return this.#problems;
  }

  #check(entry: HistoryEntry): void {
    const { key, context, receipt } = entry;
    const named = `${key}: ${entry.operation} ${entry.sequence}`;
    if (context === undefined || receipt === undefined) {
      this.#problems.push(`${named} was acknowledged without a context or a receipt`);
      return;
    }
    if (context.length === 0) return;
    this.#checked++;
    const owners = this.#run.owners(key);
    let holders = 0;
    for (let index = 0; index < owners.length; index++) {
      if (this.#holds(owners[index]!, key, context)) holders++;
      else if ((receipt.held & (1 << index)) !== 0) {
        this.#problems.push(`${named}: its receipt names ${owners[index]}, which does not hold it`);
      }
    }
    const needed = writersOf(this.#run, entry);
    const proper = Math.min(properOf(this.#run, entry), needed);
    if (holders < proper) {
      this.#problems.push(`${named} was acknowledged for ${proper} owners, ${holders} hold it`);
    }
    if (holders >= needed && receipt.hinted === 0) return;
    // A hint that was delivered already is held by its owner.
    const lacking = owners.filter((owner, index) => {
      return (receipt.hinted & (1 << index)) !== 0 && !this.#holds(owner, key, context);
    });
    const standIns = this.#standInsOf(key, context);
    for (const owner of lacking) {
      if (standIns.some((names) => names.has(owner))) continue;
      this.#problems.push(`${named}: nobody stands in for ${owner}, as its receipt says`);
    }
    const nodes = holders + Math.min(lacking.length, standIns.length);
    if (nodes >= needed) return;
    this.#problems.push(`${named} was acknowledged for ${needed} nodes, and ${nodes} hold it`);
  }

  #holds(owner: NodeId, key: Key, context: Context): boolean {
    const record = recordOf(this.#run.durableRow(owner, key));
    return record !== undefined && descends(this.#purged.with(key, record.context), context);
  }

  /** Of each node that is no owner and keeps at least this of the key: for whom. */
  #standInsOf(key: Key, context: Context): readonly ReadonlySet<NodeId>[] {
    const owners = this.#run.owners(key);
    const found: ReadonlySet<NodeId>[] = [];
    for (const node of this.#run.nodes) {
      const hint = owners.includes(node) ? undefined : hintOf(this.#run.durableHint(node, key));
      if (hint !== undefined && descends(hint.record.context, context)) found.push(hint.targets);
    }
    return found;
  }
}
