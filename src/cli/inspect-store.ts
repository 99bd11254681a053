/**
 * What lies in the data directory of a node that does not run: found out as a start would find it,
 * under the lock of the directory, and without changing a byte.
 */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { IDENTITY_FILES, type StoredIdentity } from "../core/identity/identity-file.ts";
import type { Disk } from "../core/storage/disk.ts";
import { UNREADABLE } from "../core/storage/disk.ts";
import { type LogOptions, USUAL_LOG_SIZES } from "../core/storage/log/log-options.ts";
import { type RecoveredLog, recoverLog } from "../core/storage/log/log-recovery.ts";
import { MANIFEST_FILES } from "../core/storage/log/manifest-file.ts";
import { decodeManifest } from "../core/storage/log/manifest.ts";
import { RESERVE_FILE } from "../core/storage/log/reserve.ts";
import type { SegmentCheck } from "../core/storage/log/segment-check.ts";
import { checkSegment } from "../core/storage/log/segment-check.ts";
import { STORE_BYTES } from "../core/storage/log/segment.ts";
import type { DataDirectory } from "../disk/data-directory.ts";
import { openDataDirectory } from "../disk/data-directory.ts";
import { DirectoryError, DirectoryHeldError } from "../disk/directory-error.ts";
import { FileDisk } from "../disk/file-disk.ts";
import { PlaceMark } from "../disk/place-mark.ts";
import { ENGINE_KINDS, type EngineKind } from "../disk/storage-settings.ts";
import { ReadOnlyDisk } from "./inspect-disk.ts";

export interface InspectedStore {
  readonly path: string;
  /** Which one keeps the rows; undefined when none has begun. */
  readonly engine: EngineKind | undefined;
  readonly stored: StoredIdentity;
  /** Of this directory, as a start would find it. */
  readonly place: string;
  /** Undefined when another engine keeps the rows. */
  readonly log: InspectedLog | undefined;
}

export interface InspectedLog {
  readonly recovered: RecoveredLog;
  readonly manifests: readonly InspectedManifest[];
  /** By segment; undefined when it was not asked for. */
  readonly checks: ReadonlyMap<number, SegmentCheck> | undefined;
}

export interface InspectedManifest {
  readonly file: string;
  readonly state: "good" | "damaged" | "missing";
  readonly generation: number | undefined;
}

/** Hears of bytes that were checked, of so many in all. */
export type OnChecked = (bytes: number, totalBytes: number) => void;

/** With the lock of a directory in which a node has kept something. Throws a DirectoryError. */
export async function withDirectory<Result>(
  dir: string,
  run: (directory: DataDirectory) => Promise<Result>,
): Promise<Result> {
  const path = resolve(dir);
  const known = [...IDENTITY_FILES, ...ENGINE_KINDS];
  if (!known.some((name) => existsSync(join(path, name)))) {
    const problem = existsSync(path) ? "no node has kept anything in it" : "it is not there";
    throw new DirectoryError(path, problem, "name the directory that a node was given by --dir");
  }
  const directory = openFree(path);
  try {
    return await run(directory);
  } finally {
    await new Promise<void>((closed) => directory.close(() => closed()));
  }
}

function openFree(path: string): DataDirectory {
  try {
    return openDataDirectory(path, "look");
  } catch (error) {
    if (!(error instanceof DirectoryHeldError)) throw error;
    const problem = `it is in use by the process ${error.pid}`;
    const hint = "stop that node first; a running one tells how it is by gramme status";
    throw new DirectoryError(path, problem, hint, error);
  }
}

/** Verifies every record when `onChecked` is given. */
export async function inspectStore(
  directory: DataDirectory,
  onChecked: OnChecked | undefined,
): Promise<InspectedStore> {
  const { path, identityFile } = directory;
  const { place } = new PlaceMark(directory);
  const engine = ENGINE_KINDS.find((kind) => existsSync(join(path, kind)));
  const { stored } = identityFile;
  if (engine !== "log") return { path, engine, stored, place, log: undefined };
  const log = await withLog(path, async (disk) => {
    const safe = new ReadOnlyDisk(disk);
    const recovered = await recover(path, safe);
    const checks = onChecked === undefined ? undefined : checkAll(safe, recovered, onChecked);
    return { recovered, manifests: manifestsOn(disk), checks };
  });
  return { path, engine, stored, place, log };
}

export async function withLog<Result>(
  path: string,
  run: (disk: FileDisk) => Promise<Result>,
): Promise<Result> {
  const disk = new FileDisk(join(path, "log"));
  try {
    return await run(disk);
  } finally {
    await new Promise<void>((closed) => disk.close(() => closed()));
  }
}

/** Throws a DirectoryError when a start would refuse the log. */
export async function recover(path: string, disk: Disk): Promise<RecoveredLog> {
  const drawn = randomBytes(8);
  const options: LogOptions = {
    ...USUAL_LOG_SIZES,
    // The reserve that is there, whatever its size, is the right one.
    reserveBytes: disk.list().find(({ name }) => name === RESERVE_FILE)?.bytes ?? 0,
    sync: "always",
    hashSecret: { high: drawn.readInt32BE(0), low: drawn.readInt32BE(4) },
    newStore: new Uint8Array(STORE_BYTES),
  };
  const log = await new Promise<RecoveredLog | { readonly problem: string }>((recovered) => {
    recoverLog(disk, options, recovered);
  });
  if ("problem" in log) throw new DirectoryError(path, log.problem, "nothing was changed in it");
  return log;
}

function manifestsOn(disk: Disk): readonly InspectedManifest[] {
  const files = new Map(disk.list().map(({ name, bytes }) => [name, bytes]));
  return MANIFEST_FILES.map((file) => {
    const length = files.get(file);
    if (length === undefined) return { file, state: "missing", generation: undefined };
    const bytes = disk.read(file, 0, length);
    const manifest = bytes === UNREADABLE ? undefined : decodeManifest(bytes);
    if (manifest === undefined || "version" in manifest) {
      return { file, state: "damaged", generation: undefined };
    }
    return { file, state: "good", generation: manifest.generation };
  });
}

function checkAll(
  disk: Disk,
  { segments, index }: RecoveredLog,
  onChecked: OnChecked,
): ReadonlyMap<number, SegmentCheck> {
  const checks = new Map<number, SegmentCheck>();
  let totalBytes = 0;
  for (const { end } of segments) totalBytes += end;
  for (const segment of segments) {
    const check = checkSegment(disk, segment, index);
    let told = 0;
    for (let step = check.next(); ; step = check.next()) {
      if (step.done === true) {
        checks.set(segment.number, step.value);
        break;
      }
      const bytes = Math.min(step.value, segment.end - told);
      told += bytes;
      onChecked(bytes, totalBytes);
    }
    onChecked(segment.end - told, totalBytes);
  }
  return checks;
}
