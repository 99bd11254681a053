import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { crc32c } from "../base/crc32c.ts";
import { EPOCH_MAX } from "../causality/actor.ts";
import type { IdentityCopy } from "./identity-codec.ts";
import { decodeIdentity, encodeIdentity, IDENTITY_BYTES_MAX } from "./identity-codec.ts";
import type { Identity } from "./identity.ts";

const FIXTURES = new URL("../../../src/core/identity/fixtures/", import.meta.url);

const IDENTITY: Identity = {
  clusterId: "cluster-é",
  nodeId: "n1",
  actor: { high: 0x1234_5678, low: -2 },
  generation: 1_700_000_000_123,
  leaseEnd: 30_001,
  bootFloor: 10_001,
  isClean: true,
  isSettled: true,
  place: "131/1700000000000.5",
  rows: { store: Uint8Array.of(0x10, 0x21, 0x32, 0x43, 0x54, 0x65, 0x76, 0x87), writes: 70_000 },
  layout: "c0ffee",
};

test("the fixture of version 1 is read for ever: of rows and layout it knows nothing", () => {
  const identity = { ...IDENTITY, rows: undefined, layout: "" };
  assert.deepEqual(decodeIdentity(fixtureOf("identity-v1.bin")), { copy: 7, identity });
});

test("the fixture of version 2 is read for ever, and written the same", () => {
  const fixture = fixtureOf("identity-v2.bin");
  assert.deepEqual(decodeIdentity(fixture), { copy: 7, identity: IDENTITY });
  assert.deepEqual(encodeIdentity({ copy: 7, identity: IDENTITY }), fixture);
});

test("the fixture of version 3 is read for ever, and written the same: not settled", () => {
  const fixture = fixtureOf("identity-v3.bin");
  const copy = { copy: 7, identity: { ...IDENTITY, isSettled: false } };
  assert.deepEqual(decodeIdentity(fixture), copy);
  assert.deepEqual(encodeIdentity(copy), fixture);
});

const texts = fc.string({ unit: "grapheme", maxLength: 40 });
const store = fc.uint8Array({ minLength: 8, maxLength: 8 });
const copies: fc.Arbitrary<IdentityCopy> = fc.record({
  copy: fc.maxSafeInteger().filter((copy) => copy > 0),
  identity: fc
    .record({
      clusterId: texts,
      nodeId: texts,
      actor: fc.record({ high: fc.integer(), low: fc.integer() }),
      generation: fc.maxSafeNat(),
      leaseEnd: fc.integer({ min: 1, max: EPOCH_MAX }),
      floor: fc.double({ min: 0, max: 0.999, noNaN: true }),
      isClean: fc.boolean(),
      isSettled: fc.boolean(),
      place: texts,
      rows: fc.option(fc.record({ store, writes: fc.maxSafeNat() }), { nil: undefined }),
      layout: texts,
    })
    .map(({ floor, ...rest }) => ({ ...rest, bootFloor: Math.floor(floor * rest.leaseEnd) })),
});

test("every identity comes back from its bytes", () => {
  fc.assert(
    fc.property(copies, ({ copy, identity }) => {
      const { actor, rows } = identity;
      // The generator makes objects without a prototype, which deepEqual tells from ours.
      const expected = {
        copy,
        identity: { ...identity, actor: { ...actor }, rows: rows && { ...rows } },
      };
      assert.deepEqual(decodeIdentity(encodeIdentity(expected)), expected);
    }),
  );
});

test("no wrong bit, no cut and no bytes behind the end go unnoticed", () => {
  const bytes = encodeIdentity({ copy: 7, identity: IDENTITY });
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const wrong = bytes.slice();
    wrong[bit >>> 3]! ^= 1 << (bit & 7);
    assert.equal(decodeIdentity(wrong), undefined, `bit ${bit}`);
  }
  for (let end = 0; end < bytes.length; end++) {
    assert.equal(decodeIdentity(bytes.subarray(0, end)), undefined, `cut at ${end}`);
  }
  assert.equal(decodeIdentity(Uint8Array.of(...bytes, 0)), undefined);
  assert.equal(decodeIdentity(new Uint8Array(IDENTITY_BYTES_MAX + 1)), undefined);
  assert.equal(decodeIdentity(new Uint8Array(bytes.length)), undefined);
});

test("that a copy may know a later era than its rows is kept until it is settled", () => {
  const doubtful = { ...IDENTITY, isSettled: false, hasLaterEra: true } as const;
  const kept = { copy: 7, identity: doubtful };
  assert.deepEqual(decodeIdentity(encodeIdentity(kept)), kept);
  const settled = encodeIdentity({ copy: 7, identity: { ...doubtful, isSettled: true } });
  assert.deepEqual(
    settled,
    encodeIdentity({ copy: 7, identity: { ...IDENTITY, isSettled: true } }),
  );
});

test("a whole copy of a later version says which, one with impossible fields says nothing", () => {
  const later = encodeIdentity({ copy: 7, identity: IDENTITY });
  later[4] = 4;
  assert.equal(decodeIdentity(later), undefined, "the checksum covers the version");
  assert.equal(decodeIdentity(resealed(later)), 4);
  const impossible: Partial<Identity>[] = [
    { bootFloor: IDENTITY.leaseEnd },
    { leaseEnd: EPOCH_MAX + 1 },
  ];
  for (const fields of impossible) {
    const bytes = encodeIdentity({ copy: 7, identity: { ...IDENTITY, ...fields } });
    assert.equal(decodeIdentity(bytes), undefined, JSON.stringify(fields));
  }
  assert.equal(decodeIdentity(encodeIdentity({ copy: 0, identity: IDENTITY })), undefined);
  const strange = encodeIdentity({ copy: 7, identity: IDENTITY });
  strange[5] = 4;
  assert.equal(decodeIdentity(resealed(strange)), undefined, "a flag that version 2 has not");
  const unsettled = encodeIdentity({ copy: 7, identity: { ...IDENTITY, isSettled: false } });
  for (const flags of [0, 3, 8, 11, 20]) {
    unsettled[5] = flags;
    assert.equal(decodeIdentity(resealed(unsettled)), undefined, `version 3 with flags ${flags}`);
  }
});

test("bytes of strangers never throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 10, maxLength: 200 }), (tail) => {
      for (const version of [1, 2, 3]) {
        const bytes = Uint8Array.of(0x47, 0x72, 0x49, 0x64, version, ...tail);
        assert.equal(typeof decodeIdentity(resealed(bytes)) === "number", false);
      }
    }),
  );
});

test("a text that is too long is a bug of the writer", () => {
  const identity = { ...IDENTITY, clusterId: "x".repeat(1025) };
  assert.throws(() => encodeIdentity({ copy: 1, identity }), /1025 bytes of text/);
});

function fixtureOf(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, FIXTURES)));
}

function resealed(bytes: Uint8Array): Uint8Array {
  const end = bytes.length - 4;
  const sealed = bytes.slice();
  new DataView(sealed.buffer).setUint32(end, crc32c(bytes, 0, end, 0));
  return sealed;
}
