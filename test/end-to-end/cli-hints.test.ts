/**
 * What is kept for a node that is away, as operators see it and steer it: three processes, of which
 * one is killed under load.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, text, type Store } from "gramme/client";
import { Dev, Running } from "../support/cli.ts";
import { until } from "../support/local-cluster.ts";

interface TargetDocument {
  readonly target: string;
  readonly keys: number;
  readonly bytes: number;
  readonly state: string;
  readonly awayMs: number | null;
  readonly rowsPerSecond: number;
}

interface NodeDocument {
  readonly id: string;
  readonly state: "up" | "down";
  readonly counted: boolean;
  readonly keys: number;
  readonly targets: readonly TargetDocument[];
}

interface HintsDocument {
  readonly keys: number;
  readonly bytes: number;
  readonly nodes: readonly NodeDocument[];
}

const QUORUM = ["--r", "2", "--w", "2"];
const KEYS = 300;
const GONE_WITHIN_MS = 30_000;

async function hintsOf(dev: Dev): Promise<HintsDocument> {
  return (await dev.json(["hints"])) as unknown as HintsDocument;
}

async function hintsBecome(dev: Dev, isSo: (hints: HintsDocument) => boolean): Promise<void> {
  const end = performance.now() + GONE_WITHIN_MS;
  for (;;) {
    const hints = await hintsOf(dev);
    if (isSo(hints)) return;
    assert.ok(performance.now() < end, `the hints stay: ${JSON.stringify(hints)}`);
  }
}

/** What a node keeps for n2. For one that is only slow there may be hints too. */
function forN2({ targets }: NodeDocument): TargetDocument | undefined {
  return targets.find(({ target }) => target === "n2");
}

function keysForN2({ nodes }: HintsDocument): number {
  return nodes.reduce((sum, node) => sum + (forN2(node)?.keys ?? 0), 0);
}

async function writeAll(store: Store, round: string): Promise<void> {
  const bucket = store.bucket("load", text);
  await Promise.all(Array.from({ length: KEYS }, (_, n) => bucket.put(`k${n}`, `${round} ${n}`)));
}

/** Kills it, and waits until the others miss it. */
async function kill(dev: Dev, id: string): Promise<void> {
  await dev.killNode(id);
  await until(`${id} is missed`, () => {
    const { stderr } = dev.running;
    return ["n0", "n1"].every((node) => stderr.includes(`${node} | lost ${id}`));
  });
}

async function startAgain(dev: Dev, id: string): Promise<Running> {
  const hint = new RegExp(`^ +gramme (start --id ${id} .*)$`, "m");
  await until("dev says how", () => hint.test(dev.running.stderr));
  return Running.start(hint.exec(dev.running.stderr)![1]!.split(" "));
}

test("hints: a node that dies under load misses nothing once it is back", async () => {
  const dev = await Dev.start(QUORUM);
  const store = await connect(dev.addresses);
  let again: Running | undefined = undefined;
  try {
    await writeAll(store, "before");
    await hintsBecome(
      dev,
      ({ keys, nodes }) => keys === 0 && nodes.every(({ counted }) => counted),
    );
    const [, ...load] = await Promise.all([kill(dev, "n2"), writeAll(store, "while")]);
    assert.deepEqual(load, [undefined]);
    await writeAll(store, "after");

    // What is kept for one that was only slow goes at once.
    await hintsBecome(dev, (hints) => hints.keys === keysForN2(hints));
    const { keys, nodes } = await hintsOf(dev);
    assert.ok(keys >= KEYS, `${keys} hints for ${KEYS} keys`);
    assert.deepEqual(
      nodes.map(({ state }) => state),
      ["up", "up", "down"],
    );
    // A client that finds one of the two slow has the other coordinate all.
    const keeper = nodes.find((node) => forN2(node) !== undefined)!;
    const first = forN2(keeper)!;
    assert.equal(first.state, "waiting");
    assert.ok(first.awayMs !== null && first.awayMs > 0 && first.bytes > first.keys);
    const shown = await dev.run(["hints"]);
    assert.match(shown.stdout, /hints, .* for 1 node\n/);
    assert.match(shown.stdout, new RegExp(`^${keeper.id} {2,}n2 .* waiting`, "m"));
    assert.match(shown.stderr, /n2 does not answer/);
    const status = (await dev.json(["status"])) as unknown as { nodes: { hints: number }[] };
    assert.deepEqual(
      status.nodes.map(({ hints }) => hints),
      [nodes[0]!.keys, nodes[1]!.keys, null],
    );

    again = await startAgain(dev, "n2");
    await hintsBecome(
      dev,
      (hints) => hints.keys === 0 && hints.nodes.every((each) => each.counted),
    );
    const alone = store.bucket("load", text);
    for (let n = 0; n < KEYS; n++) {
      assert.equal(await alone.get(`k${n}`, { r: "all" }), `after ${n}`);
    }
    const read = await dev.json(["get", "k7", "--bucket", "load", "-r", "all"]);
    assert.deepEqual((read["receipt"] as { held: string[] }).held.length, 3, "nothing differs");
  } finally {
    await store.close();
    if (again !== undefined) await again.stop();
    await dev.stop();
  }
});

