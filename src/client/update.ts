/**
 * Read, change, put with the context of the read.
 *
 *     wait for the turn ─▶ getSiblings ─▶ change ─▶ put │ delete, with the context
 *                               ▲                        │
 *                               └────── start over ──────┘
 *
 * What to write and when to start over, `core/caller/update-rounds.ts` decides. After a put whose
 * outcome is unknown the caller is told, and looks before it changes again.
 */
import { UpdateRounds, writeOf } from "../core/caller/update-rounds.ts";
import type { GetOptions, PutOptions, UpdateOptions } from "./call-options.ts";
import { checkOptions, RETRIES_DEFAULT } from "./call-options.ts";
import { aborted } from "./call.ts";
import { GrammeError } from "./gramme-error.ts";
import type { KeyQueue } from "./key-queue.ts";
import type { SingleKey } from "./single-key.ts";
import { TimeBudget } from "./time-budget.ts";
import type { UserKey } from "./user-key.ts";

/**
 * From what get would show, and all siblings behind it, newest first, to the new value; undefined
 * for none. It may run more than once, so it does nothing else.
 */
export type Change<V> = (current: V | undefined, siblings: readonly V[]) => V | undefined;

export interface Updating<V> {
  readonly bucket: SingleKey<V>;
  readonly queue: KeyQueue;
  readonly fold: (siblings: readonly V[]) => V | undefined;
  readonly change: Change<V>;
}

export async function runUpdate<V>(
  updating: Updating<V>,
  key: UserKey,
  options: UpdateOptions | undefined,
): Promise<V | undefined> {
  const checked: UpdateOptions = checkOptions("update", options);
  const { signal } = checked;
  if (signal?.aborted === true) throw aborted(signal);
  const budget = new TimeBudget(checked.timeoutMs);
  const { queue } = updating;
  const place = updating.bucket.fullKey(key);
  await queue.enter(place, signal, budget.deadlineAt);
  try {
    return await changeInTurn(updating, key, checked, budget);
  } finally {
    queue.leave(place);
  }
}

async function changeInTurn<V>(
  updating: Updating<V>,
  key: UserKey,
  options: UpdateOptions,
  budget: TimeBudget,
): Promise<V | undefined> {
  const rounds = new UpdateRounds(options.retries ?? RETRIES_DEFAULT);
  for (;;) {
    try {
      return await changeOnce(updating, key, options, budget);
    } catch (error) {
      if (!GrammeError.is(error) || !rounds.startsOver(error.code)) throw error;
    }
  }
}

async function changeOnce<V>(
  { bucket, fold, change }: Updating<V>,
  key: UserKey,
  options: UpdateOptions,
  budget: TimeBudget,
): Promise<V | undefined> {
  const { signal, retries, consistency, session, r, pr, w, pw } = options;
  const reading: GetOptions = { signal, retries, consistency, session, r, pr };
  const { values, context } = await bucket.getSiblings(key, budget.share(reading));
  const value = change(fold(values), values);
  const how = { signal, retries, consistency, session, w, pw, context };
  const writing: PutOptions = budget.share(how);
  if (value instanceof Promise) throw changedLater(value);
  const write = writeOf(value !== undefined, values.length);
  if (write === "put") await bucket.put(key, value!, { ...writing, ttlMs: options.ttlMs });
  else if (write === "delete") await bucket.delete(key, writing);
  return value;
}

function changedLater(value: Promise<unknown>): GrammeError {
  value.catch(() => undefined);
  const hint = "Prepare what it needs before the update, or use getSiblings and put";
  return new GrammeError("INVALID_ARGUMENT", "the change of an update returned a promise", {
    hint,
  });
}
