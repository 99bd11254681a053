/**
 * How well this node believes itself to be: 0 is healthy, each step up makes it more patient.
 *
 * A node whose own messages are late sees failures everywhere. So every sign that the trouble is
 * its own (a probe that failed although nobody else could say so, helpers that did not even send
 * their nack, an accusation it had to refute, a stall of its own) raises the score, every probe
 * that succeeds lowers it, and its probe interval and timeout are as many times longer.
 */
export class Awareness {
  readonly #max: number;
  readonly #onChange: (score: number) => void;
  #score = 0;

  constructor(max: number, onChange: (score: number) => void) {
    this.#max = max;
    this.#onChange = onChange;
  }

  get score(): number {
    return this.#score;
  }

  adjust(delta: number): void {
    const score = Math.min(Math.max(this.#score + delta, 0), this.#max);
    if (score === this.#score) return;
    this.#score = score;
    this.#onChange(score);
  }

  scaled(ms: number): number {
    return ms * (this.#score + 1);
  }
}
