/**
 * Kafka's zig-zag varints: 7 bits a byte, low first, the sign in bit 0.
 *
 * Values are numbers. The sign is split off before the doubling, so every safe integer is exact;
 * what lies beyond 2^53 on the wire is rounded and fails the caller's range check.
 */

/** @returns bytes that `writeVarint` needs for a safe integer: 1 to 8. */
export function varintBytes(value: number): number {
  let magnitude = value < 0 ? -value - 1 : value;
  if (magnitude < 64) return 1;
  if (magnitude < 8192) return 2;
  let count = 1;
  for (magnitude = Math.floor(magnitude / 64); magnitude > 0; count += 1) {
    magnitude = Math.floor(magnitude / 128);
  }
  return count;
}

/** Writes a safe integer. @returns the position after it. */
export function writeVarint(bytes: Uint8Array, position: number, value: number): number {
  const sign = value < 0 ? 1 : 0;
  let magnitude = value < 0 ? -value - 1 : value;
  let at = position;
  if (magnitude < 64) {
    bytes[at] = (magnitude << 1) | sign;
    return at + 1;
  }
  bytes[at] = ((magnitude % 64) << 1) | sign | 0x80;
  at += 1;
  magnitude = magnitude < 0x8000_0000 ? magnitude >>> 6 : Math.floor(magnitude / 64);
  while (magnitude >= 128) {
    bytes[at] = (magnitude % 128) | 0x80;
    at += 1;
    magnitude = magnitude < 0x8000_0000 ? magnitude >>> 7 : Math.floor(magnitude / 128);
  }
  bytes[at] = magnitude;
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
