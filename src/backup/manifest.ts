/**
 * The manifest: what a backup is of, and what must be in its data files. A directory without one is
 * no backup.
 *
 *     {"backup":{ … },"crc32c":"9a8b7c6d"}
 *
 * JSON, because people and scripts look into it. The checksum is of the inner document's bytes, so
 * whatever tool rewrites the file is noticed.
 */
import { crc32c } from "../core/base/crc32c.ts";
import { fromBinary, toBinary, utf8Decode, utf8Encode } from "../core/base/utf8.ts";
import { bucketOf, type Key, userKeyOf } from "../core/ring/key.ts";
import { checkPartitionCount } from "../core/ring/slot.ts";
import { BACKUP_VERSION } from "./backup-format.ts";
import { misshapenField } from "./manifest-shape.ts";

export const MANIFEST_NAME = "manifest.json";
export const MANIFEST_BYTES_MAX: number = 64 * 1024 * 1024;
/** Of rows that could not be read so many are named. */
export const DAMAGED_NAMED_MAX = 1_000;

export interface BackedUpNode {
  readonly id: string;
  readonly address: string;
  /** False when some question to it stayed without an answer. */
  readonly reached: boolean;
  /** What its start found amiss in its directory; empty when nothing, or not known. */
  readonly findings: string;
}

export interface BackedUpCluster {
  readonly id: string;
  readonly epoch: number;
  readonly strategy: string;
  readonly replicas: number;
  readonly partitions: number;
  readonly nodes: readonly BackedUpNode[];
}

export interface DataFile {
  readonly name: string;
  readonly bytes: number;
  readonly blocks: number;
}

export interface BackedUpPartition {
  readonly partition: number;
  /** Owners that were read to the end; none when the partition is missing. */
  readonly read: readonly string[];
  readonly keys: number;
  readonly entries: number;
  readonly bytes: number;
  readonly digest: string;
}

/** A row that an owner could not read. */
export interface DamagedRow {
  readonly node: string;
  readonly partition: number;
  readonly bucket: string;
  readonly key: string;
  readonly encoding: "utf8" | "base64";
  /** Another owner's record of the key is in the backup. */
  readonly isSaved: boolean;
}

export interface Manifest {
  readonly version: number;
  readonly id: string;
  readonly program: string;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly cluster: BackedUpCluster;
  readonly owners: "all" | "one";
  readonly complete: boolean;
  readonly files: readonly DataFile[];
  readonly partitions: readonly BackedUpPartition[];
  readonly damaged: { readonly count: number; readonly rows: readonly DamagedRow[] };
}

const BEFORE = '{"backup":';
const BETWEEN = ',"crc32c":"';
const BEHIND = '"}\n';

/** Why bytes are not taken for a manifest. */
export interface ManifestFault {
  readonly problem: string;
  /** Nothing is wrong with it: this program is too old. */
  readonly isNewer: boolean;
}

export function dataFileName(number: number): string {
  return `data-${String(number).padStart(4, "0")}`;
}

export function encodeManifest(manifest: Manifest): Uint8Array {
  const document = JSON.stringify(manifest);
  return utf8Encode(`${BEFORE}${document}${BETWEEN}${checksumOf(document)}${BEHIND}`);
}

/** The manifest, or what is wrong with these bytes. */
export function decodeManifest(bytes: Uint8Array): Manifest | ManifestFault {
  const text = utf8Decode(bytes, 0, bytes.length);
  if (text === undefined || !text.startsWith(BEFORE)) return fault("it is no manifest");
  const end = text.lastIndexOf(BETWEEN);
  if (end < 0) return fault("its end is missing");
  const document = text.slice(BEFORE.length, end);
  if (text.slice(end) !== `${BETWEEN}${checksumOf(document)}${BEHIND}`) {
    return fault("its checksum does not match");
  }
  const manifest = parsed(document);
  const version = (manifest as Partial<Manifest> | null | undefined)?.version;
  if (typeof version === "number" && version !== BACKUP_VERSION) {
    const problem = `it has version ${version}, and this program reads version ${BACKUP_VERSION}`;
    return { problem, isNewer: version > BACKUP_VERSION };
  }
  const field = misshapenField(manifest);
  if (field !== undefined) return fault(`its field ${field} is not what it must be`);
  const problem = problemOf(manifest as Manifest);
  return problem === undefined ? (manifest as Manifest) : fault(problem);
}

/** How a key is written for people and scripts: as text where it is UTF-8. */
export function keyText(key: Key): Pick<DamagedRow, "bucket" | "key" | "encoding"> {
  const bucket = bucketOf(key);
  const binary = userKeyOf(key);
  const text = fromBinary(binary);
  if (toBinary(text) === binary) return { bucket, key: text, encoding: "utf8" };
  return { bucket, key: Buffer.from(binary, "latin1").toString("base64"), encoding: "base64" };
}

/** Whether its parts, each of which is well formed, belong together. */
function problemOf({ cluster, files, partitions }: Manifest): string | undefined {
  const problem = checkPartitionCount(cluster.partitions);
  if (problem !== undefined) return problem;
  if (partitions.length !== cluster.partitions) {
    return `it lists ${partitions.length} of ${cluster.partitions} partitions`;
  }
  const misplaced = partitions.findIndex(({ partition }, index) => partition !== index);
  if (misplaced >= 0) return `partition ${misplaced} is not where it should be`;
  const stranger = files.findIndex(({ name }, index) => name !== dataFileName(index + 1));
  if (stranger < 0) return undefined;
  return `its file ${stranger + 1} is named ${files[stranger]!.name}`;
}

function fault(problem: string): ManifestFault {
  return { problem, isNewer: false };
}

function parsed(document: string): unknown {
  try {
    return JSON.parse(document);
  } catch {
    return undefined;
  }
}

function checksumOf(document: string): string {
  const bytes = utf8Encode(document);
  return crc32c(bytes, 0, bytes.length, 0).toString(16).padStart(8, "0");
}
