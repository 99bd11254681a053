import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../base/random.ts";
import type { Actor } from "./actor.ts";
import { compareActors } from "./actor.ts";
import type { Context } from "./context.ts";
import { contains, EMPTY_CONTEXT, highestOwn, withDot } from "./context.ts";
import type { Dot } from "./record.ts";
import { compareDots, deleteDelta, EMPTY_RECORD, putDelta, Record, REGISTER } from "./record.ts";
import { encodeRecord } from "./record-codec.ts";

const ACTORS: readonly Actor[] = [
  { high: -3, low: 5, epoch: 1 },
  { high: 0, low: -1, epoch: 4 },
  { high: 7, low: 7, epoch: 2 },
];

/** More than any replica of a history here mints. */
const ALL_DOTS = ACTORS.flatMap((actor) =>
  Array.from({ length: 40 }, (_, index) => dotOf(actor, index + 1)),
);

/** What one write did, by the dots themselves: the oracle knows no contexts and no join. */
interface Event {
  readonly dot: string | undefined;
  readonly covered: ReadonlySet<string>;
  readonly delta: Record;
}

/** A replica, and beside it the events that it has heard of, directly or inside of states. */
interface Copy {
  record: Record;
  heard: Set<Event>;
}

/** Three replicas whose deltas are lost, doubled, reordered, and overtaken by whole states. */
class History {
  readonly random: Random;
  readonly copies: Copy[] = ACTORS.map(() => ({ record: EMPTY_RECORD, heard: new Set() }));
  readonly events: Event[] = [];
  /** Contexts that clients took from a replica earlier, with the dots that these stand for. */
  readonly #taken: { context: Context; covered: ReadonlySet<string> }[] = [];

  constructor(seed: string, steps: number) {
    this.random = new Random(seed);
    for (let step = 0; step < steps; step++) this.#step();
  }

  #step(): void {
    const { random } = this;
    const dice = random.fraction();
    const at = random.integer(3);
    if (dice < 0.4) this.#write(at);
    else if (dice < 0.75 && this.events.length > 0) this.deliver(at, random.pick(this.events));
    else if (dice < 0.85) this.#sync(at, random.integer(3));
    else this.#take(this.copies[at]!);
  }

  #take(copy: Copy): void {
    this.#taken.push({ context: copy.record.context, covered: seenBy(copy) });
  }

  #write(at: number): void {
    const { random } = this;
    const copy = this.copies[at]!;
    const choice = random.integer(3);
    const nothing = { context: EMPTY_CONTEXT, covered: new Set<string>() };
    const own = { context: copy.record.context, covered: seenBy(copy) };
    const stale = this.#taken.length === 0 ? own : random.pick(this.#taken);
    const { context, covered } = [nothing, own, stale][choice]!;
    if (random.chance(0.25)) {
      return this.#heard(at, { dot: undefined, covered, delta: deleteDelta(context) });
    }
    const actor = ACTORS[at]!;
    const n = (highestOwn(copy.record.context, actor)?.n ?? 0) + 1;
    const dot = dotOf(actor, n);
    this.#heard(at, { dot: nameOf(dot), covered, delta: putDelta(context, dot) });
  }

  #heard(at: number, event: Event): void {
    this.events.push(event);
    this.deliver(at, event);
  }

  deliver(at: number, event: Event): void {
    const copy = this.copies[at]!;
    copy.record = copy.record.join(event.delta);
    copy.heard.add(event);
  }

  #sync(to: number, from: number): void {
    const [target, source] = [this.copies[to]!, this.copies[from]!];
    target.record = target.record.join(source.record);
    for (const event of source.heard) target.heard.add(event);
  }
}

test("record: whatever was lost, doubled or reordered, a replica holds what its history says", () => {
  for (let seed = 0; seed < 800; seed++) {
    const { copies } = new History(`history ${seed}`, 40);
    for (const copy of copies) {
      const names = copy.record.dots.map(nameOf).sort();
      assert.deepEqual(names, [...liveBy(copy)].sort(), `seed ${seed}`);
      checkWellFormed(copy.record);
      const claimed = ALL_DOTS.filter((dot) => contains(copy.record.context, dot, dot.n));
      assert.deepEqual(claimed.map(nameOf).sort(), [...seenBy(copy)].sort(), `seed ${seed}`);
    }
  }
});

test("record: the join of reachable states is commutative, associative and idempotent", () => {
  for (let seed = 0; seed < 3000; seed++) {
    const { copies, events, random } = new History(`laws ${seed}`, 30);
    const states = [...copies.map(({ record }) => record), ...events.map(({ delta }) => delta)];
    checkLaws(random.pick(states), random.pick(states), random.pick(states), `seed ${seed}`);
  }
});

test("record: the laws hold for well-formed states that no history reaches", () => {
  const random = new Random("unreachable");
  for (let round = 0; round < 10_000; round++) {
    const [a, b, c] = [randomRecord(random), randomRecord(random), randomRecord(random)];
    checkLaws(a, b, c, `round ${round}`);
  }
});

