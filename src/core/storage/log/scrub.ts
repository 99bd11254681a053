/**
 * Reads everything that rests, to find what has rotted while another owner still has a good copy:
 * all sealed segments once, from the oldest to the newest, and their hint files.
 *
 * It disturbs nobody: a step is one slice, made when nothing else waits to be done, and who asks
 * for steps decides how often. A segment that compaction takes away meanwhile is left out.
 */
import type { Disk } from "../disk.ts";
import { UNREADABLE } from "../disk.ts";
import { readHints } from "./hint-file.ts";
import type { LogIndex } from "./log-index.ts";
import type { Segment } from "./segment.ts";
import type { SegmentCheck } from "./segment-check.ts";
import { checkSegment } from "./segment-check.ts";
import type { Segments } from "./segments.ts";

export interface ScrubResult {
  readonly segments: number;
  readonly bytes: number;
  /** Current rows that were found to be unreadable, each counted once in the life of an engine. */
  readonly damagedRows: number;
}

export interface ScrubSetup {
  readonly disk: Disk;
  readonly segments: Segments;
  readonly index: LogIndex;
}

export class Scrub {
  readonly #setup: ScrubSetup;
  readonly #done: ((result: ScrubResult) => void)[] = [];
  readonly #left: readonly Segment[];
  #next = 0;
  #segments = 0;
  #bytes = 0;
  #damagedRows = 0;
  #check: Generator<number, SegmentCheck, unknown> | undefined = undefined;

  constructor(setup: ScrubSetup) {
    this.#setup = setup;
    this.#left = [...setup.segments].filter(({ isSealed }) => isSealed);
  }

  /** Who asks while it is under way hears of the same one. */
  tell(done: (result: ScrubResult) => void): void {
    this.#done.push(done);
  }

  /** One slice; false when there was none left. */
  step(): boolean {
    const segment = this.#segment();
    if (segment === undefined) return false;
    const { disk, index } = this.#setup;
    this.#check ??= checkSegment(disk, segment, index);
    const step = this.#check.next();
    if (step.done === true) this.#endOf(segment, step.value);
    return true;
  }

  /** Tells everybody. */
  end(): void {
    const result = {
      segments: this.#segments,
      bytes: this.#bytes,
      damagedRows: this.#damagedRows,
    };
    for (const done of this.#done) done(result);
  }

  #segment(): Segment | undefined {
    for (; this.#next < this.#left.length; this.#next++) {
      const segment = this.#left[this.#next]!;
      if (this.#setup.segments.has(segment.number)) return segment;
      this.#check = undefined;
    }
    return undefined;
  }

  #endOf(segment: Segment, check: SegmentCheck): void {
    this.#check = undefined;
    this.#next++;
    this.#segments++;
    this.#bytes += check.bytes;
    this.#damagedRows += check.damagedRows;
    segment.isUnreadable = false;
    // One that is wrong is written anew, while the index still knows every key.
    if (segment.hasHint) segment.hasHint = this.#isHintGood(segment);
  }

  #isHintGood({ number, end, hintFile }: Segment): boolean {
    const { disk } = this.#setup;
    const length = disk.list().find(({ name }) => name === hintFile)?.bytes ?? 0;
    const bytes = disk.read(hintFile, 0, length);
    return bytes !== UNREADABLE && readHints(bytes, number, end, () => {}) !== undefined;
  }
}
