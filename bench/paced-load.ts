/**
 * The process of a client that asks at a steady pace, whatever becomes of what it asked: half gets,
 * half puts, through the public client library with the settings that it has when nobody sets any.
 *
 *     { kind: "race", … }    as fast as so many in flight go: what 100 % of the load is
 *     { kind: "pace", … }    so many a second from now on; 0 for none
 *     { kind: "cut" }        what was since the last cut
 *
 * The pace is kept by the time, not by the answers: a cluster that answers late is asked no less.
 * And an operation takes from the moment when it was due, not from when this process came to it.
 * An operation has failed when its promise is rejected, and is counted by the code.
 */
import { fileURLToPath } from "node:url";
import { type ChildProcess, fork } from "node:child_process";
import { type Bucket, bytes, connect, GrammeError, type Store } from "#src/client/index.ts";
import { Latencies } from "./latencies.ts";

export interface PacedLoadPlan {
  readonly addresses: readonly string[];
  readonly keys: number;
  readonly valueBytes: number;
}

/** From one cut to the next. */
export interface Cut {
  readonly ms: number;
  readonly done: number;
  readonly failures: Readonly<Record<string, number>>;
  readonly getP99Ms: number;
  readonly putP99Ms: number;
  readonly getP50Ms: number;
  readonly putP50Ms: number;
  /** Operations that were done, in each twentieth of a second. */
  readonly doneIn: readonly number[];
}

type Order =
  | { readonly kind: "race"; readonly inFlight: number; readonly seconds: number }
  | { readonly kind: "pace"; readonly perSecond: number }
  | { readonly kind: "cut" };

export const WINDOW_MS = 50;
const TICK_MS = 1;
const BUCKET = "gramme.bench";
/** A stride without a factor in common with the usual numbers of keys. */
const STRIDE = 7_919;
const PROGRAM = fileURLToPath(import.meta.url);

/** The process as seen from outside: orders go one after the other. */
export class PacedLoad {
  readonly #child: ChildProcess;

  static async start(plan: PacedLoadPlan): Promise<PacedLoad> {
    const load = new PacedLoad(fork(PROGRAM, [JSON.stringify(plan)]));
    await load.#answer();
    return load;
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Operations a second. */
  async race(inFlight: number, seconds: number): Promise<number> {
    return (await this.#ask({ kind: "race", inFlight, seconds })) as number;
  }

  async pace(perSecond: number): Promise<void> {
    await this.#ask({ kind: "pace", perSecond });
  }

  async cut(): Promise<Cut> {
    return (await this.#ask({ kind: "cut" })) as Cut;
  }

  stop(): void {
    this.#child.kill("SIGKILL");
  }

  #ask(order: Order): Promise<unknown> {
    const answer = this.#answer();
    this.#child.send(order);
    return answer;
  }

  #answer(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const onExit = (): void => reject(new Error("the client has ended"));
      this.#child.once("exit", onExit);
      this.#child.once("message", (message) => {
        this.#child.off("exit", onExit);
        resolve(message);
      });
    });
  }
}

class PacedClient {
  readonly #bucket: Bucket<Uint8Array>;
  readonly #keys: readonly string[];
  readonly #value: Uint8Array;
  #tally: Tally = new Tally();
  #sequence = 0;
  #perSecond = 0;
  #dueAt = 0;

  constructor(store: Store, { keys, valueBytes }: PacedLoadPlan) {
    this.#bucket = store.bucket(BUCKET, bytes);
    this.#keys = Array.from({ length: keys }, (_, index) => `key:${index}`);
    this.#value = new Uint8Array(valueBytes).fill(0x67);
  }

  async fill(): Promise<void> {
    const left = [...this.#keys];
    const work = async (): Promise<void> => {
      for (let key = left.pop(); key !== undefined; key = left.pop()) {
        await this.#bucket.put(key, this.#value);
      }
    };
    await Promise.all(Array.from({ length: 64 }, work));
  }

  async obey(order: Order): Promise<Cut | number | true> {
    switch (order.kind) {
      case "race":
        return this.#race(order.inFlight, order.seconds);
      case "pace":
        this.#perSecond = order.perSecond;
        this.#dueAt = performance.now();
        return true;
      case "cut":
        return this.#cut();
    }
  }

  onTick(): void {
    if (this.#perSecond === 0) return;
    for (
      const now = performance.now();
      this.#dueAt <= now;
      this.#dueAt += 1_000 / this.#perSecond
    ) {
      void this.#one(this.#dueAt);
    }
  }

  async #race(inFlight: number, seconds: number): Promise<number> {
    this.#cut();
    const until = performance.now() + seconds * 1_000;
    const work = async (): Promise<void> => {
      while (performance.now() < until) await this.#one(performance.now());
    };
    await Promise.all(Array.from({ length: inFlight }, work));
    const { done, ms } = this.#cut();
    return (done * 1_000) / ms;
  }

  async #one(dueAt: number): Promise<void> {
    const sequence = this.#sequence++;
    const key = this.#keys[(sequence * STRIDE) % this.#keys.length]!;
    const isPut = Math.random() < 0.5;
    try {
      if (isPut) await this.#bucket.put(key, this.#value);
      else await this.#bucket.get(key);
      this.#tally.onDone(isPut, dueAt);
    } catch (error) {
      this.#tally.onFailed(error);
    }
  }

  #cut(): Cut {
    const tally = this.#tally;
    this.#tally = new Tally();
    return tally.told();
  }
}

class Tally {
  readonly #startedAt: number = performance.now();
  readonly #gets: Latencies = new Latencies();
  readonly #puts: Latencies = new Latencies();
  readonly #doneIn: number[] = [];
  readonly #failures: Map<string, number> = new Map();

  onDone(isPut: boolean, dueAt: number): void {
    const now = performance.now();
    (isPut ? this.#puts : this.#gets).add(now - dueAt);
    const window = Math.floor((now - this.#startedAt) / WINDOW_MS);
    while (this.#doneIn.length <= window) this.#doneIn.push(0);
    this.#doneIn[window]!++;
  }

  onFailed(error: unknown): void {
    if (!(error instanceof GrammeError)) throw error;
    this.#failures.set(error.code, (this.#failures.get(error.code) ?? 0) + 1);
  }

  told(): Cut {
    const [gets, puts] = [this.#gets, this.#puts];
    return {
      ms: performance.now() - this.#startedAt,
      done: gets.count + puts.count,
      failures: Object.fromEntries(this.#failures),
      getP99Ms: gets.quantileMs(0.99),
      putP99Ms: puts.quantileMs(0.99),
      getP50Ms: gets.quantileMs(0.5),
      putP50Ms: puts.quantileMs(0.5),
      doneIn: this.#doneIn,
    };
  }
}

async function main(plan: PacedLoadPlan, channel: NodeJS.Process): Promise<void> {
  const client = new PacedClient(await connect(plan.addresses), plan);
  await client.fill();
  setInterval(() => client.onTick(), TICK_MS);
  channel.on("message", (order: Order) => {
    void client.obey(order).then((answer) => channel.send!(answer));
  });
  channel.once("disconnect", () => channel.exit(1));
  channel.send!(true);
}

if (process.argv[1] === PROGRAM) {
  await main(JSON.parse(process.argv[2]!) as PacedLoadPlan, process);
}
