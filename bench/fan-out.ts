/**
 * The ceilings: what a quorum operation costs when nodes neither think nor store.
 *
 *     put   client ─ ask ─▶ coordinator ─ write ─▶ two others ─ written ─▶ coordinator
 *     get   client ─ ask ─▶ coordinator ─ read ──▶ one other ── same ────▶ coordinator
 *                  client ◀─ answer, with the first of these ─────────────┘
 *
 * Three processes and a client, over the same frame sockets with one write a turn, and frames of
 * the same kinds and lengths as real ones. Each node coordinates a third, as when a client knows
 * the layout. *Coded*, every message is decoded and encoded, and nothing else: the share of this
 * that a cluster reaches is what its logic and its engine leave. *Copied*, not even that happens:
 * what Node.js and the kernel need to move so many bytes.
 */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { FrameHandler, Plant } from "#src/socket/frame-socket.ts";
import { FrameSocket } from "#src/socket/frame-socket.ts";
import { Turn } from "#src/socket/turn.ts";
import { WriterPool } from "#src/socket/writer-pool.ts";
import type { Coding, FanOutOperation } from "./fan-out-frames.ts";
import { CLIENT_INDEX, FRAME_LIMIT, NODE_COUNT } from "./fan-out-frames.ts";
import { connected, FanOutFrames, introduce } from "./fan-out-frames.ts";

export interface CeilingOptions {
  readonly operation: FanOutOperation;
  readonly coding: Coding;
  readonly valueBytes: number;
  readonly inFlight: number;
  readonly seconds: number;
}

export interface CeilingResult extends CeilingOptions {
  readonly operationsPerSecond: number;
  /** Of all four processes together. */
  readonly cpuMicrosPerOperation: number;
  readonly meanLatencyMs: number;
}

const WARM_UP_SECONDS = 1;

export async function runCeiling(options: CeilingOptions): Promise<CeilingResult> {
  const nodes = Array.from({ length: NODE_COUNT }, (_, index) => startChild(index, options));
  try {
    const ports = await Promise.all(nodes.map((node) => nextMessage<number>(node)));
    for (const node of nodes) node.send(ports);
    await Promise.all(nodes.map((node) => nextMessage(node)));
    return await drive(nodes, ports, options);
  } finally {
    for (const node of nodes) node.kill();
  }
}

async function drive(
  nodes: readonly ChildProcess[],
  ports: readonly number[],
  options: CeilingOptions,
): Promise<CeilingResult> {
  const client = new CeilingClient(options);
  await client.connect(ports);
  await client.run(WARM_UP_SECONDS);
  const cpuBefore = await cpuMicros(nodes);
  const startedAt = performance.now();
  const operations = await client.run(options.seconds);
  const elapsedMs = performance.now() - startedAt;
  const cpuAfter = await cpuMicros(nodes);
  client.close();
  return {
    ...options,
    operationsPerSecond: Math.round((operations / elapsedMs) * 1_000),
    cpuMicrosPerOperation: (cpuAfter - cpuBefore) / operations,
    meanLatencyMs: (options.inFlight * elapsedMs) / operations,
  };
}

function startChild(index: number, options: CeilingOptions): ChildProcess {
  const path = fileURLToPath(new URL("./fan-out-node.js", import.meta.url));
  const { operation, valueBytes, coding } = options;
  return fork(path, [`${index}`, operation, `${valueBytes}`, coding]);
}

function nextMessage<T>(node: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    node.once("message", (message) => resolve(message as T));
    node.once("exit", (code) => reject(new Error(`a node of the ceiling ended with ${code}`)));
  });
}

async function cpuMicros(nodes: readonly ChildProcess[]): Promise<number> {
  const answers = nodes.map((node) => nextMessage<number>(node));
  for (const node of nodes) node.send("cpu");
  const own = process.cpuUsage();
  return (await Promise.all(answers)).reduce((sum, micros) => sum + micros, own.user + own.system);
}

class CeilingClient implements FrameHandler {
  readonly #frames: FanOutFrames;
  readonly #inFlight: number;
  readonly #plant: Plant = { turn: new Turn(), pool: new WriterPool() };
  readonly #connections: FrameSocket[] = [];
  #doneCount = 0;
  #openCount = 0;
  #next = 0;
  #isRunning = false;
  #onIdle: () => void = () => {};

  constructor({ operation, valueBytes, inFlight, coding }: CeilingOptions) {
    this.#frames = new FanOutFrames(operation, valueBytes, coding);
    this.#inFlight = inFlight;
  }

  async connect(ports: readonly number[]): Promise<void> {
    for (const port of ports) {
      const frames = new FrameSocket(await connected(port), this, this.#plant);
      frames.reader.limit = FRAME_LIMIT;
      introduce(frames, CLIENT_INDEX);
      this.#connections.push(frames);
    }
  }

  /** Keeps so many in flight for so long, waits for the last; answers how many were done. */
  run(seconds: number): Promise<number> {
    this.#doneCount = 0;
    this.#isRunning = true;
    for (let count = 0; count < this.#inFlight; count++) this.#ask();
    setTimeout(() => (this.#isRunning = false), seconds * 1_000);
    return new Promise((resolve) => {
      this.#onIdle = () => resolve(this.#doneCount);
    });
  }

  close(): void {
    for (const connection of this.#connections) connection.destroy("done");
  }

  onFrame(kind: number, bytes: Uint8Array, start: number, end: number): boolean {
    this.#frames.idOf(kind, bytes, start, end);
    this.#doneCount++;
    this.#openCount--;
    if (this.#isRunning) this.#ask();
    else if (this.#openCount === 0) this.#onIdle();
    return true;
  }

  onWritten(): void {}

  onClose(): void {}

  #ask(): void {
    this.#openCount++;
    this.#next = (this.#next + 1) % NODE_COUNT;
    this.#frames.send(this.#connections[this.#next]!, this.#frames.ask, this.#openCount);
  }
}
