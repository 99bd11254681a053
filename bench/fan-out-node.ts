/**
 * A node of the ceiling, in a process of its own: it passes frames on and answers, and knows
 * nothing. The process that forked it tells it the ports of all three, and asks for its CPU time.
 */
import { type AddressInfo, createServer, type Socket } from "node:net";
import { FRAME_KIND } from "#src/core/wire/frame-kind.ts";
import type { FrameHandler, Plant } from "#src/socket/frame-socket.ts";
import { FrameSocket } from "#src/socket/frame-socket.ts";
import { Turn } from "#src/socket/turn.ts";
import { WriterPool } from "#src/socket/writer-pool.ts";
import type { Coding, FanOutOperation } from "./fan-out-frames.ts";
import { CLIENT_INDEX, FRAME_LIMIT, NODE_COUNT } from "./fan-out-frames.ts";
import { connected, FanOutFrames, introduce } from "./fan-out-frames.ts";

/** What stands at the coordinator for an operation: who asked, and how many answers are to come. */
class Slot {
  client: FrameSocket | undefined = undefined;
  askId = 0;
  expected = 0;
  isAnswered = false;
}

class FanOutNode {
  readonly #frames: FanOutFrames;
  readonly #ownersAsked: number;
  readonly #plant: Plant = { turn: new Turn(), pool: new WriterPool() };
  readonly #peers: FrameSocket[] = [];
  readonly #slots: Slot[] = [];
  readonly #free: number[] = [];
  /** Which peer a read asks: one and the other in turn. */
  #next = 0;

  constructor(operation: FanOutOperation, valueBytes: number, coding: Coding) {
    this.#frames = new FanOutFrames(operation, valueBytes, coding);
    this.#ownersAsked = operation === "put" ? NODE_COUNT - 1 : 1;
  }

  get peerCount(): number {
    return this.#peers.length;
  }

  accept(socket: Socket): void {
    const frames = new FrameSocket(socket, IGNORING, this.#plant);
    frames.reader.limit = FRAME_LIMIT;
    frames.handler = {
      ...IGNORING,
      onFrame: (_kind, bytes, start) => {
        if (bytes[start] !== CLIENT_INDEX) this.#join(frames);
        else frames.handler = this.#forClient(frames);
        return true;
      },
    };
  }

  async dial(port: number, index: number): Promise<void> {
    const frames = new FrameSocket(await connected(port), IGNORING, this.#plant);
    frames.reader.limit = FRAME_LIMIT;
    introduce(frames, index);
    this.#join(frames);
  }

  #join(peer: FrameSocket): void {
    this.#peers.push(peer);
    peer.handler = {
      ...IGNORING,
      onFrame: (kind, bytes, start, end) => {
        const id = this.#frames.idOf(kind, bytes, start, end);
        if (kind === FRAME_KIND.written || kind === FRAME_KIND.same) this.#onOwnerAnswered(id);
        else this.#frames.send(peer, this.#frames.fromOwner, id);
        return true;
      },
    };
  }

  #forClient(client: FrameSocket): FrameHandler {
    return {
      ...IGNORING,
      onFrame: (kind, bytes, start, end) => {
        this.#onAsk(client, this.#frames.idOf(kind, bytes, start, end));
        return true;
      },
    };
  }

  #onAsk(client: FrameSocket, askId: number): void {
    const id = this.#free.pop() ?? this.#slots.push(new Slot()) - 1;
    const slot = this.#slots[id]!;
    slot.client = client;
    slot.askId = askId;
    slot.expected = this.#ownersAsked;
    slot.isAnswered = false;
    for (let count = 0; count < this.#ownersAsked; count++) {
      this.#next = 1 - this.#next;
      this.#frames.send(this.#peers[this.#next]!, this.#frames.toOwner, id);
    }
  }

  #onOwnerAnswered(id: number): void {
    const slot = this.#slots[id]!;
    if (!slot.isAnswered) {
      slot.isAnswered = true;
      this.#frames.send(slot.client!, this.#frames.answer, slot.askId);
    }
    if (--slot.expected === 0) this.#free.push(id);
  }
}

const IGNORING: FrameHandler = {
  onFrame: () => true,
  onWritten: () => {},
  onClose: () => {},
};

async function runNode(
  index: number,
  operation: FanOutOperation,
  valueBytes: number,
  coding: Coding,
): Promise<void> {
  const node = new FanOutNode(operation, valueBytes, coding);
  const server = createServer((socket) => node.accept(socket));
  await new Promise<void>((resolve) => {
    server.listen({ host: "127.0.0.1", port: 0 }, resolve);
  });
  process.on("disconnect", () => process.exit());
  process.once("message", (ports: number[]) => {
    process.on("message", () => {
      const { user, system } = process.cpuUsage();
      process.send!(user + system);
    });
    for (let other = index + 1; other < NODE_COUNT; other++) void node.dial(ports[other]!, index);
    const timer = setInterval(() => {
      if (node.peerCount < NODE_COUNT - 1) return;
      clearInterval(timer);
      process.send!("ready");
    }, 1);
  });
  process.send!((server.address() as AddressInfo).port);
}

const [index, operation, valueBytes, coding] = process.argv.slice(2);
await runNode(Number(index), operation as FanOutOperation, Number(valueBytes), coding as Coding);
