/**
 * CRC-16/XMODEM: polynomial x^16 + x^12 + x^5 + 1, first bit high, start 0, nothing reflected.
 *
 * It is the checksum that cluster-aware Redis clients use to choose a slot, which is the one reason
 * it is here: a key must fall into the same slot on their side and on ours. It protects nothing.
 *
 * One table look-up a byte: the table holds the remainder of each possible top byte.
 */

export function crc16OfString(text: string, start: number, end: number): number {
  let crc = 0;
  for (let position = start; position < end; position++) {
    const top = ((crc >>> 8) ^ text.charCodeAt(position)) & 0xff;
    crc = ((crc << 8) & 0xff00) ^ TABLE[top]!;
  }
  return crc;
}

const POLYNOMIAL = 0x1021;
const TABLE: Uint16Array = remaindersOfBytes();

function remaindersOfBytes(): Uint16Array {
  const table = new Uint16Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let remainder = byte << 8;
    for (let bit = 0; bit < 8; bit++) {
      const carry = remainder & 0x8000;
      remainder = (remainder << 1) & 0xffff;
      if (carry !== 0) remainder ^= POLYNOMIAL;
    }
    table[byte] = remainder;
  }
  return table;
}
