/** What a node answers a backup and a restore with: through real sockets, asked by hand. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RemoteClient } from "#src/client/remote-client.ts";
import type { CopyQuestion } from "#src/client/copy-calls.ts";
import { EMPTY_BYTES } from "#src/core/base/bytes.ts";
import { EMPTY_CONTEXT } from "#src/core/causality/context.ts";
import { decodeRecord, encodeRecord } from "#src/core/causality/record-codec.ts";
import { putDelta, REGISTER, type Record } from "#src/core/causality/record.ts";
import { keyOf, type Key } from "#src/core/ring/key.ts";
import { nodeId, type NodeId } from "#src/core/ring/node-id.ts";
import type { CopyAnswer, KeyRecord, RowsTold } from "#src/core/wire/copy-codec.ts";
import { encodeCopy } from "#src/core/wire/copy-codec.ts";
import { FRAME_KIND } from "#src/core/wire/frame-kind.ts";
import { done, get, LocalCluster, put, until } from "../support/local-cluster.ts";
import { RawConnection } from "../support/raw-connection.ts";

const N1 = nodeId("n1");
const TIMEOUT_MS = 5_000;

async function started(
  options: Parameters<typeof LocalCluster.start>[0],
): Promise<{ readonly cluster: LocalCluster; readonly client: RemoteClient }> {
  const cluster = await LocalCluster.start(options);
  return { cluster, client: await RemoteClient.connect(cluster.addresses) };
}

async function ask(
  client: RemoteClient,
  node: NodeId,
  question: CopyQuestion,
): Promise<CopyAnswer> {
  const answer = await client.copy(node, question, TIMEOUT_MS);
  assert.notEqual(answer.kind, "failed");
  return answer as CopyAnswer;
}

interface Range {
  readonly partition: number;
  readonly bytesMax?: number;
  readonly position?: Uint8Array;
  readonly epoch?: number;
}

function rows(client: RemoteClient, node: NodeId, range: Range): Promise<CopyAnswer> {
  const defaults = { epoch: 1, bytesMax: 1_000, position: EMPTY_BYTES };
  return ask(client, node, { kind: "rows-ask", ...defaults, ...range });
}

async function told(client: RemoteClient, node: NodeId, range: Range): Promise<RowsTold> {
  const answer = await rows(client, node, range);
  assert.equal(answer.kind, "rows-told");
  return answer;
}

function value(low: number, n: number): Record {
  const payload = Uint8Array.of(0, n);
  return putDelta(EMPTY_CONTEXT, { high: 9, low, epoch: 1, n, kind: REGISTER, path: "", payload });
}

function join(client: RemoteClient, records: readonly KeyRecord[], epoch = 1): Promise<CopyAnswer> {
  return ask(client, N1, { kind: "join-ask", epoch, records });
}

test("copying: a partition is told in slices, each key once, as it is stored", async () => {
  const { cluster, client } = await started({ count: 1, settings: { partitions: 16 } });
  const { host } = cluster.nodes[0]!;
  for (let i = 0; i < 200; i++) await put(host, `key ${i}`, new Uint8Array(100));
  const keys: Key[] = [];
  let slices = 0;
  for (let partition = 0; partition < 16; partition++) {
    let position = EMPTY_BYTES;
    do {
      const { records, next } = await told(client, N1, { partition, bytesMax: 500, position });
      slices++;
      position = next;
      assert.ok(records.length <= 10, `${records.length} records`);
      for (const { key, record } of records) {
        assert.equal(decodeRecord(record)!.dots.length, 1);
        assert.equal(host.layout().partitioner.of(key), partition);
        keys.push(key);
      }
    } while (position.length > 0);
  }
  assert.equal(keys.length, 200);
  assert.equal(new Set(keys).size, 200);
  assert.ok(slices > 20, `${slices} slices`);
  await client.close();
  await cluster.stop();
});

test("copying: a row that is longer than a slice comes alone", async () => {
  const { cluster, client } = await started({ count: 1, settings: { partitions: 16 } });
  const { host } = cluster.nodes[0]!;
  for (const name of ["{a}1", "{a}2", "{a}3"]) await put(host, name, new Uint8Array(2_000_000));
  const partition = host.layout().partitioner.of(keyOf("test", "{a}1"));
  let position = EMPTY_BYTES;
  for (let i = 0; i < 3; i++) {
    const slice = await told(client, N1, { partition, bytesMax: 1e9, position });
    assert.equal(slice.records.length, 1);
    position = slice.next;
  }
  assert.equal(position.length, 0);
  await client.close();
  await cluster.stop();
});

test("copying: what is read is little more than what is told, however long the rows are", async () => {
  for (const valueBytes of [0, 4_000, 50_000]) {
    const { cluster, client } = await started({ count: 1, settings: { partitions: 16 } });
    const { host } = cluster.nodes[0]!;
    for (let i = 0; i < 60; i++) await put(host, `{same}${i}`, new Uint8Array(valueBytes));
    const partition = host.layout().partitioner.of(keyOf("test", "{same}0"));
    const scan = host.scan.bind(host);
    let readCount = 0;
    host.scan = (...words) => {
      const slice = scan(...words);
      readCount += slice!.entries.length;
      return slice;
    };
    let toldCount = 0;
    let position = EMPTY_BYTES;
    do {
      const slice = await told(client, N1, { partition, bytesMax: 128 * 1024, position });
      toldCount += slice.records.length;
      position = slice.next;
    } while (position.length > 0);
    assert.equal(toldCount, 60);
    assert.ok(readCount <= 1.5 * toldCount, `${readCount} rows of ${valueBytes} bytes are read`);
    await client.close();
    await cluster.stop();
  }
});

test("copying: who asks for much at once does not keep others waiting", async () => {
  const { cluster, client } = await started({ count: 1, settings: { partitions: 16 } });
  const { host } = cluster.nodes[0]!;
  await put(host, "a", new Uint8Array(1_000));
  const partition = host.layout().partitioner.of(keyOf("test", "a"));
  const greedy = new RawConnection(cluster.addresses[0]!);
  greedy.greet();
  const question = { kind: "rows-ask", epoch: 1, partition, bytesMax: 10 } as const;
  greedy.say((writer) => {
    const position = EMPTY_BYTES;
    for (let id = 1; id <= 300; id++) encodeCopy(writer, { ...question, id, position });
  });
  const answers = (): number => greedy.frames.filter(({ kind }) => kind !== 0).length;
  await until("most are told to come again", () => answers() > 280);
  const refused = greedy.frames.filter(({ kind }) => kind === FRAME_KIND.copyRefused);
  assert.ok(refused.length > 280, `${refused.length} refusals`);
  assert.equal((await rows(client, N1, { partition })).kind, "rows-told");
  greedy.close();
  await client.close();
  await cluster.stop();
});

test("copying: what is not owned, of another layout, or goes on from nowhere is refused", async () => {
  const settings = { partitions: 16, replicas: 2 };
  const { cluster, client } = await started({ count: 3, settings });
  const layout = client.layout();
  const foreign = Array.from({ length: 16 }, (_, partition) => partition).find(
    (partition) => !layout.isOwner(N1, partition),
  )!;
  const own = layout.owners(0)[0]!;
  const reasonOf = async (answer: Promise<CopyAnswer>): Promise<string> => {
    const refused = await answer;
    return refused.kind === "copy-refused" ? refused.reason : refused.kind;
  };
  assert.equal(await reasonOf(rows(client, N1, { partition: foreign })), "not-owner");
  assert.equal(await reasonOf(rows(client, own, { partition: 16 })), "not-owner");
  assert.equal(await reasonOf(rows(client, own, { partition: 0, epoch: 2 })), "stale-epoch");
  const position = new Uint8Array(20);
  assert.equal(await reasonOf(rows(client, own, { partition: 0, position })), "unknown-position");
  const records = [{ key: keyOf("b", "k"), record: encodeRecord(value(1, 1)) }];
  assert.equal(await reasonOf(join(client, records, 2)), "stale-epoch");
  await client.close();
  await cluster.stop();
});

test("copying: records are joined, each with a result of its own", async () => {
  const settings = { partitions: 16, replicas: 2 };
  const { cluster, client } = await started({ count: 3, settings });
  const layout = client.layout();
  const names = Array.from({ length: 100 }, (_, i) => keyOf("test", `key ${i}`));
  const own = names.find((key) => layout.ownersOf(key).includes(N1))!;
  const foreign = names.find((key) => !layout.ownersOf(key).includes(N1))!;
  const record = encodeRecord(value(1, 1));
  const answer = await join(client, [
    { key: own, record },
    { key: foreign, record },
    { key: own, record: Uint8Array.of(1, 2, 3) },
    { key: own, record: encodeRecord(value(2, 1)) },
  ]);
  assert.equal(answer.kind, "join-told");
  const results = answer.kind === "join-told" ? answer.results : [];
  assert.deepEqual(results, ["held", "not-owner", "malformed", "held"]);
  const partition = layout.partitioner.of(own);
  const { records } = await told(client, N1, { partition, bytesMax: 100_000 });
  const held = records.find(({ key }) => key === own)!;
  assert.deepEqual(decodeRecord(held.record), value(1, 1).join(value(2, 1)));
  await client.close();
  await cluster.stop();
});

test("copying: a node that gets a dot of its own from elsewhere goes on under a new epoch", async () => {
  const { cluster, client } = await started({ count: 1 });
  const { host } = cluster.nodes[0]!;
  await put(host, "a", Uint8Array.of(1));
  const key = keyOf("test", "a");
  const partition = host.layout().partitioner.of(key);
  const { records } = await told(client, N1, { partition });
  const before = decodeRecord(records[0]!.record)!;
  const { high, low, epoch, n, payload } = before.dots[0]!;
  // As a backup of a time when this node had handed out more for the key.
  const ahead = putDelta(before.context, { ...before.dots[0]!, n: n + 1, payload });
  await join(client, [{ key, record: encodeRecord(ahead) }]);
  assert.equal(cluster.factsOf(0, "epoch-taken").at(-1)!.reason, "replica-ahead");
  await put(host, "a", Uint8Array.of(2));
  assert.deepEqual(await get(host, "a"), Uint8Array.of(2));
  const after = decodeRecord((await told(client, N1, { partition })).records[0]!.record)!;
  const dot = after.dots.at(-1)!;
  assert.deepEqual([dot.high, dot.low], [high, low]);
  assert.ok(dot.epoch > epoch);
  await client.close();
  await cluster.stop();
});

test("copying: a deletion that is given again deletes what it saw and nothing newer", async () => {
  const { cluster, client } = await started({ count: 1 });
  const { host } = cluster.nodes[0]!;
  const key = keyOf("test", "a");
  const partition = host.layout().partitioner.of(key);
  await put(host, "a", Uint8Array.of(1));
  const alive = (await told(client, N1, { partition })).records;
  await done(host, { operation: "delete", key });
  const dead = (await told(client, N1, { partition })).records;
  await join(client, alive);
  assert.equal((await done(host, { operation: "get", key })).kind, "not-found");
  await put(host, "a", Uint8Array.of(2));
  await join(client, dead);
  assert.deepEqual(await get(host, "a"), Uint8Array.of(2));
  await client.close();
  await cluster.stop();
});

test("copying: many questions at once are all answered, or told to come again", async () => {
  const { cluster, client } = await started({ count: 1, settings: { partitions: 16 } });
  const { host } = cluster.nodes[0]!;
  await put(host, "a", new Uint8Array(1_000));
  const partition = host.layout().partitioner.of(keyOf("test", "a"));
  const answers = await Promise.all(
    Array.from({ length: 600 }, () => rows(client, N1, { partition })),
  );
  const kinds = new Set(
    answers.map((answer) => (answer.kind === "copy-refused" ? answer.reason : answer.kind)),
  );
  assert.deepEqual([...kinds].toSorted(), ["busy", "rows-told"]);
  assert.equal((await rows(client, N1, { partition })).kind, "rows-told");
  await client.close();
  await cluster.stop();
});

test("copying: nobody is served who has not greeted, and malformed questions end the connection", async () => {
  const cluster = await LocalCluster.start({ count: 1 });
  const address = cluster.addresses[0]!;
  const question = { kind: "rows-ask", id: 1, epoch: 1, partition: 0, bytesMax: 10 } as const;
  const stranger = new RawConnection(address);
  stranger.say((writer) => encodeCopy(writer, { ...question, position: EMPTY_BYTES }));
  await until("closed", () => stranger.isClosed);
  assert.ok(!stranger.frames.some(({ kind }) => kind === FRAME_KIND.rowsTold));
  const wrong: readonly CopyAnswer[] = [
    { kind: "join-told", id: 1, results: [] },
    { kind: "copy-refused", id: 1, reason: "busy", epoch: 1 },
  ];
  for (const answer of wrong) {
    const raw = new RawConnection(address);
    raw.greet();
    raw.say((writer) => encodeCopy(writer, answer));
    await until("closed", () => raw.isClosed);
  }
  const raw = new RawConnection(address);
  raw.greet();
  raw.say((writer) => encodeCopy(writer, { ...question, position: new Uint8Array(9_000) }));
  await until("closed", () => raw.isClosed);
  await cluster.stop();
});
