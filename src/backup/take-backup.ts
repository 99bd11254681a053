/**
 * Takes a backup of a running cluster: reads the partitions, a few at a time, each from its owners.
 *
 *     partition ─▶ its owners, all at once ─▶ slices of 128 KiB, one question at a time each
 *               └▶ PartitionCopy: joined by key ─▶ BackupWriter
 *
 * Nothing stops for it. An owner that falls silent is left out once it stays silent; a partition
 * without one owner that was read to the end fails the backup, or is listed as missing if that was
 * allowed beforehand.
 */
import type { Key } from "../core/ring/key.ts";
import type { NodeId } from "../core/ring/node-id.ts";
import { EMPTY_BYTES } from "../core/base/bytes.ts";
import { BackupError } from "./backup-error.ts";
import type { BackupWriter } from "./backup-writer.ts";
import { BACKUP_VERSION } from "./backup-format.ts";
import type { BackedUpPartition, DamagedRow, DataFile, Manifest } from "./manifest.ts";
import { DAMAGED_NAMED_MAX, keyText } from "./manifest.ts";
import { PartitionCopy } from "./partition-copy.ts";
import type { PatientCalls } from "./patient-calls.ts";

export interface BackupPlan {
  readonly owners: "all" | "one";
  /** A partition that cannot be read does not fail the backup. */
  readonly isPartial: boolean;
  readonly program: string;
  /** What each node says of its start, for the manifest. */
  readonly findings: ReadonlyMap<NodeId, string>;
  /** After each partition. */
  readonly onPartition: (bytes: number) => void;
}

const SLICE_BYTES: number = 128 * 1024;
const PARTITIONS_AT_ONCE = 4;
/** A node that restarts while it is read forgets where it was: so often it may. */
const BEGINNINGS_MAX = 8;

/** Rejects with a BackupError; what was written is then removed. */
export async function takeBackup(
  calls: PatientCalls,
  writer: BackupWriter,
  plan: BackupPlan,
): Promise<Manifest> {
  const run = new BackupRun(calls, writer, plan);
  try {
    return await run.run();
  } catch (error) {
    await writer.abandon();
    throw error;
  }
}

class BackupRun {
  readonly #calls: PatientCalls;
  readonly #writer: BackupWriter;
  readonly #plan: BackupPlan;
  readonly #startedAt: Date = new Date();
  readonly #partitions: BackedUpPartition[] = [];
  readonly #damaged: DamagedRow[] = [];
  #damagedCount = 0;
  #hasFailed = false;

  constructor(calls: PatientCalls, writer: BackupWriter, plan: BackupPlan) {
    this.#calls = calls;
    this.#writer = writer;
    this.#plan = plan;
  }

