/**
 * What waits for a peer that takes less than it is sent: a lane for each class of messages, and
 * what the connection can take goes out by class.
 *
 *     membership    ▐▌                        always first: a node must not look dead because it
 *     requests      ▐▌▐▌▐▌▐▌                  is sent much
 *     read repair   ▐▌▐▌
 *     hints         ▐▌▐▌▐▌▐▌▐▌
 *     anti-entropy  ▐███████▌▐███████▌        first to be dropped
 *                        └──▶ one write of about 256 KiB, then the next
 *
 * Nothing waits here while the connection takes what it is given: then a frame goes straight into
 * the socket's buffer. Every eighth write begins with a frame of the last class that waits, so that
 * none waits for ever. Lanes are bounded in bytes and frames; a class with clients behind it takes
 * the room of those without. A request whose time passed while it waited is not sent.
 */
import type { ByteWriter } from "../core/base/bytes.ts";
import type { Message } from "../core/messages.ts";
import type { WriterPool } from "../socket/writer-pool.ts";
import { Lane } from "./lane.ts";

/** In the order of going out. */
export const LANES = ["membership", "requests", "read-repair", "hints", "anti-entropy"] as const;
export type LaneName = (typeof LANES)[number];

const REQUESTS = 1;
const READ_REPAIR = 2;
const HINTS = 3;
const ANTI_ENTROPY = 4;

/** Of all the bytes that may wait for a peer, with how many a frame of this class is dropped. */
const ROOM_SHARES: readonly number[] = [1.125, 1, 1 / 2, 3 / 8, 1 / 4];
const FRAMES_MAX = 262_144;
const WRITE_BYTES_MAX: number = 256 * 1024;
const TURNS = 8;

export class OutboundLanes {
  /** Frames whose time passed while they waited. */
  expiredCount = 0;
  /** About so much of a write is decided at a time. */
  readonly writeBytes: number;
  readonly #bytesMax: number;
  readonly #lanes: readonly Lane[];
  #turn = 0;

  constructor(pool: WriterPool, bytesMax: number) {
    this.#lanes = LANES.map(() => new Lane(pool));
    this.#bytesMax = bytesMax;
    this.writeBytes = Math.min(WRITE_BYTES_MAX, bytesMax / 4);
  }

  get bytes(): number {
    let bytes = 0;
    for (const lane of this.#lanes) bytes += lane.bytes;
    return bytes;
  }

  get frames(): number {
    let frames = 0;
    for (const lane of this.#lanes) frames += lane.frames;
    return frames;
  }

  /** By name, those in which something waits. */
  waiting(): Readonly<Partial<Record<LaneName, number>>> {
    const waiting: Partial<Record<LaneName, number>> = {};
    for (const [index, name] of LANES.entries()) {
      const { bytes } = this.#lanes[index]!;
      if (bytes > 0) waiting[name] = bytes;
    }
    return waiting;
  }

  /**
   * The lane for one more frame, when so many bytes wait elsewhere. `onDropped` hears of those that
   * make way for it.
   */
  laneFor(
    index: number,
    bytesElsewhere: number,
    onDropped: (frames: number) => void,
  ): Lane | undefined {
    const lane = this.#lanes[index]!;
    if (lane.frames >= FRAMES_MAX) return undefined;
    const room = this.#bytesMax * ROOM_SHARES[index]!;
    if (bytesElsewhere + this.bytes < room) return lane;
    if (index > REQUESTS) return undefined;
    for (let last = LANES.length - 1; last > REQUESTS; last--) {
      onDropped(this.#lanes[last]!.clear());
      if (bytesElsewhere + this.bytes < room) return lane;
    }
    return undefined;
  }

  /** Fills a write with what goes first. */
  moveInto(now: number, writer: ByteWriter): void {
    if (this.frames === 0) return;
    if (++this.#turn % TURNS === 0) this.#move(now, writer, this.#last());
    for (const lane of this.#lanes) {
      while (lane.frames > 0 && writer.length < this.writeBytes) this.#move(now, writer, lane);
    }
  }

  /** The last words: what somebody waits for, however much it is. */
  moveAllWanted(now: number, writer: ByteWriter): void {
    for (const lane of this.#lanes.slice(0, READ_REPAIR)) {
      while (lane.frames > 0) this.#move(now, writer, lane);
    }
  }

  /** Forgets all of it; answers how many frames. */
  clear(): number {
    let frames = 0;
    for (const lane of this.#lanes) frames += lane.clear();
    return frames;
  }

  #last(): Lane {
    return this.#lanes.findLast(({ frames }) => frames > 0)!;
  }

  #move(now: number, writer: ByteWriter, lane: Lane): void {
    if (!lane.move(now, writer)) this.expiredCount++;
  }
}

/** `isPatient`: a write that no client waits for, as when a hint is delivered. */
export function laneOf(message: Message, isPatient: boolean): number {
  switch (message.kind) {
    case "member-talk":
    case "condition":
    case "layout-ask":
    case "layout-told":
      return 0;
    case "repair":
      return READ_REPAIR;
    case "repair-talk":
    case "purge-talk":
      return ANTI_ENTROPY;
    default:
      return isPatient ? HINTS : REQUESTS;
  }
}

/** When nobody waits for this message any more. */
export function expiryOf(message: Message, now: number): number {
  if ("remainingMs" in message) return now + message.remainingMs;
  const isTimed = message.kind === "ask" && message.request.timeoutMs > 0;
  return isTimed ? now + message.request.timeoutMs : Number.POSITIVE_INFINITY;
}
