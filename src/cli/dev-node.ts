/**
 * One node of a `dev` cluster: a process that runs `gramme start`, what it says, and its end.
 *
 *     started ──says "ready"──▶ ready ──ends──▶ exited
 *        └────────ends, having said why───────────▲
 *
 * The process has a channel to this one and stops when the channel breaks, so a `dev` that is
 * killed outright leaves nobody behind. What the node remarks is passed on under its name.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { stripVTControlCharacters } from "node:util";
import { CommandError, EXIT } from "./exit-codes.ts";
import { paint, remark } from "./output.ts";

/** A node waits for its open requests when it stops (limits.drainMs); one that hangs is killed. */
const STOP_TIMEOUT_MS = 8_000;
const COMPLAINT = /^(?:error|hint): +/;

export class DevNode {
  readonly id: string;
  readonly address: string;
  /** Resolves when it has said that it is ready; never when it ends before. */
  readonly ready: Promise<void>;
  /** Resolves when the process has ended, also when it never came to be. */
  readonly exited: Promise<void>;
  readonly #words: readonly string[];
  readonly #complaints: string[] = [];
  #process: ChildProcess | undefined = undefined;
  #exitCode: number | null = null;
  #isRunning = true;
  #wasReady = false;
  #isStopping = false;
  #onReady: () => void = () => {};
  #onExited: () => void = () => {};

  constructor(id: string, address: string, words: readonly string[]) {
    this.id = id;
    this.address = address;
    this.#words = ["start", "--id", id, ...words];
    this.ready = new Promise((resolve) => {
      this.#onReady = resolve;
    });
    this.exited = new Promise((resolve) => {
      this.#onExited = resolve;
    });
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  get commandLine(): string {
    return ["gramme", ...this.#words].join(" ");
  }

  /** Once. `onExit` is told how it ended. */
  start(onExit: (how: string) => void): void {
    const words = [...process.execArgv, process.argv[1]!, ...this.#words];
    const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "pipe", "ipc"] });
    this.#process = child;
    createInterface({ input: child.stdout! }).on("line", (line) => {
      if (!line.startsWith("ready ")) return;
      this.#wasReady = true;
      this.#onReady();
    });
    createInterface({ input: child.stderr! }).on("line", (line) => this.#onRemark(line));
    child.once("error", (error) => this.#complaints.push(error.message));
    // Not `exit`: what it remarked last is still to be read then.
    child.once("close", (code, signal) => {
      this.#exitCode = code;
      this.#isRunning = false;
      this.#onExited();
      onExit(signal ?? `exit code ${code}`);
    });
  }

  /** Why it ended before it was ready. */
  failure(): CommandError {
    const [problem = "it ended and said nothing"] = this.#complaints;
    const isRefused = this.#exitCode === EXIT.usage;
    const hint = isRefused ? "choose other ports with --base-port" : "";
    const exitCode = isRefused ? EXIT.usage : EXIT.unavailable;
    return new CommandError(exitCode, `${this.id} could not start: ${problem}`, hint);
  }

  async stop(): Promise<void> {
    if (!this.#isRunning) return;
    this.#isStopping = true;
    this.#process?.kill("SIGTERM");
    const timer = setTimeout(() => this.#process?.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await this.exited;
    clearTimeout(timer);
  }

  #onRemark(line: string): void {
    const plain = stripVTControlCharacters(line);
    if (plain.trim() === "" || this.#isStopping) return;
    // Why it could not start is said once, by whoever asks for the failure.
    if (!this.#wasReady && COMPLAINT.test(plain)) {
      this.#complaints.push(plain.replace(COMPLAINT, ""));
      return;
    }
    remark(`${paint("dim", `${this.id} |`, process.stderr)} ${line}`);
  }
}
