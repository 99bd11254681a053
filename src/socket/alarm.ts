/**
 * One timer for a deadline that moves.
 *
 * A busy owner's next deadline changes with every request, and arming a timer each time would cost
 * more than the request. So the timer is only ever re-armed to ring earlier; when the deadline has
 * moved away in the meantime it rings for nothing and is armed again.
 *
 * The event loop runs timers before it reads sockets. After a pause (a long collection, a suspended
 * process) answers lie in the sockets whose deadlines look missed, so the alarm lets the sockets be
 * read before it rings.
 */
export class Alarm {
  readonly #ring: () => void;
  #timer: NodeJS.Timeout | undefined = undefined;
  #armedFor: number = Infinity;
  #isStopped = false;

  /** `ring` may be called early: the owner looks at its own deadlines and calls `at` again. */
  constructor(ring: () => void) {
    this.#ring = ring;
  }

  /**
   * Rings at this instant of `performance.now()`, or before it. Undefined needs no ring and disarms
   * nothing.
   */
  at(deadline: number | undefined): void {
    if (deadline === undefined || deadline >= this.#armedFor || this.#isStopped) return;
    clearTimeout(this.#timer);
    this.#armedFor = deadline;
    // Timers have whole milliseconds and would ring just before a fraction of one.
    const waitMs = Math.ceil(Math.max(0, deadline - performance.now()));
    this.#timer = setTimeout(this.#onTimer, waitMs);
  }

  /** For good: it never rings again. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  readonly #onTimer = (): void => {
    setImmediate(this.#onRead);
  };

  readonly #onRead = (): void => {
    this.#armedFor = Infinity;
    if (!this.#isStopped) this.#ring();
  };
}
