/**
 * The simulated disk of one node: the port of `core/storage/disk.ts` with every fault disks have.
 *
 *     append a   append b   sync   append c        asked, in order, for one file
 *        ╰── later ─┴────────┴───────┴──▶ settle    carried out and answered one by one
 *
 * An operation does nothing until its turn: then it happens all at once, and its answer is given.
 * So a sync finds exactly the bytes of the appends asked for before it, and a crash only has to
 * draw how far each file came.
 *
 *     kill     the process dies: what was answered stays readable, though not durable
 *     crash    the machine dies: what was not synced is kept, lost or torn by sectors
 *
 * Who restarts after a kill therefore reads bytes that a later crash takes away, until they are
 * synced. The files outlive process and machine, and with them the switches of `faults`, the pace
 * and the capacity.
 */
import type { Random } from "../../core/base/random.ts";
import type { AppendAnswer, Disk, FileEntry } from "../../core/storage/disk.ts";
import { UNREADABLE } from "../../core/storage/disk.ts";
import { DiskDamage } from "./disk-damage.ts";
import type { DiskCopy } from "./disk-directory.ts";
import { DiskDirectory } from "./disk-directory.ts";
import type { DiskFault } from "./disk-faults.ts";
import { DiskFaults, NO_DISK_FAULTS } from "./disk-faults.ts";
import type { DiskFile } from "./disk-file.ts";
import { sectorOf } from "./disk-file.ts";
import type { Append, DiskOperation, DiskWorld, Removal, Sync, SyncAnswer } from "./disk-lanes.ts";
import { DiskLanes } from "./disk-lanes.ts";
import type { DiskPace } from "./disk-pace.ts";
import { drawStallMs } from "./disk-pace.ts";
import { garble } from "./power-loss.ts";

export class SimulatedDisk implements Disk {
  pace: DiskPace;
  /** Of all files together. What is removed gives its room back at once. */
  capacityBytes: number = Infinity;
  /** Everything takes so many times as long. */
  slowness: number = 1;
  /** What goes wrong while it works, and at a crash. */
  readonly faults: DiskFaults;
  /** What befalls bytes at rest. */
  readonly damage: DiskDamage;
  readonly #directory: DiskDirectory;
  readonly #lanes: DiskLanes;
  /** Apart from each other: a fault switched on does not change how long anything takes. */
  readonly #delays: Random;
  readonly #fates: Random;
  readonly #onFault: (fault: DiskFault) => void;

