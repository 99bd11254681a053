import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../base/random.ts";
import { sipKeyOf } from "../base/siphash.ts";
import type { Digest } from "../causality/record-codec.ts";
import { ABSENT_DIGEST } from "../causality/record-codec.ts";
import { BRANCHES, LEAVES } from "../repair-messages.ts";
import type { Key } from "../ring/key.ts";
import { keyOf } from "../ring/key.ts";
import { KeyHasher } from "./key-hasher.ts";
import { LeafSums } from "./leaf-sums.ts";
import { MerkleTree } from "./merkle-tree.ts";

const hasher = new KeyHasher(sipKeyOf(new Uint8Array(16).fill(7)));

function treeOf(data: Iterable<readonly [Key, Digest]>): MerkleTree {
  const tree = new MerkleTree(hasher);
  for (const [k, d] of data) tree.update(k, ABSENT_DIGEST, d);
  return tree;
}

function key(n: number): Key {
  return keyOf("b", `key-${n}`);
}

function digest(random: Random): Digest {
  return { high: random.next(), low: random.next() };
}

test("tree: the order of writes does not matter, and what is overwritten is gone", () => {
  const random = new Random(1);
  const data = Array.from({ length: 500 }, (_, n) => [key(n), digest(random)] as const);
  const shuffled = [...data];
  random.shuffle(shuffled);
  const tree = new MerkleTree(hasher);
  for (const [k] of data) tree.update(k, ABSENT_DIGEST, { high: 1, low: 2 });
  for (const [k, d] of shuffled) tree.update(k, { high: 1, low: 2 }, d);
  assert.ok(tree.equals(treeOf(data)));
  assert.deepEqual(tree.root, treeOf(data).root);
  for (const [k, d] of data) tree.update(k, d, ABSENT_DIGEST);
  assert.ok(tree.equals(new MerkleTree(hasher)));
  assert.deepEqual(tree.root, { hi: 0, lo: 0 });
});

test("tree: after any writes it is the tree of what is held, at every size", () => {
  const random = new Random(2);
  for (const keys of [3, 30, 300, 3000]) {
    const data = new Map<Key, Digest>();
    const tree = new MerkleTree(hasher);
    for (let write = 0; write < keys * 4; write++) {
      const k = key(random.integer(keys));
      const before = data.get(k) ?? ABSENT_DIGEST;
      const after = random.integer(8) === 0 ? ABSENT_DIGEST : digest(random);
      tree.update(k, before, after);
      if (after === ABSENT_DIGEST) data.delete(k);
      else data.set(k, after);
    }
    const expected = treeOf(data);
    assert.ok(tree.equals(expected), `${keys} keys`);
    assert.equal(tree.differingLeaves(expected), 0);
    assert.deepEqual(tree.branchSums(), expected.branchSums());
  }
});

test("tree: branches add up leaves, the root adds up branches", () => {
  const random = new Random(3);
  const tree = treeOf(Array.from({ length: 2000 }, (_, n) => [key(n), digest(random)] as const));
  const all = Array.from({ length: BRANCHES }, (_, branch) => branch);
  const sums = tree.branchSums();
  const leaves = tree.leafSums(all);
  let root = 0n;
  for (const branch of all) {
    let sum = 0n;
    for (let leaf = branch * 64; leaf < branch * 64 + 64; leaf++) sum += sumAt(leaves, leaf);
    assert.equal(sumAt(sums, branch), BigInt.asUintN(64, sum));
    root += sum;
  }
  assert.equal((BigInt(tree.root.hi) << 32n) | BigInt(tree.root.lo), BigInt.asUintN(64, root));
});

function sumAt(sums: Uint32Array, at: number): bigint {
  return (BigInt(sums[at * 2]!) << 32n) | BigInt(sums[at * 2 + 1]!);
}

test("tree: the trees of two halves make the tree of all", () => {
  const random = new Random(4);
  const data = Array.from({ length: 1000 }, (_, n) => [key(n), digest(random)] as const);
  const merged = treeOf(data.slice(0, 300));
  merged.merge(treeOf(data.slice(300)));
  assert.ok(merged.equals(treeOf(data)));
});

test("tree: what is counted twice does not vanish, as it would with an exclusive or", () => {
  const tree = treeOf([
    [key(1), { high: 1, low: 1 }],
    [key(1), { high: 1, low: 1 }],
  ]);
  assert.ok(!tree.equals(new MerkleTree(hasher)));
});

