/**
 * How a client asks less of nodes that say that they are overloaded, before they have to say so.
 *
 *     requests = accepted + refused, of the last 24 seconds
 *     p        = max(0, (requests − 2 · accepted) / (requests + 1))
 *
 *     accepted  100  100  100     With probability p a request is not sent, and counts as refused.
 *     refused     0  100  300     So a client sends about twice what is accepted: enough to notice
 *     p           0    0  0.50    when the nodes have room again, and no more.
 *
 * What it remembers is what it goes on refusing by itself when the overload is over: with two
 * minutes that took up to 52 s, with 24 s it takes 20 to 25.
 *
 * Refused is what was answered with OVERLOADED; every other answer of a node is accepted, whatever
 * it says, and silence is neither.
 */
import type { Instant } from "../effects.ts";
import type { DoorFailed } from "./door-outcome.ts";
import { heldBack } from "./door-outcome.ts";

const SLOTS = 12;
const SLOT_MS = 2_000;
const RETRY_AFTER_MS = 100;

export class Throttle {
  /** By slot of two seconds, the current one among them; the sums are of all slots. */
  readonly #acceptedIn: number[] = new Array<number>(SLOTS).fill(0);
  readonly #refusedIn: number[] = new Array<number>(SLOTS).fill(0);
  #accepted = 0;
  #refused = 0;
  #slot = 0;
  #slotEndsAt: Instant = Number.NEGATIVE_INFINITY;

  /** Why this request is not sent, or nothing. `draw` gives a fraction, when one is needed. */
  refusal(now: Instant, draw: () => number): DoorFailed | undefined {
    this.#turnTo(now);
    if (this.#refused <= this.#accepted) return undefined;
    if (draw() >= this.probability) return undefined;
    const { requests } = this;
    const detail = `the nodes took ${this.#accepted} of the last ${requests} requests; not sent`;
    this.onRefused();
    const numbers = { needed: requests, got: this.#accepted, retryAfterMs: RETRY_AFTER_MS };
    return heldBack("throttle", "OVERLOADED", detail, numbers);
  }

  /** A node answered. It counts as of the last request: nobody reads a clock for it. */
  onAccepted(): void {
    this.#accepted++;
    this.#acceptedIn[this.#slot]!++;
  }

  onRefused(): void {
    this.#refused++;
    this.#refusedIn[this.#slot]!++;
  }

  get requests(): number {
    return this.#accepted + this.#refused;
  }

  get probability(): number {
    return Math.max(0, (this.#refused - this.#accepted) / (this.requests + 1));
  }

  #turnTo(now: Instant): void {
    if (now < this.#slotEndsAt) return;
    const late = Math.floor((now - this.#slotEndsAt) / SLOT_MS);
    // After a long silence, and at the first request, all of it is gone.
    const turns = Math.min(SLOTS, late + 1);
    for (let turn = 0; turn < turns; turn++) {
      this.#slot = (this.#slot + 1) % SLOTS;
      this.#accepted -= this.#acceptedIn[this.#slot]!;
      this.#refused -= this.#refusedIn[this.#slot]!;
      this.#acceptedIn[this.#slot] = 0;
      this.#refusedIn[this.#slot] = 0;
    }
    this.#slotEndsAt = turns === SLOTS ? now + SLOT_MS : this.#slotEndsAt + turns * SLOT_MS;
  }
}
