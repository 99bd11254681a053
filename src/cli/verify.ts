/** `gramme verify`: reads a backup to its last byte and says what is not as it was written. */
import type { Command } from "commander";
import { checkBackup, type CheckedBackup } from "../backup/check.ts";
import { orCommandError } from "./backup-failure.ts";
import { ByteProgress } from "./backup-progress.ts";
import { EXIT } from "./exit-codes.ts";
import { examples } from "./flags.ts";
import { paint, print, printJson, remark, showBytes } from "./output.ts";

const NAMED_MAX = 20;

const MORE_HELP = `
Every block and every record is read, and what each partition amounts to is held against the
manifest. No node is needed.

Exit codes: 0 it is good, also when it was taken with --partial, 5 it is not there, or newer than
this program, 6 damaged.`;

export function describeVerify(command: Command): void {
  command
    .argument("<dir>", "a backup")
    .option("--json", "print one JSON document")
    .addHelpText("after", MORE_HELP);
  examples(command, [
    ["gramme verify backups/monday", ""],
    ["gramme verify backups/monday --json", "for scripts"],
  ]);
  command.action(async (dir: string, flags: { readonly json?: true }) => {
    const progress = new ByteProgress("MiB verified");
    const checked = await orCommandError(() => checkBackup(dir, progress.add)).finally(() =>
      progress.end(),
    );
    if (checked.damage.length > 0) process.exitCode = EXIT.damaged;
    if (flags.json) printJson(documentOf(dir, checked));
    else printCheck(dir, checked);
  });
}

function documentOf(dir: string, checked: CheckedBackup): object {
  const { manifest, entries, tombstones, bytes, damage, missing } = checked;
  const { id, cluster, owners, startedAt, finishedAt, program, files, damaged } = manifest;
  return {
    directory: dir,
    verdict: verdictOf(checked),
    id,
    clusterId: cluster.id,
    program,
    startedAt,
    finishedAt,
    owners,
    partitions: cluster.partitions,
    missing,
    keys: keysOf(checked),
    entries,
    tombstones,
    bytes,
    files: files.length,
    damagedRows: damaged.count,
    damage,
  };
}

function printCheck(dir: string, checked: CheckedBackup): void {
  const { manifest, tombstones, bytes, damage, missing } = checked;
  const { cluster, startedAt, damaged } = manifest;
  const keys = `${keysOf(checked)} keys (${tombstones} deleted), ${showBytes(bytes)}`;
  print(`backup ${manifest.id} of cluster ${paint("bold", cluster.id)}, begun ${startedAt}`);
  print(`${keys}, ${cluster.partitions} partitions, ${manifest.files.length} files`);
  if (missing.length > 0) print(`partial: without partitions ${missing.join(" ")}`);
  if (damaged.count > 0) print(`${damaged.count} rows could not be read when it was taken`);
  if (damage.length === 0) return print(`${dir}: ${paint("green", "good")}`);
  for (const { file, offset, partition, what } of damage.slice(0, NAMED_MAX)) {
    const place = file === null ? `partition ${partition}` : `${file}, byte ${offset}`;
    print(`${paint("red", "damaged")}  ${place}: ${what}`);
  }
  if (damage.length > NAMED_MAX) remark(`and ${damage.length - NAMED_MAX} more, see --json`);
}

function verdictOf({ damage, missing }: CheckedBackup): "good" | "partial" | "damaged" {
  if (damage.length > 0) return "damaged";
  return missing.length > 0 ? "partial" : "good";
}

/** As the manifest counts them: a key of a very large partition may have several entries. */
function keysOf({ manifest }: CheckedBackup): number {
  return manifest.partitions.reduce((sum, { keys }) => sum + keys, 0);
}
