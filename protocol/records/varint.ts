/**
 * Kafka's zig-zag varints: 7 bits a byte, low first, the sign in bit 0.
 *
 * Values are numbers. The sign is split off before the doubling, so every safe integer is exact;
 * what lies beyond 2^53 on the wire is rounded and fails the caller's range check.
 */

/** @returns bytes that `writeVarint` needs for a safe integer: 1 to 8. */
export function varintBytes(value: number): number {
  if ((value | 0) !== value) return wideVarintBytes(value);
  const zigzag = (value << 1) ^ (value >> 31);
  if ((zigzag & ~0x7f) === 0) return 1;
  if ((zigzag & ~0x3fff) === 0) return 2;
  if ((zigzag & ~0x1f_ffff) === 0) return 3;
  return (zigzag & ~0xfff_ffff) === 0 ? 4 : 5;
}

/** Writes a safe integer. @returns the position after it. */
export function writeVarint(bytes: Uint8Array, position: number, value: number): number {
  if ((value | 0) !== value) return writeWideVarint(bytes, position, value);
  let zigzag = (value << 1) ^ (value >> 31);
  let at = position;
  while ((zigzag & ~0x7f) !== 0) {
    bytes[at] = (zigzag & 0x7f) | 0x80;
    at += 1;
    zigzag >>>= 7;
  }
  bytes[at] = zigzag;
  return at + 1;
}

/** Beyond 32 bits, by arithmetic: rare, so the fast paths above stay within small integers. */
function wideVarintBytes(value: number): number {
  let rest = Math.floor((value < 0 ? -value - 1 : value) / 64);
  let count = 1;
  for (; rest > 0; count += 1) rest = Math.floor(rest / 128);
  return count;
}

function writeWideVarint(bytes: Uint8Array, position: number, value: number): number {
  const magnitude = value < 0 ? -value - 1 : value;
  bytes[position] = ((magnitude % 64) << 1) | (value < 0 ? 1 : 0) | 0x80;
  let at = position + 1;
  let rest = Math.floor(magnitude / 64);
  for (; rest >= 128; rest = Math.floor(rest / 128)) {
    bytes[at] = (rest % 128) | 0x80;
    at += 1;
  }
  bytes[at] = rest;
  return at + 1;
}

/** Longest varint that is read: 64 bits. */
const VARINT_BYTES_MAX = 10;

/** Reads varints one after the other and never past `end`. */
export class VarintReader {
  bytes: Uint8Array = new Uint8Array(0);
  position = 0;
  end = 0;

  /**
   * @returns the value, exact where it is a safe integer; NaN where the varint is cut short or
   *   longer than 64 bits, which fails every range check.
   */
  next(): number {
    const { bytes, end } = this;
    let at = this.position;
    if (at >= end) return Number.NaN;
    const first = bytes[at]!;
    at += 1;
    let magnitude = (first & 0x7f) >> 1;
    if (first >= 0x80) {
      const limit = Math.min(end, this.position + VARINT_BYTES_MAX);
      let scale = 64;
      for (;;) {
        if (at >= limit) return Number.NaN;
        const byte = bytes[at]!;
        at += 1;
        magnitude += (byte & 0x7f) * scale;
        if (byte < 0x80) break;
        scale *= 128;
      }
    }
    this.position = at;
    return (first & 1) === 0 ? magnitude : -magnitude - 1;
  }
}
