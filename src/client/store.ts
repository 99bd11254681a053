/**
 * An open store: its default bucket, and the way to all the others.
 *
 *     db.put("motto", { text: "…" })        bucket "default", JSON, values of unknown type
 *     db.bucket<User>("users")              bucket "users", JSON, values of type User
 *
 * It is the same class whoever stands behind it, a node in this process or sockets to nodes
 * elsewhere: all of the difference is in the `Access` that it is made of.
 */
import type { ShareBudget } from "../core/base/share-budget.ts";
import { retryBudget } from "../core/caller/retries.ts";
import type { NodeStatus } from "../host/node-status.ts";
import type { BucketOptions, StoreLine } from "./bucket.ts";
import { Bucket } from "./bucket.ts";
import { closed } from "./call.ts";
import type { Codec } from "./codec.ts";
import type { Door } from "./door.ts";
import { GrammeError } from "./gramme-error.ts";
import { json } from "./json-codec.ts";
import { KeyQueue } from "./key-queue.ts";
import type { LayoutView } from "./layout-view.ts";
import { layoutView } from "./layout-view.ts";
import { keyIn } from "./user-key.ts";

export const BUCKET_DEFAULT = "default";

/**
 * Buckets whose rule is remembered. A program that opens more forgets the oldest rules, not the
 * buckets.
 */
const RULES_MAX = 10_000;

const MODES: ReadonlySet<string> = new Set(["overwrite", "siblings", "lww", "merge"]);

/** What stands behind a store. */
export interface Access {
  readonly door: Door;
  /** Of the nodes that can be asked: the own one, or all that are reached. */
  status(): Promise<readonly NodeStatus[]>;
}

export class Store extends Bucket<unknown> implements AsyncDisposable {
  readonly #access: Access;
  readonly #line: OpenLine;
  /**
   * The rule of each bucket that was opened: two parts of a program must not read one bucket by two
   * rules.
   */
  readonly #rules: Map<string, string> = new Map([[BUCKET_DEFAULT, "overwrite"]]);
  #closing: Promise<void> | undefined = undefined;

  constructor(access: Access) {
    const line = new OpenLine(access.door);
    super(line, BUCKET_DEFAULT, json(), {});
    this.#access = access;
    this.#line = line;
  }

  /**
   * A view of the bucket with this name; JSON if no codec is given. Opening it again costs little.
   */
  bucket<V = unknown>(
    name: string,
    codec: Codec<V> = json<V>(),
    options: BucketOptions<V> = {},
  ): Bucket<V> {
    keyIn(name, "any");
    checkBucketOptions(options as BucketOptions<unknown>);
    const bucket = new Bucket(this.#line, name, codec, options);
    this.#agree(name, options.merge === undefined ? bucket.mode : `merge by ${options.merge.name}`);
    return bucket;
  }

  /** Who owns what, as this store knows it now. */
  layout(): LayoutView {
    return layoutView(this.#line.door.layout());
  }

  async status(): Promise<readonly NodeStatus[]> {
    if (this.#line.isClosed) throw closed();
    return this.#access.status();
  }

  /**
   * Takes no further calls, waits a bounded time for those that are open, and lets go of
   * everything: sockets, and the node if it runs in this process. Again is no error.
   */
  close(): Promise<void> {
    this.#line.isClosed = true;
    this.#closing ??= this.#access.door.close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #agree(name: string, rule: string): void {
    const known = this.#rules.get(name);
    if (known !== undefined && known !== rule) {
      const problem = `bucket ${name} is open as ${known} and cannot be ${rule} too`;
      throw invalid(problem, "Open a bucket with one rule in the whole program");
    }
    if (known === undefined && this.#rules.size >= RULES_MAX) {
      this.#rules.delete(this.#rules.keys().next().value!);
    }
    this.#rules.set(name, rule);
  }
}

class OpenLine implements StoreLine {
  readonly door: Door;
  readonly retryBudget: ShareBudget = retryBudget();
  readonly updates: KeyQueue = new KeyQueue();
  isClosed = false;

  constructor(door: Door) {
    this.door = door;
  }
}

/** For callers without a compiler. */
function checkBucketOptions({ mode, merge, ...others }: BucketOptions<unknown>): void {
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) {
    throw invalid(`there is no bucket option ${unknown}`, "A bucket knows mode and merge");
  }
  if (mode !== undefined && !MODES.has(mode)) {
    throw invalid(
      `there is no mode ${String(mode)}`,
      "A mode is overwrite, siblings, lww or merge",
    );
  }
  const hasResolver = merge !== undefined;
  const needsResolver = (mode ?? (hasResolver ? "merge" : "overwrite")) === "merge";
  if (hasResolver === needsResolver) return;
  const problem = `mode ${mode} ${hasResolver ? "takes no" : "needs a"} resolver`;
  throw invalid(
    problem,
    "Give mode merge a resolver, { merge: resolver(name, …) }, and the others none",
  );
}

function invalid(problem: string, hint: string): GrammeError {
  return new GrammeError("INVALID_ARGUMENT", problem, { hint });
}
