/**
 * LZ4 frames. Java reads version 1 with independent blocks; the addon writes exactly that.
 *
 *     magic 04224D18 | FLG | BD | content size 8? | dictionary id 4? | header checksum 1
 *     (block size u32 little-endian, bit 31: stored as it is | block | checksum 4?)* | 0 u32 | checksum 4?
 *
 * The addon has no cap for its output, so the sizes of the blocks are added up first.
 */

import { createRequire } from 'node:module';
import { asBuffer, type Codec, TooLargeError } from './codec.ts';

const MAGIC = 0x184d2204;
const FLG_VERSION_MASK = 0xc0;
const FLG_VERSION_1 = 0x40;
const FLG_BLOCK_CHECKSUM = 0x10;
const FLG_CONTENT_SIZE = 0x08;
const FLG_CONTENT_CHECKSUM = 0x04;
const FLG_DICTIONARY = 0x01;
const STORED_BIT = 0x8000_0000;
/** The least that a match is long. */
const MATCH_BYTES_MIN = 4;

interface Lz4Addon {
  compressFrameSync(bytes: Buffer): Buffer;
  decompressFrameSync(bytes: Buffer): Buffer;
}

export function loadLz4(): Codec {
  const addon = createRequire(import.meta.url)('lz4-napi') as Lz4Addon;
  return {
    compress: (bytes) => addon.compressFrameSync(asBuffer(bytes)),
    decompress(bytes, bytesMax) {
      const buffer = asBuffer(bytes);
      if (frameContentBytes(buffer, bytesMax) > bytesMax) throw new TooLargeError();
      return addon.decompressFrameSync(buffer);
    },
  };
}

/** Bytes that the frame decompresses to; stops adding up once past `bytesMax`. */
function frameContentBytes(frame: Buffer, bytesMax: number): number {
  if (frame.length < 11 || frame.readUInt32LE(0) !== MAGIC) throw new Error('No LZ4 frame');
  const flags = frame[4]!;
  if ((flags & FLG_VERSION_MASK) !== FLG_VERSION_1 || (flags & FLG_DICTIONARY) !== 0) {
    throw new Error('An LZ4 frame of another version, or with a dictionary');
  }
  const checksumBytes = (flags & FLG_BLOCK_CHECKSUM) === 0 ? 0 : 4;
  const endBytes = (flags & FLG_CONTENT_CHECKSUM) === 0 ? 0 : 4;
  let at = (flags & FLG_CONTENT_SIZE) === 0 ? 7 : 15;
  let total = 0;
  while (total <= bytesMax) {
    if (at + 4 > frame.length) throw new Error('An LZ4 frame without an end');
    const word = frame.readUInt32LE(at);
    if (word === 0) {
      // The addon would leave what follows unread, and a batch would lose it unnoticed.
      if (at + 4 + endBytes !== frame.length) throw new Error('Bytes follow the LZ4 frame');
      return total;
    }
    const size = word % STORED_BIT;
    const start = at + 4;
    at = start + size + checksumBytes;
    if (at > frame.length) throw new Error('An LZ4 block is cut short');
    total += word >= STORED_BIT ? size : blockContentBytes(frame, start, start + size, bytesMax);
  }
  return total;
}

/** Walks the sequences of a block: token, literals, match offset, match length. */
function blockContentBytes(frame: Buffer, start: number, end: number, bytesMax: number): number {
  let at = start;
  let total = 0;
  while (at < end && total <= bytesMax) {
    const token = frame[at]!;
    at += 1;
    let literals = token >> 4;
    if (literals === 15) {
      let more = 255;
      while (more === 255 && at < end) {
        more = frame[at]!;
        at += 1;
        literals += more;
      }
    }
    total += literals;
    at += literals;
    if (at >= end) break;
    at += 2;
    let match = token & 15;
    if (match === 15) {
      let more = 255;
      while (more === 255 && at < end) {
        more = frame[at]!;
        at += 1;
        match += more;
      }
    }
    total += match + MATCH_BYTES_MIN;
  }
  return total;
}
