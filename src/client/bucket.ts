/**
 * A named set of keys whose values are of one type, and the calls on them.
 *
 * A bucket is a view, not a thing that is created: its name, its codec, and its rule for concurrent
 * values.
 *
 *     overwrite   a put replaces what there is; of concurrent puts get shows the newest (default)
 *     siblings    puts without a context are concurrent; all stay until one with a context comes
 *     lww         of concurrent values only the newest is ever shown
 *     merge       as siblings, and every read folds them with the resolver
 *
 * Whatever the rule, a put with a context replaces exactly what its read saw. What it did not see
 * stays beside it as a sibling, and nothing is lost silently; `lww` alone lets go of the older
 * ones, which is what it is for.
 */
import { AssertionFailure } from "../core/base/assert.ts";
import { EMPTY_BYTES } from "../core/base/bytes.ts";
import type { BucketMode, ClientRequest, Operation } from "../core/requests.ts";
import { clientRequest } from "../core/requests.ts";
import type { Key } from "../core/ring/key.ts";
import type { BatchItem, BatchResult } from "./batch.ts";
import { runBatch } from "./batch.ts";
import type { Done, Line } from "./call.ts";
import { Call } from "./call.ts";
import type {
  AnyOptions,
  DeleteOptions,
  GetOptions,
  PutOptions,
  UpdateOptions,
} from "./call-options.ts";
import { checkOptions, readLevel, requestTimeoutMs, writeLevel } from "./call-options.ts";
import type { Codec } from "./codec.ts";
import { decodeWith, encodeWith } from "./codec.ts";
import { Context, contextBytes } from "./context.ts";
import type { KeyQueue } from "./key-queue.ts";
import { throughLanes } from "./lanes.ts";
import { receiptOf } from "./receipt.ts";
import type { Resolver } from "./resolver.ts";
import { resolveWith } from "./resolver.ts";
import type { Siblings, SingleKey, Stored } from "./single-key.ts";
import { TimeBudget } from "./time-budget.ts";
import type { Change } from "./update.ts";
import { runUpdate } from "./update.ts";
import type { UserKey } from "./user-key.ts";
import { keyIn } from "./user-key.ts";

/** A resolver means `merge`, and `merge` needs one. */
export type BucketOptions<V> =
  | {
      readonly mode?: Exclude<BucketMode, "merge"> | undefined;
      readonly merge?: undefined;
    }
  | { readonly mode?: "merge" | undefined; readonly merge: Resolver<V> };

/** What the buckets of a store share. */
export interface StoreLine extends Line {
  readonly updates: KeyQueue;
}

export class Bucket<V> implements SingleKey<V> {
  readonly name: string;
  readonly mode: BucketMode;
  readonly #line: StoreLine;
  readonly #codec: Codec<V>;
  readonly #merge: Resolver<V> | undefined;

  constructor(line: StoreLine, name: string, codec: Codec<V>, options: BucketOptions<V>) {
    this.name = name;
    this.mode = options.mode ?? (options.merge === undefined ? "overwrite" : "merge");
    this.#line = line;
    this.#codec = codec;
    this.#merge = options.merge;
  }

