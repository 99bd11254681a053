/**
 * S21: what has expired is not shown.
 *
 * A value that was put for a time names the moment of its end, once and for all owners: no later
 * than that time from when its coordinator took it, by that one's clock. A read whose coordinator
 * has met that moment, by its own clock, before the read began does not return it, whatever clocks
 * do afterwards.
 *
 * Where it holds: in every mode. A node that starts anew has met nothing yet, so a read is judged
 * only if its coordinator has not started since it began.
 */
import { EXPIRING, type Record } from "../../core/causality/record.ts";
import { expiryOf } from "../../core/causality/register.ts";
import type { NodeId } from "../../core/ring/node-id.ts";
import type { Checker, RunView } from "../checker.ts";
import type { HistoryEntry } from "../history.ts";
import type { Observer } from "../observer.ts";
import { deltaOf, recordOf, valueOf } from "./stored.ts";

export function expiry(run: RunView): Checker {
  return new Expiry(run);
}

class Expiry implements Checker {
  readonly id = "S21";
  readonly rule = "a read does not return what had expired for its coordinator when it began";
  readonly observer: Observer;
  readonly #run: RunView;
  /** By value, how long it was to live at most, and when it ends. */
  readonly #lives: Map<string, number> = new Map();
  readonly #ends: Map<string, number> = new Map();
  /** By read under way, what each node goes by when it begins. */
  readonly #walls: Map<HistoryEntry, ReadonlyMap<NodeId, number>> = new Map();
  readonly #problems: string[] = [];
  #checked = 0;

  constructor(run: RunView) {
    this.#run = run;
    this.observer = {
      onPersist: (node, writes) => {
        for (const { row } of writes) this.#learn(node, recordOf(row)!);
      },
      // A disk may have no room for it: then it is kept by others, as something for that owner.
      onSend: (from, _to, message) => {
        if (message.kind === "write" || message.kind === "hint") {
          this.#learn(from, deltaOf(message.delta));
        }
      },
      onInvoke: (entry) => {
        if (entry.value !== undefined && entry.ttlMs > 0) this.#lives.set(entry.value, entry.ttlMs);
        if (entry.operation !== "get" || this.#ends.size === 0) return;
        this.#walls.set(entry, new Map(run.nodes.map((node) => [node, run.wallMs(node)])));
      },
      onReply: (entry) => this.#onReply(entry),
      onRestart: (node) => {
        for (const [entry, walls] of this.#walls) {
          this.#walls.set(entry, new Map([...walls].filter(([each]) => each !== node)));
        }
      },
    };
  }

  get checked(): number {
    return this.#checked;
  }

  finish(): readonly string[] {
    return this.#problems;
  }

  #learn(node: NodeId, { dots }: Record): void {
    for (const dot of dots) {
      if (dot.kind !== EXPIRING) continue;
      const value = valueOf(dot);
      const end = expiryOf(dot);
      // A put that was tried twice may have left two dots: the later one counts.
      if (end <= (this.#ends.get(value) ?? Number.NEGATIVE_INFINITY)) continue;
      this.#ends.set(value, end);
      this.#checkEnd(node, value, end);
    }
  }

  /** Who has it first is who took it. */
  #checkEnd(node: NodeId, value: string, end: number): void {
    const life = this.#lives.get(value);
    if (life === undefined) return;
    this.#checked++;
    const left = end - this.#run.wallMs(node);
    if (left <= life) return;
    this.#problems.push(
      `${value}: put for ${life} ms, and ${node} lets it live for ${left} (${this.#run.now} ms)`,
    );
  }

  #onReply(read: HistoryEntry): void {
    const walls = this.#walls.get(read);
    this.#walls.delete(read);
    const coordinator = read.receipt?.coordinator;
    const wallMs = coordinator === undefined ? undefined : walls?.get(coordinator);
    if (wallMs === undefined) return;
    this.#checked++;
    for (const value of read.returned ?? []) {
      const end = this.#ends.get(value);
      if (end === undefined || end > wallMs) continue;
      this.#problems.push(
        `${read.key}: get ${read.sequence} at ${coordinator} returned ${value},` +
          ` which had expired ${wallMs - end} ms before (${this.#run.now} ms)`,
      );
    }
  }
}
