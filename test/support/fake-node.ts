/**
 * A listener that greets like a node and answers as a test tells it to.
 */
import type { Message } from "#src/core/messages.ts";
import { Layout } from "#src/core/ring/layout.ts";
import { type NodeId, nodeId } from "#src/core/ring/node-id.ts";
import { decodeMessage, encodeMessage } from "#src/core/wire/message-codec.ts";
import type { Greeting } from "#src/core/wire/greeting.ts";
import { Listener } from "#src/host/listener.ts";
import type { FrameSocket } from "#src/socket/frame-socket.ts";
import { Turn } from "#src/socket/turn.ts";
import { WriterPool } from "#src/socket/writer-pool.ts";
import { NODE } from "./raw-connection.ts";

export type Reply = (message: Message, layout: Layout) => Message | undefined;

export class FakeNode {
  readonly id: NodeId;
  readonly heard: Message[] = [];
  layout: Layout;
  readonly address: string;
  readonly #listener: Listener;
  readonly #reply: Reply;
  readonly #connections: FrameSocket[] = [];

  private constructor(listener: Listener, port: number, reply: Reply, name: string) {
    this.id = nodeId(name);
    this.#listener = listener;
    this.#reply = reply;
    this.address = `127.0.0.1:${port}`;
    this.layout = this.layoutOf(1);
    listener.serve({
      greeting: () => this.#greeting(),
      judge: () => undefined,
      onNode: (frames) => frames.destroy("not expected"),
      onScout: (frames) => frames.destroy("not expected"),
      onClient: (frames) => this.#onClient(frames),
      note: () => {},
    });
  }

  static async start(reply: Reply, name = "fake"): Promise<FakeNode> {
    const listener = new Listener({ turn: new Turn(), pool: new WriterPool() }, 1_000);
    const { port } = await listener.listen({ host: "127.0.0.1", port: 0 });
    return new FakeNode(listener, port, reply, name);
  }

  layoutOf(epoch: number): Layout {
    return new Layout({
      epoch,
      clusterId: "gramme",
      strategy: "ring",
      replicas: 1,
      partitionCount: 16,
      nodes: [{ id: this.id, address: this.address, weight: 1, zone: "" }],
      ownerIndexes: new Uint16Array(16),
    });
  }

  async stop(): Promise<void> {
    for (const connection of this.#connections) connection.destroy("stopped");
    await this.#listener.stop();
  }

  #greeting(): Greeting {
    return {
      ...NODE,
      nodeId: this.id,
      layoutEpoch: this.layout.epoch,
      layoutFingerprint: this.layout.fingerprint(),
      address: this.address,
    };
  }

  #onClient(frames: FrameSocket): void {
    this.#connections.push(frames);
    frames.reader.limit = 2 ** 20;
    frames.handler = {
      onFrame: (kind, bytes, start, end) => {
        const message = decodeMessage(kind, bytes, start, end);
        if (message === undefined) return false;
        this.heard.push(message);
        const reply = this.#reply(message, this.layout);
        if (reply !== undefined) encodeMessage(frames.writer, reply);
        return true;
      },
      onWritten: () => {},
      onClose: () => {},
    };
  }
}
