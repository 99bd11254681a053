/**
 * `gramme backup`: all that a running cluster stores, into a directory, while it goes on.
 */
import { randomBytes } from "node:crypto";
import { Option, type Command } from "commander";
import { BackupWriter } from "../backup/backup-writer.ts";
import type { BackedUpNode, Manifest } from "../backup/manifest.ts";
import { PatientCalls } from "../backup/patient-calls.ts";
import { takeBackup } from "../backup/take-backup.ts";
import type { RemoteClient } from "../client/remote-client.ts";
import type { NodeId } from "../core/ring/node-id.ts";
import { VERSION } from "../host/version.ts";
import { orCommandError } from "./backup-failure.ts";
import { countProgress } from "./backup-progress.ts";
import { withCluster } from "./cluster.ts";
import { EXIT } from "./exit-codes.ts";
import { clusterFlags, examples, type ClusterFlags } from "./flags.ts";
import { print, printJson, remark, showBytes, showDuration } from "./output.ts";

interface BackupFlags extends ClusterFlags {
  readonly owners: "all" | "one";
  readonly partial?: true;
}

const ANSWER_TIMEOUT_MS = 5_000;
const NAMED_MAX = 10;

const MORE_HELP = `
The directory must be new or empty. It is a backup once there is a manifest.json in it; what an
interrupted run leaves is none, and is refused by verify and restore.

Each key is whole, the keys together are not a point in time: a put that runs at the same time is
in it or not. Deleted keys are carried along as tombstones, so that a restore does not revive them.

Exit codes: 0 done, 3 no owner of some partition can be read, 5 the directory cannot be used,
6 done, but some row cannot be read on any owner that was asked.`;

export function describeBackup(command: Command): void {
  clusterFlags(command)
    .argument("<dir>", "where to: new or empty")
    .addOption(
      new Option("--owners <which>", "read every owner that can be reached, or one of each key")
        .choices(["all", "one"])
        .default("all"),
    )
    .option("--partial", "go on without partitions that cannot be read")
    .addHelpText("after", MORE_HELP);
  examples(command, [
    ["gramme backup backups/monday", ""],
    ["gramme backup backups/monday --node db0:7400,db1:7400", "whoever answers tells the others"],
    ["gramme verify backups/monday", "afterwards, and before it is relied on"],
  ]);
  command.action(async (dir: string, flags: BackupFlags) => {
    const startedAt = performance.now();
    const manifest = await orCommandError(() => backUp(dir, flags));
    const elapsedMs = performance.now() - startedAt;
    const summary = summaryOf(manifest);
    if (summary.lost > 0) process.exitCode = EXIT.damaged;
    if (flags.json) printJson({ directory: dir, ...summary, elapsedMs: Math.round(elapsedMs) });
    else printSummary(dir, manifest, elapsedMs);
    warn(manifest);
  });
}

async function backUp(dir: string, flags: BackupFlags): Promise<Manifest> {
  return withCluster(flags, async (client) => {
    const timeoutMs = flags.timeout ?? ANSWER_TIMEOUT_MS;
    const findings = await findingsOf(client);
    // From here on there is something to remove: `takeBackup` does, should it fail.
    const writer = await BackupWriter.create(dir, new Uint8Array(randomBytes(8)));
    const progress = countProgress(client.layout().partitionCount, "partitions");
    let total = 0;
    try {
      return await takeBackup(new PatientCalls(client, { timeoutMs }), writer, {
        owners: flags.owners,
        isPartial: flags.partial === true,
        program: VERSION,
        findings,
        onPartition: (bytes) => progress?.step(showBytes((total += bytes))),
      });
    } finally {
      progress?.end();
    }
  });
}

async function findingsOf(client: RemoteClient): Promise<ReadonlyMap<NodeId, string>> {
  const findings = new Map<NodeId, string>();
  const ask = async (id: NodeId): Promise<void> => {
    const status = await client.status(id);
    if (!("kind" in status)) findings.set(id, status.storage?.findings ?? "");
  };
  await Promise.all(client.layout().nodes.map(({ id }) => ask(id)));
  return findings;
}

interface Summary {
  readonly id: string;
  readonly clusterId: string;
  readonly complete: boolean;
  readonly keys: number;
  readonly entries: number;
  readonly bytes: number;
  readonly files: number;
  readonly partitions: number;
  readonly missing: readonly number[];
  readonly belowQuorum: number;
  readonly damaged: number;
  /** Of the damaged rows that are named, those that no other owner has given. */
  readonly lost: number;
  readonly nodes: readonly BackedUpNode[];
}

function summaryOf({ id, cluster, complete, partitions, files, damaged }: Manifest): Summary {
  const missing = partitions.filter(({ read }) => read.length === 0);
  const quorum = Math.floor(Math.min(cluster.replicas, cluster.nodes.length) / 2) + 1;
  return {
    id,
    clusterId: cluster.id,
    complete,
    keys: partitions.reduce((sum, { keys }) => sum + keys, 0),
    entries: partitions.reduce((sum, { entries }) => sum + entries, 0),
    bytes: partitions.reduce((sum, { bytes }) => sum + bytes, 0),
    files: files.length,
    partitions: partitions.length,
    missing: missing.map(({ partition }) => partition),
    belowQuorum: partitions.filter(({ read }) => read.length < quorum).length,
    damaged: damaged.count,
    lost: damaged.rows.filter(({ isSaved }) => !isSaved).length,
    nodes: cluster.nodes,
  };
}

function printSummary(dir: string, manifest: Manifest, elapsedMs: number): void {
  const { keys, bytes, partitions, missing } = summaryOf(manifest);
  const what = `${keys} keys, ${showBytes(bytes)}`;
  const of = `${partitions - missing.length} of ${partitions} partitions`;
  const whole = manifest.complete ? "backup" : "partial backup";
  print(`${whole} of cluster ${manifest.cluster.id} in ${dir}: ${what} in ${of}`);
  print(`taken in ${showDuration(elapsedMs)}, consistent for each key`);
}

function warn(manifest: Manifest): void {
  const { missing, belowQuorum, damaged, lost, nodes } = summaryOf(manifest);
  for (const { id, reached, findings } of nodes) {
    if (!reached) remark(`${id} did not answer all along: what it alone has may be missing`);
    if (findings !== "") remark(`${id} found at its start: ${findings}`);
  }
  if (missing.length > 0) remark(`partitions that could not be read: ${missing.join(" ")}`);
  if (belowQuorum > missing.length) {
    remark(`${belowQuorum} partitions were read from less than a quorum of their owners:`);
    remark("writes that only the others acknowledged are missing");
  }
  if (damaged === 0) return;
  remark(`${damaged} rows cannot be read where they are stored; ${lost} of those named are lost`);
  for (const { node, bucket, key, isSaved } of manifest.damaged.rows.slice(0, NAMED_MAX)) {
    const end = isSaved ? "taken from another owner" : "not in the backup";
    remark(`  ${node}: ${bucket}/${JSON.stringify(key)}, ${end}`);
  }
  if (damaged > NAMED_MAX) remark("  and others: the manifest names up to 1000");
}
