/**
 * How timeouts grow with the size of the cluster: by its logarithm, since that is how news spreads.
 *
 * `Math.log` may differ in the last bit between engines, and a seed must mean the same run in all
 * of them. Multiplying, dividing and comparing doubles is the same everywhere, and enough: the
 * binary digits of a logarithm fall out of squaring.
 *
 *     log10(n) = whole + fraction, n = 10^whole · m, 1 ≤ m < 10
 *     m² ≥ 10  ⇔  the fraction is at least a half: write 1, go on with m²/10
 *     else                                         write 0, go on with m²
 *
 *     log10(2): 2²=4 → 0, 16/10=1.6 → 1, 2.56 → 0, 6.55 → 0, 42.9/10=4.29 → 1   0.01001b ≈ 0.3
 *
 * Where only a ratio of natural logarithms is wanted, decimal ones do as well: ln a / ln b is
 * log10 a / log10 b.
 */
import { assert } from "../base/assert.ts";

const FRACTION_BITS = 40;

/** Exact at powers of ten, and within 2^-30 elsewhere; n is at least 1. */
export function log10(n: number): number {
  assert(n >= 1, `log10 of ${n}`);
  let whole = 0;
  let rest = n;
  for (; rest >= 10; rest /= 10) whole++;
  let fraction = 0;
  let weight = 0.5;
  for (let bit = 0; bit < FRACTION_BITS; bit++) {
    rest *= rest;
    if (rest >= 10) {
      rest /= 10;
      fraction += weight;
    }
    weight /= 2;
  }
  return whole + fraction;
}

/** How often a rumour is told before it is old: `mult` times the digits that n + 1 needs. */
export function retransmitLimit(mult: number, members: number): number {
  let digits = 0;
  for (let reach = 1; reach < members + 1; reach *= 10) digits++;
  return mult * digits;
}

/** Everything is exchanged half as often with every doubling of the members above 32. */
export function pushPullScale(members: number): number {
  let scale = 1;
  for (let reach = 32; reach < members; reach *= 2) scale++;
  return scale;
}

/** The shortest suspicion: long enough for news to reach everybody, and for a refutation. */
export function suspicionMsMin(mult: number, members: number, probeIntervalMs: number): number {
  return mult * Math.max(1, log10(members)) * probeIntervalMs;
}

/**
 * How long a suspicion lasts that `confirmations` others share, of the `wanted` that make it
 * certain:
 *
 *     max ┤▇
 *         │▇▇              with none it waits long: perhaps it is the accuser who is unwell
 *         │▇▇▇▇
 *     min ┤▇▇▇▇▇▇▇▇        with as many as wanted it waits no longer than it must
 *         └ 0 1 2 …
 */
export function suspicionMs(
  minMs: number,
  maxMs: number,
  confirmations: number,
  wanted: number,
): number {
  if (wanted < 1) return minMs;
  const share = log10(confirmations + 1) / log10(wanted + 1);
  return Math.max(minMs, maxMs - (maxMs - minMs) * share);
}
