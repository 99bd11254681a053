/**
 * A cluster on this machine, each node a process of its own, and when it counts as ready.
 *
 * Ready means that writes succeed: one was put through every node, and held by all owners of its
 * key. That a node listens, or knows its peers, is not enough for whoever writes next.
 */
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { clientRequest, type Operation } from "../core/requests.ts";
import { keyOf } from "../core/ring/key.ts";
import { ask, connect } from "./cluster.ts";
import { DevNode } from "./dev-node.ts";
import { CommandError, EXIT } from "./exit-codes.ts";

export interface Member {
  readonly id: string;
  readonly address: string;
}

const HOST = "127.0.0.1";
const READY_TIMEOUT_MS = 20_000;
const PROBE_TIMEOUT_MS = 1_000;
const PAUSE_MS = 50;
/** In a bucket of its own, and deleted in the end: the deletion is all that stays of it. */
const PROBE = keyOf("gramme.dev", "ready");

export class LocalCluster {
  readonly nodes: readonly DevNode[];
  #isStopping = false;

  /** What each node is given besides its name and address is `wordsFor` it. */
  constructor(members: readonly Member[], wordsFor: (member: Member) => readonly string[]) {
    const peers = members.map(({ id, address }) => `${id}=${address}`).join(",");
    this.nodes = members.map((member) => {
      const { id, address } = member;
      const words = wordsFor(member);
      return new DevNode(id, address, ["--listen", address, "--peers", peers, ...words]);
    });
  }

  get addresses(): readonly string[] {
    return this.nodes.map(({ address }) => address);
  }

  start(onExit: (node: DevNode, how: string) => void): void {
    for (const node of this.nodes) {
      node.start((how) => {
        if (!this.#isStopping) onExit(node, how);
      });
    }
  }

  /** Rejects with a CommandError when a node has ended, or when it takes too long. */
  async ready(): Promise<void> {
    const deadlineAt = performance.now() + READY_TIMEOUT_MS;
    const bounded = sleep(READY_TIMEOUT_MS, undefined, { ref: false });
    const ready = Promise.all(this.nodes.map((node) => node.ready));
    await Promise.race([ready, ...this.nodes.map((node) => node.exited), bounded]);
    let problem = "the nodes do not find each other";
    while (!this.#isStopping && performance.now() < deadlineAt) {
      const dead = this.nodes.find(({ isRunning }) => !isRunning);
      if (dead !== undefined) throw dead.failure();
      problem = await this.#writeThroughAll();
      if (problem === "") return;
      await sleep(PAUSE_MS);
    }
    if (this.#isStopping) return;
    const after = `not ready after ${READY_TIMEOUT_MS} ms`;
    throw new CommandError(EXIT.unavailable, `${after}: ${problem}`);
  }

  /** Resolves when every node has ended by itself. */
  async ended(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.exited));
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.nodes.map((node) => node.stop()));
  }

  /** Why it cannot, or nothing. */
  async #writeThroughAll(): Promise<string> {
    try {
      for (const { address } of this.nodes) await probe(address, "put");
      await probe(this.addresses[0]!, "delete");
      return "";
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
}

export function localMembers(ports: readonly number[]): readonly Member[] {
  return ports.map((port, index) => ({ id: `n${index}`, address: `${HOST}:${port}` }));
}

/** Ports that nobody listens at now, held at once so that they differ. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, HOST, resolve);
    });
    const bound = server.address();
    if (typeof bound === "object" && bound !== null) ports.push(bound.port);
  }
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/**
 * A client that has just come knows one node only: its first request goes through that one. It is
 * not tried again, which would be through another.
 */
async function probe(address: string, operation: Operation): Promise<void> {
  const client = await connect([address], PROBE_TIMEOUT_MS);
  const timeoutMs = PROBE_TIMEOUT_MS;
  try {
    const levels = { r: "all", w: "all", pr: "all", pw: "all" } as const;
    await ask(client, clientRequest({ operation, key: PROBE, timeoutMs, ...levels }), {
      retries: 0,
    });
  } finally {
    await client.close();
  }
}
