/**
 * What was done to the cluster and when, as lines of JSON: the record that a finding is read with.
 */
import { appendFileSync } from "node:fs";

export class FaultLog {
  readonly file: string;
  readonly #now: () => number;
  readonly #show: ((line: string) => void) | undefined;

  constructor(file: string, now: () => number, show?: (line: string) => void) {
    this.file = file;
    this.#now = now;
    this.#show = show;
  }

  note(what: string, details: Readonly<Record<string, unknown>> = {}): void {
    const line = JSON.stringify({ atMs: Math.round(this.#now()), what, ...details });
    appendFileSync(this.file, `${line}\n`);
    this.#show?.(line);
  }
}
