/**
 * What a node has on its disk, opened: who it is, and the rows it keeps.
 *
 *     data directory ─▶ engine recovered ─▶ boot decided ─▶ identity durable ─▶ the node may speak
 *     stop:  engine closed ─▶ trees kept ─▶ identity says clean ─▶ files closed ─▶ unlocked
 *                                                    rows given up: moved aside ─┘
 *
 *     DIR/identity-0, identity-1     who the node is
 *     DIR/place-0, place-1           that it is this directory, and as the last boot left it
 *     DIR/layout                     under which its keys were placed
 *     DIR/addresses-0, addresses-1   where the other members were
 *     DIR/trees                      sums of its rows, from a clean stop to the next start
 *     DIR/log/ · lmdb/ · level/      its rows: one engine for a directory, for ever
 *     DIR/log.given-up-1/ …          rows that were put back and were too old (`given-up-rows.ts`)
 *
 * A directory that another engine has written to is refused: an empty store beside the full one
 * would look like lost data.
 */
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type BootDecision, type BootReason, decideBoot } from "../core/identity/boot.ts";
import type { Identity } from "../core/identity/identity.ts";
import { LeaseKeeper } from "../core/identity/lease-keeper.ts";
import type { EpochLease } from "../core/replica/epochs.ts";
import { AddressFile, forgetAddresses } from "./address-file.ts";
import type { AppendAnswer, DiskProblem } from "../core/storage/disk.ts";
import type { Engine, EngineEvents } from "../core/storage/engine.ts";
import { isBehind, type StoreMark } from "../core/storage/store-mark.ts";
import type { ScrubResult } from "../core/storage/log/scrub.ts";
import { type DataDirectory, openDataDirectory } from "./data-directory.ts";
import { DirectoryError } from "./directory-error.ts";
import { drawnActor } from "./drawn-actor.ts";
import { givenUpIn, moveAside, nextGivenUp } from "./given-up-rows.ts";
import type { OpenedEngine } from "./opened-engine.ts";
import { openEngine } from "./opened-engine.ts";
import { agreeOnLayout, layoutDigest } from "./layout-file.ts";
import { PlaceMark } from "./place-mark.ts";
import { ENGINE_KINDS, type StorageSettings } from "./storage-settings.ts";
import { forgetTrees, keepTrees, keptTrees } from "./trees-file.ts";
import { written } from "./written.ts";

export interface Owner {
  /** Undefined: whatever is stored, else a new one is drawn. */
  readonly clusterId: string | undefined;
  readonly nodeId: string;
  /** What the place of a key follows from, as a line. */
  readonly layout: string;
}

interface Parts {
  readonly settings: StorageSettings;
  readonly directory: DataDirectory;
  readonly opened: OpenedEngine;
  readonly findings: string;
  readonly decision: BootDecision;
  readonly trees: Uint8Array | undefined;
}

/** What the engine found. */
interface Found {
  readonly rows: StoreMark;
  /** In words; empty when nothing is wrong. */
  readonly findings: string;
}

/** A block that the disk had no room for is tried again after this. */
const LEASE_RETRY_MS = 1_000;

export class NodeStorage {
  readonly settings: StorageSettings;
  readonly identity: Identity;
  readonly reason: BootReason;
  readonly epochs: EpochLease;
  /** What the engine found that a clean stop does not leave, in words; empty when nothing. */
  readonly findings: string;
  readonly #directory: DataDirectory;
  readonly #opened: OpenedEngine;
  readonly #keeper: LeaseKeeper;
  readonly #addresses: AddressFile;
  #trees: Uint8Array | undefined;
  #events: EngineEvents | undefined = undefined;
  #leaseRetryAt = 0;
  #isSettled: boolean;
  /** Where the rows go at the end, if they are given up. */
  #aside: string | undefined = undefined;
  /** After it nothing is written any more. */
  #problem: string | undefined = undefined;
  #closing: Promise<void> | undefined = undefined;

