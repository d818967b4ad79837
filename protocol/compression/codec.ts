/** What a compression codec is. */

export const compressionNames = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
/** The id of a codec, bits 0 to 2 of a batch's attributes, is its place in `compressionNames`. */
export type CompressionName = (typeof compressionNames)[number];

export interface Codec {
  compress(bytes: Uint8Array, level: number | undefined): Uint8Array;
  /**
   * @param bytesMax the most that may come out.
   * @throws {TooLargeError} where more would come out, before that much was allocated.
   * @throws anything else where the bytes are not what the codec writes.
   */
  decompress(bytes: Uint8Array, bytesMax: number): Uint8Array;
}

/** The output would exceed the cap. Translated by the registry. */
export class TooLargeError extends Error {
  override readonly name = 'TooLargeError';
}

/** The same memory as a Buffer: several native codecs take nothing else. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
