/**
 * A connection that says whatever it is told to, byte by byte, to a node that should know better
 * than to believe it.
 */
import { createConnection, type Socket } from "node:net";
import { ByteWriter } from "#src/core/base/bytes.ts";
import { nodeId } from "#src/core/ring/node-id.ts";
import { FrameReader } from "#src/core/wire/frame.ts";
import { clientGreeting, encodeGreeting, type Greeting } from "#src/core/wire/greeting.ts";
import { parseAddress } from "#src/socket/address.ts";

export interface RawFrame {
  readonly kind: number;
  readonly body: Uint8Array;
}

export class RawConnection {
  readonly socket: Socket;
  readonly frames: RawFrame[] = [];
  isClosed = false;

  constructor(address: string) {
    const parsed = parseAddress(address);
    if ("problem" in parsed) throw new Error(parsed.problem);
    this.socket = createConnection(parsed);
    const reader = new FrameReader(2 ** 30);
    this.socket.on("data", (chunk: Uint8Array) => {
      reader.push(chunk, (kind, bytes, start, end) => {
        this.frames.push({ kind, body: bytes.slice(start, end) });
        return true;
      });
    });
    this.socket.on("error", () => {});
    this.socket.on("close", () => (this.isClosed = true));
  }

  write(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Writes what the function lays out. */
  say(layOut: (writer: ByteWriter) => void): void {
    this.write(laidOut(layOut));
  }

  greet(changes: Partial<Greeting> = {}): void {
    this.say((writer) => encodeGreeting(writer, { ...CLIENT, ...changes }));
  }

  close(): void {
    this.socket.destroy();
  }
}

export function laidOut(layOut: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter();
  layOut(writer);
  return writer.finish();
}

export const CLIENT: Greeting = clientGreeting("gramme");

export const NODE: Greeting = {
  ...CLIENT,
  role: "node",
  nodeId: nodeId("n9"),
  generation: 1,
  address: "127.0.0.1:1",
};
