/**
 * How often which latency occurred, within 3 % and in a fixed 9 kB, whatever comes.
 *
 * Buckets are log-linear: each power of two of microseconds is cut into 32 equal parts.
 *
 *     0 1 2 … 63        every microsecond for itself
 *     64 66 68 … 126    32 buckets of 2 µs
 *     128 132 … 252     32 buckets of 4 µs, and so on up to 2^32 µs (71 minutes)
 *
 * Worked example: 1000 µs = 0b1111101000 has 10 bits, so 5 of them are dropped (shift 4 keeps six:
 * 1000 >> 4 = 62), and it counts in bucket 4 * 32 + 62 = 190, which stands for 992 … 1007 µs.
 *
 * Counting is an index and an increment: measuring must not be what is measured.
 */
const PARTS = 32;
const PART_BITS = 5;
const BITS_MAX = 32;
const MICROSECONDS_MAX = 2 ** BITS_MAX - 1;
const BUCKETS = (BITS_MAX - PART_BITS) * PARTS + PARTS;

export interface LatencySummary {
  readonly count: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

export class LatencyHistogram {
  readonly #counts: Uint32Array = new Uint32Array(BUCKETS);
  #count = 0;
  #sumMs = 0;
  #maxMs = 0;

  get count(): number {
    return this.#count;
  }

  record(ms: number): void {
    this.#counts[bucketOf(ms * 1_000)]! += 1;
    this.#count += 1;
    this.#sumMs += ms;
    if (ms > this.#maxMs) this.#maxMs = ms;
  }

  /** The latency that this part of all (0 to 1) did not exceed; 0 when there were none. */
  quantileMs(part: number): number {
    const rank = Math.max(1, Math.ceil(part * this.#count));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#counts[bucket]!;
      if (seen >= rank) return Math.min(this.#maxMs, upperMicroseconds(bucket) / 1_000);
    }
    return this.#maxMs;
  }

  summary(): LatencySummary {
    return {
      count: this.#count,
      meanMs: rounded(this.#count === 0 ? 0 : this.#sumMs / this.#count),
      p50Ms: rounded(this.quantileMs(0.5)),
      p90Ms: rounded(this.quantileMs(0.9)),
      p99Ms: rounded(this.quantileMs(0.99)),
      p999Ms: rounded(this.quantileMs(0.999)),
      maxMs: rounded(this.#maxMs),
    };
  }
}

function bucketOf(microseconds: number): number {
  const whole = Math.min(MICROSECONDS_MAX, Math.max(0, Math.floor(microseconds)));
  const shift = shiftOf(whole);
  return shift * PARTS + (whole >>> shift);
}

/** How many low bits do not count: six bits are kept, and small numbers are kept whole. */
function shiftOf(whole: number): number {
  return Math.max(0, BITS_MAX - Math.clz32(whole) - PART_BITS - 1);
}

/** The highest microsecond that counts in this bucket. */
function upperMicroseconds(bucket: number): number {
  const shift = Math.max(0, Math.floor(bucket / PARTS) - 1);
  const kept = bucket - shift * PARTS;
  return (kept + 1) * 2 ** shift - 1;
}

function rounded(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
