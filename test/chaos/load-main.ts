/**
 * The process of a client, in a namespace of its own. It is told what to do over the channel, and
 * writes what it was told by the cluster into a file of lines. It ends when the channel does.
 */
import { createWriteStream } from "node:fs";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { RemoteClient } from "#src/client/remote-client.ts";
import type { DoorFailed } from "#src/core/caller/door-outcome.ts";
import { ByteWriter } from "#src/core/base/bytes.ts";
import { type BucketMode, clientRequest } from "#src/core/requests.ts";
import { bucketOf, type Key } from "#src/core/ring/key.ts";
import type { NodeId } from "#src/core/ring/node-id.ts";
import type { NodeStatus } from "#src/host/node-status.ts";
import { writeLayout } from "#src/core/wire/layout-codec.ts";
import { partitionRows } from "../support/partition-rows.ts";
import { base64 } from "./history-line.ts";
import { Load, type LoadOptions } from "./load.ts";

export interface LoadSettings extends LoadOptions {
  readonly addresses: readonly string[];
  readonly file: string;
  /** Of the machine's clock, when the run began. */
  readonly zeroMs: number;
}

/** What the process is asked. Each is answered, with `Told`, in its turn. */
export type LoadOrder =
  | { readonly kind: "pace"; readonly workers: number; readonly thinkMs: number }
  | { readonly kind: "end-load" }
  | { readonly kind: "read-all"; readonly keys: readonly Key[]; readonly withinMs: number }
  | { readonly kind: "statuses" }
  | { readonly kind: "rows" }
  | { readonly kind: "close" };

export interface CopiedRow {
  readonly key: Key;
  /** Null when the node cannot read it. */
  readonly record: string | null;
}

export interface Told {
  /** Keys that could not be read at all, and why. */
  readonly unread?: readonly { readonly key: Key; readonly why: string }[];
  readonly statuses?: readonly NodeStatus[];
  readonly rows?: readonly { readonly node: NodeId; readonly rows: readonly CopiedRow[] }[];
  /** As bytes, together with the rows. */
  readonly layout?: string;
  readonly problem?: string;
}

const CONNECT_WITHIN_MS = 20_000;
const READERS = 16;

const settings = JSON.parse(process.argv[2]!) as LoadSettings;
const lines = createWriteStream(settings.file);
const client = await connected();
const load = new Load(client, settings, now, (line) => lines.write(`${JSON.stringify(line)}\n`));

process.on("message", (order: LoadOrder) => {
  void answer(order);
});
process.once("disconnect", () => process.exit(1));
process.send!({});

/** The nodes may still be starting. */
async function connected(): Promise<RemoteClient> {
  for (const until = now() + CONNECT_WITHIN_MS; ;) {
    try {
      // A node that is back should be used at once.
      return await RemoteClient.connect(settings.addresses, { redialMsMax: 200 });
    } catch (error) {
      if (now() > until) throw error;
      await sleep(100);
    }
  }
}

function now(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000 - settings.zeroMs;
}

async function answer(order: LoadOrder): Promise<void> {
  const told = await obey(order).catch((error: unknown) => ({ problem: String(error) }));
  process.send!(told);
}

async function obey(order: LoadOrder): Promise<Told> {
  switch (order.kind) {
    case "pace":
      load.pace(order.workers, order.thinkMs);
      return {};
    case "end-load":
      await load.end();
      return {};
    case "read-all":
      return { unread: await readAll(order.keys, order.withinMs) };
    case "statuses":
      return { statuses: await statuses() };
    case "rows":
      return { rows: await rows(), layout: layoutText() };
    case "close":
      lines.end();
      await once(lines, "close");
      return {};
    default:
      return order satisfies never;
  }
}

/** From all owners of each key, again until it succeeds or the time is up. */
async function readAll(
  keys: readonly Key[],
  withinMs: number,
): Promise<{ readonly key: Key; readonly why: string }[]> {
  const until = now() + withinMs;
  const unread: { readonly key: Key; readonly why: string }[] = [];
  const left = [...keys];
  const read = async (): Promise<void> => {
    for (let key = left.pop(); key !== undefined; key = left.pop()) {
      const why = await readKey(key, until);
      if (why !== undefined) unread.push({ key, why });
    }
  };
  await Promise.all(Array.from({ length: READERS }, read));
  return unread;
}

async function readKey(key: Key, until: number): Promise<string | undefined> {
  const all = Math.min(3, client.layout().ownersEach);
  const mode = bucketOf(key) as BucketMode;
  const levels = { r: all, pr: all, w: 1, pw: 1 };
  const request = clientRequest({ operation: "get", key, mode, ...levels });
  for (;;) {
    const asked = { key, request, value: undefined, isRepeated: false };
    const outcome = await load.ask(`${settings.client}.reader`, asked);
    if (outcome.kind !== "failed") return undefined;
    if (now() > until) return `${outcome.code}: ${outcome.detail}`;
    await sleep(50);
  }
}

async function statuses(): Promise<readonly NodeStatus[]> {
  const asked = client.layout().nodes.map(({ id }) => client.status(id));
  const isStatus = (answered: NodeStatus | DoorFailed): answered is NodeStatus => {
    return !("kind" in answered);
  };
  return (await Promise.all(asked)).filter(isStatus);
}

function layoutText(): string {
  const writer = new ByteWriter();
  writeLayout(writer, client.layout());
  return base64(writer.bytes.subarray(0, writer.length));
}

async function rows(): Promise<NonNullable<Told["rows"]>> {
  const layout = client.layout();
  return Promise.all(
    layout.nodes.map(async ({ id }) => {
      const found: CopiedRow[] = [];
      for (let partition = 0; partition < layout.partitionCount; partition++) {
        if (!layout.isOwner(id, partition)) continue;
        for await (const { damaged, records } of partitionRows(client, id, partition)) {
          for (const key of damaged) found.push({ key, record: null });
          for (const { key, record } of records) found.push({ key, record: base64(record) });
        }
      }
      return { node: id, rows: found };
    }),
  );
}
