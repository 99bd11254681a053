/**
 * The storage that a node really has: the log engine and the identity files, on a simulated disk.
 *
 *     open    disk as the last life left it ─▶ log recovered ─▶ boot decided ─▶ identity durable
 *     run     writes ─▶ engine; after each input flush and tend the lease; work now and then
 *     close   engine closed ─▶ identity says clean ─▶ the process ends
 *
 * The disk outlives process and machine. Everything takes its time in between, and a crash may come
 * at any moment of it, also while it opens or closes. When the engine or the identity gives up, so
 * does the process.
 *
 * Checkers look at an account of what was written and completed, not at the engine: a read of
 * theirs would find a broken sector that nobody else has met.
 */
import { assert } from "../core/base/assert.ts";
import type { Random } from "../core/base/random.ts";
import type { ActorId } from "../core/causality/actor.ts";
import type { Instant } from "../core/effects.ts";
import type { Fact } from "../core/facts.ts";
import type { BootDecision, BootReason } from "../core/identity/boot.ts";
import { decideBoot } from "../core/identity/boot.ts";
import { IDENTITY_FILES, IdentityFile } from "../core/identity/identity-file.ts";
import type { StoredIdentity } from "../core/identity/identity-file.ts";
import type { Identity } from "../core/identity/identity.ts";
import { LeaseKeeper } from "../core/identity/lease-keeper.ts";
import type { EpochLease } from "../core/replica/epochs.ts";
import type { Key } from "../core/ring/key.ts";
import { HINT_PARTITIONS } from "../core/handoff/hints.ts";
import { ERA_PARTITION } from "../core/purge/eras.ts";
import type { DiskAnswer, RowEntry, RowRead, RowWrite } from "../core/storage/engine.ts";
import type { ScanPosition, ScanSlice } from "../core/storage/engine.ts";
import { DAMAGED } from "../core/storage/engine.ts";
import { LogEngine } from "../core/storage/log/log-engine.ts";
import type { LogOptions, LogSizes } from "../core/storage/log/log-options.ts";
import type { LogFindings, RecoveredLog } from "../core/storage/log/log-recovery.ts";
import { recoverLog } from "../core/storage/log/log-recovery.ts";
import type { DiskCopy } from "./disk/disk-directory.ts";
import type { DiskWorld } from "./disk/disk-lanes.ts";
import type { DiskPace } from "./disk/disk-pace.ts";
import { SimulatedDisk } from "./disk/simulated-disk.ts";
import { LogTrouble } from "./log-trouble.ts";
import type { Boot, Death, NodeStorage, StorageEvents } from "./node-storage.ts";
import type { RestartKind } from "./observer.ts";
import { ProcessDisk } from "./process-disk.ts";
import { RowAccount } from "./row-account.ts";

/** The process around the storage. */
export interface LogProcess extends StorageEvents {
  /** Something that the process does when it gets to it, and never if it dies before. */
  input(run: () => void): void;
  later(delayMs: number, action: () => void): void;
  wallMs(): number;
  /** Who it is in this life is durable. */
  booted(identity: Identity): void;
  /** What a boot found, and what the engine came to, by name. */
  count(name: string): void;
}

export interface LogStorageSetup {
  readonly clusterId: string;
  readonly nodeId: string;
  readonly random: Random;
  readonly pace: DiskPace;
  readonly sizes: LogSizes;
  /** Epochs that are handed out between two extensions of the lease. */
  readonly leaseBlock: number;
  readonly world: DiskWorld;
  readonly process: LogProcess;
}

/** One life of the process, from the moment the log is recovered. */
interface Life {
  readonly engine: LogEngine;
  readonly keeper: LeaseKeeper;
  readonly lease: EpochLease;
}

interface Completed {
  readonly number: number;
  readonly answer: DiskAnswer;
}

const WORK_BYTES = 4096;
const WORK_BUSY_MS = 5;
const WORK_IDLE_MS = 50;
/** A full disk is looked at again after many calls: so that this takes a second, not a minute. */
const WORK_FULL_MS = 4;
const LEASE_RETRY_MS = 100;

