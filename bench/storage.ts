/**
 * The log engine against LMDB used directly, and against Redis with `appendfsync always`: durable
 * writes, many writers at once, every answer after a sync that covers it.
 *
 * All three write rows of one size over the same keys, in turns, on one file system. The engine and
 * LMDB are libraries, called from this process; Redis is a server of its own, reached by
 * `redis-benchmark` over loopback, which both costs it the network and gives it a second core. So
 * the ratio to LMDB is the result, and that to Redis says where a store that many know stands.
 * Without a Redis server on this machine its column is empty, and says so.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { open as openLmdb } from "lmdb";
import { keyOf, type Key } from "#src/core/ring/key.ts";
import type { Engine } from "#src/core/storage/engine.ts";
import { openEngine, type OpenedEngine } from "#src/disk/opened-engine.ts";
import { STORAGE_DEFAULTS } from "#src/disk/storage-settings.ts";
import { columns, measuredOf, type Measured } from "./record.ts";

export interface StorageCell {
  readonly valueBytes: number;
  readonly writers: number;
  readonly logPerSecond: Measured;
  readonly lmdbPerSecond: Measured;
  readonly redisPerSecond: Measured | undefined;
  /** Written to the device for each byte of rows and keys. */
  readonly logWritten: number;
  readonly lmdbWritten: number;
}

export interface StorageReads {
  readonly hitNanoseconds: number;
  readonly missNanoseconds: number;
  readonly lmdbHitNanoseconds: number;
}

/** After the end of a process that did not close its store of a million rows. */
export interface StorageStart {
  readonly keys: number;
  readonly seconds: number;
  /** In memory, beside the bytes of the key itself. */
  readonly bytesPerKey: number;
}

export interface StorageResults {
  readonly cells: readonly StorageCell[];
  readonly reads: StorageReads;
  readonly start: StorageStart;
  /** Of the loop of the process, while it overwrites and compacts. */
  readonly stallMs: { readonly p99: number; readonly max: number };
}

/** Of a line in /proc/diskstats. */
const SECTORS_WRITTEN = 9;
const SECTOR_BYTES = 512;
/** The reserve is written once in the life of a store: not while something is measured. */
const SETTINGS = { ...STORAGE_DEFAULTS, reserveBytes: 64 * 1024 };
const KEYS = 100_000;
const PARTITIONS = 256;
const WARM_UP_SECONDS = 0.5;
const STALL_SECONDS = 5;
const REDIS_READY_WITHIN_MS = 5_000;
const CHILD_TIMEOUT_MS = 60_000;
const KEY_NAMES: readonly Key[] = Array.from({ length: KEYS }, (_, index) =>
  keyOf("bench", `key:${String(index).padStart(12, "0")}`),
);

