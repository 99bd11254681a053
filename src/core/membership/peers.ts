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
 *
 * Of the answers to reads it also knows how long 95 of 100 take at most, in one number that moves
 * with every answer: up by a fifth when it was slower, down by a hundredth when it was not.
 *
 *     usual maximum 2.00 ms, answer after 5 ms    2.42        19 answers below it for each above:
 *     usual maximum 2.00 ms, answer after 1 ms    1.98        ups and downs are in balance
 */
import type { NodeId } from "../ring/node-id.ts";

/** A new sample counts one eighth: about the last dozen answers decide. */
const SAMPLE_WEIGHT = 0.125;
/** Differences below this are noise, not a reason to prefer a peer. */
const LATENCY_MS_MIN = 0.25;

/**
 * Whoever has left a request unanswered to its end is asked after all who have not, however slow
 * they were once: a mean forgets slowly, and what it says of the others may be from when they could
 * not be reached. Of several that were silent the one comes first for which that is longest ago, so
 * that all have their turn.
 */
const SILENT_COST = 1e9;

/** 1.21 × 0.99 ^ 19 is 1, nearly: 19 of 20 answers are below. */
const RISE = 1.21;
const FALL = 0.99;
/** From the first answer nobody knows more than this; the next ones bring it down. */
const FIRST_TIMES = 2;
const USUAL_MAX_MS_MAX = 60_000;

interface Peer {
  linked: boolean;
  generation: number;
  waiting: number;
  latencyMs: number;
  /**
   * The numbers of its last silence towards this node, and of the last that it was suspected of, if
   * it has not answered since; 0 if it has.
   */
  silence: number;
  suspicion: number;
  /** Infinity until the first answer to a read. */
  usualMaxMs: number;
}

export class Peers {
  readonly #peers: Map<NodeId, Peer> = new Map();
  #silences = 0;

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
    forgetSilence(peer);
    peer.usualMaxMs = Infinity;
  }

  /** Whatever others say of it. */
  hasConnection(id: NodeId): boolean {
    return this.#peers.get(id)?.linked ?? false;
  }

  isLinked(id: NodeId): boolean {
    return this.hasConnection(id);
  }

  isHeard(id: NodeId): boolean {
    const peer = this.#peers.get(id);
    return peer === undefined || lastSilence(peer) === 0;
  }

  onAsked(id: NodeId): void {
    this.#peer(id).waiting++;
  }

  onAnswered(id: NodeId, elapsedMs: number): void {
    const peer = this.#peer(id);
    forgetSilence(peer);
    sampled(peer, Math.max(elapsedMs, LATENCY_MS_MIN));
  }

  /** Nobody waits for it any longer: its answer would have taken so long at least. */
  onGivenUp(id: NodeId, elapsedMs: number): void {
    const peer = this.#peer(id);
    const sampleMs = Math.max(elapsedMs, LATENCY_MS_MIN);
    sampled(peer, sampleMs);
    if (sampleMs > peer.usualMaxMs) moveUsualMax(peer, sampleMs);
  }

  /** It has answered after all, too late for anybody. */
  onSpoke(id: NodeId): void {
    const peer = this.#peers.get(id);
    if (peer !== undefined) forgetSilence(peer);
  }

  /** As `onGivenUp`, and it had all the time that there was. */
  onSilent(id: NodeId, elapsedMs: number): void {
    this.onUnheard(id);
    this.onGivenUp(id, elapsedMs);
  }

  /** It was asked to stand in, and nothing was heard of it. */
  onUnheard(id: NodeId): void {
    this.#peer(id).silence = ++this.#silences;
  }

  /** Members say that it is silent, or do so no longer. */
  onSuspected(id: NodeId, isSuspect: boolean): void {
    this.#peer(id).suspicion = isSuspect ? ++this.#silences : 0;
  }

  /** An answer to a read. Those to writes wait for a disk, those of a coordinator for others. */
  onRead(id: NodeId, elapsedMs: number): void {
    const peer = this.#peer(id);
    const sampleMs = Math.max(elapsedMs, LATENCY_MS_MIN);
    this.onAnswered(id, sampleMs);
    moveUsualMax(peer, sampleMs);
  }

  /** Within this time 95 of 100 reads are answered; Infinity when nobody knows. */
  usualMaxMs(id: NodeId): number {
    return this.#peers.get(id)?.usualMaxMs ?? Infinity;
  }

  /** Expected wait; only its order means something. */
  cost(id: NodeId): number {
    const peer = this.#peers.get(id);
    if (peer === undefined) return LATENCY_MS_MIN;
    const silence = lastSilence(peer);
    if (silence > 0) return SILENT_COST + silence;
    return peer.latencyMs * (peer.waiting + 1);
  }

  #peer(id: NodeId): Peer {
    let peer = this.#peers.get(id);
    if (peer === undefined) {
      peer = {
        linked: false,
        generation: 0,
        waiting: 0,
        latencyMs: LATENCY_MS_MIN,
        silence: 0,
        suspicion: 0,
        usualMaxMs: Infinity,
      };
      this.#peers.set(id, peer);
    }
    return peer;
  }
}

function lastSilence({ silence, suspicion }: Peer): number {
  return Math.max(silence, suspicion);
}

function forgetSilence(peer: Peer): void {
  peer.silence = 0;
  peer.suspicion = 0;
}

function moveUsualMax(peer: Peer, sampleMs: number): void {
  if (peer.usualMaxMs === Infinity) peer.usualMaxMs = sampleMs * FIRST_TIMES;
  else peer.usualMaxMs *= sampleMs > peer.usualMaxMs ? RISE : FALL;
  peer.usualMaxMs = Math.min(Math.max(peer.usualMaxMs, LATENCY_MS_MIN), USUAL_MAX_MS_MAX);
}

function sampled(peer: Peer, sampleMs: number): void {
  if (peer.waiting > 0) peer.waiting--;
  peer.latencyMs += (sampleMs - peer.latencyMs) * SAMPLE_WEIGHT;
}
