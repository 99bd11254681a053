/**
 * The verbs of one client, as a test's author would say them.
 *
 *     const read = sim.client("c1").get("cart");
 *     ...
 *     sim.client("c1").put("cart", "book", { context: read.context, w: "all" });
 *
 * Every verb answers a handle at once; time must pass before it is filled in.
 */
import type { ShareBudget } from "../core/base/share-budget.ts";
import { retryBudget } from "../core/caller/retries.ts";
import { Throttle } from "../core/caller/throttle.ts";
import type { Operation } from "../core/requests.ts";
import type { Asker, ClientOperation } from "./client-operation.ts";
import type { Clients, OperationOptions } from "./clients.ts";

export class Client implements Asker {
  readonly name: string;
  isClosed = false;
  readonly retryBudget: ShareBudget = retryBudget();
  readonly throttle: Throttle | undefined;
  readonly #clients: Clients;
  readonly #usual: OperationOptions;

  /** What `usual` says holds for every operation whose own options do not say another. */
  constructor(clients: Clients, name: string, usual: OperationOptions) {
    this.#clients = clients;
    this.name = name;
    this.#usual = usual;
    this.throttle = usual.persists === true ? undefined : new Throttle();
  }

  get(key: string, options?: OperationOptions): ClientOperation {
    return this.#start("get", key, undefined, options);
  }

  put(key: string, value: string, options?: OperationOptions): ClientOperation {
    return this.#start("put", key, value, options);
  }

  delete(key: string, options?: OperationOptions): ClientOperation {
    return this.#start("delete", key, undefined, options);
  }

  /** What is under way ends, and is not tried again. */
  close(): void {
    this.isClosed = true;
  }

  #start(
    operation: Operation,
    key: string,
    value: string | undefined,
    options: OperationOptions | undefined,
  ): ClientOperation {
    const together = options === undefined ? this.#usual : { ...this.#usual, ...options };
    return this.#clients.start(this, operation, { key, value, options: together });
  }
}
