/**
 * One at a time per key, in the order of arrival.
 *
 *     enter a ──▶ inside at once          leave a ──▶ the first of those who wait is inside
 *     enter a ──▶ waits; its signal or its deadline may end the waiting
 *
 * Nothing is kept for a key that nobody is inside of or waits for.
 */
import { aborted } from "./call.ts";
import type { GrammeError } from "./gramme-error.ts";
import { timedOut } from "./time-budget.ts";

interface Waiter {
  readonly admit: () => void;
}

export class KeyQueue {
  /** Whoever waits for a key; an empty list says that somebody is inside and nobody waits. */
  readonly #waiters: Map<string, Waiter[]> = new Map();

  get size(): number {
    return this.#waiters.size;
  }

  /**
   * Undefined when the way is free: then the caller is inside already. `deadlineAt` is an instant,
   * or Infinity.
   */
  enter(
    key: string,
    signal: AbortSignal | undefined,
    deadlineAt: number,
  ): Promise<void> | undefined {
    const waiters = this.#waiters.get(key);
    if (waiters === undefined) {
      this.#waiters.set(key, []);
      return undefined;
    }
    return new Promise((resolve, reject) => {
      const giveUp = (error: GrammeError): void => {
        waiters.splice(waiters.indexOf(waiter), 1);
        stopWaiting();
        reject(error);
      };
      const onAbort = (): void => giveUp(aborted(signal!));
      const timer =
        deadlineAt === Infinity
          ? undefined
          : setTimeout(() => giveUp(timedOut()), Math.max(0, deadlineAt - performance.now()));
      const stopWaiting = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
      };
      const waiter: Waiter = {
        admit: () => {
          stopWaiting();
          resolve();
        },
      };
      waiters.push(waiter);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  leave(key: string): void {
    const next = this.#waiters.get(key)?.shift();
    if (next === undefined) this.#waiters.delete(key);
    else next.admit();
  }
}