  private constructor({ settings, directory, opened, findings, decision, trees }: Parts) {
    const { identity, reason, lease } = decision;
    this.settings = settings;
    this.identity = identity;
    this.reason = reason;
    this.epochs = lease;
    this.findings = findings;
    this.#directory = directory;
    this.#opened = opened;
    this.#trees = trees;
    this.#addresses = new AddressFile(directory.disk);
    this.#isSettled = identity.isSettled;
    this.#keeper = new LeaseKeeper({
      identity,
      lease,
      file: directory.identityFile,
      onTrouble: (trouble) => this.#onTrouble(trouble),
    });
  }

  /** Rejects with a DirectoryError, or with LibraryMissing. */
  static async open(settings: StorageSettings, owner: Owner): Promise<NodeStorage> {
    const directory = openDataDirectory(settings.dir);
    try {
      refuseOtherEngines(directory.path, settings);
      const mark = new PlaceMark(directory);
      // Whose it is, is known before anything in it is touched.
      decide(directory, mark.place, settings, owner, undefined);
      await agreeOnLayout(directory, owner.layout);
      const kept = keptTrees(directory, rowsOf(directory, settings));
      const opened = await openEngine(rowsOf(directory, settings), settings);
      const { mark: rows } = opened;
      const findings = [missing(directory, opened), opened.findings].filter(isSaid).join("; ");
      try {
        const decision = await boot(directory, mark, { rows, findings }, settings, owner);
        const trees = decision.reason === "clean" ? kept : undefined;
        return new NodeStorage({ settings, directory, opened, findings, decision, trees });
      } catch (error) {
        await opened.rest();
        throw error;
      }
    } catch (error) {
      await closed((done) => directory.close(() => done()));
      throw error;
    }
  }

  get #rows(): string {
    return rowsOf(this.#directory, this.settings);
  }

  /** Otherwise its rows may have been put back: see `core/identity/settling.ts`. */
  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** The rows may be believed, from now on and durably. Rejects with a DirectoryError. */
  async settle(): Promise<void> {
    const { path } = this.#directory;
    await written(path, "that its rows are settled", (done) => this.#keeper.settle(done));
    this.#isSettled = true;
  }

  /** When this is closed, the rows are moved out of the way: answers where to. */
  giveUpRows(): string {
    this.#aside ??= nextGivenUp(this.#directory.path, this.settings.engine);
    return this.#aside;
  }

  /** Where rows lie that were given up, also by earlier boots. */
  get givenUp(): readonly string[] {
    return givenUpIn(this.#directory.path);
  }

  get lastScrub(): ScrubResult | undefined {
    return this.#opened.lastScrub;
  }

  /** Once. See `OpenedEngine.begin`. */
  engine(events: EngineEvents, share?: () => number): Engine {
    this.#events = events;
    const own: EngineEvents = {
      completed: (token, answer) => events.completed(token, answer),
      failed: (problem) => this.#fail(problem),
    };
    return this.#opened.begin(own, share);
  }

  /** Where members were when this node met them last: somewhere to ask. */
  get addresses(): readonly string[] {
    return this.#addresses.addresses;
  }

  remember(member: string, address: string): void {
    this.#addresses.remember(member, address);
  }

  /** Of exactly the rows that are there, if a clean stop has left them. Once. */
  takeTrees(): Uint8Array | undefined {
    const trees = this.#trees;
    this.#trees = undefined;
    return trees;
  }

  /** Called at the end of every turn of the host: it costs a comparison. */
  tend(): void {
    if (this.#problem !== undefined || this.#closing !== undefined) return;
    if (!this.epochs.runsLow || performance.now() < this.#leaseRetryAt) return;
    this.#keeper.tend();
  }

  /**
   * Peers have refused this boot for an older one than that of the generation which they know: the
   * directory was set back under the node, or a clock was. It goes on under a new identity at its
   * next start.
   */
  outlived(known: number | undefined, refused: (answer: AppendAnswer) => void): void {
    const { identity } = this;
    const actor = drawnActor();
    const generation = Math.max(identity.generation, known ?? 0, Date.now()) + 1;
    this.#problem = "peers know a younger boot";
    const fresh = { actor, generation, leaseEnd: 1, bootFloor: 0 };
    const doubts = { isClean: false, isSettled: false, hasLaterEra: true } as const;
    this.#directory.identityFile.write({ ...identity, ...fresh, ...doubts }, refused);
  }

  /**
   * After the engine was closed, or has failed. Clean is a stop that leaves nothing in memory
   * alone; then sums of the rows may be kept. It rejects with a DirectoryError when something
   * failed on the way. The first call counts.
   */
  close(isClean: boolean, trees?: Uint8Array): Promise<void> {
    this.#closing ??= this.#close(isClean, trees);
    return this.#closing;
  }

  async #close(isClean: boolean, trees: Uint8Array | undefined): Promise<void> {
    const resting = this.#opened.rest();
    await this.#addresses.close();
    this.#hear(await resting);
    if (isClean && this.#problem === undefined) {
      if (trees !== undefined && isDurableAtRest(this.settings)) {
        await keepTrees(this.#directory, this.identity.generation, this.#rows, trees);
      }
      const { mark } = this.#opened;
      this.#hear(await new Promise((heard) => this.#keeper.stopClean(mark, heard)));
    }
    try {
      const { path } = this.#directory;
      const isWell = this.#problem === undefined;
      if (this.#aside !== undefined && isWell) moveAside(path, this.settings.engine, this.#aside);
    } finally {
      await closed((done) => this.#directory.close(() => done()));
    }
    if (!isClean || this.#problem === undefined) return;
    const problem = `the node did not stop in order: ${this.#problem}`;
    throw new DirectoryError(this.#directory.path, problem, "the next start takes it for a crash");
  }

  #hear(answer: AppendAnswer): void {
    if (answer !== "done" && answer !== "full") this.#fail(answer.problem);
  }

  #onTrouble(trouble: "full" | DiskProblem): void {
    if (trouble === "full") this.#leaseRetryAt = performance.now() + LEASE_RETRY_MS;
    else this.#fail(trouble.problem);
  }

  #fail(problem: string): void {
    if (this.#problem !== undefined) return;
    this.#problem = problem;
    void this.#opened.rest();
    this.#events?.failed(`${problem} (data directory ${this.#directory.path})`);
  }
}

async function boot(
  directory: DataDirectory,
  mark: PlaceMark,
  found: Found,
  settings: StorageSettings,
  owner: Owner,
): Promise<BootDecision> {
  const decision = decide(directory, mark.place, settings, owner, found);
  await forgetTrees(directory);
  // A copy that is tried out elsewhere must not go and find the cluster of the original.
  if (decision.reason === "copied" || decision.reason === "restored") {
    await forgetAddresses(directory);
  }
  await mark.renew();
  const identity = { ...decision.identity, place: mark.place };
  const { identityFile, path } = directory;
  await written(path, "the identity", (done) => identityFile.write(identity, done));
  await mark.settle();
  return { ...decision, identity };
}

function decide(
  { identityFile: { stored }, path }: DataDirectory,
  place: string,
  { restored }: StorageSettings,
  { clusterId, nodeId, layout }: Owner,
  found: Found | undefined,
): BootDecision {
  const storedCluster = stored.kind === "found" ? stored.identity.clusterId : undefined;
  const decision = decideBoot(stored, {
    clusterId: clusterId ?? storedCluster ?? `solo-${randomUUID()}`,
    nodeId,
    freshActor: drawnActor(),
    wallMs: Date.now(),
    place,
    engineLost: found !== undefined && isSaid(found.findings),
    rows: found?.rows,
    layout: layoutDigest(layout),
    restored,
    knownGeneration: undefined,
  });
  if (!("problem" in decision)) return decision;
  throw new DirectoryError(path, decision.problem, "nothing was changed in it");
}

/** LevelDB that does not sync leaves it to the system when its last writes are on the disk. */
function isDurableAtRest({ engine, sync }: StorageSettings): boolean {
  return engine !== "level" || sync === "always";
}

function rowsOf({ path }: DataDirectory, { engine }: StorageSettings): string {
  return join(path, engine);
}

/** What the engine cannot find, because it is not there. */
function missing(
  { identityFile: { stored } }: DataDirectory,
  { isEmpty, mark }: OpenedEngine,
): string {
  if (stored.kind !== "found") return "";
  const { rows, isSettled } = stored.identity;
  // It gave them up, or somebody had enough of them.
  if (isEmpty && !isSettled) return "";
  if (isEmpty && rows?.writes !== 0) return "all its rows are gone";
  return isBehind(mark, rows) ? "its rows are older than the node: they were set back" : "";
}

function isSaid(finding: string): boolean {
  return finding !== "";
}

function refuseOtherEngines(path: string, { engine }: StorageSettings): void {
  const other = ENGINE_KINDS.find((kind) => kind !== engine && existsSync(join(path, kind)));
  if (other === undefined) return;
  const problem = `it was written by the engine ${other}, and the settings name ${engine}`;
  throw new DirectoryError(path, problem, `choose ${other}, or another directory`);
}

function closed(close: (done: () => void) => void): Promise<void> {
  return new Promise(close);
}
