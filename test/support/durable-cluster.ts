/**
 * Nodes as processes of their own, `gramme start`, each with a directory that outlives it: to be
 * killed, started again, robbed of their files.
 *
 *     root/n0  root/n1  root/n2     what a test does with them while their node is down is its own
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect, GrammeError, type NodeStatus, type Store, text } from "gramme/client";
import { grammeJson, Running } from "./cli.ts";
import { at, freePorts } from "./ports.ts";

export interface DurableOptions {
  readonly count?: number;
  /** For every node: the engine and how it syncs, say. */
  readonly words?: readonly string[];
  /** Where a node's directory is, when not below the root; nowhere, and it forgets at its end. */
  readonly dirOf?: (index: number) => string | undefined;
}

/** A fresh log takes its reserve first, and 64 MiB for each of many nodes is a lot of writing. */
export const SMALL_RESERVE: readonly string[] = ["--set", "storage.reserveBytes=65536"];

const LINKED_WITHIN_MS = 30_000;

const CLI = fileURLToPath(new URL("../../cli/main.js", import.meta.url));

export class DurableCluster {
  readonly root: string = mkdtempSync(join(tmpdir(), "gramme-durable-"));
  readonly ports: readonly number[];
  readonly #running: (Running | undefined)[];
  readonly #words: readonly string[];
  readonly #dirOf: (index: number) => string | undefined;
  /** What all lives of a node have told on stderr. */
  readonly #told: string[];

  static async start(options: DurableOptions = {}): Promise<DurableCluster> {
    const cluster = new DurableCluster(await freePorts(options.count ?? 3), options);
    try {
      await cluster.startAll();
      await cluster.linked();
      return cluster;
    } catch (error) {
      await cluster.end();
      throw error;
    }
  }

  private constructor(ports: readonly number[], { words = [], dirOf }: DurableOptions) {
    this.ports = ports;
    this.#words = words;
    this.#dirOf = dirOf ?? ((index) => join(this.root, `n${index}`));
    this.#running = ports.map(() => undefined);
    this.#told = ports.map(() => "");
  }

  get addresses(): readonly string[] {
    return this.ports.map(at);
  }

  get indices(): readonly number[] {
    return [...this.ports.keys()];
  }

  directory(index: number): string {
    const path = this.#dirOf(index);
    assert.ok(path !== undefined, "it keeps nothing");
    return path;
  }

  running(index: number): Running {
    return this.#running[index]!;
  }

  /** On stderr, by all of its lives. */
  told(index: number): string {
    return this.#told[index]! + (this.#running[index]?.stderr ?? "");
  }

  words(index: number): readonly string[] {
    const peers = this.addresses.map((address, each) => `n${each}=${address}`).join(",");
    const listen = ["--listen", this.addresses[index]!, "--peers", peers];
    const path = this.#dirOf(index);
    const dir = path === undefined ? [] : ["--dir", path];
    return ["start", "--id", `n${index}`, ...listen, ...dir, ...this.#words];
  }

  /** Answers when it is ready: those that it needs for a quorum are started at the same time. */
  async start(index: number, words: readonly string[] = []): Promise<void> {
    this.#running[index] = await Running.start([...this.words(index), ...words]);
  }

  async startAll(): Promise<void> {
    const down = this.indices.filter((index) => this.#running[index] === undefined);
    const started = await Promise.allSettled(down.map((index) => this.start(index)));
    const failed = started.find((each) => each.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  /** Whoever has just started serves a quorum, and may not be connected with all others yet. */
  async linked(): Promise<void> {
    for (const index of this.indices) {
      const end = performance.now() + LINKED_WITHIN_MS;
      while (!(await this.#reachesAll(index))) {
        assert.ok(performance.now() < end, `n${index} is not connected with all others in time`);
      }
    }
  }

  /** The first request of a client goes through the one node that it knows. */
  async #reachesAll(index: number): Promise<boolean> {
    const store = await this.connect([index]);
    try {
      await store.bucket("linked", text).get("key", { r: "all", pr: "all", retries: 0 });
      return true;
    } catch (error) {
      if (GrammeError.is(error)) return false;
      throw error;
    } finally {
      await store.close();
    }
  }

  /** Starts it and kills it so much later, wherever it is then. */
  async startAndKill(index: number, afterMs: number): Promise<void> {
    const child = spawn(process.execPath, [CLI, ...this.words(index)], { stdio: "ignore" });
    const timer = setTimeout(() => child.kill("SIGKILL"), afterMs);
    await once(child, "exit");
    clearTimeout(timer);
  }

  /** As a power cut would end them, all at once; answers when they are gone. */
  async kill(...indices: readonly number[]): Promise<void> {
    await Promise.all(indices.map((index) => this.#end(index, "SIGKILL")));
  }

  /** In order, and answers the exit code. */
  stop(index: number): Promise<number | null> {
    return this.#end(index, "SIGTERM");
  }

  async #end(index: number, signal: "SIGKILL" | "SIGTERM"): Promise<number | null> {
    const running = this.#running[index]!;
    const code = await running.stop(signal);
    this.#told[index] += running.stderr;
    this.#running[index] = undefined;
    return code;
  }

  connect(indices: readonly number[] = this.indices): Promise<Store> {
    // A node that is back should be used at once.
    return connect(
      indices.map((index) => this.addresses[index]!),
      { redialMsMax: 100 },
    );
  }

  async status(index: number): Promise<NodeStatus> {
    const { nodes } = (await grammeJson(["status", "--node", this.addresses[index]!])) as {
      readonly nodes: readonly NodeStatus[];
    };
    return nodes.find(({ id }) => id === `n${index}`)!;
  }

  /** The last call: everybody is ended, however it is, and the files are removed. */
  async end(): Promise<void> {
    const up = this.indices.filter((index) => this.#running[index] !== undefined);
    await this.kill(...up);
    rmSync(this.root, { recursive: true, force: true });
  }
}
