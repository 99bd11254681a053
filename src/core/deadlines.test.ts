import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "./base/random.ts";
import { Deadline, DeadlineWheel } from "./deadlines.ts";

interface Row {
  readonly id: number;
  readonly deadline: Deadline;
  /** When it was asked for, and in which turn; undefined while it is not set. */
  at: number | undefined;
  turn: number;
}

/** The wheel beside a plain list: told the same, both must call the same in the same order. */
class Pair {
  readonly wheel = new DeadlineWheel();
  readonly rows: Row[] = [];
  readonly called: number[] = [];
  onCall: (row: Row, now: number) => void = () => {};
  #turn = 0;

  constructor(count: number) {
    for (let id = 0; id < count; id++) {
      const row: Row = {
        id,
        deadline: new Deadline({ onDeadline: (now) => this.#called(row, now) }),
        at: undefined,
        turn: 0,
      };
      this.rows.push(row);
    }
  }

  set(row: Row, at: number): void {
    row.at = at;
    row.turn = ++this.#turn;
    this.wheel.set(row.deadline, at);
  }

  cancel(row: Row): void {
    row.at = undefined;
    this.wheel.cancel(row.deadline);
  }

  /** What the list says is called up to `now`: by due millisecond, then in order of setting. */
  due(now: number): number[] {
    return this.rows
      .filter(({ at }) => at !== undefined && Math.ceil(at) <= Math.floor(now))
      .sort((one, other) => Math.ceil(one.at!) - Math.ceil(other.at!) || one.turn - other.turn)
      .map(({ id }) => id);
  }

  earliest(): number {
    return Math.min(...this.rows.map(({ at }) => at ?? Number.POSITIVE_INFINITY));
  }

  #called(row: Row, now: number): void {
    assert.ok(row.at !== undefined, `row ${row.id} was called and is not set`);
    assert.ok(now >= row.at, `row ${row.id} was called at ${now}, before ${row.at}`);
    row.at = undefined;
    this.called.push(row.id);
    this.onCall(row, now);
  }
}

test("deadlines: agree with a sorted list over thousands of sets, cancels and advances", () => {
  for (const span of [8, 300, 1024, 1025, 5000, 200_000]) {
    const random = new Random(`wheel ${span}`);
    const pair = new Pair(60);
    let now = random.fraction() * 10_000;
    pair.wheel.advance(now);
    for (let step = 0; step < 6000; step++) {
      const row = random.pick(pair.rows);
      const dice = random.fraction();
      if (dice < 0.55) pair.set(row, now + 1 + random.fraction() * span);
      else if (dice < 0.7) pair.cancel(row);
      else now = advance(pair, random, now, span);
      const earliest = pair.earliest();
      if (earliest === Number.POSITIVE_INFINITY) assert.equal(pair.wheel.earliest, undefined);
      else assert.ok(pair.wheel.earliest! <= Math.ceil(earliest), "earliest is a lower bound");
      const count = pair.rows.filter(({ at }) => at !== undefined).length;
      assert.equal(pair.wheel.count, count);
    }
  }
});

function advance(pair: Pair, random: Random, from: number, span: number): number {
  const now = from + random.fraction() * (random.chance(0.1) ? span * 2 : span / 50);
  const expected = pair.due(now);
  pair.called.length = 0;
  pair.wheel.advance(now);
  assert.deepEqual(pair.called, expected);
  return now;
}

test("deadlines: waking at `earliest`, again and again, reaches every deadline in few steps", () => {
  const random = new Random("progress");
  for (let round = 0; round < 200; round++) {
    const pair = new Pair(30);
    for (const row of pair.rows) pair.set(row, 1 + random.fraction() * 5000);
    for (const row of pair.rows) if (random.chance(0.5)) pair.cancel(row);
    const expected = pair.due(10_000);
    let wakes = 0;
    for (let at = pair.wheel.earliest; at !== undefined; at = pair.wheel.earliest) {
      pair.wheel.advance(at);
      assert.ok(pair.wheel.earliest === undefined || pair.wheel.earliest > at, "no progress");
      wakes++;
    }
    assert.deepEqual(pair.called, expected);
    assert.ok(wakes <= pair.rows.length, `${wakes} wakes`);
  }
});

test("deadlines: a fraction of a millisecond is rounded up, never early", () => {
  const pair = new Pair(1);
  pair.set(pair.rows[0]!, 10.25);
  pair.wheel.advance(10.9);
  assert.deepEqual(pair.called, []);
  assert.equal(pair.wheel.earliest, 11);
  pair.wheel.advance(11);
  assert.deepEqual(pair.called, [0]);
});

test("deadlines: one that is already past is called at the next millisecond", () => {
  const pair = new Pair(1);
  pair.wheel.advance(500);
  pair.wheel.set(pair.rows[0]!.deadline, 20);
  assert.equal(pair.wheel.earliest, 501);
});

test("deadlines: a target may set and cancel others, also of the same millisecond", () => {
  const random = new Random("re-entrancy");
  for (let round = 0; round < 500; round++) {
    const pair = new Pair(12);
    const cancelled = new Set<number>();
    for (const row of pair.rows) pair.set(row, 1 + random.integer(3) * 1024);
    pair.onCall = (_, now) => {
      const other = random.pick(pair.rows);
      if (random.chance(0.5)) {
        if (other.at !== undefined) cancelled.add(other.id);
        pair.cancel(other);
      } else if (pair.called.length < 60) {
        // A deadline that is past already may not run at this very millisecond again.
        const at = random.pick([1, now, now + 1, now + 1024]);
        other.at = at;
        pair.wheel.set(other.deadline, at);
      }
    };
    for (let now = 1; pair.wheel.count > 0; now += 512) {
      assert.ok(now < 200_000, "it never ends");
      pair.wheel.advance(now);
    }
    const missing = pair.rows.filter(({ id }) => !pair.called.includes(id));
    assert.ok(missing.every(({ id }) => cancelled.has(id)));
    assert.equal(pair.wheel.earliest, undefined);
  }
});

test("deadlines: one that sets itself again and again is called, and does not hold up the wheel", () => {
  const wheel = new DeadlineWheel();
  let calls = 0;
  const again: Deadline = new Deadline({
    onDeadline: (now) => {
      calls++;
      wheel.set(again, now);
    },
  });
  wheel.set(again, 1);
  wheel.advance(100);
  assert.ok(calls >= 1 && calls <= 100, `${calls} calls`);
  assert.equal(wheel.earliest, 101);
});

test("deadlines: set again, the earlier time is forgotten; cancelled twice, nothing happens", () => {
  const pair = new Pair(2);
  const [one, other] = pair.rows as [Row, Row];
  pair.set(one, 10);
  pair.set(other, 10);
  pair.set(one, 2000);
  pair.cancel(other);
  pair.cancel(other);
  pair.wheel.advance(1500);
  assert.deepEqual(pair.called, []);
  assert.equal(pair.wheel.count, 1);
  pair.wheel.advance(2000);
  assert.deepEqual(pair.called, [0]);
});
