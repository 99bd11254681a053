/**
 * All connections of a node: one with each other member of the layout, and those of native clients.
 *
 *     n1 ──dials──▶ n2          the smaller id dials the larger
 *      └───dials──▶ n3 ◀──dials── n2
 *     clients ─────▶ any
 *
 * It carries messages and decides nothing about them. Members come from the layout and change with
 * it; where they are, membership says, and a search finds out at seeds. A refused or lost peer is
 * dialled again for as long as it is a member, its name looked up anew each time, since addresses
 * move.
 */
import type { LookupFunction } from "node:net";
import type { ClientRequest } from "../core/requests.ts";
import type { FrameSocket, Plant } from "../socket/frame-socket.ts";
import type { Asker, Host, Links } from "./host.ts";
import type { CopyAsk } from "../core/wire/copy-codec.ts";
import type { Greeting } from "../core/wire/greeting.ts";
import type { HintOrder, HintReport } from "../core/hint-orders.ts";
import type { RepairOrder, RepairReport } from "../core/repair-orders.ts";
import type { HostFact } from "./host-fact.ts";
import type { HostLimits } from "./host-limits.ts";
import type { Layout } from "../core/ring/layout.ts";
import type { Message } from "../core/messages.ts";
import type { NodeId } from "../core/ring/node-id.ts";
import type { PeerStatus } from "./node-status.ts";
import type { Refusal } from "../core/wire/refusal.ts";
import { nodeGreeting } from "./node-greeting.ts";
import { type Address, formatAddress } from "../socket/address.ts";
import { DONE } from "../socket/handshake.ts";
import { ClientConnection, type ClientServer } from "./client-connection.ts";
import { COPIER, type CopyAsker, CopyDesk } from "./copy-desk.ts";
import type { Listener, ListenerOwner } from "./listener.ts";
import { lookupBy, type NameSource } from "./names.ts";
import { Peer, type PeerOwner } from "./peer.ts";
import { Search, type SearchOwner } from "./search.ts";

export interface TcpSetup {
  readonly host: Host;
  readonly plant: Plant;
  readonly limits: HostLimits;
  /** Listening already, so that its port is known. */
  readonly listener: Listener;
  /** The longest frame that a client may send. */
  readonly askBytesMax: number;
  /** Of a request that does not say how long its client waits. */
  readonly requestTimeoutMs: number;
  /** How others reach this node. */
  readonly advertise: Address;
  readonly names: NameSource;
  /** The document for those who ask how the node is. */
  readonly status: (peers: readonly PeerStatus[]) => string;
}

const CHECKS_PER_SILENCE = 3;

export class TcpTransport implements Links, PeerOwner, ListenerOwner, SearchOwner, ClientServer {
  readonly id: NodeId;
  readonly limits: HostLimits;
  readonly requestTimeoutMs: number;
  readonly plant: Plant;
  readonly names: NameSource;
  readonly lookup: LookupFunction;
  readonly #setup: TcpSetup;
  readonly #host: Host;
  readonly #copies: CopyDesk;
  readonly #peers: Map<NodeId, Peer> = new Map();
  readonly #clients: Set<ClientConnection> = new Set();
  readonly #search: Search = new Search(this);
  /** As clients are told it; made anew when somebody has moved. */
  #placedLayout: Layout | undefined = undefined;
  #silenceTimer: NodeJS.Timeout | undefined = undefined;
  #checkedAt = 0;
  #stopped: Promise<void> | undefined = undefined;

  constructor(setup: TcpSetup) {
    this.#setup = setup;
    this.id = setup.host.id;
    this.limits = setup.limits;
    this.requestTimeoutMs = setup.requestTimeoutMs;
    this.plant = setup.plant;
    this.names = setup.names;
    this.lookup = lookupBy(setup.names);
    this.#host = setup.host;
    this.#copies = new CopyDesk(setup.host);
  }

