/**
 * Snappy in both forms that Kafka's clients write.
 *
 *     xerial   82 'SNAPPY' 00 | int32 version 1 | int32 compatible 1 | (int32 length | raw block)*
 *     raw      one raw block, as librdkafka and most clients outside Java write it
 *
 * A raw block begins with its decompressed length, so a bomb is known before it is opened. We write
 * xerial in blocks of 32 KiB, as Java does; every client reads both.
 */

import { createRequire } from 'node:module';
import { readInt32, writeInt32 } from '../bytes.ts';
import { asBuffer, type Codec, TooLargeError } from './codec.ts';

const XERIAL_MAGIC = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00];
const XERIAL_HEADER_BYTES = 16;
const XERIAL_VERSION = 1;
const BLOCK_BYTES = 32 * 1024;

interface SnappyAddon {
  compressSync(bytes: Uint8Array): Buffer;
  uncompressSync(bytes: Uint8Array, options: { readonly asBuffer: true }): Buffer;
}

export function loadSnappy(): Codec {
  const addon = createRequire(import.meta.url)('snappy') as SnappyAddon;
  return {
    compress: (bytes) => compressXerial(addon, bytes),
    decompress: (bytes, bytesMax) =>
      isXerial(bytes)
        ? decompressXerial(addon, bytes, bytesMax)
        : openBlock(addon, bytes, bytesMax),
  };
}

function isXerial(bytes: Uint8Array): boolean {
  return (
    bytes.length >= XERIAL_HEADER_BYTES &&
    XERIAL_MAGIC.every((byte, index) => bytes[index] === byte)
  );
}

function compressXerial(addon: SnappyAddon, bytes: Uint8Array): Uint8Array {
  const header = Buffer.alloc(XERIAL_HEADER_BYTES);
  header.set(XERIAL_MAGIC);
  writeInt32(header, 8, XERIAL_VERSION);
  writeInt32(header, 12, XERIAL_VERSION);
  const parts: Uint8Array[] = [header];
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    const block = addon.compressSync(asBuffer(bytes.subarray(at, at + BLOCK_BYTES)));
    const length = Buffer.allocUnsafe(4);
    writeInt32(length, 0, block.length);
    parts.push(length, block);
  }
  return Buffer.concat(parts);
}

function decompressXerial(addon: SnappyAddon, bytes: Uint8Array, bytesMax: number): Uint8Array {
  const parts: Uint8Array[] = [];
  let total = 0;
  for (let at = XERIAL_HEADER_BYTES; at < bytes.length; ) {
    const length = at + 4 <= bytes.length ? readInt32(bytes, at) : -1;
    const start = at + 4;
    if (length < 0 || length > bytes.length - start) throw new Error('A block is cut short');
    const part = openBlock(addon, bytes.subarray(start, start + length), bytesMax - total);
    parts.push(part);
    total += part.length;
    at = start + length;
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts, total);
}

function openBlock(addon: SnappyAddon, block: Uint8Array, bytesMax: number): Uint8Array {
  if (blockContentBytes(block) > bytesMax) throw new TooLargeError();
  return addon.uncompressSync(asBuffer(block), { asBuffer: true });
}

/** The length at the head of a block: an unsigned varint of 32 bits. */
function blockContentBytes(block: Uint8Array): number {
  let value = 0;
  for (let i = 0; i < 5; i += 1) {
    const byte = block[i];
    if (byte === undefined) break;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return value;
  }
  throw new Error('A block without a length');
}
