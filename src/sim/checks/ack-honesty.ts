/**
 * S6: an acknowledgement is true when it is given.
 *
 * When a client hears that its write is stored or its deletion done, at least W distinct owners of
 * the key hold it durably: were all of them to crash at that very moment, their disks would still
 * have it. W is what the client asked for, never what the product says it needed. Nodes that do not
 * own the key do not count, so this is the promise of `pw` as well. And a receipt never names an
 * owner that does not hold the write.
 *
 * "Holds it" means that the owner's record knows everything in the context of the answer: the dot
 * of the put, and what put or deletion replaced. A deletion that found nothing has nothing to hold.
 *
 * Where it holds: when no owner of the key lost durable rows while the operation ran. An owner that
 * confirms and then loses its disk leaves the coordinator with a true word about the past.
 */
import { descends } from "../../core/causality/context.ts";
import type { Checker, RunView } from "../checker.ts";
import type { HistoryEntry } from "../history.ts";
import type { Observer } from "../observer.ts";
import { holdersOf } from "./levels.ts";
import { MemoryLosses } from "./memory-losses.ts";
import { recordOf } from "./stored.ts";

export function ackHonesty(run: RunView): Checker {
  return new AckHonesty(run);
}

class AckHonesty implements Checker {
  readonly id = "S6";
  readonly rule = "at the acknowledgement of a write, W distinct owners hold it durably";
  readonly observer: Observer;
  readonly #run: RunView;
  readonly #losses: MemoryLosses;
  readonly #problems: string[] = [];
  #checked = 0;

  constructor(run: RunView) {
    this.#run = run;
    this.#losses = new MemoryLosses(run);
    this.observer = {
      ...this.#losses.observer,
      onInvoke: (entry) => this.#losses.onInvoke(entry),
      onReply: (entry) => {
        if (entry.operation === "get" || entry.status !== "ok") return;
        if (!this.#losses.lostSince(entry)) this.#check(entry);
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
      const record = recordOf(this.#run.durableRow(owners[index]!, key));
      const holds = record !== undefined && descends(record.context, context);
      if (holds) holders++;
      else if ((receipt.held & (1 << index)) !== 0) {
        this.#problems.push(`${named}: its receipt names ${owners[index]}, which does not hold it`);
      }
    }
    const needed = holdersOf(this.#run, entry);
    if (holders >= needed) return;
    this.#problems.push(`${named} was acknowledged for ${needed} owners, and ${holders} hold it`);
  }
}
