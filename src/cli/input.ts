/**
 * Standard input, whole and bounded: a pipe that never ends must not fill the memory (law 7).
 */
import { CommandError, EXIT } from "./exit-codes.ts";

const INPUT_BYTES_MAX = 64 * 1024 * 1024;

export async function readInput(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of process.stdin as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > INPUT_BYTES_MAX) {
      throw new CommandError(EXIT.usage, `the input has more than ${INPUT_BYTES_MAX} bytes`);
    }
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
