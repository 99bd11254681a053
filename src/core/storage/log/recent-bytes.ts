/**
 * The end of the log in memory. Rows are written here first, and the disk gets views of the same
 * bytes; what was written lately is read here, without a system call and without a check.
 *
 *     ┌ chunk ────────┐┌ chunk ────────┐┌ chunk ──────
 *     │ segment 4, 30 ││ segment 4, 1M ││ segment 5, 30 …          a chunk is part of one segment
 *     └───────────────┘└───────────────┘└─────────────
 *       oldest: dropped when there are too many bytes and it is on the disk
 *
 * Written bytes are never changed, so a view of them may be handed out and outlives the chunk.
 */
import { assert } from "../../base/assert.ts";

export interface Chunk {
  readonly segment: number;
  /** Where in the segment its first byte is. */
  readonly start: number;
  readonly bytes: Uint8Array;
  used: number;
}

export class RecentBytes {
  readonly #chunkBytes: number;
  readonly #keepBytes: number;
  readonly #chunks: Chunk[] = [];
  #bytes = 0;

  constructor(chunkBytes: number, keepBytes: number) {
    this.#chunkBytes = chunkBytes;
    this.#keepBytes = keepBytes;
  }

  /** The chunk in which `size` bytes are free at just this place of the log. */
  room(segment: number, offset: number, size: number): Chunk {
    const last = this.#chunks.at(-1);
    if (last !== undefined && last.segment === segment && last.used + size <= last.bytes.length) {
      assert(last.start + last.used === offset, `a gap before ${offset} of segment ${segment}`);
      return last;
    }
    const bytes = new Uint8Array(Math.max(size, this.#chunkBytes));
    const chunk = { segment, start: offset, bytes, used: 0 };
    this.#chunks.push(chunk);
    this.#bytes += bytes.length;
    return chunk;
  }

  find(segment: number, offset: number): Chunk | undefined {
    const chunks = this.#chunks;
    let low = 0;
    let high = chunks.length;
    // The last chunk that begins at this place or before it.
    while (low < high) {
      const middle = (low + high) >> 1;
      const { segment: other, start } = chunks[middle]!;
      if (other < segment || (other === segment && start <= offset)) low = middle + 1;
      else high = middle;
    }
    const chunk = chunks[low - 1];
    const holds = chunk?.segment === segment && offset < chunk.start + chunk.used;
    return holds ? chunk : undefined;
  }

  /** Drops the oldest chunks of which the disk has everything before this place. */
  trim(segment: number, offset: number): void {
    const chunks = this.#chunks;
    let count = 0;
    while (count < chunks.length - 1 && this.#bytes > this.#keepBytes) {
      const chunk = chunks[count]!;
      const isWritten =
        chunk.segment < segment ||
        (chunk.segment === segment && chunk.start + chunk.used <= offset);
      if (!isWritten) break;
      this.#bytes -= chunk.bytes.length;
      count++;
    }
    if (count > 0) chunks.splice(0, count);
  }
}
