/**
 * A few real nodes in this process, with real sockets between them on 127.0.0.1. Each can stand
 * behind a proxy of its own, whose address is then the only one that the others know.
 */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Door } from "#src/client/door.ts";
import type { DoorOutcome } from "#src/core/caller/door-outcome.ts";
import type { ClientRequest } from "#src/core/requests.ts";
import { clientRequest } from "#src/core/requests.ts";
import { keyOf } from "#src/core/ring/key.ts";
import type { NodeSettings } from "#src/host/cluster-settings.ts";
import type { HostFact } from "#src/host/host-fact.ts";
import type { HostLimits } from "#src/host/host-limits.ts";
import { type RunningNode, startNode } from "#src/host/start-node.ts";
import { at, freePorts } from "./ports.ts";
import { TcpProxy } from "./tcp-proxy.ts";

export interface LocalClusterOptions {
  readonly count?: number;
  readonly proxied?: boolean;
  readonly settings?: Partial<NodeSettings>;
}

/** Impatient: what a test waits for should come soon. */
export const QUICK_LIMITS: Partial<HostLimits> = {
  redialMsMin: 5,
  redialMsMax: 50,
  greetingTimeoutMs: 500,
  drainMs: 500,
};

const LINKED_WITHIN_MS = 10_000;

export class LocalCluster {
  readonly nodes: RunningNode[] = [];
  readonly proxies: TcpProxy[] = [];
  /** What each node has observed, since its first start. */
  readonly facts: HostFact[][] = [];
  readonly #settings: NodeSettings[] = [];

  static async start(options: LocalClusterOptions = {}): Promise<LocalCluster> {
    const { count = 3, proxied = false } = options;
    const cluster = new LocalCluster();
    const ports = await freePorts(proxied ? count * 2 : count);
    const dialled = proxied ? ports.slice(count) : ports;
    const peers = dialled.map((port, index) => ({ id: `n${index + 1}`, address: at(port) }));
    for (const [index, peer] of peers.entries()) {
      const { limits, ...others } = options.settings ?? {};
      const listen = at(ports[index]!);
      const address = { listen, advertise: peer.address };
      cluster.#settings.push({
        id: peer.id,
        ...address,
        peers,
        limits: { ...QUICK_LIMITS, ...limits },
        ...others,
      });
      cluster.facts.push([]);
      if (proxied) cluster.proxies.push(await TcpProxy.start(dialled[index]!, ports[index]!));
    }
    for (const index of peers.keys()) await cluster.startNode(index);
    await cluster.linked();
    return cluster;
  }

  get addresses(): readonly string[] {
    return this.nodes.map(({ address }) => address);
  }

  settings(index: number): NodeSettings {
    return this.#settings[index]!;
  }

  async startNode(index: number, changes: Partial<NodeSettings> = {}): Promise<RunningNode> {
    const node = await startNode(
      { ...this.#settings[index]!, ...changes },
      { onFact: (fact) => this.facts[index]!.push(fact) },
    );
    this.nodes[index] = node;
    return node;
  }

  async linked(): Promise<void> {
    for (const node of this.nodes) {
      assert.equal(await node.linked(LINKED_WITHIN_MS), true, `${node.host.id} is not connected`);
    }
  }

  /** The facts of one kind that a node has observed. */
  factsOf<Kind extends HostFact["kind"]>(
    index: number,
    kind: Kind,
  ): readonly Extract<HostFact, { readonly kind: Kind }>[] {
    return this.facts[index]!.filter((fact) => fact.kind === kind) as never;
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
    for (const proxy of this.proxies) proxy.close();
  }
}

/** A promise for one request, as the public API would make it. */
export function done(
  door: Pick<Door, "submit">,
  request: Partial<ClientRequest> & Pick<ClientRequest, "operation" | "key">,
): Promise<DoorOutcome> {
  return new Promise((resolve) => {
    door.submit(clientRequest(request), resolve);
  });
}

export async function put(
  door: Pick<Door, "submit">,
  name: string,
  value: Uint8Array,
): Promise<void> {
  const outcome = await done(door, { operation: "put", key: keyOf("test", name), value });
  assert.equal(outcome.kind, "stored", problemOf(outcome));
}

export async function get(door: Pick<Door, "submit">, name: string): Promise<Uint8Array> {
  const outcome = await done(door, { operation: "get", key: keyOf("test", name) });
  assert.equal(outcome.kind, "found", problemOf(outcome));
  return outcome.siblings[0]!.value;
}

function problemOf(outcome: DoorOutcome): string {
  return outcome.kind === "failed" ? `${outcome.code}: ${outcome.detail}` : outcome.kind;
}

/** Looks again and again; a fact or a state that never comes fails the test. */
export async function until(what: string, isSo: () => boolean, withinMs = 10_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!isSo()) {
    assert.ok(performance.now() < end, `${what}: not within ${withinMs} ms`);
    await sleep(2);
  }
}
