/**
 * Restores a backup into a running cluster, of whatever size: it is checked first, then every
 * record is sent to all owners of its key there, and joined with what they hold.
 *
 * Joining undoes nothing: what the cluster knows that is newer stays, what is concurrent becomes a
 * sibling, and what was already there changes nothing, so a restore that was interrupted is run
 * again from the beginning. An owner holds a record when it has made it durable.
 */
import type { NodeId } from "../core/ring/node-id.ts";
import { BackupError } from "./backup-error.ts";
import { entriesIn } from "./backup-format.ts";
import { blocksOf } from "./backup-reader.ts";
import type { CheckedBackup } from "./check.ts";
import { checkBackup } from "./check.ts";
import type { PatientCalls } from "./patient-calls.ts";
import { RecordLane, type LaneResult } from "./record-lane.ts";
import { PIECE_BYTES_MAX, piecesOf } from "./record-pieces.ts";
import type { KeyRecord } from "../core/wire/copy-codec.ts";

export interface RestorePlan {
  readonly onChecked: (bytes: number, totalBytes: number) => void;
  readonly onSent: (bytes: number, totalBytes: number) => void;
}

export interface RestoreReport {
  readonly backup: CheckedBackup;
  /** Records that were sent: one for each key, but for keys of very large partitions. */
  readonly records: number;
  /** At index n: records that n owners hold. */
  readonly heldBy: readonly number[];
  /** Owners that each key has. */
  readonly owners: number;
  /** Most of them. */
  readonly quorum: number;
  /** Records that fewer owners hold. */
  readonly belowQuorum: number;
  /** Why an owner does not hold a record, and how often. */
  readonly refusals: ReadonlyMap<Exclude<LaneResult, "held">, number>;
  readonly silent: ReadonlyMap<NodeId, string>;
}

/** Rejects with a BackupError, before anything is sent, when the backup is not good. */
export async function restoreBackup(
  calls: PatientCalls,
  dir: string,
  plan: RestorePlan,
): Promise<RestoreReport> {
  const backup = await checkBackup(dir, plan.onChecked);
  const [first] = backup.damage;
  if (first !== undefined) {
    const place = first.file === null ? `partition ${first.partition}` : first.file;
    const message = `${dir}: the backup is damaged, nothing was restored: ${place}: ${first.what}`;
    throw new BackupError("damaged", message, "gramme verify names every damaged place");
  }
  const restore = new Restore(calls);
  const totalBytes = backup.manifest.files.reduce((sum, { bytes }) => sum + bytes, 0);
  for await (const place of blocksOf(dir, backup.manifest)) {
    const entries = place.kind === "block" ? [...entriesIn(place.body, place.length)] : [undefined];
    for (const entry of entries) {
      // It was good a moment ago.
      if (entry === undefined) throw changed(dir, place.file);
      await restore.send(entry);
    }
    if (place.kind === "block") plan.onSent(place.body.length, totalBytes);
  }
  return restore.end(backup);
}

class Restore {
  readonly #calls: PatientCalls;
  readonly #lanes: Map<NodeId, RecordLane> = new Map();
  readonly #heldBy: number[];
  readonly #refusals: Map<Exclude<LaneResult, "held">, number> = new Map();
  #records = 0;

  constructor(calls: PatientCalls) {
    this.#calls = calls;
    this.#heldBy = new Array<number>(calls.door.layout().ownersEach + 1).fill(0);
  }

  async send({ key, record }: KeyRecord): Promise<void> {
    this.#records++;
    const owners = this.#calls.door.layout().ownersOf(key);
    const pieces = piecesOf(record, PIECE_BYTES_MAX);
    let heldCount = 0;
    let ownersLeft = owners.length;
    const onOwner = (isHeld: boolean): void => {
      if (isHeld) heldCount++;
      if (--ownersLeft === 0) this.#heldBy[heldCount]!++;
    };
    for (const owner of owners) {
      let piecesLeft = pieces.length;
      let isHeld = true;
      const onPiece = (result: LaneResult): void => {
        if (result !== "held") {
          isHeld = false;
          this.#refusals.set(result, (this.#refusals.get(result) ?? 0) + 1);
        }
        if (--piecesLeft === 0) onOwner(isHeld);
      };
      for (const piece of pieces) await this.#laneTo(owner).add({ key, record: piece }, onPiece);
    }
  }

  async end(backup: CheckedBackup): Promise<RestoreReport> {
    await Promise.all([...this.#lanes.values()].map((lane) => lane.end()));
    const owners = this.#heldBy.length - 1;
    const quorum = Math.floor(owners / 2) + 1;
    const belowQuorum = this.#heldBy.slice(0, quorum).reduce((sum, count) => sum + count, 0);
    return {
      backup,
      records: this.#records,
      heldBy: this.#heldBy,
      owners,
      quorum,
      belowQuorum,
      refusals: this.#refusals,
      silent: this.#calls.problems,
    };
  }

  #laneTo(node: NodeId): RecordLane {
    let lane = this.#lanes.get(node);
    if (lane === undefined) {
      lane = new RecordLane(node, this.#calls);
      this.#lanes.set(node, lane);
    }
    return lane;
  }
}

function changed(dir: string, file: string): BackupError {
  return new BackupError("damaged", `${dir}: ${file} has changed since it was checked`);
}