export class LogStorage implements NodeStorage {
  readonly trouble: LogTrouble;
  generation = 0;
  readonly #setup: LogStorageSetup;
  readonly #process: LogProcess;
  readonly #disk: SimulatedDisk;
  readonly #account = new RowAccount();
  /** Of what is kept for others. */
  readonly #hints = new RowAccount();
  readonly #era = new RowAccount();
  readonly #accounts: readonly RowAccount[] = [this.#account, this.#hints, this.#era];
  #state: "closed" | "opening" | "open" | "closing" = "closed";
  /** What is to be opened when the close has ended. */
  #waiting: Boot | undefined = undefined;
  /** Of a boot that has not come to its end: a crash of it leaves to the next what it was to be. */
  #asked: Boot = "usual";
  /** Its rows were put back, which an operator says at every start until one has come so far. */
  #isSetBack = false;
  #life: Life | undefined = undefined;
  /** Grows with every end of a process. */
  #lives = 0;
  #boots = 0;
  /** Names the directory: a copy lies in another one. */
  #place = 1;
  #knownGeneration: number | undefined = undefined;
  #hasForgotten = false;
  #problem: string | undefined = undefined;
  #tokens: Map<number, number> = new Map();
  #lastNumber = 0;
  #completed: Completed[] = [];
  #isDraining = false;
  #leaseEnd = 0;
  #leaseLeft = Infinity;
  #leaseRetryAt = 0;
  #wasFull = false;

