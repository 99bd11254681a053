import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { sipHash, sipKeyOf } from "./siphash.ts";

/**
 * The authors' vectors: key 00..0f, message 00..(n-1) for n = 0..63, the hash as little-endian
 * bytes.
 */
const VECTORS = `
  310e0edd47db6f72 fd67dc93c539f874 5a4fa9d909806c0d 2d7efbd796666785 b7877127e09427cf 8da699cd64557618
  cee3fe586e46c9cb 37d1018bf50002ab 6224939a79f5f593 b0e4a90bdf82009e f3b9dd94c5bb5d7a a7ad6b22462fb3f4
  fbe50e86bc8f1e75 903d84c02756ea14 eef27a8e90ca23f7 e545be4961ca29a1 db9bc2577fcc2a3f 9447be2cf5e99a69
  9cd38d96f0b3c14b bd6179a71dc96dbb 98eea21af25cd6be c7673b2eb0cbf2d0 883ea3e395675393 c8ce5ccd8c030ca8
  94af49f6c650adb8 eab8858ade92e1bc f315bb5bb835d817 adcf6b0763612e2f a5c91da7acaa4dde 716595876650a2a6
  28ef495c53a387ad 42c341d8fa92d832 ce7cf2722f512771 e37859f94623f3a7 381205bb1ab0e012 ae97a10fd434e015
  b4a31508beff4d31 81396229f0907902 4d0cf49ee5d4dcca 5c73336a76d8bf9a d0a704536ba93e0e 925958fcd6420cad
  a915c29bc8067318 952b79f3bc0aa6d4 f21df2e41d4535f9 87577519048f53a9 10a56cf5dfcd9adb eb75095ccd986cd0
  51a9cb9ecba312e6 96afadfc2ce666c7 72fe52975a4364ee 5a1645b276d592a1 b274cb8ebf87870a 6f9bb4203de7b381
  eaecb2a30b22a87f 9924a43cc1315724 bd838d3aafbf8db7 0b1a2a3265d51aea 135079a3231ce660 932b2846e4d70666
  e1915f5cb1eca46c f325965ca16d629f 575ff28e60381be5 724506eb4c328a95`
  .trim()
  .split(/\s+/);

const KEY = sipKeyOf(Uint8Array.from({ length: 16 }, (_, index) => index));

test("sipHash: agrees with all 64 vectors of its authors", () => {
  const message = Uint8Array.from({ length: 64 }, (_, index) => index);
  assert.equal(VECTORS.length, 64);
  for (const [length, expected] of VECTORS.entries()) {
    assert.equal(littleEndian(sipHash(KEY, message, 0, length)), expected, `length ${length}`);
  }
});

test("sipHash: equals 64-bit arithmetic done with bigint, wherever the range lies", () => {
  const key = fc.uint8Array({ minLength: 16, maxLength: 16 });
  fc.assert(
    fc.property(key, fc.uint8Array({ maxLength: 80 }), fc.nat(9), (keyBytes, bytes, margin) => {
      const framed = new Uint8Array(bytes.length + 2 * margin).fill(0xee);
      framed.set(bytes, margin);
      const { hi, lo } = sipHash(sipKeyOf(keyBytes), framed, margin, margin + bytes.length);
      assert.equal((BigInt(hi) << 32n) | BigInt(lo), sipHashOfBigints(keyBytes, bytes));
    }),
  );
});

test("sipHash: a key of another length is a bug", () => {
  assert.throws(() => sipKeyOf(new Uint8Array(15)), /16 bytes, got 15/);
});

function littleEndian({ hi, lo }: { hi: number; lo: number }): string {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(lo, 0);
  bytes.writeUInt32LE(hi, 4);
  return bytes.toString("hex");
}

function sipHashOfBigints(keyBytes: Uint8Array, bytes: Uint8Array): bigint {
  const k0 = wordOf(keyBytes.subarray(0, 8));
  const k1 = wordOf(keyBytes.subarray(8, 16));
  const v = [
    k0 ^ 0x736f6d6570736575n,
    k1 ^ 0x646f72616e646f6dn,
    k0 ^ 0x6c7967656e657261n,
    k1 ^ 0x7465646279746573n,
  ] as [bigint, bigint, bigint, bigint];
  const padded = new Uint8Array((Math.floor(bytes.length / 8) + 1) * 8);
  padded.set(bytes);
  padded[padded.length - 1] = bytes.length;
  for (let at = 0; at < padded.length; at += 8) {
    const word = wordOf(padded.subarray(at, at + 8));
    v[3] ^= word;
    rounds(v, 2);
    v[0] ^= word;
  }
  v[2] ^= 0xffn;
  rounds(v, 4);
  return v[0] ^ v[1] ^ v[2] ^ v[3];
}

function rounds(v: [bigint, bigint, bigint, bigint], count: number): void {
  for (let round = 0; round < count; round++) {
    v[0] = BigInt.asUintN(64, v[0] + v[1]);
    v[2] = BigInt.asUintN(64, v[2] + v[3]);
    v[1] = rotate(v[1], 13n) ^ v[0];
    v[3] = rotate(v[3], 16n) ^ v[2];
    v[0] = rotate(v[0], 32n);
    v[2] = BigInt.asUintN(64, v[2] + v[1]);
    v[0] = BigInt.asUintN(64, v[0] + v[3]);
    v[1] = rotate(v[1], 17n) ^ v[2];
    v[3] = rotate(v[3], 21n) ^ v[0];
    v[2] = rotate(v[2], 32n);
  }
}

function rotate(word: bigint, by: bigint): bigint {
  return BigInt.asUintN(64, word << by) | (word >> (64n - by));
}

function wordOf(bytes: Uint8Array): bigint {
  return Buffer.from(bytes).readBigUInt64LE(0);
}
