import assert from "node:assert/strict";
import { test } from "node:test";
import { LatencyHistogram } from "./latency-histogram.ts";

test("latency histogram: every latency is found again within 3 percent", () => {
  for (let ms = 0.001; ms < 4_000_000; ms *= 1.37) {
    const histogram = new LatencyHistogram();
    histogram.record(ms);
    histogram.record(ms * 100);
    const found = histogram.quantileMs(0.5);
    assert.ok(Math.abs(found - ms) <= Math.max(0.001, ms * 0.032), `${found} for ${ms}`);
  }
});

test("latency histogram: buckets neither overlap nor leave gaps", () => {
  let last = -1;
  for (let microseconds = 0; microseconds < 70_000; microseconds++) {
    const histogram = new LatencyHistogram();
    histogram.record(microseconds / 1_000 + 0.000_1);
    histogram.record(1_000_000);
    const upper = Math.round(histogram.quantileMs(0.5) * 1_000);
    assert.ok(upper >= microseconds, `${microseconds} counts below itself, at ${upper}`);
    assert.ok(upper >= last, `${microseconds} counts at ${upper}, after ${last}`);
    last = upper;
  }
});

test("latency histogram: quantiles of a uniform load", () => {
  const histogram = new LatencyHistogram();
  for (let ms = 1; ms <= 1_000; ms++) histogram.record(ms);
  const { count, meanMs, p50Ms, p90Ms, p99Ms, maxMs } = histogram.summary();
  assert.equal(count, 1_000);
  assert.equal(meanMs, 500.5);
  assert.ok(Math.abs(p50Ms - 500) < 16, `${p50Ms}`);
  assert.ok(Math.abs(p90Ms - 900) < 29, `${p90Ms}`);
  assert.ok(Math.abs(p99Ms - 990) < 32, `${p99Ms}`);
  assert.equal(maxMs, 1_000);
});

test("latency histogram: nothing recorded, and beyond what it holds", () => {
  assert.equal(new LatencyHistogram().summary().p99Ms, 0);
  const histogram = new LatencyHistogram();
  histogram.record(1e12);
  assert.equal(histogram.count, 1);
  assert.ok(histogram.quantileMs(1) > 4_000_000);
});
