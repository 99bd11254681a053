/**
 * One round of a leader: are these tombstones the last that anybody knows of their keys?
 *
 *     1  all owners hold exactly them, nobody keeps a hint, and from now on all watch
 *     2  everything that was under way before is of an era that is over by then, or that one
 *     3  all have begun the next era
 *     4  all have begun the one behind it: nobody listens any more to what was under way
 *        and still: all owners hold exactly them, and nobody has kept a hint meanwhile
 *     5  the owners remove them
 *
 * What was under way when the last member answered the first question may still have known an older
 * state of a key. It bears an era that the second answers tell the last of. What began later saw
 * tombstones only, since nothing else was there to be seen. So behind the fourth answer nobody
 * knows what was deleted, and the owners may forget that it was, in any order, and also if some of
 * them never hear of it.
 *
 * All members must answer, also those that own none of the keys: they may keep hints.
 */
import type { Instant } from "../effects.ts";
import type { PurgeMessage, PurgeTold, Tombstone } from "../purge-messages.ts";
import type { Layout } from "../ring/layout.ts";
import type { NodeId } from "../ring/node-id.ts";

export class PurgeRound {
  readonly id: number;
  readonly startedAt: Instant;
  readonly tombstones: readonly Tombstone[];
  readonly #layout: Layout;
  readonly #waiting: Set<NodeId>;
  readonly #unclear: Set<number> = new Set();
  /** What each member calls its watch. */
  readonly #watches: Map<NodeId, number> = new Map();
  /** Set when everybody has answered the fourth question. */
  #clear: readonly Tombstone[] = [];
  #step: PurgeTold["step"] = 1;
  /** The last that anybody was in, and after step 2 the one to go to. */
  #era = 0;

  constructor(now: Instant, id: number, layout: Layout, tombstones: readonly Tombstone[]) {
    this.id = id;
    this.startedAt = now;
    this.tombstones = tombstones;
    this.#layout = layout;
    this.#waiting = new Set(layout.nodes.map((node) => node.id));
  }

  /** Who is still to answer the question of the moment. */
  get waiting(): readonly NodeId[] {
    return [...this.#waiting];
  }

  /** Those that the owners were told to remove. */
  get clear(): readonly Tombstone[] {
    return this.#clear;
  }

  get isOver(): boolean {
    return this.#waiting.size === 0 || this.#isAllUnclear;
  }

  get #isAllUnclear(): boolean {
    return this.#unclear.size === this.tombstones.length;
  }

  question(member: NodeId): PurgeMessage {
    const { id, tombstones } = this;
    const { epoch } = this.#layout;
    switch (this.#step) {
      case 1:
        return { kind: "purge-watch", id, epoch, tombstones };
      case 5:
        return { kind: "purge-now", id, epoch, tombstones: this.#clear };
      default:
        return {
          kind: "purge-step",
          id,
          watch: this.#watches.get(member) ?? 0,
          step: this.#step,
          era: this.#era,
        };
    }
  }

  /** Answers whether there is a new question. */
  onTold(from: NodeId, { watch, step, era, unclear }: PurgeTold): boolean {
    if (step !== this.#step) return false;
    if (step > 1 && step < 5 && this.#watches.get(from) !== watch) return false;
    if (!this.#waiting.delete(from)) return false;
    if (step === 1) this.#watches.set(from, watch);
    for (const place of unclear) if (place < this.tombstones.length) this.#unclear.add(place);
    if (step <= 2) this.#era = Math.max(this.#era, era);
    if (step === 5 || this.#waiting.size > 0 || this.#isAllUnclear) return false;
    this.#ask((step + 1) as PurgeTold["step"]);
    return true;
  }

  #ask(step: PurgeTold["step"]): void {
    this.#step = step;
    if (step === 3 || step === 4) this.#era++;
    if (step === 5) {
      this.#clear = this.tombstones.filter((_, place) => !this.#unclear.has(place));
    }
    const asked = step === 5 ? this.#owners() : this.#layout.nodes.map((node) => node.id);
    for (const node of asked) this.#waiting.add(node);
  }

  #owners(): readonly NodeId[] {
    const layout = this.#layout;
    return this.#clear.flatMap(({ key }) => layout.owners(layout.partitioner.of(key)));
  }
}
