/**
 * Many writes in one call: each for itself, through a few lanes, with a result for every one.
 *
 * A key may stand in a batch once: items have no order, and of two writes to one key nobody could
 * say which is the last.
 */
import type { UpdateOptions } from "./call-options.ts";
import { checkOptions } from "./call-options.ts";
import type { Context } from "./context.ts";
import { GrammeError } from "./gramme-error.ts";
import { throughLanes } from "./lanes.ts";
import type { SingleKey, Stored } from "./single-key.ts";
import { TimeBudget } from "./time-budget.ts";
import type { UserKey } from "./user-key.ts";

export type BatchItem<V> =
  | {
      readonly type: "put";
      readonly key: UserKey;
      readonly value: V;
      readonly context?: Context | undefined;
    }
  | {
      readonly type: "delete";
      readonly key: UserKey;
      readonly context?: Context | undefined;
    };

export type BatchResult =
  | ({ readonly ok: true; readonly type: "put" } & Stored)
  | { readonly ok: true; readonly type: "delete"; readonly existed: boolean }
  | { readonly ok: false; readonly error: GrammeError };

export async function runBatch<V>(
  bucket: SingleKey<V>,
  items: readonly BatchItem<V>[],
  options: UpdateOptions | undefined,
): Promise<BatchResult[]> {
  const checked: UpdateOptions = checkOptions("update", options);
  checkItems(bucket, items);
  const budget = new TimeBudget(checked.timeoutMs);
  return throughLanes(items, async (item) => {
    try {
      return await runItem(bucket, item, budget.share(checked));
    } catch (error) {
      if (GrammeError.is(error)) return { ok: false, error };
      throw error;
    }
  });
}

async function runItem<V>(
  bucket: SingleKey<V>,
  item: BatchItem<V>,
  options: UpdateOptions,
): Promise<BatchResult> {
  const { key, context } = item;
  if (item.type === "delete") {
    const { ttlMs: _, ...deleting } = options;
    const existed = await bucket.delete(key, { ...deleting, context });
    return { ok: true, type: "delete", existed };
  }
  const { signal, timeoutMs, retries, consistency, session, w, pw, ttlMs } = options;
  const writing = { signal, timeoutMs, retries, consistency, session, w, pw, ttlMs, context };
  const stored = await bucket.put(key, item.value, writing);
  return { ok: true, type: "put", context: stored.context, receipt: stored.receipt };
}

/** All of them before the first is sent: a batch with a mistake in it changes nothing. */
function checkItems<V>(bucket: SingleKey<V>, items: readonly BatchItem<V>[]): void {
  const keys = new Set<string>();
  for (const [index, { type, key }] of items.entries()) {
    if (type !== "put" && type !== "delete") {
      const problem = `item ${index} has the type ${JSON.stringify(type)}`;
      throw new GrammeError("INVALID_ARGUMENT", problem, { hint: "A type is put or delete" });
    }
    keys.add(bucket.fullKey(key));
    if (keys.size > index) continue;
    const hint = "Keep one item for each key: a batch has no order";
    const problem = `item ${index} has the key of an earlier item`;
    throw new GrammeError("INVALID_ARGUMENT", problem, { hint });
  }
}
