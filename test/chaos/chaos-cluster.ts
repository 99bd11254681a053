/**
 * Five nodes and two clients, each in a namespace of its own on one bridge.
 *
 *     seat 0 … 4    nodes, each on a small disk of its own
 *     seat 5, 6     clients
 *
 * Closing it is safe at any moment and does not wait: it is also what happens when the process that
 * runs it ends, however it ends, short of being killed itself. What is left then, the next one
 * removes.
 */
import { ChaosNode, DISK_MIB, nodeAddress } from "./chaos-node.ts";
import type { LoadSettings } from "./load-main.ts";
import { LoadProcess } from "./load-process.ts";
import { removeLeftDisks, SmallDisks } from "./small-disks.ts";
import { removeLeftWires, Wire } from "./wire.ts";

export const NODES = 5;
export const CLIENTS = 2;

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const INTERRUPTED = 130;

export class ChaosCluster {
  readonly wire: Wire;
  readonly nodes: readonly ChaosNode[];
  readonly clients: LoadProcess[] = [];
  readonly #disks: SmallDisks;
  readonly #onExit: () => void = () => this.close();
  readonly #onSignal: () => void = () => process.exit(INTERRUPTED);
  #isClosed = false;

  /** Why there can be none on this machine, in one sentence; undefined when there can. */
  static whyNot(): string | undefined {
    const { platform } = process;
    if (platform !== "linux") return `network namespaces are of Linux, not ${platform}`;
    if (process.getuid?.() !== 0) return "only root may make network namespaces and mount disks";
    try {
      new ChaosCluster().close();
      return undefined;
    } catch (error) {
      return `namespaces, links or disks cannot be made here: ${(error as Error).message}`;
    }
  }

  /** What dead runs have left. */
  static removeLeft(): readonly string[] {
    return [...removeLeftWires(isDead), ...removeLeftDisks(isDead)];
  }

  constructor() {
    const wire = Wire.open(NODES + CLIENTS);
    const disks = new SmallDisks();
    this.wire = wire;
    this.#disks = disks;
    process.once("exit", this.#onExit);
    for (const signal of SIGNALS) process.once(signal, this.#onSignal);
    try {
      this.nodes = Array.from({ length: NODES }, (_, seat) => {
        const disk = disks.mount(`n${seat}`, DISK_MIB);
        return new ChaosNode({ seat, seats: NODES, namespace: wire.namespace(seat), disk });
      });
    } catch (error) {
      this.nodes = [];
      this.close();
      throw error;
    }
  }

  startAll(): void {
    for (const node of this.nodes) if (!node.isRunning) node.start();
  }

  async addClient(settings: Omit<LoadSettings, "client" | "addresses">): Promise<LoadProcess> {
    const number = this.clients.length;
    const addresses = this.nodes.map(({ place }) => nodeAddress(place.seat));
    const client = await LoadProcess.start(this.wire.namespace(NODES + number), {
      ...settings,
      client: `c${number}`,
      addresses,
    });
    this.clients.push(client);
    return client;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    process.off("exit", this.#onExit);
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
    for (const node of this.nodes) node.destroy();
    for (const client of this.clients) client.destroy();
    this.wire.close();
    this.#disks.close();
  }
}

function isDead(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}
