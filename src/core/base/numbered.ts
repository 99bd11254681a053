/**
 * Things under way, each by a number that whoever answers will name.
 *
 * Numbers go up one by one and are handed out once; 0 is not, it is free to mean "nobody". Where a
 * thing stands follows from its number, so finding it costs one look; a number whose place is still
 * taken is passed over:
 *
 *     places      0    1    2    3    4    5    6    7
 *     under way        9        11                           two of eight
 *     handed out next: 12, 13, 14, 15, 16, 18 …              17 would stand where 9 stands
 *
 * A `Map` would do the same and cost more than all else: every few dozen insertions it moves to a
 * new table, the old one goes on pointing to what was under way then, and so what lived for a
 * millisecond is carried into the old generation, again and again.
 */
import { assert } from "./assert.ts";

const CAPACITY_MIN = 64;
/** No number. */
const FREE = -1;

export class Numbered<Thing extends object> {
  readonly #end: number;
  #numbers: Float64Array = new Float64Array(CAPACITY_MIN).fill(FREE);
  #things: (Thing | undefined)[] = emptyPlaces(CAPACITY_MIN);
  #mask: number = CAPACITY_MIN - 1;
  #last: number;
  #count = 0;

  /**
   * The first number is the one behind `last`. The one before `end` is followed by 1; by then the
   * first ones must be long forgotten by everybody.
   */
  constructor(last = 0, end: number = Number.MAX_SAFE_INTEGER) {
    this.#last = last;
    this.#end = end;
  }

  get size(): number {
    return this.#count;
  }

  /** The next number, for a thing to be `set` before the next one is asked for; or for nothing. */
  next(): number {
    if (this.#count * 2 > this.#mask) this.#grow();
    do this.#last = this.#last + 1 < this.#end ? this.#last + 1 : 1;
    while (this.#numbers[this.#last & this.#mask] !== FREE);
    return this.#last;
  }

  set(number: number, thing: Thing): void {
    const place = number & this.#mask;
    assert(this.#numbers[place] === FREE, `the place of number ${number} is taken`);
    this.#numbers[place] = number;
    this.#things[place] = thing;
    this.#count++;
  }

  get(number: number): Thing | undefined {
    const place = number & this.#mask;
    return this.#numbers[place] === number ? this.#things[place] : undefined;
  }

  /** The thing, if it was still there. */
  take(number: number): Thing | undefined {
    const place = number & this.#mask;
    if (this.#numbers[place] !== number) return undefined;
    const thing = this.#things[place];
    this.#numbers[place] = FREE;
    this.#things[place] = undefined;
    this.#count--;
    return thing;
  }

  /** Of all that are there now, in no order that means anything. */
  numbers(): number[] {
    const numbers: number[] = [];
    for (const number of this.#numbers) if (number !== FREE) numbers.push(number);
    return numbers;
  }

  /** Two things whose places differ stand apart in a table of twice the size too. */
  #grow(): void {
    const numbers = this.#numbers;
    const things = this.#things;
    const capacity = numbers.length * 2;
    this.#mask = capacity - 1;
    this.#numbers = new Float64Array(capacity).fill(FREE);
    this.#things = emptyPlaces(capacity);
    for (let i = 0; i < numbers.length; i++) {
      if (numbers[i] === FREE) continue;
      this.#numbers[numbers[i]! & this.#mask] = numbers[i]!;
      this.#things[numbers[i]! & this.#mask] = things[i];
    }
  }
}

function emptyPlaces<Thing>(count: number): (Thing | undefined)[] {
  return new Array<undefined>(count).fill(undefined);
}
