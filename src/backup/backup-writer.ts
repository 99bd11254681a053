/**
 * Writes the files of a backup so that it is whole or none: under names that say it is unfinished,
 * synced, then renamed, the manifest last of all.
 *
 *     data-0001.unfinished ─▶ sync ─▶ data-0001 ─▶ … ─▶ manifest.json.unfinished ─▶ manifest.json
 *
 * The manifest's unfinished file is there from the beginning: who makes it has the directory for
 * itself, so that of two that start at once one is refused. What is given up is removed by name,
 * and nothing beside it.
 *
 * Partitions come several at a time; their blocks are written one behind the other.
 */
import type { FileHandle } from "node:fs/promises";
import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Block } from "./backup-format.ts";
import { checksumOfFileHead, encodeFileHead, FILE_HEAD_BYTES } from "./backup-format.ts";
import { BackupError, systemCodeOf } from "./backup-error.ts";
import type { DataFile, Manifest } from "./manifest.ts";
import { dataFileName, encodeManifest, MANIFEST_NAME } from "./manifest.ts";

const FILE_BYTES_MAX: number = 1024 * 1024 * 1024;
const UNFINISHED = ".unfinished";

interface OpenFile {
  readonly name: string;
  readonly handle: FileHandle;
  readonly checksum: number;
  bytes: number;
  blocks: number;
}

export class BackupWriter {
  readonly id: Uint8Array;
  readonly #dir: string;
  readonly #fileBytesMax: number;
  readonly #manifest: FileHandle;
  readonly #files: DataFile[] = [];
  #open: OpenFile | undefined = undefined;
  #isAbandoned = false;
  /** What is written now, and all before it. */
  #last: Promise<void> = Promise.resolve();

  /** The directory must be new or empty. Rejects with a BackupError. */
  static async create(
    dir: string,
    id: Uint8Array,
    fileBytesMax: number = FILE_BYTES_MAX,
  ): Promise<BackupWriter> {
    const path = resolve(dir);
    try {
      await mkdir(path, { recursive: true, mode: 0o700 });
      const names = await readdir(path);
      if (names.length > 0) throw notEmpty(path, names);
      const claim = MANIFEST_NAME + UNFINISHED;
      const manifest = await open(join(path, claim), "wx", 0o600).catch((error: unknown) => {
        throw systemCodeOf(error) === "EEXIST" ? notEmpty(path, [claim]) : error;
      });
      return new BackupWriter(path, id, manifest, fileBytesMax);
    } catch (error) {
      throw BackupError.ofSystem(path, error);
    }
  }

  private constructor(dir: string, id: Uint8Array, manifest: FileHandle, fileBytesMax: number) {
    this.id = id;
    this.#dir = dir;
    this.#manifest = manifest;
    this.#fileBytesMax = fileBytesMax;
  }

  /** Writes the block behind the others; until then it is not to be changed. */
  append(block: Block): Promise<void> {
    const before = this.#last;
    this.#last = before.then(() => this.#guarded(() => this.#append(block)));
    // Whoever waits is told; that it is also the one before the next is nobody's failure.
    this.#last.catch(() => {});
    return this.#last;
  }

  /** Makes everything durable; the manifest is made of the files that there are. */
  async finish(manifestOf: (files: readonly DataFile[]) => Manifest): Promise<Manifest> {
    await this.#last;
    return this.#guarded(async () => {
      await this.#closeFile();
      for (const { name } of this.#files) await this.#nameFinally(name);
      // The manifest must not be found without the files that it names.
      await syncDirectory(this.#dir);
      const manifest = manifestOf(this.#files);
      await writeAll(this.#manifest, encodeManifest(manifest));
      await this.#manifest.sync();
      await this.#manifest.close();
      await this.#nameFinally(MANIFEST_NAME);
      await syncDirectory(this.#dir);
      await syncDirectory(dirname(this.#dir));
      return manifest;
    });
  }

  /** Removes what was written, as far as it can be: the directory is empty again. */
  async abandon(): Promise<void> {
    this.#isAbandoned = true;
    await this.#last.catch(() => {});
    const names = this.#files.map(({ name }) => name);
    if (this.#open !== undefined) names.push(this.#open.name);
    await this.#open?.handle.close().catch(() => {});
    await this.#manifest.close().catch(() => {});
    for (const name of [...names, MANIFEST_NAME]) {
      for (const each of [name, name + UNFINISHED]) await rm(this.#path(each)).catch(() => {});
    }
  }

  async #append(block: Block): Promise<void> {
    if (this.#isAbandoned) throw new BackupError("directory", `${this.#dir}: it was given up`);
    const file = this.#open ?? (await this.#openNext());
    const bytes = block.sealed(file.checksum, file.bytes);
    await writeAll(file.handle, bytes);
    file.bytes += bytes.length;
    file.blocks++;
    if (file.bytes > this.#fileBytesMax) await this.#closeFile();
  }

  async #openNext(): Promise<OpenFile> {
    const number = this.#files.length + 1;
    const name = dataFileName(number);
    const handle = await open(this.#path(name + UNFINISHED), "wx", 0o600);
    const head = encodeFileHead(this.id, number);
    const checksum = checksumOfFileHead(head);
    this.#open = { name, handle, checksum, bytes: FILE_HEAD_BYTES, blocks: 0 };
    await writeAll(handle, head);
    return this.#open;
  }

  async #closeFile(): Promise<void> {
    const file = this.#open;
    if (file === undefined) return;
    await file.handle.sync();
    await file.handle.close();
    this.#open = undefined;
    this.#files.push({ name: file.name, bytes: file.bytes, blocks: file.blocks });
  }

  async #nameFinally(name: string): Promise<void> {
    await rename(this.#path(name + UNFINISHED), this.#path(name));
  }

  async #guarded<T>(write: () => Promise<T>): Promise<T> {
    try {
      return await write();
    } catch (error) {
      throw BackupError.ofSystem(this.#dir, error);
    }
  }

  #path(name: string): string {
    return join(this.#dir, name);
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += (await handle.write(bytes, at, bytes.length - at)).bytesWritten;
  }
}

/** Windows keeps names durable by itself, and opens no directories. */
async function syncDirectory(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function notEmpty(path: string, names: readonly string[]): BackupError {
  const isBackup = names.includes(MANIFEST_NAME);
  const isHalf = !isBackup && names.some((name) => name.endsWith(UNFINISHED));
  const half = isHalf ? "it holds half a backup" : "it is not empty";
  const what = isBackup ? "it holds a backup" : half;
  const hint = isHalf
    ? "remove it if nobody is taking a backup there, or name another directory"
    : "name a new or an empty directory";
  return new BackupError("directory", `${path}: ${what}`, hint);
}