test("hints: deliver spares the patience, and says what it waits for", async () => {
  const dev = await Dev.start([...QUORUM, "--set", "config.handoffAfterMs=600000"]);
  const store = await connect(dev.addresses);
  let again: Running | undefined = undefined;
  try {
    await kill(dev, "n2");
    await writeAll(store, "while");
    const away = await dev.run(["hints", "deliver", "--to", "n2", "--json"]);
    assert.equal(away.code, 3, away.stderr);
    const { left, delivered } = JSON.parse(away.stdout) as Record<string, number>;
    assert.ok(left! >= KEYS && delivered === 0, away.stdout);
    assert.match(away.stderr, /n2 cannot be reached: \d+ hints wait for it/);

    again = await startAgain(dev, "n2");
    await hintsBecome(dev, ({ nodes }) =>
      nodes.every(({ targets }) => targets.every(({ awayMs }) => awayMs === null)),
    );
    const other = await dev.run(["hints", "deliver", "--to", "n1"]);
    assert.deepEqual(
      [other.code, /^delivered \d+ hints .*, 0 are left$/m.test(other.stdout)],
      [0, true],
    );
    assert.ok(keysForN2(await hintsOf(dev)) >= KEYS, "it is left in peace");
    const done = await dev.run(["hints", "deliver"]);
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stdout, /^delivered \d{3} hints in .*, 0 are left\n$/);
    assert.equal((await hintsOf(dev)).keys, 0);
  } finally {
    await store.close();
    if (again !== undefined) await again.stop();
    await dev.stop();
  }
});

test("hints: who stops watching a delivery leaves it running", async () => {
  const slow = ["config.handoffAfterMs=600000", "config.handoffRowsPerSecond=40"];
  const dev = await Dev.start([...QUORUM, ...slow.flatMap((each) => ["--set", each])]);
  const store = await connect(dev.addresses);
  let again: Running | undefined = undefined;
  try {
    await kill(dev, "n2");
    await writeAll(store, "while");
    again = await startAgain(dev, "n2");
    await hintsBecome(dev, ({ nodes }) =>
      nodes.every(({ targets }) => targets.every(({ awayMs }) => awayMs === null)),
    );
    const watcher = Running.watch(["hints", "deliver", ...dev.nodeFlags]);
    await hintsBecome(dev, ({ nodes }) =>
      nodes.some(({ targets }) => targets.some(({ state }) => state === "delivering")),
    );
    assert.equal(await watcher.stop("SIGINT"), 0);
    assert.match(watcher.stderr, /the nodes go on by themselves/);
    await hintsBecome(dev, ({ keys }) => keys === 0);
  } finally {
    await store.close();
    if (again !== undefined) await again.stop();
    await dev.stop();
  }
});

test("hints: drop needs a name and a yes, and forgets what is kept for that node", async () => {
  const dev = await Dev.start(QUORUM);
  const store = await connect(dev.addresses);
  try {
    await kill(dev, "n2");
    await writeAll(store, "while");
    const keys = keysForN2(await hintsOf(dev));
    const unknown = await dev.run(["hints", "drop", "--to", "n9", "--yes"]);
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /--to: cluster gramme has no node "n9".*\n.*n0 n1 n2/);
    const unsure = await dev.run(["hints", "drop", "--to", "n2"]);
    assert.equal(unsure.code, 2);
    assert.match(unsure.stdout, /^n0 keeps for n2: \d+ keys, .*\nn1 keeps for n2: /);
    assert.match(unsure.stderr, new RegExp(`${keys} keys .* nothing was changed.*\n.*--yes`));
    assert.equal(keysForN2(await hintsOf(dev)), keys);

    const dropped = await dev.run(["hints", "drop", "--to", "n2", "--yes"]);
    assert.equal(dropped.code, 0, dropped.stderr);
    assert.match(dropped.stdout, new RegExp(`^dropped ${keys} keys, .* kept for n2\n$`));
    assert.equal(keysForN2(await hintsOf(dev)), 0);
    const nothing = await dev.json(["hints", "drop", "--to", "n2", "--yes"]);
    assert.deepEqual([nothing["keys"], nothing["left"]], [0, 0]);
    assert.equal(await store.bucket("load", text).get("k7"), "while 7");
  } finally {
    await store.close();
    await dev.stop();
  }
});
