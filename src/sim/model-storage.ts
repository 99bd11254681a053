/** The storage of a node as a model: rows in a map, and an identity that is never written. */
import { assert } from "../core/base/assert.ts";
import type { Random } from "../core/base/random.ts";
import type { Key } from "../core/ring/key.ts";
import type { RowEntry, RowRead, RowWrite } from "../core/storage/engine.ts";
import type { ScanPosition, ScanSlice } from "../core/storage/engine.ts";
import { Identity } from "./identity.ts";
import type { Boot, NodeStorage, StorageEvents, StorageTrouble } from "./node-storage.ts";
import type { RestartKind } from "./observer.ts";
import type { DiskOptions, DiskQueue, RowsCopy } from "./storage.ts";
import { QUICK_DISK, SimulatedEngine } from "./storage.ts";

/** The queue, and who else can be told to wait. */
export interface ModelQueue extends DiskQueue {
  later(delayMs: number, action: () => void): void;
}

export interface ModelStorageSetup {
  readonly random: Random;
  readonly disk: DiskOptions;
  readonly leaseBlock: number;
  readonly queue: ModelQueue;
  readonly events: StorageEvents;
}

export class ModelStorage implements NodeStorage, StorageTrouble {
  readonly #engine: SimulatedEngine;
  readonly #identity: Identity;
  readonly #queue: ModelQueue;
  readonly #events: StorageEvents;
  #stoppedInOrder = false;
  /** Grows with every life: an extension that a dead process asked for is void. */
  #life = 0;
  #isLeasing = false;
  #isSettled = true;
  /** How the disk was before it became slow. */
  #usualDisk: DiskOptions | undefined = undefined;
  /** Empty until there is one. */
  #backup: RowsCopy = new Map();

  constructor({ random, disk, leaseBlock, queue, events }: ModelStorageSetup) {
    this.#identity = new Identity(random.fork("identity"), leaseBlock);
    this.#engine = new SimulatedEngine(random.fork("disk"), disk, queue);
    this.#queue = queue;
    this.#events = events;
  }

  get trouble(): StorageTrouble {
    return this;
  }

  get generation(): number {
    return this.#identity.generation;
  }

  get storedIdentity(): undefined {
    return undefined;
  }

  get isStarting(): boolean {
    return false;
  }

  open(boot: Boot): void {
    const identity = this.#identity;
    const restart = this.#restartOf(boot);
    if (restart !== undefined) identity.onRestart(restart);
    if (restart === "lost" || restart === "new-identity") {
      this.#engine.wipe();
      this.#isSettled = true;
    }
    if (restart === "restored" || restart === "copied") {
      this.#engine.restore(this.#backup);
      this.#isSettled = false;
    }
    const generation = ++identity.generation;
    this.#stoppedInOrder = false;
    const { actor, lease: epochs } = identity;
    this.#events.opened({ actor, generation, epochs, isSettled: this.#isSettled, restart });
  }

  get(partition: number, key: Key): RowRead {
    return this.#engine.get(partition, key);
  }

  write(writes: readonly RowWrite[], token: number): boolean {
    this.#engine.write(writes, token);
    return !this.#engine.isFull;
  }

  onDue(write: number): void {
    const { token, answer } = this.#engine.settle(write);
    this.#events.completed(token, answer);
  }

  endInput(): void {
    if (!this.#identity.leaseRunsLow || this.#isLeasing) return;
    this.#isLeasing = true;
    const life = this.#life;
    this.#queue.later(this.#engine.syncMs(), () => {
      if (life !== this.#life) return;
      this.#isLeasing = false;
      this.#identity.extendLease();
    });
  }

  onFact(): void {
    // The lease itself knows how far it has come.
  }

  outlived(): void {
    // Its generations only grow.
  }

  settle(answered: (isDurable: boolean) => void): void {
    this.#isSettled = true;
    answered(true);
  }

  crash(): void {
    this.#engine.crash();
    this.#end(false);
  }

  close(isClean: boolean): void {
    this.#engine.settleAll();
    this.#end(isClean);
  }

  scan(partition: number, from: ScanPosition | undefined, limit: number): ScanSlice {
    return this.#engine.scan(partition, from, limit);
  }

  visible(partition: number, key: Key): RowRead {
    return this.#engine.get(partition, key);
  }

  durable(partition: number, key: Key): RowRead {
    return this.#engine.durable(partition, key);
  }

  rows(): Iterable<RowEntry> {
    return this.#engine.rows();
  }

  slow(syncMs: number): void {
    this.#usualDisk ??= this.#engine.disk;
    this.#engine.disk = { ...this.#usualDisk, syncMs };
  }

  quicken(): void {
    if (this.#usualDisk === undefined) return;
    this.#engine.disk = this.#usualDisk;
    this.#usualDisk = undefined;
  }

  fill(): void {
    this.#engine.isFull = true;
  }

  free(): void {
    this.#engine.isFull = false;
  }

  damage(partition: number, key: Key): boolean {
    return this.#engine.damage(partition, key);
  }

  harm(): boolean {
    return false;
  }

  backUp(): void {
    this.#backup = this.#engine.copy();
  }

  calm(): void {
    this.#engine.disk = QUICK_DISK;
  }

  #restartOf(boot: Boot): RestartKind | undefined {
    assert(boot !== "clean" || this.#stoppedInOrder, "it did not stop in order");
    if (boot === "usual") return this.#stoppedInOrder ? "clean" : "kept";
    return boot === "first" ? undefined : boot;
  }

  #end(inOrder: boolean): void {
    this.#stoppedInOrder = inOrder;
    this.#life++;
    this.#isLeasing = false;
  }
}
