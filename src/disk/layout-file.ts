/**
 * The layout that a data directory was written under, as a line of text:
 *
 *     3 replicas of 256 partitions, placed balanced, on n0 n1 n2
 *
 * Which partitions a node keeps follows from it. A node started on the same rows with other members
 * would look for keys where nobody ever put them, and find nothing. So another line is refused,
 * with both of them; addresses may change.
 *
 * The file is for people: the identity, which has a checksum and a second copy, keeps a digest of
 * the line, and a file that is lost or rotten is written anew when the settings have that digest.
 */
import { hash } from "node:crypto";
import { utf8Decode, utf8Encode } from "../core/base/utf8.ts";
import type { StoredIdentity } from "../core/identity/identity-file.ts";
import { UNREADABLE } from "../core/storage/disk.ts";
import type { DataDirectory } from "./data-directory.ts";
import { DirectoryError } from "./directory-error.ts";
import { written } from "./written.ts";

const FILE = "layout";
const BYTES_MAX = 1024 * 1024;
const DIGEST_CHARACTERS = 32;

export function layoutDigest(line: string): string {
  return hash("sha256", line, "hex").slice(0, DIGEST_CHARACTERS);
}

/** Rejects with a DirectoryError when this is not the layout of the directory. */
export async function agreeOnLayout(directory: DataDirectory, line: string): Promise<void> {
  const { disk, path, identityFile } = directory;
  const bytes = disk.read(FILE, 0, BYTES_MAX);
  const text = bytes === UNREADABLE ? undefined : utf8Decode(bytes);
  if (text === `${line}\n`) return;
  const stored = text?.replaceAll("\0", "").trim() ?? "";
  if (!isAgreed(identityFile.stored, stored, line)) {
    const told = stored === "" ? "(it cannot be read)" : stored;
    const problem = `its layout is "${told}", and that of the settings "${line}"`;
    throw new DirectoryError(path, problem, "go back to those settings, or name another directory");
  }
  await written(path, "the layout", (done) => disk.remove(FILE, 0, done));
  await written(path, "the layout", (done) => disk.append(FILE, [utf8Encode(`${line}\n`)], done));
  await written(path, "the layout", (done) => disk.sync(FILE, done));
}

/**
 * Where the file does not say this line. Without an identity there may be no file either, or one
 * that a power failure has left without its bytes.
 */
function isAgreed(identity: StoredIdentity, stored: string, line: string): boolean {
  const digest = identity.kind === "found" ? identity.identity.layout : "";
  if (digest !== "") return digest === layoutDigest(line);
  return identity.kind === "nothing" && stored === "";
}
