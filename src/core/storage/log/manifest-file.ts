/**
 * Keeps the manifest in two files, the older one written first: a crash while one is written leaves
 * the other, and so does rot at any other time.
 *
 * Who asks to save is answered when a manifest is durable that was made after the asking. Those who
 * ask while one is being written share the next.
 */
import type { AppendAnswer, Disk } from "../disk.ts";
import type { DiskTask } from "./disk-task.ts";
import { runTask } from "./disk-task.ts";
import { encodeManifest } from "./manifest.ts";
import type { Segments } from "./segments.ts";

export const MANIFEST_FILES = ["manifest-0", "manifest-1"] as const;

export class ManifestFile {
  readonly #disk: Disk;
  readonly #store: Uint8Array;
  readonly #segments: Segments;
  #generation: number;
  #isSaving = false;
  #waiting: ((answer: AppendAnswer) => void)[] = [];

  /** The generation is that of the manifest that counts now. */
  constructor(disk: Disk, store: Uint8Array, generation: number, segments: Segments) {
    this.#disk = disk;
    this.#store = store;
    this.#generation = generation;
    this.#segments = segments;
  }

  save(saved: (answer: AppendAnswer) => void): void {
    this.#waiting.push(saved);
    if (!this.#isSaving) this.#begin();
  }

  #begin(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#isSaving = true;
    runTask(this.#write(), (answer) => {
      this.#isSaving = false;
      for (const saved of waiting) saved(answer);
      if (this.#waiting.length > 0 && !this.#isSaving) this.#begin();
    });
  }

  *#write(): DiskTask<AppendAnswer> {
    const first = yield* this.#writeOne();
    return first === "done" ? yield* this.#writeOne() : first;
  }

  *#writeOne(): DiskTask<AppendAnswer> {
    const generation = this.#generation + 1;
    const bytes = encodeManifest({
      store: this.#store,
      generation,
      loss: this.#segments.loss,
      segments: this.#segments.listed(),
    });
    const file = MANIFEST_FILES[generation % 2]!;
    const removed = yield (done) => this.#disk.remove(file, 0, done);
    if (removed !== "done") return removed;
    const appended = yield (done) => this.#disk.append(file, [bytes], done);
    if (appended !== "done") return appended;
    const synced = yield (done) => this.#disk.sync(file, done);
    if (synced === "done") this.#generation = generation;
    return synced;
  }
}
