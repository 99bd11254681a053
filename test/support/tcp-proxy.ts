/**
 * A cable between whoever dials it and a node: it can be cut, and it can go dead without a word, as
 * a machine does that loses its power.
 */
import { createConnection, createServer, type Server, type Socket } from "node:net";

export class TcpProxy {
  readonly port: number;
  /** Connections that were made through it, since the start. */
  dialCount = 0;
  readonly #server: Server;
  readonly #targetPort: number;
  readonly #sockets: Set<Socket> = new Set();
  #isDead = false;

  private constructor(server: Server, port: number, targetPort: number) {
    this.#server = server;
    this.port = port;
    this.#targetPort = targetPort;
    server.on("connection", (socket: Socket) => this.#onConnection(socket));
  }

  static start(port: number, targetPort: number): Promise<TcpProxy> {
    return new Promise((resolve, reject) => {
      const server = createServer();
      server.once("error", reject);
      server.listen({ host: "127.0.0.1", port }, () => {
        resolve(new TcpProxy(server, port, targetPort));
      });
    });
  }

  /** Both ends of every connection see it end. New ones go through. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Nothing passes any more, in either direction, and nobody is told; also on new connections. */
  goDead(): void {
    this.#isDead = true;
    for (const socket of this.#sockets) socket.pause();
  }

  revive(): void {
    this.#isDead = false;
    for (const socket of this.#sockets) socket.resume();
  }

  close(): void {
    this.#server.close();
    this.cut();
  }

  #onConnection(near: Socket): void {
    this.dialCount++;
    const far = createConnection({ host: "127.0.0.1", port: this.#targetPort });
    this.#relay(near, far);
    this.#relay(far, near);
  }

  #relay(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.setNoDelay(true);
    from.on("data", (chunk) => to.write(chunk));
    from.on("error", () => {});
    from.on("close", () => {
      this.#sockets.delete(from);
      to.destroy();
    });
    if (this.#isDead) from.pause();
  }
}
