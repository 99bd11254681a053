/**
 * Writers that go on whatever happens to the nodes, and keep account of what they were told.
 *
 * Every key has one writer, which waits for each answer: so the order of a key's changes is known.
 * Nothing is repeated by the library: a second try of a put is a second version of the same value,
 * and the account could not tell them apart.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Bucket, GrammeError, type Store, text } from "gramme/client";
import type { Random } from "#src/core/base/random.ts";
import { type Ending, Ledger } from "./durable-ledger.ts";

export interface LoadOptions {
  readonly keys: number;
  readonly writers: number;
  readonly valueBytesMax: number;
}

const DELETE_SHARE = 0.1;
const READ_SHARE = 0.25;
const TIMEOUT_MS = 5_000;
const PAUSE_MS = 5;
const ONCE = { retries: 0, timeoutMs: TIMEOUT_MS } as const;

export class Load {
  readonly ledger: Ledger = new Ledger();
  readonly problems: string[] = [];
  reads = 0;
  readsFailed = 0;
  /** By code: why changes were not made, or not surely. */
  readonly failures: Map<string, number> = new Map();
  readonly #bucket: Bucket<string>;
  readonly #random: Random;
  readonly #options: LoadOptions;
  #isOver = false;
  #isPaused = false;
  #paused = 0;
  readonly #done: Promise<unknown>;

  constructor(store: Store, random: Random, options: LoadOptions) {
    this.#bucket = store.bucket("durable", text);
    this.#random = random;
    this.#options = options;
    const writers = Array.from({ length: options.writers }, (_, writer) => this.#write(writer));
    this.#done = Promise.all(writers);
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#done;
  }

  async pause(): Promise<void> {
    this.#isPaused = true;
    while (this.#paused < this.#options.writers) await sleep(1);
  }

  resume(): void {
    this.#isPaused = false;
  }

  /** Reads every key that was ever changed, through this store, and compares. */
  async readAll(store: Store, consistency: "one" | "quorum" | "all"): Promise<void> {
    const bucket = store.bucket("durable", text);
    const { keys } = this.ledger;
    const values = await patiently(() => bucket.getMany(keys, { consistency, timeoutMs: 20_000 }));
    for (const [index, key] of keys.entries()) this.#judge(key, values[index], `at ${consistency}`);
  }

  async #write(writer: number): Promise<void> {
    const { keys, writers } = this.#options;
    const own = Math.floor((keys - writer + writers - 1) / writers);
    while (!this.#isOver) {
      if (this.#isPaused) await this.#wait();
      const key = `key ${writer + this.#random.integer(own) * writers}`;
      const drawn = this.#random.fraction();
      if (drawn < READ_SHARE) await this.#read(key);
      else await this.#change(key, drawn < READ_SHARE + DELETE_SHARE ? "delete" : "put");
    }
  }

  async #wait(): Promise<void> {
    this.#paused += 1;
    while (this.#isPaused && !this.#isOver) await sleep(1);
    this.#paused -= 1;
  }

  async #read(key: string): Promise<void> {
    try {
      this.#judge(key, await this.#bucket.get(key, ONCE), "under way");
    } catch (error) {
      this.#codeOf(error);
      this.readsFailed += 1;
      await sleep(PAUSE_MS);
    }
  }

  async #change(key: string, kind: "put" | "delete"): Promise<void> {
    const number = this.ledger.nextNumber();
    let ending: Ending = "acknowledged";
    try {
      if (kind === "delete") await this.#bucket.delete(key, ONCE);
      else await this.#bucket.put(key, this.#valueOf(number), ONCE);
    } catch (error) {
      const code = this.#codeOf(error);
      this.failures.set(code, (this.failures.get(code) ?? 0) + 1);
      ending = code === "OUTCOME_UNKNOWN" ? "unknown" : "refused";
      await sleep(PAUSE_MS);
    }
    this.ledger.note(key, number, kind, ending);
  }

  #valueOf(number: number): string {
    return `${number} `.padEnd(this.#random.integer(this.#options.valueBytesMax), ".");
  }

  #codeOf(error: unknown): string {
    if (!GrammeError.is(error)) throw error;
    return error.code;
  }

  #judge(key: string, value: string | undefined, when: string): void {
    this.reads += 1;
    const problem = this.ledger.problemOf(key, value === undefined ? value : parseInt(value, 10));
    if (problem !== undefined) this.problems.push(`${problem} (${when})`);
  }
}

const PATIENCE_MS = 20_000;

/** What may be asked again, again: repeats that the library makes by itself have a budget. */
export async function patiently<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  for (const end = performance.now() + PATIENCE_MS; ; await sleep(200)) {
    try {
      return await ask();
    } catch (error) {
      const mayRepeat = GrammeError.is(error) && error.retryable;
      if (!mayRepeat || performance.now() > end) throw error;
    }
  }
}
