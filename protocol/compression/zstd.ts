/**
 * Zstandard, RFC 8878: by node:zlib where it has it (Node 22.15 and later), else by an addon.
 *
 * The addon has no cap for its output, and a frame need not say how much it holds. But a block holds
 * at most 128 KiB, so walking the block headers bounds the output before anything is allocated.
 */

import { createRequire } from 'node:module';
import * as zlib from 'node:zlib';
import { systemErrorCode } from '../../common/index.ts';
import { asBuffer, type Codec, TooLargeError } from './codec.ts';

const MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const BLOCK_BYTES_MAX = 128 * 1024;
const DEFAULT_LEVEL = 3;

interface BuiltInZstd {
  zstdCompressSync(bytes: Uint8Array, options: { params: Record<number, number> }): Buffer;
  zstdDecompressSync(bytes: Uint8Array, options: { maxOutputLength: number }): Buffer;
  constants: { ZSTD_c_compressionLevel: number };
}

interface ZstdAddon {
  Encoder: new (level: number) => { encodeSync(bytes: Buffer): Buffer };
  Decoder: new () => { decodeSync(bytes: Buffer): Buffer };
}

export function loadZstd(): Codec {
  if ('zstdCompressSync' in zlib) return builtIn(zlib as unknown as BuiltInZstd);
  return byAddon(createRequire(import.meta.url)('@toondepauw/node-zstd') as ZstdAddon);
}

function builtIn(library: BuiltInZstd): Codec {
  return {
    compress(bytes, level) {
      const params = { [library.constants.ZSTD_c_compressionLevel]: level ?? DEFAULT_LEVEL };
      return library.zstdCompressSync(bytes, { params });
    },
    decompress(bytes, bytesMax) {
      try {
        return library.zstdDecompressSync(bytes, { maxOutputLength: Math.max(bytesMax, 1) });
      } catch (error) {
        if (systemErrorCode(error) === 'ERR_BUFFER_TOO_LARGE') throw new TooLargeError();
        throw error;
      }
    },
  };
}

function byAddon(addon: ZstdAddon): Codec {
  const decoder = new addon.Decoder();
  return {
    compress: (bytes, level) =>
      new addon.Encoder(level ?? DEFAULT_LEVEL).encodeSync(asBuffer(bytes)),
    decompress(bytes, bytesMax) {
      const buffer = asBuffer(bytes);
      // The last block of a frame may hold less than its bound.
      if (contentBytesBound(buffer) > bytesMax + BLOCK_BYTES_MAX) throw new TooLargeError();
      return decoder.decodeSync(buffer);
    },
  };
}

/** An upper bound of what the frames decompress to. */
export function contentBytesBound(bytes: Buffer): number {
  let total = 0;
  let at = 0;
  while (at < bytes.length) {
    const magic = at + 4 <= bytes.length ? bytes.readUInt32LE(at) : 0;
    if (magic - (magic & 15) === SKIPPABLE_MAGIC && at + 8 <= bytes.length) {
      at += 8 + bytes.readUInt32LE(at + 4);
      continue;
    }
    if (magic !== MAGIC) throw new Error('No zstd frame');
    const frame = frameBound(bytes, at + 4);
    total += frame.contentBytes;
    at = frame.end;
  }
  return total;
}

function frameBound(bytes: Buffer, start: number): { contentBytes: number; end: number } {
  const descriptor = bytes[start];
  if (descriptor === undefined) throw new Error('A zstd frame is cut short');
  const singleSegment = (descriptor & 0x20) !== 0;
  const checksumBytes = (descriptor & 0x04) === 0 ? 0 : 4;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!;
  const sizeBytes = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
  let at = start + 1 + (singleSegment ? 0 : 1) + dictionaryBytes + sizeBytes;
  let contentBytes = 0;
  for (let last = false; !last; ) {
    if (at + 3 > bytes.length) throw new Error('A zstd block is cut short');
    const header = bytes.readUIntLE(at, 3);
    const size = header >> 3;
    const type = (header >> 1) & 3;
    last = (header & 1) === 1;
    // 0: stored; 1: one byte, repeated; 2: compressed.
    contentBytes += type === 2 ? BLOCK_BYTES_MAX : size;
    at += 3 + (type === 1 ? 1 : size);
  }
  return { contentBytes, end: at + checksumBytes };
}