  constructor(setup: LogStorageSetup) {
    this.#setup = setup;
    this.#process = setup.process;
    this.#disk = new SimulatedDisk(setup.random.fork("log disk"), setup.pace, this.#world());
    this.trouble = new LogTrouble(this.#disk, setup.pace, setup.random.fork("harm"));
  }

  get isStarting(): boolean {
    return this.#state === "opening" || this.#waiting !== undefined;
  }

  open(boot: Boot): void {
    if (this.#state === "closing") {
      this.#waiting = boot;
      return;
    }
    assert(this.#state === "closed", `a storage that is ${this.#state} is not opened`);
    this.#state = "opening";
    if (boot !== "usual") this.#setBack(boot);
    this.#asked = boot === "usual" ? this.#asked : boot;
    const number = ++this.#boots;
    const random = this.#setup.random.fork(`log boot ${number}`);
    const disk = new ProcessDisk(this.#disk, (run) => this.#input(run));
    const options: LogOptions = {
      ...this.#setup.sizes,
      sync: "always",
      hashSecret: { high: random.next() | 0, low: random.next() | 0 },
      newStore: Uint8Array.from({ length: 8 }, () => random.integer(256)),
    };
    const freshActor = { high: random.next() | 0, low: random.next() | 0 };
    const file = new IdentityFile(disk);
    recoverLog(disk, options, (log) => {
      if ("problem" in log) return this.#fail(log.problem);
      this.#countFindings(log.findings);
      const decision = this.#decide(file.stored, freshActor, log);
      if ("problem" in decision) return this.#fail(decision.problem);
      file.write(decision.identity, (answer) => {
        if (answer !== "done") return this.#fail(answer === "full" ? "no room" : answer.problem);
        this.#begin({ disk, options, log, file, decision });
      });
    });
    this.endInput();
  }

  get(partition: number, key: Key): RowRead {
    const row = this.#life!.engine.get(partition, key);
    const account = this.#accountOf(partition);
    const wasDamaged = account.visible(key) === DAMAGED;
    if (row !== DAMAGED && wasDamaged) account.find(key, row);
    if (row === DAMAGED && !wasDamaged) {
      account.damage(partition, key);
      this.#process.lost(key);
    }
    if (account === this.#account) this.#process.read(key, row);
    return row;
  }

  write(writes: readonly RowWrite[], token: number): boolean {
    const { engine } = this.#life!;
    const number = ++this.#lastNumber;
    this.#tokens.set(number, token);
    engine.write(writes, number);
    // A refusal is told at the end of the turn: here it has to be known before anybody reads.
    if (engine.isFull) engine.flush();
    const last = this.#completed.at(-1);
    if (last?.number === number && last.answer === "full") return false;
    const account = this.#accountOf(writes[0]!.partition);
    for (const each of this.#accounts) {
      each.write(each === account ? writes : [], number);
    }
    return true;
  }

  scan(partition: number, from: ScanPosition | undefined, limit: number): ScanSlice {
    return this.#life!.engine.scan(partition, from, limit);
  }

  onDue(ticket: number): void {
    this.#disk.settle(ticket);
  }

  endInput(): void {
    if (this.#life !== undefined && this.#problem === undefined) {
      this.#life.engine.flush();
      this.#tend(this.#life);
    }
    if (this.#isDraining) return;
    this.#isDraining = true;
    for (let next = this.#completed.shift(); next !== undefined; next = this.#completed.shift()) {
      this.#onCompleted(next);
    }
    this.#isDraining = false;
    const problem = this.#problem;
    if (problem === undefined) return;
    this.#problem = undefined;
    if (this.#state === "closing") this.#end();
    else this.#process.failed(problem);
  }

  onFact(fact: Fact): void {
    if (fact.kind === "epoch-taken") this.#leaseLeft = this.#life!.lease.end - fact.epoch - 1;
  }

  outlived(generation: number): void {
    this.#knownGeneration = generation;
  }

  settle(answered: (isDurable: boolean) => void): void {
    this.#life!.keeper.settle((answer) => {
      if (typeof answer === "object") this.#fail(answer.problem);
      else answered(answer === "done");
    });
  }

  crash(death: Death): void {
    this.#waiting = undefined;
    this.#forget();
    this.#stopDisk(death);
  }

  close(isClean: boolean): void {
    const { engine, keeper } = this.#life!;
    this.#state = "closing";
    engine.close(() => {
      if (!isClean || this.#problem !== undefined) return this.#end();
      keeper.stopClean(engine.mark, () => this.#end());
    });
  }

  visible(partition: number, key: Key): RowRead {
    return this.#accountOf(partition).visible(key);
  }

  durable(partition: number, key: Key): RowRead {
    return this.#accountOf(partition).durable(key);
  }

  rows(): Iterable<RowEntry> {
    return this.#account.rows();
  }

  /** What is on the disk for certain: how far epochs may be handed out. */
  get storedIdentity(): StoredIdentity {
    return new IdentityFile(this.trouble.durableFiles).stored;
  }

  /** Does to the disk what this restart is to find. */
  #setBack(boot: Boot): void {
    const disk = this.#disk;
    if (boot === "new-identity" || boot === "restored") this.#isSetBack = boot === "restored";
    if (boot === "new-identity") disk.wipe();
    if (boot === "lost") disk.restore(identityOnly(disk.copy()));
    if (boot === "restored" || boot === "copied") disk.restore(this.trouble.backup);
    if (boot === "copied") this.#place++;
  }

  #decide(
    stored: StoredIdentity,
    freshActor: ActorId,
    { findings: { tornBytes, damagedRows, lostPlaces }, store, sequence }: RecoveredLog,
  ): BootDecision | { readonly problem: string } {
    const { clusterId, nodeId } = this.#setup;
    return decideBoot(stored, {
      clusterId,
      nodeId,
      freshActor,
      wallMs: this.#process.wallMs(),
      place: `place ${this.#place}`,
      engineLost: tornBytes + damagedRows + lostPlaces > 0,
      rows: { store, writes: sequence },
      layout: "",
      restored: this.#isSetBack,
      knownGeneration: this.#knownGeneration,
    });
  }

  #begin(found: {
    readonly disk: ProcessDisk;
    readonly options: LogOptions;
    readonly log: RecoveredLog;
    readonly file: IdentityFile;
    readonly decision: BootDecision;
  }): void {
    const { disk, options, log, file, decision } = found;
    const { identity, lease, reason } = decision;
    this.#process.count(`boot/${reason}`);
    this.#process.booted(identity);
    this.#knownGeneration = undefined;
    this.generation = identity.generation;
    const engine = new LogEngine(disk, options, log, {
      completed: (number, answer) => void this.#completed.push({ number, answer }),
      failed: (problem) => this.#fail(problem),
    });
    const keeper = new LeaseKeeper({
      identity,
      lease,
      file,
      onTrouble: (trouble) => {
        if (trouble !== "full") return this.#fail(trouble.problem);
        this.#process.count("lease-refused");
        this.#leaseRetryAt = this.#setup.world.now + LEASE_RETRY_MS;
      },
    });
    this.#life = { engine, keeper, lease };
    this.#state = "open";
    this.#spendEpochs(lease);
    for (const account of this.#accounts) {
      const lost = account.reload((partition, key) => engine.get(partition, key));
      // An era is learned from the others again: nobody has lost anything.
      if (account === this.#era) continue;
      for (const key of lost) this.#process.lost(key);
    }
    const restart = restartOf(this.#asked, reason);
    this.#asked = "usual";
    this.#isSetBack = false;
    const { actor, generation, isSettled } = identity;
    this.#work(this.#lives, 0);
    this.#process.opened({ actor, generation, epochs: lease, isSettled, restart });
  }

  #accountOf(partition: number): RowAccount {
    if (partition < HINT_PARTITIONS) return this.#account;
    return partition === ERA_PARTITION ? this.#era : this.#hints;
  }

  /** So that a lease ends while a run lasts, most of it is handed out to nobody. */
  #spendEpochs(lease: EpochLease): void {
    const { leaseBlock } = this.#setup;
    this.#leaseEnd = lease.end;
    const first = lease.take();
    if (first === undefined) return;
    let left = lease.end - first - 1;
    for (; left > leaseBlock; left--) lease.take();
    this.#leaseLeft = left;
  }

  #tend({ keeper, lease }: Life): void {
    const { leaseBlock, world } = this.#setup;
    if (this.#state !== "open") return;
    if (lease.end > this.#leaseEnd) this.#spendEpochs(lease);
    if (this.#leaseLeft > leaseBlock / 2 || world.now < this.#leaseRetryAt) return;
    keeper.tend();
  }

  #work(life: number, delayMs: number): void {
    this.#process.later(delayMs, () => {
      if (life !== this.#lives) return;
      this.#input(() => {
        const { engine } = this.#life!;
        const hasMore = engine.work(WORK_BYTES);
        if (engine.isFull && !this.#wasFull) this.#process.count("log-full");
        this.#wasFull = engine.isFull;
        const idleMs = engine.isFull ? WORK_FULL_MS : WORK_IDLE_MS;
        this.#work(life, hasMore ? WORK_BUSY_MS : idleMs);
      });
    });
  }

  /** Of a process that has ended meanwhile nothing is left to do it. */
  #input(run: () => void): void {
    const life = this.#lives;
    this.#process.input(() => {
      if (life === this.#lives) run();
    });
  }

  #onCompleted({ number, answer }: Completed): void {
    const token = this.#tokens.get(number)!;
    this.#tokens.delete(number);
    if (answer === "durable") {
      for (const account of this.#accounts) account.complete(number);
    }
    this.#process.completed(token, answer);
  }

  #fail(problem: string): void {
    this.#problem ??= problem;
  }

  #countFindings({ tornBytes, damagedRows, lostPlaces }: LogFindings): void {
    if (tornBytes > 0) this.#process.count("log-torn");
    if (damagedRows > 0) this.#process.count("log-rows-damaged");
    if (lostPlaces > 0) this.#process.count("log-places-lost");
  }

  /** The process has ended by itself. */
  #end(): void {
    this.#forget();
    this.#stopDisk("process");
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) this.open(waiting);
  }

  /**
   * After a sync that failed the machine is started anew too: what it still shows of the bytes is
   * not on the disk, and never will be.
   */
  #stopDisk(death: Death): void {
    const isMachine = death === "machine" || this.#hasForgotten;
    this.#hasForgotten = false;
    if (isMachine) this.#disk.crash();
    else this.#disk.kill();
  }

  #world(): DiskWorld {
    const { world } = this.#setup;
    return {
      get now(): Instant {
        return world.now;
      },
      complete: (delayMs, ticket) => world.complete(delayMs, ticket),
      onFault: (fault) => {
        if (fault === "bytes-forgotten") this.#hasForgotten = true;
        world.onFault(fault);
      },
    };
  }

  #forget(): void {
    this.#state = "closed";
    this.#lives++;
    this.#life = undefined;
    this.#problem = undefined;
    this.#completed = [];
    this.#tokens = new Map();
    this.#leaseLeft = Infinity;
    this.#leaseRetryAt = 0;
    this.#wasFull = false;
  }
}

function identityOnly(copy: DiskCopy): DiskCopy {
  return new Map([...copy].filter(([name]) => IDENTITY_FILES.includes(name)));
}

/** What a restart is to those who watch: what it was asked to be, or what the boot made of it. */
function restartOf(boot: Boot, reason: BootReason): RestartKind | undefined {
  if (boot === "first") return undefined;
  if (boot !== "usual" && boot !== "kept" && boot !== "clean") return boot;
  return reason === "clean" ? "clean" : "kept";
}
