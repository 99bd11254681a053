/** The segments of a log, in their order. */
import { assert } from "../../base/assert.ts";
import type { ManifestSegment } from "./manifest.ts";
import type { Place } from "./place.ts";
import { isBefore } from "./place.ts";
import type { Segment } from "./segment.ts";

export class Segments implements Iterable<Segment> {
  /** A Map keeps the order of insertion, and numbers only grow. */
  readonly #byNumber: Map<number, Segment> = new Map();
  #last: Segment | undefined = undefined;
  #loss: Place | undefined = undefined;

  get first(): Segment | undefined {
    return this.#byNumber.values().next().value;
  }

  get last(): Segment | undefined {
    return this.#last;
  }

  /**
   * It stays, whatever is in it: a manifest without any segment would take for new what a crash
   * brings back of those that were removed.
   */
  get lastBegun(): Segment | undefined {
    let last: Segment | undefined = undefined;
    for (const segment of this) if (segment.isBegun) last = segment;
    return last;
  }

  /**
   * Records of unknown keys were lost before this place, the last such place there is. So whatever
   * lies before it may be out of date, and what is not found may have been there.
   */
  get loss(): Place | undefined {
    return this.#loss;
  }

  lose(place: Place): void {
    if (this.#loss === undefined || isBefore(this.#loss, place)) this.#loss = place;
  }

  /** What was lost stays lost: what is there is the truth from now on. */
  acceptLoss(): void {
    this.#loss = undefined;
  }

  /** Whether a record at this place may have been replaced by a lost one. */
  isDoubtful(segment: number, offset: number): boolean {
    return this.#loss !== undefined && isBefore({ segment, offset }, this.#loss);
  }

  get(number: number): Segment {
    const segment = this.#byNumber.get(number);
    assert(segment !== undefined, `no segment ${number}`);
    return segment;
  }

  has(number: number): boolean {
    return this.#byNumber.has(number);
  }

  add(segment: Segment): void {
    assert(segment.number > (this.#last?.number ?? 0), `segment ${segment.number} out of order`);
    this.#byNumber.set(segment.number, segment);
    this.#last = segment;
  }

  /** Nothing lies before it: what its records have removed is nowhere else. */
  isFirst(segment: Segment): boolean {
    return segment === this.first;
  }

  /**
   * A part of it cannot be read. From now on it is kept as it is if a removal may be there: the
   * index knows of rows only, and something older may lie in another segment.
   */
  hideRemovals(segment: Segment): boolean {
    segment.hidesRemovals = segment.removalBytes > 0 && !this.isFirst(segment);
    return segment.hidesRemovals;
  }

  /**
   * Whether it may be read anew and replaced: by a hint file, or by its current records behind all
   * others.
   */
  isReplaceable(segment: Segment): boolean {
    if (!segment.isSealed || segment.isUnreadable) return false;
    if (this.isDoubtful(segment.number, 0)) return false;
    return !segment.hidesRemovals || this.isFirst(segment);
  }

  /** One that was compacted; never the last one. */
  delete(segment: Segment): void {
    assert(segment !== this.#last, `segment ${segment.number} is the active one`);
    this.#byNumber.delete(segment.number);
  }

  /** One that was not begun may have no file: it would be missed. */
  listed(): readonly ManifestSegment[] {
    return [...this]
      .filter(({ isBegun, isMoved }) => isBegun && !isMoved)
      .map(({ number, isSealed, first, end, durable }) => {
        return { number, isSealed, first, bytes: isSealed ? end : durable };
      });
  }

  [Symbol.iterator](): Iterator<Segment> {
    return this.#byNumber.values();
  }
}
