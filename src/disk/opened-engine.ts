/**
 * An engine that was opened and not begun: what it holds is known, and who hears its events is not.
 */
import { randomBytes } from "node:crypto";
import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Engine, EngineEvents } from "../core/storage/engine.ts";
import type { DiskProblem } from "../core/storage/disk.ts";
import type { StoreMark } from "../core/storage/store-mark.ts";
import { LogEngine } from "../core/storage/log/log-engine.ts";
import type { LogOptions } from "../core/storage/log/log-options.ts";
import { USUAL_LOG_SIZES } from "../core/storage/log/log-options.ts";
import type { LogFindings, RecoveredLog } from "../core/storage/log/log-recovery.ts";
import { recoverLog } from "../core/storage/log/log-recovery.ts";
import { RESERVE_FILE } from "../core/storage/log/reserve.ts";
import { DirectoryError } from "./directory-error.ts";
import type { ScrubResult } from "../core/storage/log/scrub.ts";
import { FileDisk } from "./file-disk.ts";
import { LevelEngine } from "./level-engine.ts";
import { LibraryMissing } from "./library-engine-missing.ts";
import { LmdbEngine } from "./lmdb-engine.ts";
import type { LibraryEngine, OpenedLibrary } from "./opened-library.ts";
import { makeDirectory } from "./make-directory.ts";
import { codeOf, textOf } from "./system-error.ts";
import type { StorageSettings } from "./storage-settings.ts";

export interface OpenedEngine {
  /** What is not as a clean stop leaves it, in words; empty when nothing. */
  readonly findings: string;
  /** How far the rows have come: as they were found, later as the engine has left them. */
  readonly mark: StoreMark;
  /** Nobody ever wrote to it. */
  readonly isEmpty: boolean;
  /** What the last scrub found that came to its end; nothing before, or where there is none. */
  readonly lastScrub: ScrubResult | undefined;
  /**
   * Once. What can wait is done at the share of its usual pace that `share` says: above 0, at most
   * 1, which it is when nobody says. It is not asked before this has returned.
   */
  begin(events: EngineEvents, share?: () => number): Engine;
  /**
   * The engine was closed, or has failed, or will not begin: nothing is done any more, and when
   * this is kept nothing of it is under way. May be called again.
   */
  rest(): Promise<"done" | DiskProblem>;
}

/** In which the system counts the room of a file, whatever the file system does. */
const BLOCK_BYTES = 512;
/** What can wait is done in slices, so often and so much when there is something to do … */
const BUSY_MS = 10;
const SLICE_BYTES = 512 * 1024;
/** … and looked for so often when there was nothing. */
const IDLE_MS = 250;
/** From the end of one look at everything that rests on the disk to the beginning of the next. */
const SCRUB_EVERY_MS = 24 * 60 * 60 * 1000;

export function openEngine(path: string, settings: StorageSettings): Promise<OpenedEngine> {
  switch (settings.engine) {
    case "log":
      return openLog(path, settings);
    case "lmdb":
      return openLibrary(path, LmdbEngine.open(path));
    case "level":
      return openLibrary(path, LevelEngine.open(path, { sync: settings.sync }));
  }
}

async function openLibrary(path: string, opening: Promise<OpenedLibrary>): Promise<OpenedEngine> {
  const opened = await opening.catch((error: unknown) => {
    if (error instanceof LibraryMissing) throw error;
    // Libraries say little: often it is a disk without room, or a file that is damaged.
    const { cause } = error as { readonly cause?: unknown };
    const said = cause instanceof Error ? `${textOf(error)}: ${cause.message}` : textOf(error);
    const hint = "make room there, or look at its files";
    throw new DirectoryError(path, `its engine cannot open it (${said})`, hint, error);
  });
  let engine: LibraryEngine | undefined = undefined;
  return {
    findings: "",
    lastScrub: undefined,
    isEmpty: opened.isEmpty,
    get mark(): StoreMark {
      return (engine ?? opened).mark;
    },
    begin: (events) => (engine = opened.begin(events)),
    // An engine that closes the library hears by itself how that went.
    rest: async () => {
      await opened.close().catch(() => {});
      return "done";
    },
  };
}

