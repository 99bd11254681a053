/**
 * Where a scan goes on, as it is handed to a client and comes back.
 *
 *     mac u64 │ partition u16 │ kind u8 │ a number: varint, a text: bytes
 *
 * An engine believes the positions that it made, and one of somebody else's making could send it
 * anywhere. So a position is sealed with a secret of this process: it is refused for another
 * partition, by another node, and after a restart, when the engine may count otherwise.
 */
import { randomBytes } from "node:crypto";
import { assert } from "../core/base/assert.ts";
import { ByteReader, ByteWriter, EMPTY_BYTES } from "../core/base/bytes.ts";
import { sipHash, type SipKey, sipKeyOf } from "../core/base/siphash.ts";
import type { ScanPosition } from "../core/storage/engine.ts";
import { POSITION_BYTES_MAX } from "../core/wire/copy-codec.ts";

const MAC_BYTES = 8;
const NUMBER = 1;
const TEXT = 2;

export class RowPositions {
  readonly #secret: SipKey = sipKeyOf(new Uint8Array(randomBytes(16)));

  /** No bytes for the end. */
  seal(partition: number, position: ScanPosition | undefined): Uint8Array {
    if (position === undefined) return EMPTY_BYTES;
    const writer = new ByteWriter(64);
    writer.u64(0);
    writer.u16(partition);
    if (typeof position === "number") {
      writer.u8(NUMBER);
      writer.varint(position);
    } else {
      writer.u8(TEXT);
      writer.binary(position);
    }
    assert(writer.length <= POSITION_BYTES_MAX, `a position of ${writer.length} bytes`);
    const mac = sipHash(this.#secret, writer.bytes, MAC_BYTES, writer.length);
    writer.patchU32(0, mac.hi);
    writer.patchU32(4, mac.lo);
    return writer.finish();
  }

  /** Undefined for bytes that were not sealed here for this partition. */
  open(partition: number, sealed: Uint8Array): ScanPosition | undefined {
    if (sealed.length < MAC_BYTES) return undefined;
    const reader = new ByteReader(sealed);
    const mac = sipHash(this.#secret, sealed, MAC_BYTES, sealed.length);
    if (reader.u32() !== mac.hi || reader.u32() !== mac.lo) return undefined;
    if (reader.u16() !== partition) return undefined;
    return reader.u8() === NUMBER ? reader.varint() : reader.binary();
  }
}
