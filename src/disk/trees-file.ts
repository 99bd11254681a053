/**
 * The sums that anti-entropy compares, kept over a clean stop, so that the next start need not make
 * them from all rows.
 *
 *     trees   gramme trees 1, boot 7, rows 5d41…c592 ⏎ snapshot
 *
 * Sums that are ahead of the rows would prove things in sync that are not. So they are written
 * when the rows are closed, and say which boot they are of and what the files of the rows were
 * then: name, inode, length, times of change. They are believed by the next boot alone, if that
 * one finds a clean stop and the same files; and they are removed before it tells anybody who it
 * is, so before its first write. Whatever else a boot finds, rows put back from a backup, files
 * that somebody has touched, half a file, it makes the sums from the rows.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { bytesEqual } from "../core/base/bytes.ts";
import { utf8Encode } from "../core/base/utf8.ts";
import { UNREADABLE } from "../core/storage/disk.ts";
import type { DataDirectory } from "./data-directory.ts";
import { written } from "./written.ts";

const FILE = "trees";
/** Written by libraries whenever they like, and no rows. */
const NO_ROWS = /^(lock\.mdb|.*-lock|LOCK|LOG(\.old)?)$/;

/** What was kept of the boot before, if the rows are those that it closed. */
export function keptTrees(directory: DataDirectory, rows: string): Uint8Array | undefined {
  const { disk, identityFile } = directory;
  const bytes = disk.list().find(({ name }) => name === FILE)?.bytes ?? 0;
  if (bytes === 0 || identityFile.stored.kind !== "found") return undefined;
  const kept = disk.read(FILE, 0, bytes);
  if (kept === UNREADABLE) return undefined;
  const head = headOf(identityFile.stored.identity.generation, rows);
  const isOfThese = bytesEqual(kept.subarray(0, head.length), head);
  return isOfThese ? kept.slice(head.length) : undefined;
}

/** There are none on the disk any more, for certain. Rejects with a DirectoryError. */
export async function forgetTrees({ disk, path }: DataDirectory): Promise<void> {
  if (!existsSync(join(path, FILE))) return;
  await written(path, FILE, (done) => disk.remove(FILE, 0, done));
  await written(path, FILE, (done) => disk.sync(FILE, done));
}

/** After the engine has closed its files. Without room for them they are not kept. */
export async function keepTrees(
  { disk }: DataDirectory,
  generation: number,
  rows: string,
  snapshot: Uint8Array,
): Promise<void> {
  const pieces = [headOf(generation, rows), snapshot];
  const answer = await new Promise((done) => disk.append(FILE, pieces, done));
  if (answer === "done") await new Promise((done) => disk.sync(FILE, done));
  else await new Promise((done) => disk.remove(FILE, 0, done));
}

function headOf(generation: number, rows: string): Uint8Array {
  return utf8Encode(`gramme trees 1, boot ${generation}, rows ${fingerprintOf(rows)}\n`);
}

function fingerprintOf(rows: string): string {
  const hash = createHash("sha256");
  const names = existsSync(rows) ? readdirSync(rows).toSorted() : [];
  for (const name of names) {
    if (NO_ROWS.test(name)) continue;
    const { ino, size, mtimeNs, ctimeNs } = statSync(join(rows, name), { bigint: true });
    hash.update(`${name} ${ino} ${size} ${mtimeNs} ${ctimeNs}\n`);
  }
  return hash.digest("hex");
}
