/**
 * A closed loop of requests: so many are in flight, and whenever one is answered the next is sent.
 *
 * It goes through the door of the client, below promises, as a program that wants all the
 * throughput would. The first part of the time warms up the machines' code and is not counted. A
 * failure is counted by its code and is no reason to stop; what counts as done was answered without
 * one.
 */
import type { RemoteClient } from "../client/remote-client.ts";
import type { DoorOutcome } from "../core/caller/door-outcome.ts";
import { clientRequest, type ClientRequest, type Level } from "../core/requests.ts";
import { keyOf } from "../core/ring/key.ts";
import { LatencyHistogram, type LatencySummary } from "./latency-histogram.ts";

export type LoadOperation = "put" | "get" | "mixed";

export interface LoadPlan {
  readonly operation: LoadOperation;
  readonly valueBytes: number;
  readonly inFlight: number;
  readonly keys: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly r: Level;
  readonly w: Level;
}

export interface LoadResult {
  readonly operationsPerSecond: number;
  readonly seconds: number;
  readonly latency: LatencySummary;
  /** How many failed, by code. */
  readonly failures: Readonly<Record<string, number>>;
}

const BUCKET = "gramme.bench";

/** Every key is stored once, so that reads find what they ask for. */
export async function fill(client: RemoteClient, plan: LoadPlan): Promise<void> {
  await new Load(client, { ...plan, operation: "put" }).runOver(plan.keys);
}

export async function runLoad(client: RemoteClient, plan: LoadPlan): Promise<LoadResult> {
  await new Load(client, plan).runFor(plan.warmUpSeconds);
  return new Load(client, plan).runFor(plan.seconds);
}

class Load {
  readonly #client: RemoteClient;
  readonly #plan: LoadPlan;
  readonly #puts: readonly ClientRequest[];
  readonly #gets: readonly ClientRequest[];
  readonly #histogram: LatencyHistogram = new LatencyHistogram();
  readonly #failures: Map<string, number> = new Map();
  #sent = 0;
  #open = 0;
  #sentMax = Infinity;
  #endAt = Infinity;
  #onEnd: () => void = () => {};

  constructor(client: RemoteClient, plan: LoadPlan) {
    this.#client = client;
    this.#plan = plan;
    const { r, w } = plan;
    const value = new Uint8Array(plan.valueBytes).fill(0x67);
    const keys = Array.from({ length: plan.keys }, (_, index) => keyOf(BUCKET, `key:${index}`));
    // A request is a value and may be sent any number of times: making it is not what is measured.
    this.#puts = keys.map((key) => clientRequest({ operation: "put", key, value, r, w }));
    this.#gets = keys.map((key) => clientRequest({ operation: "get", key, r, w }));
  }

  async runOver(count: number): Promise<void> {
    this.#sentMax = count;
    await this.#run();
  }

  async runFor(seconds: number): Promise<LoadResult> {
    const startedAt = performance.now();
    this.#endAt = startedAt + seconds * 1_000;
    await this.#run();
    const elapsedSeconds = (performance.now() - startedAt) / 1_000;
    return {
      operationsPerSecond: Math.round(this.#histogram.count / elapsedSeconds),
      seconds: Math.round(elapsedSeconds * 1_000) / 1_000,
      latency: this.#histogram.summary(),
      failures: Object.fromEntries(this.#failures),
    };
  }

  #run(): Promise<void> {
    return new Promise((resolve) => {
      this.#onEnd = resolve;
      for (let index = 0; index < this.#plan.inFlight; index++) this.#sendNext();
      if (this.#open === 0) resolve();
    });
  }

  #sendNext(): void {
    const sentAt = performance.now();
    if (sentAt >= this.#endAt || this.#sent >= this.#sentMax) {
      if (this.#open === 0) this.#onEnd();
      return;
    }
    const sequence = this.#sent++;
    this.#open++;
    this.#client.submit(this.#requestAt(sequence), (outcome) => this.#onOutcome(sentAt, outcome));
  }

  #onOutcome(sentAt: number, outcome: DoorOutcome): void {
    this.#open--;
    if (outcome.kind === "failed") {
      this.#failures.set(outcome.code, (this.#failures.get(outcome.code) ?? 0) + 1);
    } else {
      this.#histogram.record(performance.now() - sentAt);
    }
    this.#sendNext();
  }

  /** Walks the keys with a stride that has no factor in common with most counts. */
  #requestAt(sequence: number): ClientRequest {
    const { operation, keys } = this.#plan;
    const isPut = operation === "put" || (operation === "mixed" && sequence % 2 === 0);
    const index = this.#sentMax === Infinity ? (sequence * 7_919) % keys : sequence;
    return isPut ? this.#puts[index]! : this.#gets[index]!;
  }
}
