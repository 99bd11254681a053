/**
 * A file that every boot makes anew, and that the identity knows by its inode. So a directory whose
 * files were put back has another one than its identity says, also when whoever put them back left
 * alone what had not changed: this file has.
 *
 *     boot: compare ─▶ make the other one anew ─▶ identity that knows it ─▶ remove the older one
 *
 * There are two, in turn, and each step is durable before the next: wherever a boot is cut off, the
 * one that the identity knows is still there. They are empty: also a full disk has an inode left.
 *
 * A second name for the inode would bring it back after this one is removed, so it must have one
 * name. And where the file system keeps no times of birth it gives a number away again at once:
 * there the time of the last change counts as well, which no tool can put back.
 */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import type { DataDirectory } from "./data-directory.ts";
import { DirectoryError } from "./directory-error.ts";
import { knowsBirth } from "./place.ts";
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
    await written(path, file, (done) => disk.remove(file, 0, done));
    await written(path, file, (done) => disk.append(file, [], done));
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
  const mark = join(path, file);
  try {
    const { ino, nlink, birthtimeMs, ctimeMs } = statSync(mark);
    const names = nlink === 1 ? "" : ` of ${nlink} names`;
    return `${place} ${ino}/${knowsBirth(place) ? birthtimeMs : ctimeMs}${names}`;
  } catch (error) {
    throw DirectoryError.of(mark, "look at it", error);
  }
}
