/**
 * The disk port over a real directory.
 *
 *     append   one write behind the last byte, again for the rest when the system took only a part;
 *              a durable one, into room that was taken ahead, when a sync was asked for as well;
 *              without room the file is cut back to what it was
 *     sync     fdatasync; fsync of the directory when a name came or went since its last one
 *     remove   ftruncate and fsync, or unlink; all of it off the loop, where freeing a big file
 *              takes its time
 *     read     pread on a descriptor that stays open: one call and one allocation
 *
 * After the first failed operation nothing is tried any more, and everybody is told the same
 * problem (law 9): the system may have dropped the bytes of a failed sync and marked them clean,
 * so that the next one succeeds without them.
 *
 * The directory is listed once, at opening: the lock sees to it that nobody else changes it. Other
 * directories in it and names with a dot in front are not the disk's.
 */
import * as fs from "node:fs";
import { join } from "node:path";
import { assert } from "../core/base/assert.ts";
import { EMPTY_BYTES } from "../core/base/bytes.ts";
import type { AppendAnswer, Disk, DiskProblem, FileEntry } from "../core/storage/disk.ts";
import { UNREADABLE } from "../core/storage/disk.ts";
import { Descriptors } from "./descriptors.ts";
import { DirectoryError } from "./directory-error.ts";
import type { Operation } from "./disk-file.ts";
import { DiskFile, NONE } from "./disk-file.ts";
import type { FileCalls } from "./file-calls.ts";
import { makeDirectory, SYNCS_DIRECTORIES } from "./make-directory.ts";
import { codeOf, hintOf, isFull, textOf } from "./system-error.ts";

export interface FileDiskOptions {
  readonly descriptorsMax?: number;
  /** Appends without a sync up to this length are done at once: see `AT_ONCE_BYTES_MAX`. */
  readonly atOnceBytesMax?: number;
  readonly calls?: FileCalls;
}

/** What who asks too late is told: a node that dies leaves things under way. */
const CLOSED: DiskProblem = { problem: "the disk was closed before this was asked of it" };
const DESCRIPTORS_MAX = 128;
/** A read that fails with one of these has met broken sectors. */
const DAMAGES: ReadonlySet<string> = new Set(["EIO", "EUCLEAN", "EBADMSG", "EREMOTEIO"]);
/** Appends up to this length are not worth a thread of their own. */
const AT_ONCE_BYTES_MAX = 64 * 1024;
/** So much room is taken ahead of durable appends. */
const ROOM_BYTES = 1024 * 1024;

type Append = Extract<Operation, { kind: "append" }>;

export class FileDisk implements Disk {
  readonly path: string;
  readonly #atOnceBytesMax: number;
  readonly #calls: FileCalls;
  readonly #descriptors: Descriptors;
  readonly #files: Map<string, DiskFile>;
  readonly #directory: number;
  /** Names that came or went, and how many of them a sync of the directory has covered. */
  /** One more than synced: a process that was killed may have made names. */
  #namesChanged = 1;
  #namesSynced = 0;
  #problem: DiskProblem | undefined;
  #busyCount = 0;
  #isClosing = false;
  #onClosed: ((answer: "done" | DiskProblem) => void) | undefined;

