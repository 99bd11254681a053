/**
 * `gramme restore`: a backup into a running cluster, of whatever size. Everything is joined with
 * what is there, so nothing newer is undone, and to run it again is harmless.
 */
import type { Command } from "commander";
import { PatientCalls } from "../backup/patient-calls.ts";
import { restoreBackup, type RestoreReport } from "../backup/restore-backup.ts";
import { orCommandError } from "./backup-failure.ts";
import { ByteProgress } from "./backup-progress.ts";
import { withCluster } from "./cluster.ts";
import { EXIT } from "./exit-codes.ts";
import { clusterFlags, examples, type ClusterFlags } from "./flags.ts";
import { paint, print, printJson, remark, showBytes, showDuration } from "./output.ts";

const ANSWER_TIMEOUT_MS = 5_000;

const MORE_HELP = `
The backup is verified first; of a damaged one nothing is restored. The cluster may have another
number of nodes, replicas and partitions, and other data: all is joined by key. What is newer
there stays, what is concurrent becomes a sibling, what was deleted in the backup is deleted.

Exit codes: 0 a quorum of owners holds each key, all of them unless a warning says otherwise,
3 some key is held by less than a quorum, 5 the backup is not there or newer than this program,
6 it is damaged.`;

export function describeRestore(command: Command): void {
  clusterFlags(command).argument("<dir>", "a backup").addHelpText("after", MORE_HELP);
  examples(command, [
    ["gramme restore backups/monday", ""],
    ["gramme restore backups/monday --node db0:7400", "whoever answers tells the others"],
  ]);
  command.action(async (dir: string, flags: ClusterFlags) => {
    const startedAt = performance.now();
    const { report, clusterId } = await orCommandError(() => restore(dir, flags));
    const elapsedMs = performance.now() - startedAt;
    if (report.belowQuorum > 0) process.exitCode = EXIT.unavailable;
    if (flags.json) printJson(documentOf(dir, clusterId, report, elapsedMs));
    else printReport(clusterId, report, elapsedMs);
    warn(report);
  });
}

async function restore(
  dir: string,
  flags: ClusterFlags,
): Promise<{ readonly report: RestoreReport; readonly clusterId: string }> {
  return withCluster(flags, async (client) => {
    const timeoutMs = flags.timeout ?? ANSWER_TIMEOUT_MS;
    const verified = new ByteProgress("MiB verified");
    const sent = new ByteProgress("MiB restored");
    try {
      const report = await restoreBackup(new PatientCalls(client, { timeoutMs }), dir, {
        onChecked: verified.add,
        onSent: (bytes, totalBytes) => {
          verified.end();
          sent.add(bytes, totalBytes);
        },
      });
      return { report, clusterId: client.layout().clusterId };
    } finally {
      verified.end();
      sent.end();
    }
  });
}

function documentOf(
  dir: string,
  clusterId: string,
  report: RestoreReport,
  elapsedMs: number,
): object {
  const { backup, records, heldBy, owners, quorum, belowQuorum, refusals, silent } = report;
  return {
    directory: dir,
    clusterId,
    backupId: backup.manifest.id,
    backupClusterId: backup.manifest.cluster.id,
    records,
    tombstones: backup.tombstones,
    bytes: backup.bytes,
    missing: backup.missing,
    owners,
    quorum,
    heldBy,
    belowQuorum,
    refusals: Object.fromEntries(refusals),
    silent: Object.fromEntries(silent),
    elapsedMs: Math.round(elapsedMs),
  };
}

function printReport(clusterId: string, report: RestoreReport, elapsedMs: number): void {
  const { backup, records, heldBy, owners } = report;
  const keys = `${records} keys (${backup.tombstones} deleted), ${showBytes(backup.bytes)}`;
  print(`restored into cluster ${clusterId}: ${keys} in ${showDuration(elapsedMs)}`);
  for (let held = owners; held >= 0; held--) {
    if (heldBy[held]! > 0) print(`  ${heldBy[held]} held by ${held} of ${owners} owners`);
  }
}

function warn({ backup, records, heldBy, owners, ...report }: RestoreReport): void {
  const { quorum, belowQuorum, refusals, silent } = report;
  for (const [node, problem] of silent) remark(`${node} did not answer all along: ${problem}`);
  for (const [reason, count] of refusals) {
    if (reason !== "unanswered") remark(`refused as ${reason}: ${count}`);
  }
  if (backup.missing.length > 0) {
    remark(`the backup is partial: it lacks partitions ${backup.missing.join(" ")}`);
  }
  if (heldBy[owners] === records) return;
  const warning = paint("yellow", "warning:", process.stderr);
  if (belowQuorum === 0) {
    remark(`${warning} not all owners hold every key, though ${quorum} or more hold each`);
  } else {
    remark(`${warning} ${belowQuorum} keys are held by less than ${quorum} of ${owners} owners`);
  }
  remark("run it again when all nodes are up: what is there already stays as it is");
}
