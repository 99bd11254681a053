/** A disk for the tests of this room: an array for each file, and answers that wait. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Disk, FileEntry } from "../disk.ts";
import { UNREADABLE } from "../disk.ts";
import type { Key } from "../../ring/key.ts";
import { DAMAGED } from "../engine.ts";
import { LogEngine } from "./log-engine.ts";
import type { LogOptions } from "./log-options.ts";
import type { RecoveredLog } from "./log-recovery.ts";
import { recoverLog } from "./log-recovery.ts";

export const STORE: Uint8Array = Uint8Array.of(0x10, 0x21, 0x32, 0x43, 0x54, 0x65, 0x76, 0x87);

export const OPTIONS: LogOptions = {
  segmentBytes: 4096,
  reserveBytes: 16,
  recentBytes: 1024,
  chunkBytes: 512,
  sync: "always",
  hashSecret: { high: 1, low: 2 },
  newStore: STORE,
};

export class PlainDisk implements Disk {
  readonly files: Map<string, Uint8Array> = new Map();
  /** Names of files that cannot be read at all. */
  readonly broken: Set<string> = new Set();
  /** Bytes that all reads together have asked for. */
  bytesAsked = 0;
  #answers: (() => void)[] = [];

  list(): readonly FileEntry[] {
    return [...this.files.keys()].sort().map((name) => ({ name, bytes: this.bytes(name).length }));
  }

  read(file: string, offset: number, length: number): Uint8Array | typeof UNREADABLE {
    this.bytesAsked += length;
    if (this.broken.has(file)) return UNREADABLE;
    return (this.files.get(file) ?? new Uint8Array()).slice(offset, offset + length);
  }

  append(file: string, pieces: readonly Uint8Array[], answer: (answer: "done") => void): void {
    const all = [this.files.get(file) ?? new Uint8Array(), ...pieces];
    const bytes = new Uint8Array(all.reduce((sum, piece) => sum + piece.length, 0));
    let at = 0;
    for (const piece of all) {
      bytes.set(piece, at);
      at += piece.length;
    }
    this.files.set(file, bytes);
    this.#answers.push(() => answer("done"));
  }

  sync(_file: string, answer: (answer: "done") => void): void {
    this.#answers.push(() => answer("done"));
  }

  remove(file: string, from: number, answer: (answer: "done") => void): void {
    if (from === 0) this.files.delete(file);
    else this.files.set(file, this.bytes(file).slice(0, from));
    this.#answers.push(() => answer("done"));
  }

  bytes(file: string): Uint8Array {
    const bytes = this.files.get(file);
    assert.ok(bytes !== undefined, `no file ${file}`);
    return bytes;
  }

  /** Changes the bytes at a place. */
  spoil(file: string, at: number, count = 1): void {
    const bytes = this.bytes(file);
    for (let i = at; i < at + count; i++) bytes[i]! ^= 0x5a;
  }

  copy(): PlainDisk {
    const copy = new PlainDisk();
    for (const [name, bytes] of this.files) copy.files.set(name, bytes.slice());
    return copy;
  }

  settle(): void {
    for (let answer = this.#answers.shift(); answer !== undefined; answer = this.#answers.shift()) {
      answer();
    }
  }
}

export function recover(disk: PlainDisk): RecoveredLog | { readonly problem: string } {
  let log: RecoveredLog | { readonly problem: string } | undefined = undefined;
  recoverLog(disk, OPTIONS, (found) => (log = found));
  disk.settle();
  assert.ok(log !== undefined, "it never answered");
  return log;
}

export function recovered(disk: PlainDisk): RecoveredLog {
  const log = recover(disk);
  assert.ok(!("problem" in log), "problem" in log ? log.problem : "");
  return log;
}

/** An engine that completes whatever is flushed and settled, and must not fail. */
export class OpenedEngine {
  readonly disk: PlainDisk;
  readonly log: RecoveredLog;
  readonly engine: LogEngine;
  completed = 0;

  constructor(disk: PlainDisk, options: Partial<LogOptions> = {}) {
    this.disk = disk;
    this.log = recovered(disk);
    this.engine = new LogEngine(disk, { ...OPTIONS, ...options }, this.log, {
      completed: (_token, answer) => {
        assert.equal(answer, "durable");
        this.completed++;
      },
      failed: (problem) => assert.fail(problem),
    });
  }

  put(partition: number, key: Key, row: Uint8Array): void {
    this.engine.write([{ partition, key, row }], 0);
  }

  settle(): void {
    this.engine.flush();
    this.disk.settle();
  }

  /** Until the background has nothing to do. */
  rest(): void {
    for (let round = 0; round < 1000; round++) {
      this.settle();
      if (!this.engine.work(1 << 20)) return;
    }
    assert.fail("the background work does not end");
  }

  close(): void {
    this.engine.close(() => {});
    this.disk.settle();
  }

  isDamaged(partition: number, key: Key): boolean {
    return this.engine.get(partition, key) === DAMAGED;
  }
}

test("the plain disk keeps what is appended, and answers when it is told to", () => {
  const disk = new PlainDisk();
  let answers = 0;
  disk.append("a", [Uint8Array.of(1), Uint8Array.of(2, 3)], () => answers++);
  assert.deepEqual(disk.list(), [{ name: "a", bytes: 3 }]);
  assert.equal(answers, 0);
  disk.remove("a", 2, () => answers++);
  disk.settle();
  assert.equal(answers, 2);
  assert.deepEqual(disk.read("a", 1, 9), Uint8Array.of(2));
  disk.broken.add("a");
  assert.equal(disk.read("a", 0, 1), UNREADABLE);
});
