/**
 * Buffers for bytes on their way to a socket, used again and again.
 *
 * A socket holds one only while it has something to say, so ten thousand silent connections cost
 * none. What is kept for the next is bounded in bytes: after a burst of large values the pool gives
 * back to the collector what it cannot keep.
 */
import { ByteWriter } from "../core/base/bytes.ts";

const FIRST_BYTES = 16 * 1024;
const KEPT_BYTES_MAX = 32 * 1024 * 1024;

export class WriterPool {
  readonly #writers: ByteWriter[] = [];
  #keptBytes = 0;

  take(): ByteWriter {
    const writer = this.#writers.pop();
    if (writer === undefined) return new ByteWriter(FIRST_BYTES);
    this.#keptBytes -= writer.bytes.length;
    return writer;
  }

  /** Only when nobody reads the bytes any more: the next to take it writes over them. */
  give(writer: ByteWriter): void {
    if (this.#keptBytes + writer.bytes.length > KEPT_BYTES_MAX) return;
    writer.reset();
    this.#keptBytes += writer.bytes.length;
    this.#writers.push(writer);
  }
}
