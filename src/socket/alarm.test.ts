import assert from "node:assert/strict";
import { test } from "node:test";
import { Alarm } from "./alarm.ts";

test("alarm: it rings once, not before its instant", async () => {
  const start = performance.now();
  let rings = 0;
  await new Promise<void>((resolve) => {
    const alarm = new Alarm(() => {
      rings++;
      resolve();
    });
    alarm.at(start + 5.5);
    alarm.at(start + 9);
    alarm.at(undefined);
  });
  assert.ok(performance.now() >= start + 5.5);
  assert.equal(rings, 1);
});

test("alarm: an earlier instant takes the place of a later, and it can be set again when it rings", async () => {
  const start = performance.now();
  const rings: number[] = [];
  await new Promise<void>((resolve) => {
    const alarm = new Alarm(() => {
      rings.push(performance.now() - start);
      if (rings.length === 2) resolve();
      else alarm.at(performance.now() + 1);
    });
    alarm.at(start + 60_000);
    alarm.at(start + 2);
  });
  assert.ok(rings[1]! < 30_000);
});

test("alarm: stopped, it never rings", async () => {
  let rings = 0;
  const alarm = new Alarm(() => rings++);
  alarm.at(performance.now());
  alarm.stop();
  alarm.at(performance.now());
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(rings, 0);
});
