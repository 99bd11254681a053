/**
 * One key through one node, tried until it succeeds: how a run asks whether the cluster serves.
 *
 *     read          at quorum
 *     read, write   at quorum, the write with what was read
 *     write         at quorum, of a key that too few owners are left to read
 */
import type { Instant } from "../core/effects.ts";
import type { Client } from "./client.ts";
import type { ClientOperation } from "./client-operation.ts";
import type { Simulation } from "./simulation.ts";
import type { Place } from "./workload.ts";

export type Aim = "read" | "read and write" | "write";

const RETRY_AFTER_MS = 100;

export class Attempt {
  readonly place: Place;
  readonly aim: Aim;
  readonly #sim: Simulation;
  readonly #client: Client;
  readonly #node: string;
  #current: ClientOperation;
  #futileAt: Instant = 0;
  #isFutile = false;
  isDone = false;
  /** How often it was found to be futile, or to be so no longer. */
  turns = 0;

  constructor(sim: Simulation, node: string, place: Place, aim: Aim) {
    this.#sim = sim;
    this.#client = sim.client("liveness", { persists: true });
    this.#node = node;
    this.place = place;
    this.aim = aim;
    this.#current = this.#start();
  }

  /** While `isFutile`, it is not asked again: what can be had need not wait for what cannot. */
  look(now: Instant, isFutile: () => boolean): void {
    const { operation, status, completedAt } = this.#current.entry;
    if (this.isDone || status === "open") return;
    if (status === "ok") {
      this.isDone = operation === "put" || this.aim === "read";
      if (!this.isDone) this.#current = this.#write(this.#current);
    } else if (now >= Math.max(this.#futileAt, completedAt!) + RETRY_AFTER_MS) {
      if (isFutile() !== this.#isFutile) {
        this.#isFutile = !this.#isFutile;
        this.turns++;
      }
      if (this.#isFutile) this.#futileAt = now;
      // A refused write may need what another read finds: too many siblings, a damaged row.
      else this.#current = this.#start();
    }
  }

  describe(): string {
    const { operation, key, node, status, code } = this.#current.entry;
    return `${operation} ${key} through ${node} (last: ${status} ${code ?? ""})`;
  }

  #start(): ClientOperation {
    return this.aim === "write" ? this.#write(undefined) : this.#read();
  }

  #read(): ClientOperation {
    const { key, mode } = this.place;
    return this.#client.get(key, { mode, node: this.#node, r: "quorum" });
  }

  #write(read: ClientOperation | undefined): ClientOperation {
    const { key, mode } = this.place;
    const options = { mode, node: this.#node, w: "quorum" } as const;
    if (read === undefined) {
      return this.#client.put(key, `liveness.blind.${this.#sim.history.length}`, options);
    }
    const { context, entry } = read;
    return this.#client.put(key, `liveness.${entry.sequence}`, { ...options, context });
  }
}
