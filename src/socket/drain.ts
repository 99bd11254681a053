/**
 * Waiting, for a bounded time, until nothing is open any more.
 */
export class Drain {
  #finish: (() => void) | undefined = undefined;

  /** Resolves with the next `finish`, or when the time is over. */
  wait(budgetMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, budgetMs);
      this.#finish = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Nothing is open. Without anybody waiting it means nothing. */
  finish(): void {
    this.#finish?.();
  }
}