  /**
   * The value, or undefined when there is none. Of several siblings: in a merge bucket what the
   * resolver makes of them, in the others the newest.
   */
  get(key: UserKey, options?: GetOptions): Promise<V | undefined> {
    return new Promise((resolve, reject) => {
      const checked = checkOptions("get", options);
      const request = this.#request("get", keyIn(this.name, key), EMPTY_BYTES, checked);
      const caller = { read: this.#readValue, resolve, reject };
      new Call(this.#line, request, checked, caller).start();
    });
  }

  /**
   * All siblings as they are stored, and the context to replace them with. No values: there is
   * nothing.
   */
  getSiblings(key: UserKey, options?: GetOptions): Promise<Siblings<V>> {
    return new Promise((resolve, reject) => {
      const checked = checkOptions("get", options);
      const request = this.#request("get", keyIn(this.name, key), EMPTY_BYTES, checked);
      const caller = { read: this.#readSiblings, resolve, reject };
      new Call(this.#line, request, checked, caller).start();
    });
  }

  put(key: UserKey, value: V, options?: PutOptions): Promise<Stored> {
    return new Promise((resolve, reject) => {
      const checked = checkOptions("put", options);
      const at = keyIn(this.name, key);
      const request = this.#request("put", at, encodeWith(this.#codec, value, at), checked);
      new Call(this.#line, request, checked, { read: readStored, resolve, reject }).start();
    });
  }

  /**
   * Whether there was something to delete. When a first try got lost and was repeated, it may be
   * the one that deleted, and the answer is false.
   */
  delete(key: UserKey, options?: DeleteOptions): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const checked = checkOptions("delete", options);
      const request = this.#request("delete", keyIn(this.name, key), EMPTY_BYTES, checked);
      new Call(this.#line, request, checked, { read: readDeleted, resolve, reject }).start();
    });
  }

  /**
   * Reads, lets `change` make a new value, and puts it with the context of the read. Undefined
   * deletes.
   *
   * Updates of one key through this store run one after the other. It is no compare-and-set between
   * stores: of two updates at the same time both are kept, as siblings, and the next update is
   * given both. So a value that several processes update belongs into a merge bucket, or `change`
   * looks at all siblings.
   */
  update(key: UserKey, change: Change<V>, options?: UpdateOptions): Promise<V | undefined> {
    const { updates } = this.#line;
    const fold = (siblings: readonly V[]): V | undefined =>
      this.#fold(siblings, keyIn(this.name, key));
    return runUpdate({ bucket: this, queue: updates, fold, change }, key, options);
  }

  /**
   * As many values as keys, in their order. Each is read for itself: together they are no snapshot.
   */
  async getMany<const Keys extends readonly UserKey[]>(
    keys: Keys,
    options?: GetOptions,
  ): Promise<{ -readonly [Index in keyof Keys]: V | undefined }> {
    const checked = checkOptions("get", options);
    const budget = new TimeBudget(checked.timeoutMs);
    const values = await throughLanes<UserKey, V | undefined>(keys, async (key) =>
      this.get(key, budget.share(checked)),
    );
    return values as { -readonly [Index in keyof Keys]: V | undefined };
  }

  /**
   * Many puts and deletes, each for itself, in no order: some may fail and others not, so every
   * item has its own result. It saves round trips; it is no transaction.
   */
  batch(items: readonly BatchItem<V>[], options?: UpdateOptions): Promise<BatchResult[]> {
    return runBatch(this, items, options);
  }

  /** How errors and facts call this key: "bucket/key", with its bytes as characters 0 to 255. */
  fullKey(key: UserKey): string {
    return keyIn(this.name, key);
  }

  /** The names of the nodes that own this key, home first. */
  ownersOf(key: UserKey): readonly string[] {
    return this.#line.door.layout().ownersOf(keyIn(this.name, key));
  }

  #request(operation: Operation, key: Key, value: Uint8Array, options: AnyOptions): ClientRequest {
    return clientRequest({
      operation,
      key,
      value,
      mode: this.mode,
      context: contextBytes(options.context),
      r: readLevel(options),
      w: writeLevel(options),
      pr: options.pr ?? "default",
      pw: options.pw ?? "default",
      session: options.session ?? false,
      timeoutMs: requestTimeoutMs(options),
      ttlMs: options.ttlMs ?? 0,
    });
  }

  /** One function for all calls, made once. */
  readonly #readValue = (done: Done, { key }: ClientRequest): V | undefined => {
    if (done.kind === "not-found") return undefined;
    if (done.kind !== "found") return strange(done);
    const { siblings } = done;
    if (siblings.length === 1 || this.#merge === undefined) {
      return decodeWith(this.#codec, siblings[0]!.value, key);
    }
    return this.#fold(this.#decodeAll(done.siblings, key), key);
  };

  readonly #readSiblings = (done: Done, { key }: ClientRequest): Siblings<V> => {
    if (done.kind !== "found" && done.kind !== "not-found") return strange(done);
    const values = done.kind === "found" ? this.#decodeAll(done.siblings, key) : [];
    return { values, context: new Context(done.context), receipt: receiptOf(done.receipt) };
  };

  #decodeAll(siblings: readonly { readonly value: Uint8Array }[], key: Key): V[] {
    return siblings.map(({ value }) => decodeWith(this.#codec, value, key));
  }

  #fold(siblings: readonly V[], key: Key): V | undefined {
    if (siblings.length < 2 || this.#merge === undefined) return siblings[0];
    return resolveWith(this.#merge, siblings, key);
  }
}

function readStored(done: Done): Stored {
  if (done.kind !== "stored") return strange(done);
  return { context: new Context(done.context), receipt: receiptOf(done.receipt) };
}

function readDeleted(done: Done): boolean {
  return done.kind === "deleted" ? done.existed : strange(done);
}

function strange(done: Done): never {
  throw new AssertionFailure(`${done.kind} is no answer to what was asked`);
}