test("record: deltas in any order, some of them twice, make the state that whole states make", () => {
  for (let seed = 0; seed < 500; seed++) {
    const { copies, events, random } = new History(`order ${seed}`, 30);
    const whole = copies.map(({ record }) => record).reduce((left, right) => left.join(right));
    const repeated = [...events, ...events.filter(() => random.chance(0.3))];
    for (let order = 0; order < 3; order++) {
      random.shuffle(repeated);
      const state = repeated.reduce((record, { delta }) => record.join(delta), EMPTY_RECORD);
      assert.equal(formOf(state), formOf(whole), `seed ${seed}`);
    }
  }
});

test("record: a join answers one of its arguments whenever that is the result", () => {
  const random = new Random("arguments");
  const records = Array.from({ length: 4000 }, () => randomRecord(random));
  for (let seed = 0; seed < 200; seed++) {
    const { copies, events } = new History(`arguments ${seed}`, 20);
    records.push(...copies.map(({ record }) => record), ...events.map(({ delta }) => delta));
  }
  for (let round = 0; round < 30_000; round++) {
    const at = random.integer(records.length);
    const left = records[at]!;
    const right = records[Math.min(records.length - 1, at + random.integer(8))]!;
    const joined = left.join(right);
    const form = formOf(joined);
    if (form === formOf(left)) assert.equal(joined, left, `round ${round}`);
    else if (form === formOf(right)) assert.equal(joined, right, `round ${round}`);
    assert.equal(left.absorbs(right), form === formOf(left), `round ${round}`);
  }
});

test("record: joining a deletion that was heard of, and what it deleted, is the deletion", () => {
  const dot = dotOf(ACTORS[0]!, 1);
  const put = putDelta(EMPTY_CONTEXT, dot);
  const deletion = deleteDelta(put.context);
  assert.equal(put.join(deletion), deletion);
  assert.equal(deletion.join(put), deletion);
  assert.ok(deletion.isTombstone && !put.isTombstone);
  assert.ok(deletion.absorbs(put) && !put.absorbs(deletion));
});

test("record: a concurrent value survives a deletion, and a value that comes late does not rise", () => {
  const [first, second] = [dotOf(ACTORS[0]!, 1), dotOf(ACTORS[1]!, 1)];
  const put = putDelta(EMPTY_CONTEXT, first);
  const concurrent = putDelta(EMPTY_CONTEXT, second);
  const deletion = deleteDelta(put.context);
  assert.deepEqual(deletion.join(concurrent).join(put).dots.map(nameOf), [nameOf(second)]);
});

test("record: a blind put does not claim what was not seen of its own actor", () => {
  const [actor] = ACTORS as [Actor];
  const blind = putDelta(EMPTY_CONTEXT, dotOf(actor, 5));
  const earlier = putDelta(EMPTY_CONTEXT, dotOf(actor, 4));
  assert.deepEqual(
    blind.join(earlier).dots.map(({ n }) => n),
    [4, 5],
  );
});

function checkLaws(a: Record, b: Record, c: Record, label: string): void {
  assert.equal(formOf(a.join(b)), formOf(b.join(a)), `commutative, ${label}`);
  assert.equal(formOf(a.join(b).join(c)), formOf(a.join(b.join(c))), `associative, ${label}`);
  assert.equal(a.join(a), a, `idempotent, ${label}`);
  const joined = a.join(b);
  assert.equal(joined.join(a), joined, `grown, ${label}`);
  assert.equal(joined.join(b), joined, `grown, ${label}`);
  assert.equal(a.join(EMPTY_RECORD), a);
  assert.equal(formOf(EMPTY_RECORD.join(a)), formOf(a));
  checkWellFormed(joined);
}

function checkWellFormed(record: Record): void {
  for (const [index, dot] of record.dots.entries()) {
    assert.ok(contains(record.context, dot, dot.n), "a live dot is in the context");
    if (index > 0) assert.ok(compareDots(record.dots[index - 1]!, dot) < 0, "dots are sorted");
  }
  for (let i = 1; i < record.context.length; i++) {
    assert.equal(compareActors(record.context[i - 1]!, record.context[i]!), -1);
  }
}

/** The oracle: a dot is live when no event that was heard of covers it. */
function liveBy({ heard }: Copy): Set<string> {
  const live = new Set<string>();
  for (const { dot } of heard) if (dot !== undefined) live.add(dot);
  for (const { covered } of heard) for (const dot of covered) live.delete(dot);
  return live;
}

function seenBy({ heard }: Copy): Set<string> {
  const seen = new Set<string>();
  for (const { dot, covered } of heard) {
    if (dot !== undefined) seen.add(dot);
    for (const each of covered) seen.add(each);
  }
  return seen;
}

function randomRecord(random: Random): Record {
  let context: Context = EMPTY_CONTEXT;
  const dots: Dot[] = [];
  for (const actor of ACTORS) {
    for (let n = 1; n <= 4; n++) {
      if (random.chance(0.5)) continue;
      context = withDot(context, actor, n);
      if (random.chance(0.3)) dots.push(dotOf(actor, n));
    }
  }
  return new Record(context, dots);
}

function dotOf(actor: Actor, n: number): Dot {
  const payload = Uint8Array.of(actor.epoch, n);
  return { ...actor, n, kind: REGISTER, path: n % 3 === 0 ? "p" : "", payload };
}

function nameOf(dot: Dot): string {
  return `${dot.epoch},${dot.n}`;
}

/** The canonical encoding as text: records are equal exactly when these are. */
function formOf(record: Record): string {
  return Buffer.from(encodeRecord(record)).toString("latin1");
}