export async function benchStorage(plan: {
  readonly rounds: number;
  readonly seconds: number;
}): Promise<StorageResults> {
  const directory = mkdtempSync(join(tmpdir(), "gramme-bench-"));
  try {
    const redis = await Redis.start(join(directory, "redis"));
    try {
      const start = await measureStart(join(directory, "start"));
      const cells: StorageCell[] = [];
      for (const valueBytes of [100, 1024]) {
        for (const writers of [64, 256]) {
          const cell = await measureCell(directory, redis, { ...plan, valueBytes, writers });
          console.error(summary(cell));
          cells.push(cell);
        }
      }
      return { cells, start, ...(await measureReads(directory)) };
    } finally {
      redis?.stop();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

export function showStorage({ cells, reads, start, stallMs }: StorageResults): string {
  const head = ["durable writes", "log/s", "spread", "lmdb/s", "× lmdb", "redis/s", "× redis"];
  const rows = cells.map((cell) => [
    name(cell),
    rate(cell.logPerSecond),
    spread(cell.logPerSecond),
    rate(cell.lmdbPerSecond),
    (cell.logPerSecond.median / cell.lmdbPerSecond.median).toFixed(2),
    cell.redisPerSecond === undefined ? "no server" : rate(cell.redisPerSecond),
    cell.redisPerSecond === undefined
      ? ""
      : (cell.logPerSecond.median / cell.redisPerSecond.median).toFixed(2),
  ]);
  const written = cells.map((cell) => {
    return `${name(cell)}: ${cell.logWritten.toFixed(1)} (lmdb ${cell.lmdbWritten.toFixed(1)})`;
  });
  const { hitNanoseconds, lmdbHitNanoseconds, missNanoseconds } = reads;
  const bytesPerKey = Math.round(start.bytesPerKey);
  return [
    columns([head, ...rows]),
    "",
    `bytes written for a byte stored   ${written.join(", ")}`,
    `get: hit ${hitNanoseconds} ns (lmdb ${lmdbHitNanoseconds}), miss ${missNanoseconds} ns`,
    `start after a kill: ${start.keys} rows in ${start.seconds.toFixed(2)} s`,
    `memory: ${bytesPerKey} bytes for each key beside the key`,
    `stalls of the loop while compacting: p99 ${stallMs.p99.toFixed(1)} ms`,
    `longest stall: ${stallMs.max.toFixed(1)} ms`,
  ].join("\n");
}

interface Load {
  readonly rounds: number;
  readonly seconds: number;
  readonly valueBytes: number;
  readonly writers: number;
}

async function measureCell(
  directory: string,
  redis: Redis | undefined,
  load: Load,
): Promise<StorageCell> {
  const rates = { log: [] as number[], lmdb: [] as number[], redis: [] as number[] };
  const written = { log: [] as number[], lmdb: [] as number[] };
  for (let round = 0; round < load.rounds; round++) {
    const path = join(directory, `round-${load.valueBytes}-${load.writers}-${round}`);
    const turns = [
      async (): Promise<void> => {
        const done = await logWrites(`${path}-log`, load);
        rates.log.push(done.perSecond);
        written.log.push(done.written);
      },
      async (): Promise<void> => {
        const done = await lmdbWrites(`${path}-lmdb`, load);
        rates.lmdb.push(done.perSecond);
        written.lmdb.push(done.written);
      },
      async (): Promise<void> => {
        if (redis !== undefined) rates.redis.push(await redis.writes(load));
      },
    ];
    for (const turn of round % 2 === 0 ? turns : turns.toReversed()) await turn();
  }
  return {
    valueBytes: load.valueBytes,
    writers: load.writers,
    logPerSecond: measuredOf(rates.log),
    lmdbPerSecond: measuredOf(rates.lmdb),
    redisPerSecond: redis === undefined ? undefined : measuredOf(rates.redis),
    logWritten: measuredOf(written.log).median,
    lmdbWritten: measuredOf(written.lmdb).median,
  };
}

interface Done {
  readonly perSecond: number;
  readonly written: number;
}

/** Each writer writes again when its last write is durable, as coordinators of a node do. */
async function writes(
  { seconds, valueBytes, writers }: Load,
  write: (index: number, row: Uint8Array, done: () => void) => void,
): Promise<Done> {
  const row = new Uint8Array(valueBytes).fill(65);
  let count = 0;
  let endAt = Infinity;
  const run = (forSeconds: number): Promise<void> =>
    new Promise((finished) => {
      let running = writers;
      endAt = performance.now() + forSeconds * 1000;
      const next = (): void => {
        if (performance.now() >= endAt) {
          if (--running === 0) finished();
          return;
        }
        // A stride over all keys that meets each before it meets one again.
        write((count++ * 7919) % KEYS, row, next);
      };
      for (let writer = 0; writer < writers; writer++) next();
    });
  await run(WARM_UP_SECONDS);
  const before = { count, bytes: writtenBytes() };
  const startedAt = performance.now();
  await run(seconds);
  const elapsedSeconds = (performance.now() - startedAt) / 1000;
  const wrote = count - before.count;
  const stored = wrote * (valueBytes + KEY_NAMES[0]!.length);
  return { perSecond: wrote / elapsedSeconds, written: (writtenBytes() - before.bytes) / stored };
}

class LogStore {
  readonly engine: Engine;
  readonly #opened: OpenedEngine;
  readonly #waiting: Map<number, () => void> = new Map();
  #token = 0;
  #isFlushDue = false;

  static async open(path: string): Promise<LogStore> {
    return new LogStore(await openEngine(path, { ...SETTINGS, dir: path }));
  }

  private constructor(opened: OpenedEngine) {
    this.#opened = opened;
    this.engine = opened.begin({
      completed: (token) => {
        const done = this.#waiting.get(token)!;
        this.#waiting.delete(token);
        done();
      },
      failed: (problem) => {
        throw new Error(problem);
      },
    });
  }

  write(index: number, row: Uint8Array, done: () => void): void {
    this.#waiting.set(++this.#token, done);
    const key = KEY_NAMES[index]!;
    this.engine.write([{ partition: index % PARTITIONS, key, row }], this.#token);
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    setImmediate(() => {
      this.#isFlushDue = false;
      this.engine.flush();
    });
  }

  async close(): Promise<void> {
    await new Promise<void>((closed) => this.engine.close(closed));
    await this.#opened.rest();
  }
}

async function logWrites(path: string, load: Load): Promise<Done> {
  const store = await LogStore.open(path);
  const done = await writes(load, (index, row, next) => store.write(index, row, next));
  await store.close();
  return done;
}

async function lmdbWrites(path: string, load: Load): Promise<Done> {
  const database = openLmdb<Uint8Array, string>({ path, encoding: "binary" });
  const done = await writes(load, (index, row, next) => {
    void database
      .put(KEY_NAMES[index]!, row)
      .then(() => database.flushed)
      .then(next);
  });
  await database.close();
  return done;
}

async function measureReads(
  directory: string,
): Promise<{ reads: StorageReads; stallMs: { p99: number; max: number } }> {
  const store = await LogStore.open(join(directory, "reads-log"));
  const database = openLmdb<Uint8Array, string>({
    path: join(directory, "reads-lmdb"),
    encoding: "binary",
  });
  const row = new Uint8Array(1024).fill(65);
  await database.transaction(() => {
    for (const key of KEY_NAMES) void database.put(key, row);
  });
  const load = { rounds: 1, seconds: 3, valueBytes: 1024, writers: 256 };
  await writes(load, (index, bytes, next) => store.write(index, bytes, next));
  const hit = perCall((index) => store.engine.get(index % PARTITIONS, KEY_NAMES[index]!));
  const lmdbHit = perCall((index) => database.getBinaryFast(KEY_NAMES[index]!));
  const absent = KEY_NAMES.map((key) => `${key}?` as Key);
  const miss = perCall((index) => store.engine.get(index % PARTITIONS, absent[index]!));
  const stalls = monitorEventLoopDelay({ resolution: 1 });
  stalls.enable();
  const busy = { rounds: 1, seconds: STALL_SECONDS, valueBytes: 1024, writers: 64 };
  await writes(busy, (index, bytes, next) => store.write(index, bytes, next));
  stalls.disable();
  await store.close();
  await database.close();
  const stallMs = { p99: stalls.percentile(99) / 1e6, max: stalls.max / 1e6 };
  return {
    reads: { hitNanoseconds: hit, missNanoseconds: miss, lmdbHitNanoseconds: lmdbHit },
    stallMs,
  };
}

/** In a process of its own, which is ended by SIGKILL: nothing is closed in order. */
async function measureStart(path: string): Promise<StorageStart> {
  const filler = fileURLToPath(new URL("./storage-fill.js", import.meta.url));
  const { signal } = await ended(spawn(process.execPath, [filler, path], { stdio: "inherit" }));
  if (signal !== "SIGKILL") throw new Error("the store was not filled");
  const before = process.memoryUsage();
  const startedAt = performance.now();
  const store = await LogStore.open(path);
  const seconds = (performance.now() - startedAt) / 1000;
  const after = process.memoryUsage();
  const { keys } = store.engine.stats();
  const keyBytes = KEY_NAMES[0]!.length;
  const grown = after.arrayBuffers - before.arrayBuffers;
  await store.close();
  return { keys, seconds, bytesPerKey: grown / keys - keyBytes };
}

function ended(child: ChildProcess): Promise<{ readonly signal: NodeJS.Signals | null }> {
  return new Promise((resolve) => child.once("exit", (_code, signal) => resolve({ signal })));
}

function perCall(call: (index: number) => unknown): number {
  const rounds = 200_000;
  let best = Infinity;
  for (let trial = 0; trial < 3; trial++) {
    const startedAt = performance.now();
    for (let i = 0; i < rounds; i++) call((i * 7919) % KEYS);
    best = Math.min(best, ((performance.now() - startedAt) / rounds) * 1e6);
  }
  return Math.round(best);
}

class Redis {
  readonly #port: number;
  readonly #stop: () => void;

  /** Nothing when there is no server on this machine. */
  static async start(path: string): Promise<Redis | undefined> {
    try {
      await promisify(execFile)("redis-server", ["--version"]);
    } catch {
      return undefined;
    }
    const port = await freePort();
    mkdirSync(path);
    const flags = ["--port", `${port}`, "--dir", path, "--save", "", "--appendonly", "yes"];
    const server = spawn("redis-server", [...flags, "--appendfsync", "always"], {
      stdio: "ignore",
    });
    const redis = new Redis(port, () => server.kill("SIGTERM"));
    const deadline = performance.now() + REDIS_READY_WITHIN_MS;
    while (performance.now() < deadline) {
      try {
        await promisify(execFile)("redis-cli", ["-p", `${port}`, "ping"]);
        return redis;
      } catch {
        await sleep(50);
      }
    }
    redis.stop();
    throw new Error("redis-server does not answer");
  }

  private constructor(port: number, stop: () => void) {
    this.#port = port;
    this.#stop = stop;
  }

  async writes({ seconds, valueBytes, writers }: Load): Promise<number> {
    const run = async (count: number): Promise<number> => {
      const flags = ["-p", `${this.#port}`, "-t", "set", "-r", `${KEYS}`, "--csv"];
      const sizes = ["-n", `${count}`, "-c", `${writers}`, "-d", `${valueBytes}`];
      const { stdout } = await promisify(execFile)("redis-benchmark", [...flags, ...sizes], {
        timeout: CHILD_TIMEOUT_MS,
      });
      return Number(/"SET","([0-9.]+)"/.exec(stdout)?.[1]);
    };
    const perSecond = await run(5_000);
    return run(Math.max(5_000, Math.round(perSecond * seconds)));
  }

  stop(): void {
    this.#stop();
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const bound = server.address();
  await new Promise((closed) => server.close(closed));
  if (typeof bound === "object" && bound !== null) return bound.port;
  throw new Error("no free port");
}

/**
 * To the device of temporary files, by everybody: what the system counts for a process is whole
 * pages of its cache, and those can be a thousand times as long as what was written to them.
 */
function writtenBytes(): number {
  const { dev } = statSync(tmpdir());
  const major = (dev >> 8) & 0xfff;
  const minor = (dev & 0xff) | ((dev >> 12) & 0xfff00);
  const lines = readFileSync("/proc/diskstats", "utf8").split("\n");
  const fields = lines.map((line) => line.trim().split(/\s+/));
  const device = fields.find(([first, second]) => first === `${major}` && second === `${minor}`);
  return Number(device?.[SECTORS_WRITTEN] ?? 0) * SECTOR_BYTES;
}

function name({ valueBytes, writers }: StorageCell): string {
  return `${valueBytes} B, ${writers} writers`;
}

function summary(cell: StorageCell): string {
  const times = cell.logPerSecond.median / cell.lmdbPerSecond.median;
  return `${name(cell)}: ${rate(cell.logPerSecond)} writes/s, ${times.toFixed(2)} × LMDB`;
}

function rate({ median }: Measured): string {
  return String(Math.round(median));
}

function spread({ median, lowest, highest }: Measured): string {
  return `±${Math.round(((highest - lowest) / median) * 50)} %`;
}
