/**
 * A sequence of disk operations that reads from top to bottom, without promises: a generator that
 * yields what it waits for and is resumed with the answer.
 *
 *     const answer = yield (done) => disk.append(file, pieces, done);
 *     if (answer !== "done") return answer;
 *     return yield (done) => disk.sync(file, done);
 */
import type { AppendAnswer } from "../disk.ts";

/** Starts something and hands it what is to be called, later and once, with the answer. */
export type Wait = (done: (answer: AppendAnswer) => void) => void;

export type DiskTask<Result> = Generator<Wait, Result, AppendAnswer>;

export function runTask<Result>(task: DiskTask<Result>, finished: (result: Result) => void): void {
  const advance = (answer: AppendAnswer): void => {
    const step = task.next(answer);
    if (step.done === true) finished(step.value);
    else step.value(advance);
  };
  // What the first `next` is given, nobody sees.
  advance("done");
}