  /** Answers whoever knocks, and dials the members. */
  start(): void {
    this.#setup.listener.serve(this);
    this.follow(this.#host.layout());
    const everyMs = this.limits.peerSilenceMs / CHECKS_PER_SILENCE;
    this.#checkedAt = performance.now();
    this.#silenceTimer = setInterval(() => this.#checkSilence(everyMs), everyMs);
  }

  // Links

  send(to: NodeId, message: Message, isPatient?: boolean): void {
    if (to === COPIER) this.#copies.onReply(message);
    else this.#peers.get(to)?.send(message, isPatient);
  }

  /** Of two nodes the smaller id dials; the larger one can only say where it is itself. */
  contact(address: string, member: NodeId | undefined): void {
    if (member !== undefined) {
      const peer = this.#peer(member);
      if (peer.address !== address) this.#placedLayout = undefined;
      peer.locate(address);
      if (this.id < member || peer.state === "linked") return;
    }
    this.#search.at(address, member);
  }

  follow(layout: Layout): void {
    this.#placedLayout = undefined;
    for (const { id, address } of layout.nodes) if (id !== this.id) this.#peer(id).follow(address);
    for (const peer of this.#peers.values()) {
      if (layout.node(peer.id) === undefined) peer.forget("no longer a member");
    }
  }

  stopAccepting(): void {
    this.#stopped ??= this.#setup.listener.stop();
  }

  async close(): Promise<void> {
    this.stopAccepting();
    this.#search.stop();
    clearInterval(this.#silenceTimer);
    for (const peer of this.#peers.values()) peer.forget("the node is being closed");
    for (const client of this.#clients) client.frames.end("the node is being closed");
    await this.#stopped;
  }

  abort(): void {
    this.stopAccepting();
    this.#search.stop();
    clearInterval(this.#silenceTimer);
    for (const peer of this.#peers.values()) peer.abort("the node has stopped");
    for (const client of this.#clients) client.frames.destroy("the node has stopped");
  }

  // What peers, clients and the listener need

  greeting(): Greeting {
    return nodeGreeting(this.#host, formatAddress(this.#setup.advertise));
  }

  judge(theirs: Greeting): Refusal | undefined {
    if (theirs.nodeId === "") return this.#judgeClient();
    const layout = this.#host.layout();
    // A layout that we have not seen yet may name it; ours does not.
    if (layout.node(theirs.nodeId) === undefined && theirs.layoutEpoch <= layout.epoch) {
      const nodes = `the nodes of layout epoch ${layout.epoch} of ${this.id}`;
      const message = `${theirs.nodeId} is not among ${nodes}`;
      return { code: "NOT_MEMBER", message };
    }
    return this.#peers.get(theirs.nodeId)?.judge(theirs);
  }

  onNode(frames: FrameSocket, theirs: Greeting): void {
    const peer = this.#peer(theirs.nodeId as NodeId);
    if (!peer.isMember) peer.address = theirs.address;
    peer.onGreeted(frames, theirs);
  }

  onScout(frames: FrameSocket, theirs: Greeting): void {
    frames.handler = DONE;
    frames.end("met");
    this.located(theirs);
  }

  located({ nodeId, generation, address }: Greeting): void {
    if (nodeId !== "") this.#host.located(nodeId, generation, address);
  }

  isLinkedWith({ nodeId, generation }: Greeting): boolean {
    const peer = nodeId === "" ? undefined : this.#peers.get(nodeId);
    return peer?.state === "linked" && peer.generation === generation;
  }

  linkedAt(address: string): NodeId | undefined {
    for (const peer of this.#peers.values()) {
      if (peer.state === "linked" && peer.address === address) return peer.id;
    }
    return undefined;
  }

  onUnreached(member: NodeId, problem: string): void {
    this.#peers.get(member)?.onUnreached(problem);
  }

  onClient(frames: FrameSocket): void {
    frames.reader.limit = this.#setup.askBytesMax;
    this.#clients.add(new ClientConnection(frames, this));
  }

  onClientClosed(connection: ClientConnection, reason: string): void {
    this.#clients.delete(connection);
    this.#host.forget(connection);
    this.note({ kind: "client-closed", remote: connection.frames.remote, reason });
  }

  receive(from: NodeId, message: Message): void {
    this.#host.receive(from, message);
  }

  note(fact: HostFact): void {
    this.#host.note(fact);
  }

  ask(request: ClientRequest, asker: Asker, askId: number): void {
    this.#host.ask(request, asker, askId);
  }

  copy(ask: CopyAsk, asker: CopyAsker): void {
    this.#copies.ask(ask, asker);
  }

  hints(order: HintOrder): HintReport {
    return this.#host.hints(order);
  }

  repair(order: RepairOrder): RepairReport {
    return this.#host.repair(order);
  }

  /** With the addresses as they are now, which clients dial. */
  layout(): Layout {
    const addressOf = (id: NodeId): string => this.#peers.get(id)?.address ?? "";
    this.#placedLayout ??= this.#host.layout().placed(addressOf);
    return this.#placedLayout;
  }

  status(): string {
    return this.#setup.status(this.peerStatuses());
  }

  /** With every other member of the layout. */
  get isLinked(): boolean {
    for (const { isMember, state } of this.#peers.values()) {
      if (isMember && state !== "linked") return false;
    }
    return true;
  }

  peerStatuses(): readonly PeerStatus[] {
    const statuses: PeerStatus[] = [];
    for (const peer of this.#peers.values()) {
      const { id, address, state, problem } = peer;
      const { droppedCount, expiredCount, outboundBytes, waiting } = peer;
      const counts = { droppedCount, expiredCount, outboundBytes, waiting };
      statuses.push({ id, address, state, problem, ...counts });
    }
    return statuses.sort((one, other) => (one.id < other.id ? -1 : 1));
  }

  #peer(id: NodeId): Peer {
    let peer = this.#peers.get(id);
    if (peer === undefined) {
      peer = new Peer(id, this);
      this.#peers.set(id, peer);
    }
    return peer;
  }

  #judgeClient(): Refusal | undefined {
    const { clientConnectionsMax } = this.limits;
    if (this.#clients.size < clientConnectionsMax) return undefined;
    return { code: "BUSY", message: `${this.id} has its ${clientConnectionsMax} clients` };
  }

  #checkSilence(everyMs: number): void {
    const now = performance.now();
    const isStalled = now - this.#checkedAt > 2 * everyMs;
    this.#checkedAt = now;
    for (const peer of this.#peers.values()) {
      peer.checkSilence(now, isStalled);
      // Nobody will dial it, and whoever was removed has no reason to come back.
      if (!peer.isMember && peer.state === "down") this.#peers.delete(peer.id);
    }
  }
}
