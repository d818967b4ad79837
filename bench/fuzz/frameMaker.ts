/**
 * Frames as no client would send them: each begins as a valid request of some API and is then spoiled
 * in one of the known ways.
 */

import {
  type Api,
  apiCatalogue,
  encodeFrame,
  FRAME_HEADER_BYTES,
  FRAME_KIND_REQUEST,
} from '../../protocol/index.ts';
import type { FuzzFrame } from './fuzzDialect.ts';
import type { FuzzRandom } from './fuzzRandom.ts';
import type { SchemaValues } from './schemaValues.ts';

type Spoiler = (frame: Buffer, random: FuzzRandom) => Buffer;

const LENGTHS = [0, 1, 11, 12, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 64 * 1024 + 1, 100_000_000];
const EVIL_MSGPACK: readonly Buffer[] = [
  Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff]),
  Buffer.from([0xdf, 0xff, 0xff, 0xff, 0xff]),
  Buffer.from([0xc6, 0xff, 0xff, 0xff, 0xff]),
  Buffer.from([0xdb, 0x7f, 0xff, 0xff, 0xff]),
  Buffer.from([0xc1]),
  Buffer.from([0xd4, 0x72, 0x40]),
  Buffer.from([0xc7, 0x00, 0x00]),
  Buffer.from([0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
  Buffer.from([0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0]),
  Buffer.alloc(5000, 0x91),
  Buffer.alloc(5000, 0xdc),
  Buffer.alloc(0),
];

/** Spoils what follows the length field: the stream stays readable. */
const spoilersWithin: readonly Spoiler[] = [
  (frame) => frame,
  (frame, random) => setByte(frame, 4, random.pick([2, 3])),
  (frame, random) => setByte(frame, 5, random.pick([1, 2, 127, 255])),
  (frame, random) => setByte(setByte(frame, 6, random.below(256)), 7, random.below(256)),
  (frame, random) => setUint32(frame, 12, random.below(frame.readUInt32BE(12) + 1)),
  (frame, random) => withBody(frame, random.pick(EVIL_MSGPACK)),
  (frame, random) => withBody(frame, random.bytes(random.below(300))),
  (frame, random) => withBody(frame, spliced(bodyOf(frame), random)),
  (frame, random) => withLength(Buffer.concat([frame, random.bytes(1 + random.below(100))])),
  (frame, random) => withBody(frame, bodyOf(frame).subarray(0, random.below(frame.length))),
  (frame, random) => mutated(frame, random, FRAME_HEADER_BYTES),
];

/** Spoils the stream itself. */
const spoilersOfStream: readonly Spoiler[] = [
  (frame, random) => setByte(frame, 4, random.pick([0, 4, 127, 255])),
  (frame, random) => setUint32(frame, 12, random.pick(LENGTHS)),
  (frame, random) => setUint32(frame, 12, frame.length - FRAME_HEADER_BYTES + 1 + random.below(9)),
  (frame, random) => setUint32(frame, 0, random.pick(LENGTHS)),
  (frame, random) => frame.subarray(0, 1 + random.below(frame.length - 1)),
  (frame, random) => mutated(frame, random, 0),
  (_frame, random) => random.bytes(1 + random.below(200)),
  () => Buffer.from('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n'),
  () => Buffer.from([0, 0, 0, 12, 0, 18, 0, 3, 0, 0, 0, 1, 0, 1, 97, 0]),
  () => Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]),
];

const LAST_PROBABILITY = 0.02;

export class FrameMaker {
  readonly #random: FuzzRandom;
  readonly #values: SchemaValues;

  constructor(random: FuzzRandom, values: SchemaValues) {
    this.#random = random;
    this.#values = values;
  }

  next(): FuzzFrame {
    const random = this.#random;
    const valid = this.#validFrame();
    const isLast = random.chance(LAST_PROBABILITY);
    const spoiler = random.pick(isLast ? spoilersOfStream : spoilersWithin);
    return { bytes: spoiler(valid, random), isLast };
  }

  #validFrame(): Buffer {
    const api: Api = this.#random.pick(apiCatalogue);
    const value = this.#values.request(api);
    const address = {
      kind: FRAME_KIND_REQUEST,
      apiKey: api.key,
      apiVersion: api.versions.max,
      correlationId: this.#random.word(),
    } as const;
    return Buffer.concat(encodeFrame(address, api.request as Api['request'], value));
  }
}

function setByte(frame: Buffer, position: number, value: number): Buffer {
  frame[position] = value;
  return frame;
}

function setUint32(frame: Buffer, position: number, value: number): Buffer {
  frame.writeUInt32BE(value >>> 0, position);
  return frame;
}

function bodyOf(frame: Buffer): Buffer {
  return frame.subarray(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + frame.readUInt32BE(12));
}

function withBody(frame: Buffer, body: Buffer): Buffer {
  const header = Buffer.from(frame.subarray(0, FRAME_HEADER_BYTES));
  header.writeUInt32BE(body.length, 12);
  return withLength(Buffer.concat([header, body]));
}

function withLength(frame: Buffer): Buffer {
  frame.writeUInt32BE(frame.length - 4, 0);
  return frame;
}

/** Flips up to eight bytes from `start` on. */
function mutated(frame: Buffer, random: FuzzRandom, start: number): Buffer {
  const count = 1 + random.below(8);
  for (let flip = 0; flip < count && start < frame.length; flip += 1) {
    frame[start + random.below(frame.length - start)] = random.below(256);
  }
  return frame;
}

/** Drops, doubles or inserts a piece. */
function spliced(body: Buffer, random: FuzzRandom): Buffer {
  const start = random.below(body.length + 1);
  const end = start + random.below(body.length - start + 1);
  const piece = random.pick([
    Buffer.alloc(0),
    Buffer.concat([body.subarray(start, end), body.subarray(start, end)]),
    random.bytes(random.below(20)),
  ]);
  return Buffer.concat([body.subarray(0, start), piece, body.subarray(end)]);
}
