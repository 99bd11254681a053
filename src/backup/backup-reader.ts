/**
 * Reads a backup, block by block, and says of everything that is not as it was written where it is.
 *
 * Behind damaged entries the next block is found by the length in the head, which has a checksum of
 * its own. Behind a damaged head nothing is: where the next block would begin nobody knows.
 */
import type { FileHandle } from "node:fs/promises";
import { open, readdir, readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { BlockHead } from "./backup-format.ts";
import {
  BLOCK_FRAME_BYTES,
  BLOCK_HEAD_BYTES,
  checksumOfFileHead,
  decodeBlockHead,
  encodeFileHead,
  FILE_HEAD_BYTES,
  isBodyOf,
} from "./backup-format.ts";
import { BackupError } from "./backup-error.ts";
import type { DataFile, Manifest } from "./manifest.ts";
import { decodeManifest, MANIFEST_BYTES_MAX, MANIFEST_NAME } from "./manifest.ts";

export interface ReadBlock {
  readonly kind: "block";
  readonly file: string;
  readonly offset: number;
  readonly partition: number;
  /** The entries, and then their checksum. */
  readonly body: Uint8Array;
  /** Of the entries. */
  readonly length: number;
}

/** Something is not as it was written. */
export interface BadPlace {
  readonly kind: "bad";
  readonly file: string;
  readonly offset: number;
  readonly what: string;
}

/** Rejects with a BackupError when there is no backup, or none that can be read. */
export async function readManifest(dir: string): Promise<Manifest> {
  const path = join(resolve(dir), MANIFEST_NAME);
  try {
    const { size } = await stat(path);
    if (size > MANIFEST_BYTES_MAX) {
      const limit = `a manifest has at most ${MANIFEST_BYTES_MAX}`;
      throw new BackupError("damaged", `${path}: ${size} bytes, ${limit}`);
    }
    const manifest = decodeManifest(await readFile(path));
    if (!("problem" in manifest)) return manifest;
    const { problem, isNewer } = manifest;
    if (!isNewer) throw new BackupError("damaged", `${path}: ${problem}`);
    throw new BackupError("directory", `${path}: ${problem}`, "read it with a newer gramme");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") throw await noBackup(resolve(dir));
    throw BackupError.ofSystem(path, error);
  }
}

/** Every block of every file in order, and every bad place. */
export async function* blocksOf(
  dir: string,
  manifest: Manifest,
): AsyncGenerator<ReadBlock | BadPlace> {
  for (const [index, file] of manifest.files.entries()) {
    const head = encodeFileHead(Buffer.from(manifest.id, "hex"), index + 1);
    yield* blocksOfFile(join(resolve(dir), file.name), file, head);
  }
}

async function* blocksOfFile(
  path: string,
  file: DataFile,
  head: Uint8Array,
): AsyncGenerator<ReadBlock | BadPlace> {
  const bad = (offset: number, what: string): BadPlace => {
    return { kind: "bad", file: file.name, offset, what };
  };
  let handle: FileHandle;
  try {
    handle = await open(path, "r");
  } catch (error) {
    return yield bad(0, `it cannot be opened: ${(error as NodeJS.ErrnoException).code}`);
  }
  try {
    const { size } = await handle.stat();
    if (size !== file.bytes) yield bad(size, `${size} bytes, it should have ${file.bytes}`);
    const found = await bytesAt(handle, 0, FILE_HEAD_BYTES);
    if (found === undefined || Buffer.compare(found, head) !== 0) {
      return yield bad(0, "it does not begin like this file of this backup");
    }
    yield* blocksIn(handle, Math.min(size, file.bytes), file, checksumOfFileHead(head));
  } catch (error) {
    yield bad(0, `it cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
  } finally {
    await handle.close();
  }
}

async function* blocksIn(
  handle: FileHandle,
  end: number,
  file: DataFile,
  checksum: number,
): AsyncGenerator<ReadBlock | BadPlace> {
  let offset = FILE_HEAD_BYTES;
  let blocks = 0;
  while (offset < end) {
    const head = await headAt(handle, offset, end, checksum);
    if (head === undefined) {
      const what = `no block begins here, and ${end - offset} bytes cannot be read`;
      return yield { kind: "bad", file: file.name, offset, what };
    }
    const { length, partition } = head;
    const body = await bytesAt(handle, offset + BLOCK_HEAD_BYTES, length + 4);
    if (body !== undefined && isBodyOf(head, body)) {
      yield { kind: "block", file: file.name, offset, partition, body, length };
    } else {
      const what = `${length} bytes of entries of partition ${partition} are damaged`;
      yield { kind: "bad", file: file.name, offset, what };
    }
    blocks++;
    offset += BLOCK_FRAME_BYTES + length;
  }
  if (blocks === file.blocks) return;
  const what = `${blocks} blocks, it should have ${file.blocks}`;
  yield { kind: "bad", file: file.name, offset, what };
}

/** Undefined also when the block would not fit into what is left. */
async function headAt(
  handle: FileHandle,
  offset: number,
  end: number,
  checksum: number,
): Promise<BlockHead | undefined> {
  if (end - offset < BLOCK_FRAME_BYTES) return undefined;
  const bytes = await bytesAt(handle, offset, BLOCK_HEAD_BYTES);
  const head = bytes === undefined ? undefined : decodeBlockHead(bytes, checksum, offset);
  return head === undefined || head.length > end - offset - BLOCK_FRAME_BYTES ? undefined : head;
}

/** Undefined when the file ends before. */
async function bytesAt(
  handle: FileHandle,
  offset: number,
  count: number,
): Promise<Uint8Array | undefined> {
  const bytes = new Uint8Array(count);
  for (let at = 0; at < count;) {
    const { bytesRead } = await handle.read(bytes, at, count - at, offset + at);
    if (bytesRead === 0) return undefined;
    at += bytesRead;
  }
  return bytes;
}

async function noBackup(dir: string): Promise<BackupError> {
  const names = await readdir(dir).catch(() => undefined);
  if (names === undefined) return new BackupError("directory", `${dir}: it is not there`);
  if (names.length === 0) return new BackupError("directory", `${dir}: it is empty`);
  const isHalf = names.some((name) => /^(data-|manifest\.json\.unfinished$)/.test(name));
  const what = isHalf
    ? "a backup that was interrupted: it has no manifest"
    : "no backup, there is no manifest in it";
  return new BackupError(isHalf ? "damaged" : "directory", `${dir}: ${what}`);
}
