/**
 * News on its way out: the latest that is to be told of each member, told a limited number of
 * times.
 *
 *     told 0 times │ n7 dead │ n3 alive │       first what was told least, then what waits longest
 *     told 1 time  │ n9 suspect │
 *     …                                        told to the limit: dropped
 *
 * There is one rumour a member, so newer news replaces older and the queue cannot outgrow the
 * members. A packet takes them in this order until one does not fit.
 */
import type { Rumour } from "../membership-messages.ts";
import { NO_RUMOURS, rumourBytes } from "../membership-messages.ts";
import type { NodeId } from "../ring/node-id.ts";

interface Entry {
  readonly rumour: Rumour;
  readonly bytes: number;
  told: number;
}

export class Rumours {
  readonly #byId: Map<NodeId, Entry> = new Map();
  /** By how often they were told; each in the order in which they came to be. */
  readonly #tiers: Map<NodeId, Entry>[] = [];

  get size(): number {
    return this.#byId.size;
  }

  add(rumour: Rumour): void {
    this.drop(rumour.id);
    const entry: Entry = { rumour, bytes: rumourBytes(rumour), told: 0 };
    this.#byId.set(rumour.id, entry);
    this.#tier(0).set(rumour.id, entry);
  }

  drop(id: NodeId): void {
    const entry = this.#byId.get(id);
    if (entry === undefined) return;
    this.#byId.delete(id);
    this.#tiers[entry.told]!.delete(id);
  }

  /** What to tell in a packet with so much room; counts as told. */
  take(bytesMax: number, limit: number): readonly Rumour[] {
    if (this.#byId.size === 0) return NO_RUMOURS;
    const taken: Entry[] = [];
    let room = bytesMax;
    filling: for (const tier of this.#tiers) {
      for (const entry of tier.values()) {
        room -= entry.bytes;
        if (room < 0) break filling;
        taken.push(entry);
      }
    }
    for (const entry of taken) this.#onTold(entry, limit);
    return taken.map(({ rumour }) => rumour);
  }

  #onTold(entry: Entry, limit: number): void {
    const { id } = entry.rumour;
    this.#tiers[entry.told]!.delete(id);
    entry.told++;
    if (entry.told >= limit) this.#byId.delete(id);
    else this.#tier(entry.told).set(id, entry);
  }

  #tier(told: number): Map<NodeId, Entry> {
    while (this.#tiers.length <= told) this.#tiers.push(new Map());
    return this.#tiers[told]!;
  }
}
