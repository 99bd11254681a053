/**
 * What can wait: one job at a time, in slices, so that it never holds up a request for long.
 *
 * A job is a generator. It yields the number of bytes a slice has cost, and is resumed while the
 * budget lasts; or it yields what it waits for, and is resumed with the answer.
 */
import type { AppendAnswer } from "../disk.ts";
import type { Wait } from "./disk-task.ts";

export type Job = Generator<number | Wait, AppendAnswer, AppendAnswer>;

export class Background {
  readonly #next: () => Job | undefined;
  readonly #onEnd: (answer: AppendAnswer) => void;
  #job: Job | undefined = undefined;
  #isWaiting = false;
  #answer: AppendAnswer = "done";

  /** `next` answers what is worth doing now; `onEnd` hears how each job has ended. */
  constructor(next: () => Job | undefined, onEnd: (answer: AppendAnswer) => void) {
    this.#next = next;
    this.#onEnd = onEnd;
  }

  /** Works for about so many bytes; answers whether there is more to do. */
  run(budgetBytes: number): boolean {
    let left = budgetBytes;
    while (left > 0) {
      if (this.#isWaiting) return true;
      this.#job ??= this.#next();
      if (this.#job === undefined) return false;
      const step = this.#job.next(this.#answer);
      this.#answer = "done";
      if (step.done === true) {
        this.#job = undefined;
        this.#onEnd(step.value);
      } else if (typeof step.value === "number") {
        left -= step.value;
      } else {
        this.#wait(step.value);
      }
    }
    return true;
  }

  /** What is under way is given up where it stands. */
  stop(): void {
    this.#job = undefined;
    this.#isWaiting = true;
  }

  #wait(start: Wait): void {
    this.#isWaiting = true;
    const job = this.#job;
    start((answer) => {
      if (this.#job !== job) return;
      this.#answer = answer;
      this.#isWaiting = false;
    });
  }
}
