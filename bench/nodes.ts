/**
 * Three nodes of a cluster on this machine, each a process of `gramme start`, which can be killed
 * and started again where it was.
 *
 * Each has a channel to this process, which ends it when this one ends, however it does.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface Nodes {
  readonly addresses: readonly string[];
  readonly processes: readonly NodeProcess[];
  stop(): Promise<void>;
}

export const CLI: string = fileURLToPath(new URL("../cli/main.js", import.meta.url));
const NODE_COUNT = 3;
const READY_WITHIN_MS = 20_000;
const STOP_WITHIN_MS = 10_000;

/** In memory, or each in a directory of its own below this one. */
export async function startNodes(dir?: string): Promise<Nodes> {
  const ports = await freePorts(NODE_COUNT);
  const members = ports.map((port, index) => ({ id: `n${index}`, address: `127.0.0.1:${port}` }));
  const peers = members.map(({ id, address }) => `${id}=${address}`).join(",");
  const processes = members.map(({ id, address }) => {
    const kept = dir === undefined ? [] : ["--dir", join(dir, id)];
    return new NodeProcess(id, ["--id", id, "--listen", address, "--peers", peers, ...kept]);
  });
  const stop = async (): Promise<void> => {
    await Promise.all(processes.map((node) => node.stop()));
  };
  try {
    await Promise.all(processes.map((node) => node.start()));
  } catch (error) {
    await stop();
    throw error;
  }
  return { addresses: members.map(({ address }) => address), processes, stop };
}

export class NodeProcess {
  readonly id: string;
  readonly #words: readonly string[];
  #child: ChildProcess | undefined = undefined;

  constructor(id: string, words: readonly string[]) {
    this.id = id;
    this.#words = words;
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error(`${this.id} does not run`);
    return pid;
  }

  /** Resolves when it has said that it is ready. */
  start(): Promise<void> {
    const child = spawn(process.execPath, [CLI, "start", ...this.#words], {
      stdio: ["ignore", "pipe", "inherit", "ipc"],
    });
    this.#child = child;
    return new Promise((resolve, reject) => {
      const late = (): void => reject(new Error(`${this.id} is not ready`));
      const timer = setTimeout(late, READY_WITHIN_MS);
      createInterface({ input: child.stdout! }).on("line", (line) => {
        if (!line.startsWith("ready ")) return;
        clearTimeout(timer);
        resolve();
      });
      child.once("exit", (code) => {
        clearTimeout(timer);
        reject(new Error(`${this.id} ended with ${code}`));
      });
    });
  }

  /** As a machine dies: nothing is said any more. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  async stop(): Promise<void> {
    const timer = setTimeout(() => this.#child?.kill("SIGKILL"), STOP_WITHIN_MS);
    await this.#end("SIGTERM");
    clearTimeout(timer);
  }

  #end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const child = this.#child;
    return new Promise((resolve) => {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) {
        return resolve();
      }
      child.once("exit", () => resolve());
      child.kill(signal);
    });
  }
}

async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    const bound = server.address();
    if (typeof bound === "object" && bound !== null) ports.push(bound.port);
  }
  for (const server of servers) server.close();
  return ports;
}