test("tree: two keys that swap their records differ, and so does every single change", () => {
  const a = { high: 1, low: 1 };
  const b = { high: 2, low: 2 };
  const tree = treeOf([
    [key(1), a],
    [key(2), b],
  ]);
  const swapped = treeOf([
    [key(1), b],
    [key(2), a],
  ]);
  assert.notDeepEqual(tree.root, swapped.root);
  for (let bit = 0; bit < 32; bit++) {
    const changed = { high: 1 ^ (1 << bit), low: 1 };
    assert.equal(
      tree.differingLeaves(
        treeOf([
          [key(1), changed],
          [key(2), b],
        ]),
      ),
      1,
    );
  }
});

test("tree: a key counts in its leaf and nowhere else", () => {
  for (let n = 0; n < 50; n++) {
    const tree = treeOf([[key(n), { high: 1, low: 1 }]]);
    const leaf = hasher.leafOf(key(n));
    tree.clear(leaf);
    assert.ok(tree.equals(new MerkleTree(hasher)));
  }
});

test("tree: keys that aim at one leaf of one cluster are spread over those of another", () => {
  const other = new KeyHasher(sipKeyOf(new Uint8Array(16).fill(8)));
  const aimed: Key[] = [];
  for (let n = 0; aimed.length < 40; n++) if (hasher.leafOf(key(n)) === 9) aimed.push(key(n));
  const leaves = new Set(aimed.map((k) => other.leafOf(k)));
  assert.ok(leaves.size > 35, `${leaves.size} leaves`);
  assert.notEqual(hasher.fingerprint, other.fingerprint);
});

test("tree: leaves are used evenly", () => {
  const counts = new Uint32Array(LEAVES);
  const perLeaf = 16;
  for (let n = 0; n < LEAVES * perLeaf; n++) counts[hasher.leafOf(key(n))]! += 1;
  let chiSquare = 0;
  for (const count of counts) chiSquare += (count - perLeaf) ** 2 / perLeaf;
  // 4095 degrees of freedom: mean 4095, deviation 90.
  assert.ok(Math.abs(chiSquare - 4095) < 6 * 90.5, `${chiSquare}`);
});

test("tree: as bytes and back, and nothing else is a tree", () => {
  const random = new Random(5);
  for (const keys of [0, 1, 100, 5000]) {
    const data = Array.from({ length: keys }, (_, n) => [key(n), digest(random)] as const);
    const bytes = treeOf(data).encode();
    assert.ok(MerkleTree.decode(hasher, bytes)!.equals(treeOf(data)));
    assert.equal(MerkleTree.decode(hasher, bytes.subarray(0, -1)), undefined);
    if (keys > 0) assert.equal(MerkleTree.decode(hasher, bytes.with(0, 2)), undefined);
  }
  const [one, two] = [Uint8Array.of(1, 1), Uint8Array.of(1, 2)];
  const leaf = (n: number): number[] => [n >> 8, n & 255, 0, 0, 0, 0, 0, 0, 0, 1];
  const decode = (...parts: (readonly number[] | Uint8Array)[]): unknown => {
    return MerkleTree.decode(hasher, Uint8Array.from(parts.flatMap((part) => [...part])));
  };
  assert.ok(decode(two, leaf(3), leaf(4)));
  assert.equal(decode(two, leaf(4), leaf(3)), undefined);
  assert.equal(decode(two, leaf(4), leaf(4)), undefined);
  assert.equal(decode(one, leaf(4096)), undefined);
  assert.equal(decode(one, [0, 1, 0, 0, 0, 0, 0, 0, 0, 0]), undefined);
});

test("sums: they wrap at 2^64, and memory grows with the leaves in use", () => {
  const sums = new LeafSums();
  assert.equal(sums.bytes, 0);
  sums.add(5, 0xffff_ffff, 0xffff_ffff);
  sums.add(5, 0, 1);
  assert.deepEqual([sums.high(5), sums.low(5)], [0, 0]);
  sums.subtract(5, 0, 1);
  assert.deepEqual([sums.high(5), sums.low(5)], [0xffff_ffff, 0xffff_ffff]);
  assert.equal(sums.bytes, 96);
  const sizes = new Set<number>();
  for (let leaf = 0; leaf < LEAVES; leaf++) {
    if (leaf !== 5) sums.add(leaf, leaf, 1);
    sizes.add(sums.bytes);
  }
  assert.deepEqual([...sizes], [96, 192, 384, 768, 1536, 3072, 6144, 12288, 32768]);
  for (let leaf = 0; leaf < LEAVES; leaf++) {
    if (leaf !== 5) assert.deepEqual([sums.high(leaf), sums.low(leaf)], [leaf, 1]);
  }
});
