/**
 * Requests of the Kafka protocol as no client would send them: most are well formed and ask for
 * nonsense, some are spoiled in one of the known ways.
 */

import { encodeRequest, type KafkaApi, kafkaApis } from '../../broker/kafka/wire/index.ts';
import type { FuzzFrame } from './fuzzDialect.ts';
import type { FuzzRandom } from './fuzzRandom.ts';
import type { KafkaValues } from './kafkaValues.ts';

type Spoiler = (frame: Buffer, random: FuzzRandom) => Buffer;

const LENGTH_BYTES = 4;
/** The length, the api key and version, the correlation id. */
const FIXED_HEADER_BYTES = 12;
const LENGTHS = [-1, 0, 1, 7, 8, 2 ** 31 - 1, -(2 ** 31), 104_857_600, 104_857_601];
/** Lengths and counts that lie, to be written over whatever stands there. */
const LIES: readonly Buffer[] = [
  Buffer.from([0x7f, 0xff, 0xff, 0xff]),
  Buffer.from([0x80, 0, 0, 0]),
  Buffer.from([0xff, 0xff, 0xff, 0xff]),
  Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]),
  Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
  Buffer.from([0x80, 0x80, 0x80, 0x80, 0x00]),
  Buffer.from([0x7f, 0xff]),
  Buffer.from([0]),
];

/** A server ends the connection on most of these: it cannot answer what it cannot read. */
const spoilers: readonly Spoiler[] = [
  (frame, random) => setInt16(frame, 4, random.pick([-1, 4, 5, 6, 7, 24, 28, 76, 999, 32_767])),
  (frame, random) => setInt16(frame, 6, random.pick([-1, 18, 99, 32_767])),
  (frame, random) => mutated(frame, random, LENGTH_BYTES),
  (frame, random) => mutated(frame, random, FIXED_HEADER_BYTES),
  (frame, random) => withLie(frame, random),
  (frame, random) => withLie(frame, random),
  (frame, random) => spliced(frame, random),
  (frame, random) => withLength(Buffer.concat([frame, random.bytes(1 + random.below(100))])),
  (frame, random) => withLength(frame.subarray(0, LENGTH_BYTES + random.below(frame.length - 4))),
  (frame, random) => setInt32(frame, 0, random.pick(LENGTHS)),
  (frame, random) => frame.subarray(0, 1 + random.below(frame.length - 1)),
  (_frame, random) => random.bytes(1 + random.below(200)),
  () => Buffer.from('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n'),
  () => Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]),
];

const SPOILED_PROBABILITY = 0.1;

export class KafkaFrameMaker {
  readonly #random: FuzzRandom;
  readonly #values: KafkaValues;
  readonly #apis: readonly KafkaApi[];

  /** @param apiNames only these; all when empty. */
  constructor(random: FuzzRandom, values: KafkaValues, apiNames: readonly string[] = []) {
    this.#random = random;
    this.#values = values;
    this.#apis = [...kafkaApis.values()].filter(
      ({ name, advertised }) =>
        advertised !== null && (apiNames.length === 0 || apiNames.includes(name)),
    );
  }

  next(): FuzzFrame {
    const random = this.#random;
    const valid = this.#validFrame();
    const isLast = random.chance(SPOILED_PROBABILITY);
    return { bytes: isLast ? random.pick(spoilers)(valid, random) : valid, isLast };
  }

  #validFrame(): Buffer {
    const random = this.#random;
    const api = random.pick(this.#apis);
    const { min, max } = api.accepted;
    const version = min + random.below(max - min + 1);
    const header = {
      correlationId: random.word() | 0,
      clientId: random.pick([null, '', 'fuzz', 'ü'.repeat(50)]),
    };
    const value = this.#values.request(api, version);
    return Buffer.concat(encodeRequest(api, version, header, value));
  }
}

function setInt16(frame: Buffer, position: number, value: number): Buffer {
  frame.writeInt16BE(value, position);
  return frame;
}

function setInt32(frame: Buffer, position: number, value: number): Buffer {
  frame.writeInt32BE(value, position);
  return frame;
}

function withLength(frame: Buffer): Buffer {
  return setInt32(frame, 0, frame.length - LENGTH_BYTES);
}

/** Flips up to eight bytes from `start` on. */
function mutated(frame: Buffer, random: FuzzRandom, start: number): Buffer {
  const count = 1 + random.below(8);
  for (let flip = 0; flip < count && start < frame.length; flip += 1) {
    frame[start + random.below(frame.length - start)] = random.below(256);
  }
  return frame;
}

function withLie(frame: Buffer, random: FuzzRandom): Buffer {
  const at = FIXED_HEADER_BYTES + random.below(frame.length - FIXED_HEADER_BYTES);
  random.pick(LIES).copy(frame, at);
  return frame;
}

/** Drops, doubles or inserts a piece behind the fixed part of the header. */
function spliced(frame: Buffer, random: FuzzRandom): Buffer {
  const room = frame.length - FIXED_HEADER_BYTES;
  const start = FIXED_HEADER_BYTES + random.below(room);
  const end = start + random.below(frame.length - start + 1);
  const piece = random.pick([
    Buffer.alloc(0),
    Buffer.concat([frame.subarray(start, end), frame.subarray(start, end)]),
    random.bytes(random.below(20)),
  ]);
  return withLength(Buffer.concat([frame.subarray(0, start), piece, frame.subarray(end)]));
}
