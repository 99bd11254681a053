/**
 * Clients that read, put and delete in closed loops, and write down what they were told.
 *
 * A value is unique in the run, so it names its put. What makes trouble are contexts (none, that of
 * the last answer, an older one) and levels: some requests count owners alone, most let others
 * stand in, a few are content with one, a few belong to sessions. The library's own rule decides
 * what is tried once more.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Random } from "#src/core/base/random.ts";
import { EMPTY_BYTES } from "#src/core/base/bytes.ts";
import { utf8Decode, utf8Encode } from "#src/core/base/utf8.ts";
import type { RemoteClient } from "#src/client/remote-client.ts";
import type { DoorOutcome } from "#src/core/caller/door-outcome.ts";
import { isRepeatable } from "#src/core/caller/retries.ts";
import { type BucketMode, type ClientRequest, clientRequest } from "#src/core/requests.ts";
import { type Key, keyOf } from "#src/core/ring/key.ts";
import type { NodeId } from "#src/core/ring/node-id.ts";
import type { Try } from "#src/sim/history.ts";
import { base64, type HistoryLine } from "./history-line.ts";

export interface LoadOptions {
  readonly client: string;
  readonly seed: number;
  readonly keys: number;
  readonly workers: number;
}

/** Who reads at the end is no worker: it asks all owners. */
export interface Asked {
  readonly key: Key;
  readonly request: ClientRequest;
  readonly value: string | undefined;
  /** Once more, where that means the same. */
  readonly isRepeated: boolean;
}

/** The client library chooses the node, and does not tell. */
const NOBODY = "" as NodeId;
const GET_SHARE = 0.45;
const PUT_SHARE = 0.45;
const STRICT_SHARE = 0.4;
const WEAK_SHARE = 0.15;
const SESSION_SHARE = 0.15;
const CONTEXT_SHARE = 0.6;
const OLD_SHARE = 0.1;
const RETRY_SHARE = 0.75;
const CONTEXTS_KEPT = 3;
const PAUSE_AFTER_FAILURE_MS = 20;
const REPEATED_AFTER_MS_MAX = 10;
const VALUE_BYTES_MAX = 150;
const LONG_SHARE = 0.08;
const LONG_BYTES_MAX = 6_000;

export class Load {
  readonly #client: RemoteClient;
  readonly #options: LoadOptions;
  readonly #now: () => number;
  readonly #write: (line: HistoryLine) => void;
  readonly #retryRandom: Random;
  /** How many of the workers work, and how long each of them rests between two operations. */
  #active = 0;
  #thinkMs = 0;
  #isOver = false;
  readonly #loops: Promise<unknown>;

