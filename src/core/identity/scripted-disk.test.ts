/**
 * A disk for the tests of this room: answers when told to, fails when told to, and forgets at a
 * crash what was not synced.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { AppendAnswer, Disk, DiskProblem, FileEntry } from "../storage/disk.ts";
import { UNREADABLE } from "../storage/disk.ts";

export type Call = "append" | "sync" | "remove";

export class ScriptedDisk implements Disk {
  files: Map<string, Uint8Array> = new Map();
  /** What a crash leaves in the worst case: removals at once, appends only when synced. */
  durable: Map<string, Uint8Array> = new Map();
  readonly unreadable: Set<string> = new Set();
  /** Every call by name and file, in order. */
  readonly calls: string[] = [];
  /** What the next call of a kind answers instead of doing it. */
  readonly faults: Map<Call, AppendAnswer> = new Map();
  #answers: (() => void)[] = [];

  list(): readonly FileEntry[] {
    const names = [...this.files.keys()].sort();
    return names.map((name) => ({ name, bytes: this.files.get(name)!.length }));
  }

  read(file: string, offset: number, length: number): Uint8Array | typeof UNREADABLE {
    if (this.unreadable.has(file)) return UNREADABLE;
    return (this.files.get(file) ?? new Uint8Array()).slice(offset, offset + length);
  }

  append(file: string, pieces: readonly Uint8Array[], answer: (a: AppendAnswer) => void): void {
    this.#later("append", file, answer, () => {
      const before = this.files.get(file) ?? new Uint8Array();
      this.files.set(file, Uint8Array.from([before, ...pieces].flatMap((piece) => [...piece])));
    });
  }

  sync(file: string, answer: (answer: "done" | DiskProblem) => void): void {
    this.#later("sync", file, answer as (a: AppendAnswer) => void, () => {
      const bytes = this.files.get(file);
      if (bytes !== undefined) this.durable.set(file, bytes);
    });
  }

  remove(file: string, from: number, answer: (answer: "done" | DiskProblem) => void): void {
    this.#later("remove", file, answer as (a: AppendAnswer) => void, () => {
      assert.equal(from, 0);
      this.files.delete(file);
      this.durable.delete(file);
    });
  }

  /** Lets one answer through; false when nothing is under way. */
  step(): boolean {
    const answer = this.#answers.shift();
    answer?.();
    return answer !== undefined;
  }

  run(): void {
    while (this.step());
  }

  /** The machine lost power: what is under way is never answered. */
  crash(): ScriptedDisk {
    const after = new ScriptedDisk();
    after.files = new Map(this.durable);
    after.durable = new Map(this.durable);
    return after;
  }

  #later(call: Call, file: string, answer: (a: AppendAnswer) => void, effect: () => void): void {
    this.calls.push(`${call} ${file}`);
    const fault = this.faults.get(call);
    this.faults.delete(call);
    if (fault === undefined) effect();
    this.#answers.push(() => answer(fault ?? "done"));
  }
}

test("the scripted disk forgets what was not synced", () => {
  const disk = new ScriptedDisk();
  disk.append("a", [Uint8Array.of(1), Uint8Array.of(2)], () => {});
  disk.run();
  assert.deepEqual(disk.read("a", 1, 9), Uint8Array.of(2));
  assert.deepEqual(disk.crash().list(), []);
  disk.sync("a", () => {});
  disk.run();
  assert.deepEqual(disk.crash().list(), [{ name: "a", bytes: 2 }]);
});