  constructor(random: Random, pace: DiskPace, world: DiskWorld) {
    this.pace = pace;
    this.#directory = new DiskDirectory();
    this.#lanes = new DiskLanes(world);
    this.#delays = random.fork("delays");
    this.#fates = random.fork("fates");
    this.#onFault = (fault) => world.onFault(fault);
    this.faults = new DiskFaults(random.fork("faults"), NO_DISK_FAULTS);
    this.damage = new DiskDamage(this.#directory, random.fork("damage"), this.#onFault);
  }

  list(): readonly FileEntry[] {
    return this.#directory.entries().map(([name, { seen }]) => ({ name, bytes: seen.length }));
  }

  read(name: string, offset: number, length: number): Uint8Array | typeof UNREADABLE {
    const file = this.#directory.get(name);
    const end = Math.min(offset + length, file?.seen.length ?? 0);
    if (file === undefined || offset >= end) return new Uint8Array(0);
    if (this.faults.strikes("sector-broken")) {
      file.breakSector(this.#fates.between(sectorOf(offset), sectorOf(end - 1)));
      this.#onFault("sector-broken");
    }
    if (file.isReadable(offset, end)) return file.seen.copy(offset, end);
    this.#onFault("read-failed");
    return UNREADABLE;
  }

  append(
    name: string,
    pieces: readonly Uint8Array[],
    answer: (answer: AppendAnswer) => void,
  ): void {
    this.#lanes.add({ kind: "append", name, pieces, answer }, this.#appendMs());
  }

  sync(name: string, answer: (answer: SyncAnswer) => void): void {
    const { unlinks } = this.#directory;
    this.#lanes.add({ kind: "sync", name, unlinks, answer }, this.#syncMs());
  }

  remove(name: string, from: number, answer: (answer: SyncAnswer) => void): void {
    this.#lanes.add({ kind: "remove", name, from, answer }, this.#appendMs());
  }

  /** The turn of this operation has come. Of a process that died, nothing comes any more. */
  settle(ticket: number): void {
    const operation = this.#lanes.take(ticket);
    switch (operation?.kind) {
      case undefined:
        return;
      case "append":
        return operation.answer(this.#append(operation));
      case "sync":
        return operation.answer(this.#sync(operation));
      case "remove":
        return operation.answer(this.#remove(operation));
    }
  }

  /**
   * The process dies. Of what is under way some is carried out, for each file up to a drawn place,
   * which may be within an append; nothing of it is answered.
   */
  kill(): void {
    for (const operations of this.#lanes.abandon()) {
      const carriedOut = this.#fates.between(0, operations.length);
      for (const operation of operations.slice(0, carriedOut)) this.#carryOut(operation);
      const next = operations[carriedOut];
      if (next?.kind === "append") this.#cutShort(next);
    }
  }

  /** The machine dies, and the process with it. */
  crash(): void {
    this.kill();
    this.#directory.losePower(this.#fates, this.#onFault);
    for (const [, file] of this.#directory.entries()) {
      if (file.cleanBytes === 0 || !this.faults.strikes("sector-garbled")) continue;
      garble(file, this.#fates);
      this.#onFault("sector-garbled");
    }
  }

  /** The disk was replaced by an empty one. Nothing under way is answered. */
  wipe(): void {
    this.#lanes.abandon();
    this.#directory.restore(new Map());
    this.#onFault("disk-wiped");
  }

  /** A backup, or a clone for another disk: what is seen, with zeros where it cannot be read. */
  copy(): DiskCopy {
    return this.#directory.copy();
  }

  /** What was here is gone; everything of the copy is durable. Nothing under way is answered. */
  restore(copy: DiskCopy): void {
    this.#lanes.abandon();
    this.#directory.restore(copy);
    this.#onFault("disk-restored");
  }

  /** The file as a crash leaves it that loses all it can: nothing at all without a durable name. */
  durable(name: string): Uint8Array | undefined {
    const file = this.#directory.get(name);
    return file?.isNamed === true ? file.stored.copy(0, file.cleanBytes) : undefined;
  }

  #carryOut(operation: DiskOperation): AppendAnswer {
    switch (operation.kind) {
      case "append":
        return this.#append(operation);
      case "sync":
        return this.#sync(operation);
      case "remove":
        return this.#remove(operation);
    }
  }

  #append({ name, pieces }: Append): AppendAnswer {
    const bytes = sizeOf(pieces);
    if (!this.#hasRoomFor(bytes) || this.faults.strikes("append-refused")) {
      this.#onFault("append-refused");
      return "full";
    }
    const hasFailed = this.faults.strikes("append-failed");
    const written = hasFailed ? this.#fates.between(0, bytes) : bytes;
    appendPrefix(this.#directory.open(name), pieces, written);
    if (!hasFailed) return "done";
    this.#onFault("append-failed");
    return { problem: `could not append ${bytes} bytes to ${name}` };
  }

  #sync({ name, unlinks }: Sync): SyncAnswer {
    const file = this.#directory.get(name);
    if (this.faults.strikes("sync-failed")) {
      this.#onFault("sync-failed");
      if (file !== undefined && file.forget() > 0) this.#onFault("bytes-forgotten");
      return { problem: `could not sync ${name}` };
    }
    if (file !== undefined) this.#write(file);
    this.#directory.sync(name, unlinks);
    return "done";
  }

  #write(file: DiskFile): void {
    if (this.faults.strikes("write-misdirected")) {
      if (this.damage.misdirect(file)) return;
      // It waits for a sync that has something to misdirect.
      this.faults.arm("write-misdirected");
    }
    file.sync();
  }

  #remove({ name, from }: Removal): SyncAnswer {
    if (from === 0) this.#directory.unlink(name);
    else this.#directory.get(name)?.cut(from);
    return "done";
  }

  /** The process died within an append: a part of it is there, and not all. */
  #cutShort({ name, pieces }: Append): void {
    const bytes = sizeOf(pieces);
    if (bytes === 0 || !this.#hasRoomFor(bytes)) return;
    const written = this.#fates.integer(bytes);
    if (written === 0) return;
    appendPrefix(this.#directory.open(name), pieces, written);
    this.#onFault("append-cut-short");
  }

  #hasRoomFor(bytes: number): boolean {
    // To add up the files costs more than an append: only where there is an end to the room.
    return this.capacityBytes === Infinity || bytes <= this.capacityBytes - this.#directory.bytes;
  }

  #appendMs(): number {
    const { appendMs, appendMsMean } = this.pace;
    return this.#slowed(appendMs + this.#delays.exponential(appendMsMean));
  }

  #syncMs(): number {
    const { syncMs, syncMsMean } = this.pace;
    const usualMs = syncMs + this.#delays.exponential(syncMsMean);
    const stallMs = drawStallMs(this.pace, this.#delays);
    if (stallMs > 0) this.#onFault("disk-stalled");
    return this.#slowed(usualMs + stallMs);
  }

  #slowed(takesMs: number): number {
    if (this.slowness > 1) this.#onFault("disk-slowed");
    return takesMs * this.slowness;
  }
}

function sizeOf(pieces: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const piece of pieces) bytes += piece.length;
  return bytes;
}

function appendPrefix(file: DiskFile, pieces: readonly Uint8Array[], bytes: number): void {
  let left = bytes;
  for (const piece of pieces) {
    file.append(piece.length <= left ? piece : piece.subarray(0, left));
    left -= Math.min(left, piece.length);
  }
}