  constructor(
    client: RemoteClient,
    options: LoadOptions,
    now: () => number,
    write: (line: HistoryLine) => void,
  ) {
    this.#client = client;
    this.#options = options;
    this.#now = now;
    this.#write = write;
    this.#retryRandom = new Random(options.seed).fork(`retries ${options.client}`);
    const workers = Array.from({ length: options.workers }, (_, worker) => this.#loop(worker));
    this.#loops = Promise.all(workers);
  }

  pace(active: number, thinkMs: number): void {
    this.#active = active;
    this.#thinkMs = thinkMs;
  }

  /** Resolves when nothing is under way any more. */
  async end(): Promise<void> {
    this.#isOver = true;
    await this.#loops;
  }

  async #loop(worker: number): Promise<void> {
    const { seed, client } = this.#options;
    const random = new Random(seed).fork(`${client} ${worker}`);
    const name = `${client}.${worker}`;
    const contexts = new Map<Key, Uint8Array[]>();
    for (let step = 0; !this.#isOver; step++) {
      if (worker >= this.#active) {
        await sleep(50);
        continue;
      }
      const asked = this.#draw(random, contexts, `${name}.${step}`);
      const outcome = await this.ask(name, asked);
      const isFailed = outcome.kind === "failed";
      if (isFailed) await sleep(PAUSE_AFTER_FAILURE_MS);
      else remember(contexts, asked.key, outcome.context);
      if (this.#thinkMs > 0) await sleep(random.exponential(this.#thinkMs));
    }
  }

  #draw(random: Random, contexts: ReadonlyMap<Key, Uint8Array[]>, name: string): Asked {
    const index = random.integer(this.#options.keys);
    const mode: BucketMode = index % 2 === 0 ? "overwrite" : "siblings";
    const key = keyOf(mode, `k${index}`);
    const drawn = random.fraction();
    const strictness = random.fraction();
    const [brings, isOld] = [random.chance(CONTEXT_SHARE), random.chance(OLD_SHARE)];
    const isStrict = strictness < STRICT_SHARE;
    const level = strictness >= 1 - WEAK_SHARE ? 1 : 2;
    const levels = { r: level, w: level, pr: isStrict ? level : 1, pw: isStrict ? level : 1 };
    const isRepeated = random.chance(RETRY_SHARE);
    const session = random.chance(SESSION_SHARE);
    const isLong = random.chance(LONG_SHARE);
    const length = random.integer(isLong ? LONG_BYTES_MAX : VALUE_BYTES_MAX);
    const common = { key, mode, session, ...levels };
    if (drawn < GET_SHARE) {
      const request = clientRequest({ operation: "get", ...common });
      return { key, request, value: undefined, isRepeated };
    }
    const known = contexts.get(key);
    const seen = (isOld ? known?.[0] : known?.at(-1)) ?? EMPTY_BYTES;
    const context = brings ? seen : EMPTY_BYTES;
    if (drawn >= GET_SHARE + PUT_SHARE) {
      const request = clientRequest({ operation: "delete", ...common, context });
      return { key, request, value: undefined, isRepeated };
    }
    const value = `${name} `.padEnd(length, ".");
    const bytes = utf8Encode(value);
    const request = clientRequest({ operation: "put", ...common, context, value: bytes });
    return { key, request, value, isRepeated };
  }

  /** One operation with its tries, written down when it ends. */
  async ask(name: string, asked: Asked): Promise<DoorOutcome> {
    const invokedAt = this.#now();
    const tries: Try[] = [];
    let told: DoorOutcome | undefined = undefined;
    for (;;) {
      const one: Try = { node: NOBODY, at: this.#now(), failure: undefined };
      tries.push(one);
      const outcome = await this.#submit(asked.request);
      if (outcome.kind !== "failed") {
        this.#note(name, asked, invokedAt, tries, outcome);
        return outcome;
      }
      one.failure = outcome.code;
      // After a try that may have been done, no later one may say that nothing was.
      if (told?.kind !== "failed" || told.code !== "OUTCOME_UNKNOWN") told = outcome;
      if (tries.length > 1 || !asked.isRepeated || !isRepeatable(outcome.code, asked.request)) {
        this.#note(name, asked, invokedAt, tries, told);
        return told;
      }
      const jitterMs = this.#retryRandom.fraction() * REPEATED_AFTER_MS_MAX;
      await sleep(outcome.retryAfterMs + jitterMs);
    }
  }

  #submit(request: ClientRequest): Promise<DoorOutcome> {
    return new Promise((resolve) => {
      this.#client.submit(request, resolve);
    });
  }

  #note(
    client: string,
    { key, request, value }: Asked,
    invokedAt: number,
    tries: readonly Try[],
    outcome: DoorOutcome,
  ): void {
    const { operation, mode, r, w, session, context } = request;
    const isFailed = outcome.kind === "failed";
    const isUnknown = isFailed && outcome.code === "OUTCOME_UNKNOWN";
    this.#write({
      client,
      operation,
      key,
      mode,
      r: Number(r),
      w: Number(w),
      session,
      value,
      given: base64(context),
      invokedAt,
      completedAt: this.#now(),
      status: isUnknown ? "info" : isFailed ? "fail" : "ok",
      code: isFailed ? outcome.code : undefined,
      detail: isFailed ? outcome.detail : undefined,
      returned: returnedOf(outcome),
      sealed: base64(outcome.context),
      receipt: isFailed ? undefined : outcome.receipt,
      tries,
    });
  }
}

function returnedOf(outcome: DoorOutcome): readonly string[] | undefined {
  if (outcome.kind === "not-found") return [];
  if (outcome.kind !== "found") return undefined;
  return outcome.siblings.map(({ value }) => utf8Decode(value) ?? "(not text)");
}

function remember(contexts: Map<Key, Uint8Array[]>, key: Key, context: Uint8Array): void {
  if (context.length === 0) return;
  const known = contexts.get(key);
  if (known === undefined) contexts.set(key, [context.slice()]);
  else if (known.push(context.slice()) > CONTEXTS_KEPT) known.shift();
}
