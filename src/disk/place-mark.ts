/**
 * A file that every boot makes anew, and that the identity knows by its inode. So a directory whose
 * files were put back has another one than its identity says, also when whoever put them back left
 * alone what had not changed: this file has.
 *
 *     boot: compare ─▶ make the other one anew ─▶ identity that knows it ─▶ remove the older one
 *
 * There are two, in turn, and each step is durable before the next: wherever a boot is cut off, the
 * one that the identity knows is still there.
 */
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { utf8Encode } from "../core/base/utf8.ts";
import type { DataDirectory } from "./data-directory.ts";
import { placeOf } from "./place.ts";
import { written } from "./written.ts";

const FILES = ["place-0", "place-1"] as const;

export class PlaceMark {
  readonly #directory: DataDirectory;
  #file: (typeof FILES)[number] | undefined;
  /** Tells this directory, as it is now, from any copy and from any earlier state. */
  place: string;

  constructor(directory: DataDirectory) {
    const { path, place, identityFile } = directory;
    const { stored } = identityFile;
    const there = FILES.filter((file) => existsSync(join(path, file)));
    const isKnown = (file: string): boolean =>
      stored.kind === "found" && stored.identity.place === placeWith(directory, file);
    this.#directory = directory;
    this.#file = there.find(isKnown) ?? there[0];
    this.place = this.#file === undefined ? place : placeWith(directory, this.#file);
  }

  /**
   * Another place from now on, which the identity is to know before `settle`. Rejects with a
   * DirectoryError.
   */
  async renew(): Promise<void> {
    const { disk, path } = this.#directory;
    const file = otherOf(this.#file);
    const bytes = utf8Encode(`${randomUUID()}\n`);
    await written(path, file, (done) => disk.remove(file, 0, done));
    await written(path, file, (done) => disk.append(file, [bytes], done));
    await written(path, file, (done) => disk.sync(file, done));
    this.#file = file;
    this.place = placeWith(this.#directory, file);
  }

  /**
   * The identity knows the present one. What stayed behind would be known again by an identity
   * that was put back. Rejects with a DirectoryError.
   */
  async settle(): Promise<void> {
    const { disk, path } = this.#directory;
    const older = otherOf(this.#file);
    await written(path, older, (done) => disk.remove(older, 0, done));
    await written(path, older, (done) => disk.sync(older, done));
  }
}

function otherOf(file: string | undefined): (typeof FILES)[number] {
  return file === FILES[0] ? FILES[1] : FILES[0];
}

function placeWith({ place, path }: DataDirectory, file: string): string {
  return `${place} ${placeOf(join(path, file))}`;
}
