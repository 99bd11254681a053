import assert from "node:assert/strict";
import { test } from "node:test";
import { crc16OfString } from "../base/crc16.ts";
import { keyOf } from "./key.ts";
import { checkPartitionCount, Partitioner, SLOT_COUNT, slotOf } from "./slot.ts";

const slot = (userKey: string): number => slotOf(keyOf("b", userKey));

test("slot: the slots of the Redis Cluster specification", () => {
  assert.equal(slot("123456789"), 0x31c3);
  assert.equal(slot("foo"), 12182);
  assert.equal(slot("bar"), 5061);
  assert.equal(slot("{user1000}.following"), 3443);
  assert.equal(slot("{user1000}.followers"), 3443);
});

test("slot: the first { and the next } after it, if anything is between, make the hash tag", () => {
  assert.equal(slot("foo{bar}{zap}"), slot("bar"));
  assert.equal(slot("foo{{bar}}zap"), slot("{bar"));
  assert.equal(slot("foo}x{bar}"), slot("bar"));
  assert.equal(slot("a/{bar}"), slot("bar"));
  // No tag: the whole key is hashed, braces included.
  for (const userKey of ["foo{}{bar}", "foo{bar", "{}", "}{"]) {
    assert.equal(slot(userKey), crc16OfString(userKey, 0, userKey.length) & 16_383);
  }
});

test("slot: the bucket does not count", () => {
  assert.equal(slotOf(keyOf("carts", "foo")), slotOf(keyOf("users", "foo")));
});

test("partitioner: partitions are equal runs of slots, in order", () => {
  for (const count of [16, 256, 1024, 16_384]) {
    const partitioner = new Partitioner(count);
    assert.equal(partitioner.slotsPerPartition * count, SLOT_COUNT);
    for (const userKey of ["foo", "bar", "{user1000}.x", "\xff\x00"]) {
      const partition = partitioner.of(keyOf("b", userKey));
      const first = partitioner.firstSlotOf(partition);
      assert.ok(slot(userKey) >= first);
      assert.ok(slot(userKey) < first + partitioner.slotsPerPartition);
    }
    assert.equal(partitioner.firstSlotOf(count - 1), SLOT_COUNT - partitioner.slotsPerPartition);
  }
});

test("partitioner: sequential keys spread over the partitions at least as evenly as chance", () => {
  const partitioner = new Partitioner(256);
  const counts = new Uint32Array(256);
  for (let user = 0; user < 200_000; user++) {
    counts[partitioner.of(keyOf("b", `user:${user}`))]! += 1;
  }
  const mean = 200_000 / 256;
  assert.ok(Math.max(...counts) / mean < 1.11, `${Math.max(...counts) / mean}`);
});

test("partitioner: only powers of two from 16 to 16384", () => {
  for (const count of [0, 8, 17, 255, 1000, 32_768, -256, 256.5, 2 ** 32 + 256, NaN, Infinity]) {
    assert.match(checkPartitionCount(count) ?? "", /power of two from 16 to 16384, got/);
    assert.throws(() => new Partitioner(count));
  }
  for (const count of [16, 512, 16_384]) assert.equal(checkPartitionCount(count), undefined);
});
