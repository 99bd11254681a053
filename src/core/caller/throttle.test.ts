import assert from "node:assert/strict";
import { test } from "node:test";
import { Throttle } from "./throttle.ts";

const always = (): number => 0;

function throttleAfter(accepted: number, refused: number): Throttle {
  const throttle = new Throttle();
  throttle.refusal(0, always);
  for (let i = 0; i < accepted; i++) throttle.onAccepted();
  for (let i = 0; i < refused; i++) throttle.onRefused();
  return throttle;
}

test("throttle: p is max(0, (requests - 2 accepted) / (requests + 1))", () => {
  const table = [
    [0, 0, 0],
    [100, 0, 0],
    [100, 100, 0],
    [100, 300, 200 / 401],
    [0, 1, 1 / 2],
    [0, 99, 99 / 100],
  ] as const;
  for (const [accepted, refused, p] of table) {
    assert.equal(throttleAfter(accepted, refused).probability, p, `${accepted} ${refused}`);
  }
});

test("throttle: a request is kept back when the draw is below p, and nothing is drawn without need", () => {
  const throttle = throttleAfter(100, 300);
  assert.equal(
    throttle.refusal(1, () => 0.5),
    undefined,
  );
  const refusal = throttle.refusal(1, () => 0.49);
  assert.deepEqual(
    [refusal?.code, refusal?.heldBack, refusal?.needed, refusal?.got],
    ["OVERLOADED", "throttle", 400, 100],
  );
  const never = (): number => assert.fail("nothing is to be drawn");
  assert.equal(throttleAfter(1, 1).refusal(1, never), undefined);
});

test("throttle: what was kept back counts as refused", () => {
  const throttle = throttleAfter(0, 1);
  throttle.refusal(1, always);
  assert.equal(throttle.requests, 2);
});

test("throttle: what is older than 24 seconds does not count, slot by slot", () => {
  const throttle = throttleAfter(0, 50);
  throttle.refusal(13_000, () => 1);
  for (let i = 0; i < 10; i++) throttle.onRefused();
  throttle.refusal(23_800, () => 1);
  assert.equal(throttle.requests, 60);
  throttle.refusal(24_200, () => 1);
  assert.equal(throttle.requests, 10);
  throttle.refusal(1_000_000, () => 1);
  assert.equal(throttle.requests, 0);
});

/** A client that asks every five milliseconds, of nodes that take one request in so many. */
class Load {
  readonly throttle: Throttle = new Throttle();
  #now = 0;
  #state = 1;

  run(
    seconds: number,
    msPerRequest: number,
  ): { readonly wanted: number; readonly sent: number; readonly taken: number } {
    const end = this.#now + seconds * 1_000;
    let [wanted, sent, taken, freeAt] = [0, 0, 0, 0];
    for (; this.#now < end; this.#now += 5) {
      wanted++;
      if (this.throttle.refusal(this.#now, this.#draw) !== undefined) continue;
      sent++;
      if (this.#now < freeAt) {
        this.throttle.onRefused();
      } else {
        this.throttle.onAccepted();
        taken++;
        freeAt = this.#now + msPerRequest;
      }
    }
    return { wanted, sent, taken };
  }

  readonly #draw = (): number => {
    this.#state = (this.#state * 48_271) % 2_147_483_647;
    return this.#state / 2_147_483_647;
  };
}

test("throttle: nodes are sent about twice what they take", () => {
  const load = new Load();
  load.run(120, 50);
  const { sent, taken, wanted } = load.run(60, 50);
  assert.ok(sent > 1.7 * taken && sent < 2.4 * taken, `${sent} sent, ${taken} taken`);
  assert.ok(sent < wanted / 5, `${sent} of ${wanted}`);
});

test("throttle: nodes that take a third get all again when they take all, a short time later", () => {
  const short = new Load();
  short.run(10, 15);
  short.run(15, 0);
  const soon = short.run(5, 0);
  assert.ok(soon.sent > 0.95 * soon.wanted, `${soon.sent} of ${soon.wanted}`);
  const long = new Load();
  long.run(300, 15);
  long.run(30, 0);
  const later = long.run(5, 0);
  assert.ok(later.sent > 0.95 * later.wanted, `${later.sent} of ${later.wanted}`);
});
