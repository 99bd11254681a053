/**
 * How far a long job is: one line that is written over on a terminal, a line every few seconds
 * elsewhere. On stderr, since it is no result.
 */
import { remark, showDuration } from "./output.ts";

const REDRAW_EVERY_MS = 100;
const REMARK_EVERY_MS = 5_000;

export class Progress {
  readonly #total: number;
  readonly #unit: string;
  readonly #startedAt: number = performance.now();
  readonly #isTerminal: boolean = process.stderr.isTTY;
  #done = 0;
  #toldAt = 0;

  constructor(total: number, unit: string) {
    this.#total = total;
    this.#unit = unit;
  }

  /** One more is done. */
  step(extra = ""): void {
    this.#done += 1;
    this.tell(extra);
  }

  /** Nothing more is done, and there may be other news. */
  tell(extra = ""): void {
    const now = performance.now();
    const everyMs = this.#isTerminal ? REDRAW_EVERY_MS : REMARK_EVERY_MS;
    if (now - Math.max(this.#toldAt, this.#isTerminal ? 0 : this.#startedAt) < everyMs) return;
    this.#toldAt = now;
    const line = this.#line(now - this.#startedAt, extra);
    if (this.#isTerminal) process.stderr.write(`\r\u001b[K${line}`);
    else remark(line);
  }

  end(): void {
    if (this.#isTerminal && this.#toldAt > 0) process.stderr.write("\r\u001b[K");
  }

  #line(elapsedMs: number, extra: string): string {
    const parts = [`${this.#done} of ${this.#total} ${this.#unit}`];
    const leftMs = (elapsedMs / this.#done) * (this.#total - this.#done);
    if (this.#done > 0) parts.push(`${showDuration(leftMs)} left`);
    return [...parts, ...(extra === "" ? [] : [extra])].join(", ");
  }
}