  async run(): Promise<Manifest> {
    const { partitionCount } = this.#calls.door.layout();
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < partitionCount && !this.#hasFailed) await this.#copy(next++);
    };
    const workers = Array.from({ length: PARTITIONS_AT_ONCE }, async () => {
      try {
        await worker();
      } catch (error) {
        this.#hasFailed = true;
        throw error;
      }
    });
    const ends = await Promise.allSettled(workers);
    for (const end of ends) if (end.status === "rejected") throw end.reason;
    return this.#writer.finish((files) => this.#manifest(files));
  }

  async #copy(partition: number): Promise<void> {
    const copy = new PartitionCopy(partition, this.#writer);
    const damaged = new Map<NodeId, Set<Key>>();
    const read = await this.#readOwners(copy, damaged);
    for (const [node, keys] of damaged) this.#noteDamaged(copy, node, keys);
    await copy.end();
    const { keys, sum } = copy;
    const { entries, bytes } = sum;
    this.#partitions[partition] = { partition, read, keys, entries, bytes, digest: sum.digest() };
    this.#plan.onPartition(bytes);
  }

  /** Answers the owners that were read to the end. */
  async #readOwners(
    copy: PartitionCopy,
    damaged: Map<NodeId, Set<Key>>,
  ): Promise<readonly NodeId[]> {
    const owners = this.#calls.door.layout().owners(copy.partition);
    const read: NodeId[] = [];
    const problems: string[] = [];
    const readOne = async (owner: NodeId): Promise<void> => {
      const problem = await this.#readOwner(copy, owner, damaged);
      if (problem === undefined) read.push(owner);
      else problems.push(problem);
    };
    if (this.#plan.owners === "all") {
      await Promise.all(owners.map(readOne));
    } else {
      for (const owner of owners) if (read.length === 0) await readOne(owner);
    }
    if (read.length > 0 || this.#plan.isPartial) return read.sort();
    const names = owners.join(", ");
    throw new BackupError(
      "unavailable",
      `no owner of partition ${copy.partition} can be read (${names}): ${problems.join("; ")}`,
      "try again when one of them runs, or add --partial for a backup without such partitions",
    );
  }

  /** Answers what kept the owner from being read to its end. */
  async #readOwner(
    copy: PartitionCopy,
    owner: NodeId,
    damaged: Map<NodeId, Set<Key>>,
  ): Promise<string | undefined> {
    const { partition } = copy;
    let position = EMPTY_BYTES;
    for (let beginnings = 1; ;) {
      const { epoch } = this.#calls.door.layout();
      const question = { epoch, partition, bytesMax: SLICE_BYTES, position };
      const answer = await this.#calls.ask(owner, { kind: "rows-ask", ...question });
      if (answer.kind === "unanswered") return answer.problem;
      if (answer.kind === "copy-refused") {
        if (answer.reason !== "unknown-position" || beginnings++ > BEGINNINGS_MAX) {
          return `${owner} refuses: ${answer.reason}`;
        }
        position = EMPTY_BYTES;
        continue;
      }
      if (answer.kind !== "rows-told") return `${owner} answers with ${answer.kind}`;
      const bad = answer.records.filter((record) => !copy.add(record)).map(({ key }) => key);
      for (const key of [...answer.damaged, ...bad]) addTo(damaged, owner, key);
      await copy.room();
      position = answer.next;
      if (position.length === 0) return undefined;
    }
  }

  #noteDamaged(copy: PartitionCopy, node: NodeId, keys: ReadonlySet<Key>): void {
    const { partition } = copy;
    for (const key of keys) {
      this.#damagedCount++;
      const row = { node, partition, ...keyText(key), isSaved: copy.has(key) };
      if (this.#damaged.length < DAMAGED_NAMED_MAX) this.#damaged.push(row);
      else if (!row.isSaved) this.#nameInstead(row);
    }
  }

  /** Of a row that is lost people must hear, whatever else there is to tell. */
  #nameInstead(lost: DamagedRow): void {
    const saved = this.#damaged.findIndex(({ isSaved }) => isSaved);
    if (saved >= 0) this.#damaged[saved] = lost;
  }

  #manifest(files: readonly DataFile[]): Manifest {
    const layout = this.#calls.door.layout();
    const nodes = layout.nodes.map(({ id, address }) => {
      const reached = !this.#calls.problems.has(id);
      return { id, address, reached, findings: this.#plan.findings.get(id) ?? "" };
    });
    const { clusterId, epoch, strategy, replicas, partitionCount } = layout;
    return {
      version: BACKUP_VERSION,
      id: Buffer.from(this.#writer.id).toString("hex"),
      program: this.#plan.program,
      startedAt: this.#startedAt.toISOString(),
      finishedAt: new Date().toISOString(),
      cluster: { id: clusterId, epoch, strategy, replicas, partitions: partitionCount, nodes },
      owners: this.#plan.owners,
      complete: this.#partitions.every(({ read }) => read.length > 0),
      files,
      partitions: this.#partitions,
      damaged: { count: this.#damagedCount, rows: this.#damaged },
    };
  }
}

function addTo(damaged: Map<NodeId, Set<Key>>, node: NodeId, key: Key): void {
  const keys = damaged.get(node);
  if (keys === undefined) damaged.set(node, new Set([key]));
  else keys.add(key);
}
