/**
 * The names on a simulated disk: which files there are, and which names survive a crash.
 *
 * A name is durable with the first sync of its file. A removal is durable with any sync, of
 * whichever file, that was asked for after the removal was answered, and with a sync of a file of
 * the same name: a sync also writes the directory if a file was removed from it. Until then a crash
 * may bring the file back. The name of another file that was never synced itself stays uncertain,
 * although a real directory holds both: nobody may rely on it.
 */
import type { Random } from "../../core/base/random.ts";
import type { DiskFault } from "./disk-faults.ts";
import { DiskFile } from "./disk-file.ts";
import { losePower } from "./power-loss.ts";

interface Unlinked {
  readonly number: number;
  readonly name: string;
  readonly file: DiskFile;
}

/** A directory as it was seen, to be put on this disk again or on another. */
export type DiskCopy = ReadonlyMap<string, Uint8Array>;

export class DiskDirectory {
  #files = new Map<string, DiskFile>();
  /** Removed, oldest first, and back after a crash if that is drawn. */
  #unlinked: Unlinked[] = [];
  #unlinks = 0;

  /** How many files were removed so far: what a sync asked for now makes durable. */
  get unlinks(): number {
    return this.#unlinks;
  }

  /** Together, as seen. */
  get bytes(): number {
    let bytes = 0;
    for (const file of this.#files.values()) bytes += file.seen.length;
    return bytes;
  }

  get(name: string): DiskFile | undefined {
    return this.#files.get(name);
  }

  /** The file, made if there is none. */
  open(name: string): DiskFile {
    let file = this.#files.get(name);
    if (file === undefined) {
      file = new DiskFile();
      this.#files.set(name, file);
    }
    return file;
  }

  /** In the order of their names, which does not depend on who was made first. */
  entries(): readonly (readonly [name: string, file: DiskFile])[] {
    return [...this.#files].sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0));
  }

  unlink(name: string): void {
    const file = this.#files.get(name);
    if (file === undefined) return;
    this.#files.delete(name);
    this.#unlinked.push({ number: ++this.#unlinks, name, file });
  }

  /** A file was synced: its name is durable, and so are the removals up to this one. */
  sync(name: string, unlinks: number): void {
    const file = this.#files.get(name);
    if (file !== undefined) file.isNamed = true;
    if (this.#unlinked.length === 0) return;
    this.#unlinked = this.#unlinked.filter((gone) => gone.number > unlinks && gone.name !== name);
  }

  /** The file is gone, and no crash brings it back. */
  lose(name: string): void {
    this.#files.delete(name);
  }

  losePower(random: Random, onFault: (fault: DiskFault) => void): void {
    const left = new Map<string, DiskFile>();
    for (const [name, file] of this.entries()) {
      if (file.isNamed || random.chance(0.5)) left.set(name, file);
      else onFault("name-lost");
    }
    for (const { name, file } of this.#unlinked.toReversed()) {
      if (left.has(name) || random.chance(0.5)) continue;
      left.set(name, file);
      onFault("removal-undone");
    }
    for (const file of left.values()) losePower(file, random, onFault);
    this.#files = left;
    this.#unlinked = [];
  }

  copy(): DiskCopy {
    return new Map(this.entries().map(([name, file]) => [name, file.copy()]));
  }

  /** Nothing is left of what was here; the copy stays as it is. */
  restore(copy: DiskCopy): void {
    this.#unlinked = [];
    this.#files = new Map([...copy].map(([name, bytes]) => [name, DiskFile.holding(bytes)]));
  }
}
