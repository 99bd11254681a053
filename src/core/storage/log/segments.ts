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

  get last(): Segment | undefined {
    return this.#last;
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
