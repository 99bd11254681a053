/**
 * Forgets what is kept for one target, because an operator says so: some rows, a pause for
 * everything else, some more. What a full disk does not let go of stays, and is still listed.
 */
import { Deadline, type DeadlineWheel, type Timed } from "../deadlines.ts";
import type { Instant } from "../effects.ts";
import type { NodeId } from "../ring/node-id.ts";
import type { ScanPosition } from "../storage/engine.ts";
import type { Hints } from "./hints.ts";

export interface HintDropSetup {
  readonly hints: Hints;
  readonly deadlines: DeadlineWheel;
  readonly partitions: number;
}

const TICK_MS = 5;
const SLICES_A_TICK = 64;
const ROWS_A_TICK = 256;

export class HintDrop implements Timed {
  readonly #target: NodeId;
  readonly #setup: HintDropSetup;
  readonly #deadline: Deadline = new Deadline(this);
  readonly #onEnd: (now: Instant) => void;
  #partition = 0;
  #from: ScanPosition | undefined = undefined;

  constructor(target: NodeId, setup: HintDropSetup, onEnd: (now: Instant) => void) {
    this.#target = target;
    this.#setup = setup;
    this.#onEnd = onEnd;
  }

  begin(now: Instant): void {
    this.#setup.deadlines.set(this.#deadline, now);
  }

  onDeadline(now: Instant): void {
    const { deadlines, partitions } = this.#setup;
    let rows = 0;
    for (let i = 0; i < SLICES_A_TICK && rows < ROWS_A_TICK; i++) {
      if (this.#partition === partitions) return this.#onEnd(now);
      rows += this.#forget();
    }
    deadlines.set(this.#deadline, now + TICK_MS);
  }

  #forget(): number {
    const { hints } = this.#setup;
    const partition = this.#partition;
    const { hints: found, next } = hints.slice(partition, this.#from, this.#target);
    const isWhatever = (): boolean => true;
    for (const { key } of found) hints.done(partition, key, this.#target, isWhatever, () => {});
    this.#from = next;
    if (next === undefined) this.#partition++;
    return found.length;
  }
}