async function openLog(path: string, settings: StorageSettings): Promise<OpenedEngine> {
  removeHoles(join(makeDirectory(path), RESERVE_FILE));
  const disk = new FileDisk(path);
  const options = logOptions(settings);
  const log = await new Promise<RecoveredLog | { readonly problem: string }>((recovered) => {
    recoverLog(disk, options, recovered);
  });
  if ("problem" in log) {
    await new Promise((done) => disk.close(done));
    throw new DirectoryError(path, log.problem, "put that right, then start again");
  }
  return new OpenedLog(disk, options, log, settings);
}

/** A copy of the reserve may have its length and none of its room: then it is taken anew. */
function removeHoles(reserve: string): void {
  try {
    const { size, blocks } = statSync(reserve);
    if (blocks * BLOCK_BYTES < size) rmSync(reserve);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return;
    throw DirectoryError.of(reserve, "look at it", error);
  }
}

function logOptions({
  sync,
  segmentBytes,
  reserveBytes,
  recentBytes,
}: StorageSettings): LogOptions {
  const drawn = randomBytes(16);
  return {
    sync: sync === "always" ? "always" : "later",
    segmentBytes,
    reserveBytes,
    recentBytes,
    chunkBytes: USUAL_LOG_SIZES.chunkBytes,
    hashSecret: { high: drawn.readInt32BE(0), low: drawn.readInt32BE(4) },
    newStore: new Uint8Array(drawn.subarray(8)),
  };
}

class OpenedLog implements OpenedEngine {
  readonly findings: string;
  lastScrub: ScrubResult | undefined = undefined;
  readonly #disk: FileDisk;
  readonly #options: LogOptions;
  readonly #log: RecoveredLog;
  readonly #settings: StorageSettings;
  #engine: LogEngine | undefined = undefined;
  #worker: NodeJS.Timeout | undefined = undefined;
  #syncer: NodeJS.Timeout | undefined = undefined;
  #scrubber: NodeJS.Timeout | undefined = undefined;
  #resting: Promise<"done" | DiskProblem> | undefined = undefined;

  constructor(disk: FileDisk, options: LogOptions, log: RecoveredLog, settings: StorageSettings) {
    this.findings = describe(log.findings);
    this.#disk = disk;
    this.#options = options;
    this.#log = log;
    this.#settings = settings;
  }

  get mark(): StoreMark {
    const { store, sequence } = this.#log;
    return this.#engine?.mark ?? { store, writes: sequence };
  }

  get isEmpty(): boolean {
    return this.#log.segments.last === undefined;
  }

  begin(events: EngineEvents, share: () => number = () => 1): Engine {
    const engine = new LogEngine(this.#disk, this.#options, this.#log, events);
    this.#engine = engine;
    const work = (): void => {
      const afterMs = engine.work(SLICE_BYTES) ? BUSY_MS / share() : IDLE_MS;
      this.#worker = setTimeout(work, afterMs).unref();
    };
    this.#worker = setTimeout(work, BUSY_MS).unref();
    const scrub = (): void => {
      engine.scrub((result) => {
        this.lastScrub = result;
        this.#scrubber = setTimeout(scrub, SCRUB_EVERY_MS).unref();
      });
    };
    scrub();
    if (this.#settings.sync === "interval") {
      this.#syncer = setInterval(() => engine.sync(), this.#settings.syncIntervalMs).unref();
    }
    return engine;
  }

  rest(): Promise<"done" | DiskProblem> {
    clearTimeout(this.#worker);
    clearInterval(this.#syncer);
    clearTimeout(this.#scrubber);
    this.#resting ??= new Promise((closed) => this.#disk.close(closed));
    return this.#resting;
  }
}

function describe({ tornBytes, damagedRows, lostPlaces }: LogFindings): string {
  const parts = [
    tornBytes > 0 ? `${tornBytes} bytes of an unfinished write were cut off` : "",
    damagedRows > 0 ? `${damagedRows} rows are damaged` : "",
    lostPlaces > 0 ? `records of unknown keys were lost in ${lostPlaces} places` : "",
  ];
  return parts.filter((part) => part !== "").join("; ");
}
