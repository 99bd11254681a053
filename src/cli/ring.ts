/**
 * `gramme ring`: who owns what, and how evenly; with `--key`, who owns one key and why.
 *
 *     key ──crc16──▶ slot ──top bits──▶ partition ──layout──▶ owners, home first
 *
 * It shows the layout that a node has told: a value, the same on every node of the epoch.
 */
import { Option, type Command } from "commander";
import { keyIn } from "../client/user-key.ts";
import type { Layout, NodeLoad } from "../core/ring/layout.ts";
import { slotOf } from "../core/ring/slot.ts";
import { withCluster } from "./cluster.ts";
import { clusterFlags, examples, type ClusterFlags } from "./flags.ts";
import { paint, print, printJson, table } from "./output.ts";
import { BUCKET_DEFAULT } from "./request-flags.ts";
import { letterOf, ringPicture } from "./ring-picture.ts";

interface RingFlags extends ClusterFlags {
  readonly key?: string;
  readonly bucket: string;
}

interface KeyPlace {
  readonly key: string;
  readonly slot: number;
  readonly partition: number;
  readonly owners: readonly string[];
}

export function describeRing(command: Command): void {
  clusterFlags(command)
    .option("-k, --key <key>", "where this key belongs")
    .addOption(
      new Option("-b, --bucket <name>", "the key's bucket")
        .env("GRAMME_BUCKET")
        .default(BUCKET_DEFAULT),
    );
  examples(command, [
    ["gramme ring", ""],
    ["gramme ring --key greeting", "its slot, partition and owners"],
    ["gramme ring --json", "with the owners of every partition"],
  ]);
  command.action(async (flags: RingFlags) => {
    await withCluster(flags, async (client) => {
      const layout = client.layout();
      const place = flags.key === undefined ? undefined : placeOf(layout, flags.bucket, flags.key);
      if (flags.json) return printJson(ringDocument(layout, place));
      printRing(layout, place);
    });
  });
}

function placeOf(layout: Layout, bucket: string, userKey: string): KeyPlace {
  const key = keyIn(bucket, userKey);
  const partition = layout.partitioner.of(key);
  return { key: userKey, slot: slotOf(key), partition, owners: layout.owners(partition) };
}

function ringDocument(layout: Layout, place: KeyPlace | undefined): object {
  const { clusterId, epoch, strategy, replicas, partitionCount: partitions } = layout;
  const { perNode, maxOverMean, homeMaxOverMean } = layout.balance();
  const nodes = layout.nodes.map(({ id, address, weight, zone }) => {
    const { partitions: owned, home, share, homeShare } = perNode.get(id)!;
    return { id, address, weight, zone, partitions: owned, home, share, homeShare };
  });
  const balance = { maxOverMean, homeMaxOverMean };
  const ring = { clusterId, epoch, strategy, replicas, partitions, nodes, balance };
  if (place !== undefined) return { ...ring, key: place };
  return { ...ring, owners: Array.from({ length: partitions }, (_, each) => layout.owners(each)) };
}

function printRing(layout: Layout, place: KeyPlace | undefined): void {
  const { clusterId, epoch, strategy, replicas, partitionCount } = layout;
  print(
    `cluster ${paint("bold", clusterId)}, epoch ${epoch}: ` +
      `${partitionCount} partitions, ${replicas} replicas, placement ${strategy}`,
  );
  print("");
  print(ringPicture(layout, place?.partition));
  print("");
  printLoads(layout);
  if (place !== undefined) printPlace(layout, place);
}

function printLoads(layout: Layout): void {
  const { perNode, maxOverMean, homeMaxOverMean } = layout.balance();
  const head = [
    "",
    "NODE",
    "ADDRESS",
    "ZONE",
    "WEIGHT",
    "OWNS",
    "SHARE",
    "HOME OF",
    "SHARE OF HOMES",
  ];
  const right = ["WEIGHT", "OWNS", "SHARE", "HOME OF", "SHARE OF HOMES"];
  const rows = layout.nodes.map(({ id, address, zone, weight }) => {
    const { partitions, home, share, homeShare }: NodeLoad = perNode.get(id)!;
    const numbers = [String(partitions), showShare(share), String(home), showShare(homeShare)];
    return [letterOf(layout, id), id, address, zone || "-", String(weight), ...numbers];
  });
  print(table({ head, right, rows }));
  print("");
  print(
    `the fullest node owns ${showShare(maxOverMean)} of its fair share, ` +
      `and is home of ${showShare(homeMaxOverMean)}`,
  );
}

function printPlace(layout: Layout, { key, slot, partition, owners }: KeyPlace): void {
  const names = owners.map((owner) => {
    const node = layout.nodes.find(({ id }) => id === owner)!;
    return `${letterOf(layout, node.id)} ${owner} (${node.address})`;
  });
  print("");
  print(`key ${JSON.stringify(key)}: slot ${slot}, partition ${partition}`);
  print(`  home   ${names[0] ?? ""}`);
  for (const name of names.slice(1)) print(`  owner  ${name}`);
}

/** 1 is exactly fair. */
function showShare(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
