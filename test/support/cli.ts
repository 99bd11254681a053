/**
 * The command line as people run it: real processes of `dist/cli/main.js`, each bounded, each ended
 * by its own pid.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { at, freeBasePort } from "./ports.ts";

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  /** For a verb that has much to do. */
  readonly withinMs?: number;
}

const CLI = fileURLToPath(new URL("../../cli/main.js", import.meta.url));
const RUN_WITHIN_MS = 30_000;
const READY_WITHIN_MS = 30_000;
const STOP_WITHIN_MS = 15_000;

/** Runs a verb to its end. */
export async function gramme(words: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const child = start(words, options.env);
  const said = listen(child);
  child.stdin!.on("error", () => {});
  child.stdin!.end(options.input ?? "");
  const code = await ended(child, options.withinMs ?? RUN_WITHIN_MS);
  return { code, ...said() };
}

/** Runs a verb that must succeed, and parses what it prints. */
export async function grammeJson(words: readonly string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await gramme([...words, "--json"]);
  assert.equal(code, 0, `gramme ${words.join(" ")}: ${stderr}${stdout}`);
  return JSON.parse(stdout) as Record<string, unknown>;
}

/** A verb that goes on: `dev` or `start`. */
export class Running {
  readonly process: ChildProcess;
  /** The line that says it is ready. */
  readyLine = "";
  readonly #said: () => { readonly stdout: string; readonly stderr: string };

  static async start(
    words: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Running> {
    const running = new Running(words, env);
    try {
      await running.#ready();
    } catch (error) {
      running.kill("SIGKILL");
      throw error;
    }
    return running;
  }

  /** Without waiting for anything: a verb that ends by itself, and may be ended before. */
  static watch(words: readonly string[]): Running {
    return new Running(words, {});
  }

  private constructor(words: readonly string[], env: Readonly<Record<string, string>>) {
    this.process = start(words, env);
    this.#said = listen(this.process);
  }

  get stdout(): string {
    return this.#said().stdout;
  }

  get stderr(): string {
    return this.#said().stderr;
  }

  kill(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  /** Ends it in order, and answers the exit code. */
  stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    const code = ended(this.process, STOP_WITHIN_MS);
    this.kill(signal);
    return code;
  }

  async ended(): Promise<number | null> {
    return ended(this.process, STOP_WITHIN_MS);
  }

  #ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      const give = (problem: string): void => reject(new Error(`${problem}: ${this.stderr}`));
      const timer = setTimeout(give, READY_WITHIN_MS, "not ready in time");
      createInterface({ input: this.process.stdout! }).on("line", (line) => {
        if (!line.startsWith("ready ")) return;
        this.readyLine = line;
        clearTimeout(timer);
        resolve();
      });
      this.process.once("exit", (code) => {
        clearTimeout(timer);
        give(`ended with ${code}`);
      });
    });
  }
}

/** `gramme dev` on ports of its own. */
export class Dev {
  readonly running: Running;
  readonly ports: readonly number[];

  static async start(words: readonly string[] = [], nodes = 3): Promise<Dev> {
    const basePort = await freeBasePort(nodes);
    const dir = mkdtempSync(join(tmpdir(), "gramme-dev-"));
    const flags = ["--base-port", `${basePort}`, "--nodes", `${nodes}`, "--dir", dir];
    const running = await Running.start(["dev", ...flags, ...words]);
    running.process.once("exit", () => rmSync(dir, { recursive: true, force: true }));
    return new Dev(running, basePort, nodes);
  }

  private constructor(running: Running, basePort: number, nodes: number) {
    this.running = running;
    this.ports = Array.from({ length: nodes }, (_, index) => basePort + index);
  }

  get addresses(): readonly string[] {
    return this.ports.map(at);
  }

  /** For a client that any of them may serve. */
  get nodeFlags(): readonly string[] {
    return this.addresses.flatMap((address) => ["--node", address]);
  }

  run(words: readonly string[], options: RunOptions = {}): Promise<Ended> {
    return gramme([...words, ...this.nodeFlags], options);
  }

  json(words: readonly string[]): Promise<Record<string, unknown>> {
    return grammeJson([...words, ...this.nodeFlags]);
  }

  /** Of the nodes that are up, by id. */
  async pids(): Promise<ReadonlyMap<string, number>> {
    const { nodes } = (await this.json(["status"])) as {
      readonly nodes: readonly { readonly id: string; readonly pid: number | null }[];
    };
    const pids = new Map<string, number>();
    for (const { id, pid } of nodes) if (pid !== null) pids.set(id, pid);
    return pids;
  }

  /** Ends a node as a power cut would. */
  async killNode(id: string): Promise<void> {
    process.kill((await this.pids()).get(id)!, "SIGKILL");
  }

  async stop(): Promise<void> {
    if (this.running.process.exitCode === null && this.running.process.signalCode === null) {
      await this.running.stop();
    }
  }
}

function start(words: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(GRAMME_|NODE_TEST|FORCE_COLOR|NO_COLOR)/.test(name),
  );
  return spawn(process.execPath, [CLI, ...words], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...Object.fromEntries(inherited), ...env },
  });
}

function listen(child: ChildProcess): () => { readonly stdout: string; readonly stderr: string } {
  const said = { stdout: "", stderr: "" };
  child.stdout!.setEncoding("utf8").on("data", (text: string) => (said.stdout += text));
  child.stderr!.setEncoding("utf8").on("data", (text: string) => (said.stderr += text));
  return () => ({ ...said });
}

/** The exit code. A process that does not end in time is killed, and fails the test. */
function ended(child: ChildProcess, withinMs: number): Promise<number | null> {
  return new Promise((resolve, reject) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve(child.exitCode);
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error(`it did not end within ${withinMs} ms`));
    }, withinMs);
    child.once("close", (code) => {
      clearTimeout(timer);
      resolve(code);
    });
  });
}
