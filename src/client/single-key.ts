/**
 * The calls on one key, which a batch and an update are made of, and what they answer. They need no
 * more of a bucket than this.
 */
import type { DeleteOptions, GetOptions, PutOptions } from "./call-options.ts";
import type { Context } from "./context.ts";
import type { Receipt } from "./receipt.ts";
import type { UserKey } from "./user-key.ts";

/** Everything there is under a key, newest first, and the context that covers it. */
export interface Siblings<V> {
  readonly values: readonly V[];
  readonly context: Context;
  readonly receipt: Receipt;
}

/** A put that is held by as many owners as it asked for. */
export interface Stored {
  /** Covers the new value and all that it replaced: the context for a next put. */
  readonly context: Context;
  readonly receipt: Receipt;
}

export interface SingleKey<V> {
  getSiblings(key: UserKey, options?: GetOptions): Promise<Siblings<V>>;
  put(key: UserKey, value: V, options?: PutOptions): Promise<Stored>;
  delete(key: UserKey, options?: DeleteOptions): Promise<boolean>;
  fullKey(key: UserKey): string;
}
