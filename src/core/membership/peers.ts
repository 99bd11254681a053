/**
 * What this node knows of its peers from its own traffic: who has a connection, who answers, and
 * how fast.
 *
 * Liveness is not ownership (law 5): nothing here changes who owns a key, only whom to ask first
 * and whom to leave out. A peer without a connection is not asked at all. Among the others the one
 * with the least expected wait is asked first: its usual latency times the requests that already
 * wait for it. A stalled peer collects waiting requests and so falls behind within milliseconds,
 * long before anybody could call it dead; acknowledgements of writes, which go to every owner,
 * bring it back when it recovers.
 */
import type { NodeId } from "../ring/node-id.ts";

/** A new sample counts one eighth: about the last dozen answers decide. */
const SAMPLE_WEIGHT = 0.125;
/** Differences below this are noise, not a reason to prefer a peer. */
const LATENCY_MS_MIN = 0.25;

interface Peer {
  linked: boolean;
  generation: number;
  waiting: number;
  latencyMs: number;
}

export class Peers {
  readonly #peers: Map<NodeId, Peer> = new Map();

  /**
   * A connection is up. False when that peer's boot is older than one already seen: a clone, or a
   * restored copy.
   */
  onLinked(id: NodeId, generation: number): boolean {
    const peer = this.#peer(id);
    if (generation < peer.generation) return false;
    if (generation > peer.generation) peer.waiting = 0;
    peer.linked = true;
    peer.generation = generation;
    return true;
  }

  onLost(id: NodeId): void {
    const peer = this.#peer(id);
    peer.linked = false;
    peer.waiting = 0;
    peer.latencyMs = LATENCY_MS_MIN;
  }

  isLinked(id: NodeId): boolean {
    return this.#peers.get(id)?.linked ?? false;
  }

  onAsked(id: NodeId): void {
    this.#peer(id).waiting++;
  }

  onAnswered(id: NodeId, elapsedMs: number): void {
    const peer = this.#peer(id);
    if (peer.waiting > 0) peer.waiting--;
    peer.latencyMs += (Math.max(elapsedMs, LATENCY_MS_MIN) - peer.latencyMs) * SAMPLE_WEIGHT;
  }

  /** Expected wait; only its order means something. */
  cost(id: NodeId): number {
    const peer = this.#peers.get(id);
    return peer === undefined ? LATENCY_MS_MIN : peer.latencyMs * (peer.waiting + 1);
  }

  #peer(id: NodeId): Peer {
    let peer = this.#peers.get(id);
    if (peer === undefined) {
      peer = { linked: false, generation: 0, waiting: 0, latencyMs: LATENCY_MS_MIN };
      this.#peers.set(id, peer);
    }
    return peer;
  }
}
