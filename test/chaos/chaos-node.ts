/**
 * One node: a process of `gramme start` in a namespace and on a disk of its own.
 *
 *     seat 2   namespace gramme-chaos-PID-s2, 10.213.0.12:7400
 *     disk     a tmpfs of a few MiB: `data` is the node's, `ballast` fills it up
 *
 * The process has a channel to this one: when this one dies without a word, the node stops by
 * itself. Every end that nobody here asked for is kept as a problem, with what the node said.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, rmSync, statfsSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { addressOf } from "./link-condition.ts";

const CLI = fileURLToPath(new URL("../../cli/main.js", import.meta.url));
const SLOW_DISK = new URL("slow-disk.js", import.meta.url).href;
const STORAGE_EXIT = 5;
const PORT = 7_400;
const KIB = 1024;
export const DISK_MIB = 24;
const UNEXPLAINED = /damaged|were lost|new identity|under a new one|refused by|state is unknown/;
/** Small, so that segments are sealed and compacted all the time, and a full disk is soon felt. */
const SIZES = [
  ...["--set", `storage.segmentBytes=${64 * KIB}`],
  ...["--set", `storage.reserveBytes=${64 * KIB}`],
];

export interface NodePlace {
  readonly seat: number;
  readonly seats: number;
  readonly namespace: string;
  readonly disk: string;
}

export class ChaosNode {
  readonly place: NodePlace;
  /** What all lives of it have said on stderr. */
  told = "";
  /** Ends that nobody asked for. */
  readonly problems: string[] = [];
  /** A disk without room may end it. */
  isFull = false;
  /** Called whenever its process has ended, however that came. */
  onEnd: (() => void) | undefined = undefined;
  #child: ChildProcess | undefined = undefined;
  #isExpectedToEnd = false;

  constructor(place: NodePlace) {
    this.place = place;
  }

  get id(): string {
    return `n${this.place.seat}`;
  }

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  /** Does not wait until it is ready: it cannot be, while the others are away. */
  start(): void {
    const { namespace, seat, seats } = this.place;
    const peers = Array.from({ length: seats }, (_, each) => `n${each}=${nodeAddress(each)}`);
    const words = [
      ...["start", "--id", this.id, "--listen", nodeAddress(seat), "--peers", peers.join(",")],
      ...["--dir", this.#directory, "--engine", "log", "--sync", "always", ...SIZES],
    ];
    const program = [process.execPath, "--import", SLOW_DISK, CLI, ...words];
    const child = spawn("ip", ["netns", "exec", namespace, ...program], {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      env: ownEnvironment(),
    });
    this.#child = child;
    this.#isExpectedToEnd = false;
    child.on("error", (error) => this.problems.push(`${this.id}: ${error.message}`));
    child.stderr!.setEncoding("utf8").on("data", (text: string) => (this.told += text));
    child.once("exit", (code, signal) => this.#onExit(child, code, signal));
  }

  /** Answers when it is gone. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** In order. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  pause(): void {
    this.#child?.kill("SIGSTOP");
  }

  resume(): void {
    this.#child?.kill("SIGCONT");
  }

  /** 0 for as fast as the disk is. A node that starts later knows nothing of it. */
  slowSyncs(syncMs: number): void {
    const child = this.#child;
    if (child?.connected === true) child.send({ syncMs }, () => {});
  }

  get roomBytes(): number {
    const { bavail, bsize } = statfsSync(this.place.disk);
    return bavail * bsize;
  }

  /** Leaves so much room, and may be called again. */
  fill(leftBytes: number): void {
    this.isFull = true;
    const file = openSync(join(this.place.disk, "ballast"), "a");
    const piece = new Uint8Array(64 * KIB);
    try {
      for (let left = this.roomBytes - leftBytes; left > 0; left -= piece.length) {
        writeSync(file, piece, 0, Math.min(left, piece.length));
      }
    } catch (error) {
      // Others write as well: there is no room now, and that is what was wanted.
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    } finally {
      closeSync(file);
    }
  }

  empty(): void {
    rmSync(join(this.place.disk, "ballast"), { force: true });
    this.isFull = false;
  }

  removeData(): void {
    rmSync(this.#directory, { recursive: true });
  }

  /** What it said that no fault of these explains: no disk was damaged, and none was swapped. */
  doubts(): readonly string[] {
    const lines = this.told.split("\n").filter((line) => UNEXPLAINED.test(line));
    return lines.map((line) => `${this.id} said: ${line}`);
  }

  /** For the very end: whatever state it is in. */
  destroy(): void {
    this.#isExpectedToEnd = true;
    this.#child?.kill("SIGKILL");
  }

  get #directory(): string {
    return join(this.place.disk, "data");
  }

  #end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const child = this.#child;
    if (child === undefined) return Promise.resolve();
    this.#isExpectedToEnd = true;
    return new Promise((resolve) => {
      child.once("exit", () => resolve());
      child.kill(signal);
    });
  }

  #onExit(child: ChildProcess, code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#child === child) this.#child = undefined;
    this.onEnd?.();
    if (this.#isExpectedToEnd && (signal !== null || code === 0)) return;
    if (this.isFull && code === STORAGE_EXIT) return;
    const last = this.told.trimEnd().split("\n").slice(-6).join(" | ");
    this.problems.push(`${this.id} ended by itself with ${code ?? signal}: ${last}`);
  }
}

export function nodeAddress(seat: number): string {
  return `${addressOf(seat)}:${PORT}`;
}

/** Nothing of the shell around the run reaches its processes. */
export function ownEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => {
    return !/^(GRAMME_|NODE_TEST|NODE_OPTIONS|FORCE_COLOR|NO_COLOR)/.test(name);
  });
  return Object.fromEntries(kept);
}
