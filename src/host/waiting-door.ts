/**
 * The door of a node whose rows were put back, while it finds out what they are worth: it says how
 * it is, and nothing else. For the other members it is away, and a client is told to ask them.
 */
import { nothingTold, type RepairReport } from "../core/repair-orders.ts";
import type { HintReport } from "../core/hint-orders.ts";
import { failed } from "../core/outcomes.ts";
import type { ClientRequest } from "../core/requests.ts";
import type { Layout } from "../core/ring/layout.ts";
import type { CopyAsk } from "../core/wire/copy-codec.ts";
import type { Greeting } from "../core/wire/greeting.ts";
import type { Refusal } from "../core/wire/refusal.ts";
import type { FrameSocket } from "../socket/frame-socket.ts";
import { ClientConnection, type ClientServer } from "./client-connection.ts";
import type { CopyAsker } from "./copy-desk.ts";
import type { Asker, Host } from "./host.ts";
import type { HostFact } from "./host-fact.ts";
import type { HostLimits } from "./host-limits.ts";
import type { ListenerOwner } from "./listener.ts";
import { nodeGreeting } from "./node-greeting.ts";

/** The code of a node that does not take part yet. */
const UNSETTLED = "UNSETTLED";

export interface WaitingSetup {
  readonly host: Host;
  readonly address: string;
  readonly limits: HostLimits;
  readonly requestTimeoutMs: number;
  /** A JSON document. */
  readonly status: () => string;
  /** A member was here, and said where it is. */
  readonly onMet: (id: string, address: string) => void;
}

export class WaitingDoor implements ListenerOwner, ClientServer {
  readonly limits: HostLimits;
  readonly requestTimeoutMs: number;
  readonly #setup: WaitingSetup;
  readonly #clients: Set<ClientConnection> = new Set();
  #isClosed = false;

  constructor(setup: WaitingSetup) {
    this.#setup = setup;
    this.limits = setup.limits;
    this.requestTimeoutMs = setup.requestTimeoutMs;
  }

  /** Whoever is here comes back, and meets the node itself, or nobody. */
  close(reason: string): void {
    this.#isClosed = true;
    for (const { frames } of this.#clients) frames.end(reason);
  }

  greeting(): Greeting {
    return nodeGreeting(this.#setup.host, this.#setup.address);
  }

  judge({ nodeId, address }: Greeting): Refusal | undefined {
    const { clientConnectionsMax } = this.limits;
    this.#setup.onMet(nodeId, address);
    if (nodeId !== "") return { code: UNSETTLED, message: this.#refusal };
    if (this.#clients.size < clientConnectionsMax) return undefined;
    return { code: "BUSY", message: `it has its ${clientConnectionsMax} clients` };
  }

  onNode(frames: FrameSocket): void {
    frames.destroy(this.#refusal);
  }

  onScout(frames: FrameSocket): void {
    frames.destroy(this.#refusal);
  }

  onClient(frames: FrameSocket): void {
    if (this.#isClosed) return frames.destroy(this.#refusal);
    frames.reader.limit = this.limits.frameBytesMax;
    this.#clients.add(new ClientConnection(frames, this));
  }

  onClientClosed(connection: ClientConnection, reason: string): void {
    this.#clients.delete(connection);
    this.note({ kind: "client-closed", remote: connection.frames.remote, reason });
  }

  note(fact: HostFact): void {
    this.#setup.host.note(fact);
  }

  ask(_request: ClientRequest, asker: Asker, askId: number): void {
    asker.settle(askId, failed("QUORUM_NOT_MET", this.#refusal, { needed: 1, got: 0 }));
  }

  copy({ id }: CopyAsk, asker: CopyAsker): void {
    const { epoch } = this.layout();
    asker.tell({ kind: "copy-refused", id, reason: "busy", epoch });
  }

  hints(): HintReport {
    return { isCounted: false, targets: [] };
  }

  repair(): RepairReport {
    return nothingTold(this.#setup.host.generation);
  }

  layout(): Layout {
    return this.#setup.host.layout();
  }

  status(): string {
    return this.#setup.status();
  }

  get #refusal(): string {
    return `${this.#setup.host.id} was put back, and asks the other members whether its rows count`;
  }
}
