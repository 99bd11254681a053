/**
 * What is done once at the end of an event-loop turn, however much arrived in it.
 *
 * The loop reads all sockets that have bytes in its poll phase and runs `setImmediate` after it.
 * Work that each of a thousand messages would repeat (a write to a socket, arming a timer) is done
 * there once: the largest single factor in the throughput of the whole system.
 *
 *     poll    chunk → frames → node, again and again: every frame out goes into a buffer
 *     check   the first task: completions, answers, timer · then each marked socket: one write
 */
export interface TurnTask {
  endTurn(): void;
}

export class Turn {
  /** Runs before the sockets, since it is what makes their last frames. */
  first: TurnTask | undefined = undefined;
  readonly #tasks: TurnTask[] = [];
  #isScheduled = false;

  /** There will be an end of turn, also when no socket has asked for one. */
  wake(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#onEnd);
  }

  /**
   * The task runs at the end of this turn. Its owner remembers that it asked: asking twice runs it
   * twice.
   */
  add(task: TurnTask): void {
    this.#tasks.push(task);
    this.wake();
  }

  readonly #onEnd = (): void => {
    this.#isScheduled = false;
    this.first?.endTurn();
    const tasks = this.#tasks;
    for (let i = 0; i < tasks.length; i++) tasks[i]!.endTurn();
    tasks.length = 0;
  };
}
