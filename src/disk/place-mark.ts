/**
 * A file that every boot makes anew, and that the identity knows by its inode. So a directory whose
 * files were put back has another one than its identity says, also when whoever put them back left
 * alone what had not changed: this file has.
 *
 *     boot: compare ─▶ make it anew, durable ─▶ identity that knows the new one, durable
 *
 * A crash between the two looks like a directory that was put back: the node goes on as somebody
 * new, which it may do at any time.
 */
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { utf8Encode } from "../core/base/utf8.ts";
import type { DataDirectory } from "./data-directory.ts";
import { placeOf } from "./place.ts";
import { written } from "./written.ts";

const FILE = "place";

export class PlaceMark {
  readonly #directory: DataDirectory;
  /** Tells this directory, as it is now, from any copy and from any earlier state. */
  place: string;

  constructor(directory: DataDirectory) {
    this.#directory = directory;
    this.place = this.#find();
  }

  /** Rejects with a DirectoryError. */
  async renew(): Promise<void> {
    const { disk, path } = this.#directory;
    const bytes = utf8Encode(`${randomUUID()}\n`);
    await written(path, FILE, (done) => disk.remove(FILE, 0, done));
    await written(path, FILE, (done) => disk.append(FILE, [bytes], done));
    await written(path, FILE, (done) => disk.sync(FILE, done));
    this.place = this.#find();
  }

  #find(): string {
    const { place, path } = this.#directory;
    const file = join(path, FILE);
    return existsSync(file) ? `${place} ${placeOf(file)}` : place;
  }
}