  /** Makes the directory when it is not there. Throws a DirectoryError. */
  constructor(path: string, { descriptorsMax, atOnceBytesMax, calls }: FileDiskOptions = {}) {
    this.path = makeDirectory(path);
    this.#atOnceBytesMax = atOnceBytesMax ?? AT_ONCE_BYTES_MAX;
    this.#calls = calls ?? fs;
    this.#descriptors = new Descriptors(
      this.#calls,
      descriptorsMax ?? DESCRIPTORS_MAX,
      (file, error) => this.#fail("close", file.path, error),
    );
    try {
      this.#files = listFiles(this.path);
      this.#directory = SYNCS_DIRECTORIES ? fs.openSync(this.path, "r") : NONE;
    } catch (error) {
      throw DirectoryError.of(this.path, "list it", error);
    }
  }

  /** What ended the work of this disk, if anything did. */
  get problem(): DiskProblem | undefined {
    return this.#problem;
  }

  list(): readonly FileEntry[] {
    return [...this.#files.values()]
      .filter(({ exists }) => exists)
      .map(({ name, bytes }) => ({ name, bytes }))
      .sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  read(name: string, offset: number, length: number): Uint8Array | typeof UNREADABLE {
    assert(this.#onClosed === undefined, "a closed disk is not read");
    const file = this.#files.get(name);
    if (file === undefined) return EMPTY_BYTES;
    const wanted = Math.min(length, file.bytes - offset);
    if (wanted <= 0) return EMPTY_BYTES;
    try {
      return this.#readAt(this.#descriptors.use(file), offset, new Uint8Array(wanted));
    } catch (error) {
      const code = codeOf(error);
      if (code === undefined) throw error;
      // What says nothing about the bytes is no damage, and ends the work of this disk: whoever
      // takes it for damage cannot write that down any more.
      if (!DAMAGES.has(code)) this.#fail("read", file.path, error as Error);
      return UNREADABLE;
    }
  }

  append(
    name: string,
    pieces: readonly Uint8Array[],
    answer: (answer: AppendAnswer) => void,
  ): void {
    this.#ask(name, { kind: "append", pieces, answer });
  }

  sync(name: string, answer: (answer: "done" | DiskProblem) => void): void {
    this.#ask(name, { kind: "sync", answer });
  }

  remove(name: string, from: number, answer: (answer: "done" | DiskProblem) => void): void {
    this.#ask(name, { kind: "remove", from, answer });
  }

  /** The last call: answers when everything that was asked for is answered and all is closed. */
  close(closed: (answer: "done" | DiskProblem) => void): void {
    assert(this.#onClosed === undefined, "a disk is closed once");
    this.#onClosed = closed;
    this.#closeWhenIdle();
  }

  #readAt(descriptor: number, offset: number, bytes: Uint8Array): Uint8Array {
    let got = 0;
    while (got < bytes.length) {
      const left = bytes.length - got;
      const count = this.#calls.readSync(descriptor, bytes, got, left, offset + got);
      if (count === 0) return bytes.subarray(0, got);
      got += count;
    }
    return bytes;
  }

  #ask(name: string, operation: Operation): void {
    if (this.#onClosed !== undefined) return void setImmediate(operation.answer, CLOSED);
    const file = this.#fileOf(name);
    const wasBusy = file.isBusy;
    file.operations.push(operation);
    if (wasBusy) return;
    this.#busyCount++;
    // Not yet: an append that a sync was asked for in the same breath is done together with it.
    process.nextTick(() => this.#begin(file));
  }

  #fileOf(name: string): DiskFile {
    let file = this.#files.get(name);
    if (file === undefined) {
      assert(isOurs(name) && !/[/\\\0]/.test(name), `"${name}" is no name of a file`);
      file = new DiskFile(name, join(this.path, name), undefined);
      this.#files.set(name, file);
    }
    return file;
  }

  /** The first operation of the file, which always ends in `#end`, and never in this call. */
  #begin(file: DiskFile): void {
    const operation = file.operations[0]!;
    if (this.#problem !== undefined) return this.#endLater(file, this.#problem);
    switch (operation.kind) {
      case "append":
        return this.#withDescriptor(file, () => this.#append(file, operation));
      case "sync":
        if (!file.exists && this.#areNamesSynced) return this.#endLater(file, "done");
        if (!file.exists) return this.#syncNames(file);
        return this.#withDescriptor(file, () => this.#sync(file));
      case "remove":
        if (operation.from === 0) return this.#unlink(file);
        if (operation.from >= Math.max(file.bytes, file.room)) return this.#endLater(file, "done");
        return this.#withDescriptor(file, () => this.#truncate(file, operation.from));
    }
  }

  #withDescriptor(file: DiskFile, then: () => void): void {
    if (file.descriptor !== NONE) {
      this.#descriptors.use(file);
      return then();
    }
    this.#descriptors.open(file, (error) => {
      if (error !== null) {
        const wasAppend = file.operations[0]!.kind === "append";
        if (wasAppend && isFull(error)) return this.#end(file, "full");
        return this.#end(file, this.#fail("open", file.path, error));
      }
      if (!file.exists) this.#namesChanged++;
      file.exists = true;
      then();
    });
  }

  #append(file: DiskFile, operation: Append): void {
    let total = 0;
    for (const piece of operation.pieces) total += piece.length;
    if (total === 0) return this.#endLater(file, "done");
    const end = file.bytes + total;
    if (file.operations[1]?.kind === "sync" && !file.isUnsynced) {
      return this.#appendDurably(file, operation.pieces, end);
    }
    file.isUnsynced = true;
    if (total > this.#atOnceBytesMax) {
      return this.#write(file, file.descriptor, operation.pieces, file.bytes, end);
    }
    this.#appendAtOnce(file, operation.pieces, end);
  }

  /** A few bytes for the system to keep are copied faster than a thread is woken. */
  #appendAtOnce(file: DiskFile, pieces: readonly Uint8Array[], end: number): void {
    try {
      const written = this.#calls.writevSync(file.descriptor, pieces, file.bytes);
      const at = file.bytes + written;
      if (at < end) return this.#write(file, file.descriptor, behind(pieces, written), at, end);
      file.bytes = end;
      file.room = Math.max(file.room, end);
      this.#endLater(file, "done");
    } catch (error) {
      if (codeOf(error) === undefined) throw error;
      if (isFull(error)) return this.#cutBack(file);
      this.#endLater(file, this.#fail("write", file.path, error as Error));
    }
  }

  /**
   * One call for the append and the sync behind it. Into room that the file has already, such a
   * write changes nothing but the bytes, and takes half as long: so room is taken ahead.
   */
  #appendDurably(file: DiskFile, pieces: readonly Uint8Array[], end: number): void {
    this.#descriptors.openDurable(file, (error) => {
      if (error !== null) return this.#end(file, this.#fail("open", file.path, error));
      const write = (): void => {
        this.#write(file, file.durableDescriptor, pieces, file.bytes, end);
      };
      if (end <= file.room) write();
      else this.#takeRoom(file, end + ROOM_BYTES, write);
    });
  }

  /** Zeros up to there, durable. Without room for them the write has its chance all the same. */
  #takeRoom(file: DiskFile, end: number, then: () => void): void {
    const zeros = new Uint8Array(end - file.room);
    this.#calls.writev(file.descriptor, [zeros], file.room, (error, written) => {
      if (error !== null && !isFull(error)) {
        return this.#end(file, this.#fail("write", file.path, error));
      }
      if (error !== null || written < zeros.length) return this.#giveRoomBack(file, then);
      this.#calls.fdatasync(file.descriptor, (failure) => {
        if (failure !== null) return this.#end(file, this.#fail("sync", file.path, failure));
        file.room = end;
        then();
      });
    });
  }

  #giveRoomBack(file: DiskFile, then: () => void): void {
    this.#calls.ftruncate(file.descriptor, file.bytes, (error) => {
      if (error !== null) return this.#end(file, this.#fail("cut back", file.path, error));
      file.room = file.bytes;
      then();
    });
  }

  #write(
    file: DiskFile,
    descriptor: number,
    pieces: readonly Uint8Array[],
    at: number,
    end: number,
  ): void {
    this.#calls.writev(descriptor, pieces, at, (error, written) => {
      if (error !== null) {
        if (isFull(error)) return this.#cutBack(file);
        return this.#end(file, this.#fail("write", file.path, error));
      }
      if (at + written < end) {
        // The system took a part of it; why, it says when asked to take the rest.
        if (written > 0) {
          return this.#write(file, descriptor, behind(pieces, written), at + written, end);
        }
        const nothing = new Error("the system took no bytes and gave no reason");
        return this.#end(file, this.#fail("write", file.path, nothing));
      }
      file.bytes = end;
      file.room = Math.max(file.room, end);
      this.#end(file, "done");
    });
  }

  #cutBack(file: DiskFile): void {
    this.#calls.ftruncate(file.descriptor, file.bytes, (error) => {
      file.room = file.bytes;
      this.#end(file, error === null ? "full" : this.#fail("cut back", file.path, error));
    });
  }

  #sync(file: DiskFile): void {
    if (!file.isUnsynced) {
      return this.#areNamesSynced ? this.#endLater(file, "done") : this.#syncNames(file);
    }
    this.#calls.fdatasync(file.descriptor, (error) => {
      if (error !== null) return this.#end(file, this.#fail("sync", file.path, error));
      file.isUnsynced = false;
      if (this.#areNamesSynced) this.#end(file, "done");
      else this.#syncNames(file);
    });
  }

  get #areNamesSynced(): boolean {
    return this.#namesChanged === this.#namesSynced || !SYNCS_DIRECTORIES;
  }

  #syncNames(file: DiskFile): void {
    const covered = this.#namesChanged;
    this.#calls.fsync(this.#directory, (error) => {
      if (error !== null) return this.#end(file, this.#fail("sync", this.path, error));
      this.#namesSynced = Math.max(this.#namesSynced, covered);
      this.#end(file, "done");
    });
  }

  #truncate(file: DiskFile, from: number): void {
    this.#calls.ftruncate(file.descriptor, from, (error) => {
      if (error !== null) return this.#end(file, this.#fail("cut", file.path, error));
      file.bytes = Math.min(file.bytes, from);
      file.room = from;
      this.#calls.fsync(file.descriptor, (failure) => {
        if (failure !== null) return this.#end(file, this.#fail("sync", file.path, failure));
        file.isUnsynced = false;
        this.#end(file, "done");
      });
    });
  }

  /** The name first: reads go on meanwhile. The room is free when the descriptor is closed. */
  #unlink(file: DiskFile): void {
    if (!file.exists) return this.#endLater(file, "done");
    this.#calls.unlink(file.path, (error) => {
      if (error !== null) return this.#end(file, this.#fail("remove", file.path, error));
      this.#namesChanged++;
      file.exists = false;
      file.isUnsynced = false;
      file.bytes = 0;
      file.room = 0;
      if (file.descriptor === NONE) return this.#end(file, "done");
      this.#descriptors.close(file, () => this.#end(file, this.#problem ?? "done"));
    });
  }

  #endLater(file: DiskFile, answer: "done" | DiskProblem): void {
    setImmediate(() => this.#end(file, answer));
  }

  /** The next one begins before the answer: whoever is told may ask again, or throw. */
  #end(file: DiskFile, outcome: AppendAnswer): void {
    const { answer } = file.operations.shift()!;
    if (file.isBusy) {
      this.#begin(file);
    } else {
      this.#busyCount--;
      if (!file.exists) this.#files.delete(file.name);
    }
    try {
      (answer as (answer: AppendAnswer) => void)(outcome);
    } finally {
      this.#closeWhenIdle();
    }
  }

  /** The first problem is the one that everybody hears of. */
  #fail(doing: string, path: string, error: Error): DiskProblem {
    const problem = `could not ${doing} ${path} (${textOf(error)}): ${hintOf(error)}`;
    this.#problem ??= { problem };
    return this.#problem;
  }

  /** A stop in order leaves no zeros; where it cannot, the next start cuts them off. */
  #giveAllRoomBack(answer: () => void): void {
    const files = [...this.#files.values()].filter(({ room, bytes, descriptor }) => {
      return room > bytes && descriptor !== NONE;
    });
    let left = files.length;
    if (left === 0 || this.#problem !== undefined) return answer();
    for (const { descriptor, bytes } of files) {
      this.#calls.ftruncate(descriptor, bytes, () => {
        if (--left === 0) answer();
      });
    }
  }

  #closeWhenIdle(): void {
    const closed = this.#onClosed;
    if (closed === undefined || this.#busyCount > 0 || this.#isClosing) return;
    this.#isClosing = true;
    this.#giveAllRoomBack(() => {
      this.#descriptors.closeAll(() => {
        if (this.#directory === NONE) return closed(this.#problem ?? "done");
        this.#calls.close(this.#directory, () => closed(this.#problem ?? "done"));
      });
    });
  }
}

/** What is left of the pieces behind so many bytes, none of them copied. */
function behind(pieces: readonly Uint8Array[], count: number): Uint8Array[] {
  let skip = count;
  let index = 0;
  while (skip >= pieces[index]!.length) skip -= pieces[index++]!.length;
  return [pieces[index]!.subarray(skip), ...pieces.slice(index + 1)];
}

function listFiles(directory: string): Map<string, DiskFile> {
  const files = new Map<string, DiskFile>();
  for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
    if (!entry.isFile() || !isOurs(entry.name)) continue;
    const path = join(directory, entry.name);
    files.set(entry.name, new DiskFile(entry.name, path, fs.statSync(path).size));
  }
  return files;
}

function isOurs(name: string): boolean {
  return name !== "" && !name.startsWith(".");
}
