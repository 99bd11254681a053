/**
 * What the smallest steps of a request cost, without sockets: join, codec, digest, tally, look-up,
 * seal. These are the numbers to look at first when `cluster.ts` has become slower.
 */
import { assert } from "#src/core/base/assert.ts";
import { sipKeyOf } from "#src/core/base/siphash.ts";
import type { Context } from "#src/core/causality/context.ts";
import { entryOf } from "#src/core/causality/context.ts";
import { decodeRecord, digestOf, encodeRecord } from "#src/core/causality/record-codec.ts";
import { type Dot, putDelta, Record, REGISTER } from "#src/core/causality/record.ts";
import { registerPayload } from "#src/core/causality/register.ts";
import { openContext, sealContext } from "#src/core/causality/sealed-context.ts";
import { Tally } from "#src/core/coordinator/quorum.ts";
import { balancedPlacement } from "#src/core/ring/balanced-placement.ts";
import { keyOf } from "#src/core/ring/key.ts";
import { nodeId } from "#src/core/ring/node-id.ts";
import { planLayout } from "#src/core/ring/placement.ts";
import { benchWire } from "./wire.ts";

export interface MicroResult {
  readonly name: string;
  readonly nanosecondsPerOperation: number;
}

const OPERATIONS = 200_000;
/** The best of some trials: what else runs on the machine only ever makes it slower. */
const TRIALS = 7;

export function benchMicro(): readonly MicroResult[] {
  return [
    ...benchRecords(),
    ...benchQuorum(),
    ...benchLayout(),
    ...benchContexts(),
    ...benchWire(),
  ];
}

function benchRecords(): readonly MicroResult[] {
  const [first, second, third] = [actor(1), actor(2), actor(3)] as const;
  const seen: Context = [entryOf(first, 7), entryOf(second, 4), entryOf(third, 2)];
  const held = new Record(seen, [dotOf(first, 7)]);
  const newer = putDelta(seen, dotOf(first, 8));
  const concurrent = putDelta([entryOf(first, 6)], dotOf(second, 5));
  const bytes = encodeRecord(held);
  return [
    measured("join: a newer write", () => held.join(newer)),
    measured("join: a concurrent write", () => held.join(concurrent)),
    measured("join: nothing new", () => held.join(held)),
    measured("record: encode", () => encodeRecord(held)),
    measured("record: decode", () => decodeRecord(bytes)),
    measured("record: digest of its bytes", () => digestOf(bytes)),
  ];
}

function benchQuorum(): readonly MicroResult[] {
  return [
    measured("quorum: a tally of 3, two yes", () => {
      const tally = new Tally(3, 2);
      tally.accept(0);
      tally.accept(2);
      return tally.isMet;
    }),
  ];
}

function benchLayout(): readonly MicroResult[] {
  const nodes = Array.from({ length: 5 }, (_, index) => ({
    id: nodeId(`n${index}`),
    address: `10.0.0.${index + 1}:7400`,
    weight: 1,
    zone: "",
  }));
  const wish = { epoch: 1, clusterId: "bench", replicas: 3, partitionCount: 256, nodes };
  const layout = planLayout(balancedPlacement, wish);
  assert(!("problem" in layout), "five nodes make a layout");
  const keys = Array.from({ length: 64 }, (_, index) => keyOf("carts", `user:${index * 7_919}`));
  let next = 0;
  return [measured("layout: owners of a key", () => layout.ownersOf(keys[next++ & 63]!))];
}

function benchContexts(): readonly MicroResult[] {
  const secret = sipKeyOf(new Uint8Array(16).fill(9));
  const key = keyOf("carts", "user:000000000007");
  const context: Context = [entryOf(actor(1), 7), entryOf(actor(2), 4)];
  const token = sealContext(secret, key, context);
  return [
    measured("context: seal", () => sealContext(secret, key, context)),
    measured("context: open", () => openContext(secret, key, token, 256)),
  ];
}

function actor(number: number): { high: number; low: number; epoch: number } {
  return { high: 0x1234_5678 + number, low: -0x1234_5678, epoch: 1 };
}

function dotOf(of: ReturnType<typeof actor>, n: number): Dot {
  const payload = registerPayload({ ms: 1.79e12, tick: 0 }, new Uint8Array(100).fill(7));
  return { ...of, n, kind: REGISTER, path: "", payload };
}

/** What an operation answers is kept where the compiler cannot prove that nobody looks. */
let sink: unknown = undefined;

function measured(name: string, operation: () => unknown): MicroResult {
  let best = Infinity;
  for (let trial = 0; trial < TRIALS; trial++) {
    const startedAt = performance.now();
    for (let count = 0; count < OPERATIONS; count++) sink = operation();
    best = Math.min(best, performance.now() - startedAt);
  }
  if (sink === measured) throw new Error("no operation answers this");
  return { name, nanosecondsPerOperation: (best * 1e6) / OPERATIONS };
}
