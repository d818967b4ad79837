/**
 * The codecs by name, each loaded when it is first used: an installation without one of the native
 * packages works, and answers UNSUPPORTED_COMPRESSION_TYPE where that codec is asked for.
 */

import { ProtocolError } from '../errors.ts';
import { type Codec, type CompressionName, compressionNames, TooLargeError } from './codec.ts';
import { loadGzip } from './gzip.ts';
import { loadLz4 } from './lz4.ts';
import { loadSnappy } from './snappy.ts';
import { loadZstd } from './zstd.ts';

const loaders: Readonly<Record<CompressionName, () => Codec>> = {
  none: () => ({
    compress: (bytes) => bytes,
    decompress(bytes, bytesMax) {
      if (bytes.length > bytesMax) throw new TooLargeError();
      return bytes;
    },
  }),
  gzip: loadGzip,
  snappy: loadSnappy,
  lz4: loadLz4,
  zstd: loadZstd,
};

/** A codec, or why it cannot be loaded. */
const loaded = new Map<CompressionName, Codec | Error>();

/**
 * The name of a codec id.
 *
 * @throws ProtocolError UNSUPPORTED_COMPRESSION_TYPE for an id that no codec has.
 */
export function codecName(id: number): CompressionName {
  const name = compressionNames[id];
  if (name !== undefined) return name;
  throw new ProtocolError('UNSUPPORTED_COMPRESSION_TYPE', `There is no codec with the id ${id}`);
}

export function codecId(name: CompressionName): number {
  return compressionNames.indexOf(name);
}

/** Whether the codec can be used here. */
export function isCodecAvailable(name: CompressionName): boolean {
  return !(load(name) instanceof Error);
}

/** @throws ProtocolError UNSUPPORTED_COMPRESSION_TYPE naming the codec that is not installed. */
export function requireCodec(name: CompressionName): Codec {
  const codec = load(name);
  if (!(codec instanceof Error)) return codec;
  throw new ProtocolError(
    'UNSUPPORTED_COMPRESSION_TYPE',
    `The codec "${name}" is not installed here; npm installs it as an optional dependency`,
    { cause: codec },
  );
}

/**
 * Compresses on this thread.
 *
 * @param level of gzip (1-9) and zstd (1-22); default that of the codec. Others have none.
 * @returns fresh memory, but for 'none', which returns `bytes` itself.
 * @throws ProtocolError UNSUPPORTED_COMPRESSION_TYPE.
 */
export function compress(name: CompressionName, bytes: Uint8Array, level?: number): Uint8Array {
  return requireCodec(name).compress(bytes, level);
}

/**
 * Decompresses on this thread, and never to more than `bytesMax` bytes.
 *
 * @returns fresh memory, but for 'none', which returns `bytes` itself.
 * @throws ProtocolError UNSUPPORTED_COMPRESSION_TYPE; MESSAGE_TOO_LARGE where more than `bytesMax`
 *   would come out, found out before it is allocated; CORRUPT_MESSAGE where the bytes are not what
 *   the codec writes.
 */
export function decompress(name: CompressionName, bytes: Uint8Array, bytesMax: number): Uint8Array {
  const codec = requireCodec(name);
  try {
    const result = codec.decompress(bytes, bytesMax);
    if (result.length > bytesMax) throw new TooLargeError();
    return result;
  } catch (error) {
    if (error instanceof TooLargeError) {
      throw new ProtocolError(
        'MESSAGE_TOO_LARGE',
        `${bytes.length} bytes of ${name} decompress to more than the ${bytesMax} allowed`,
      );
    }
    throw new ProtocolError('CORRUPT_MESSAGE', `${bytes.length} bytes are no ${name} data`, {
      cause: error,
    });
  }
}

function load(name: CompressionName): Codec | Error {
  const known = loaded.get(name);
  if (known !== undefined) return known;
  let codec: Codec | Error;
  try {
    codec = loaders[name]();
  } catch (error) {
    codec = error instanceof Error ? error : new Error(String(error));
  }
  loaded.set(name, codec);
  return codec;
}
