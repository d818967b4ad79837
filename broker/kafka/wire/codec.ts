/**
 * Requests and responses, to bytes and back.
 *
 *     request   int32 length | int16 apiKey | int16 apiVersion | int32 correlationId
 *               | int16 n, clientId | [tags, from header version 2] | body
 *     response  int32 length | int32 correlationId | [tags, from header version 1] | body
 *
 * The headers with tags are those of flexible versions. The client id never has a compact length,
 * and the answer to ApiVersions never has tags in its header: whoever asks cannot know yet which
 * versions the broker has.
 */

import type {
  KafkaApi,
  KafkaRequest,
  KafkaRequestInput,
  KafkaResponse,
  KafkaResponseOutput,
} from './api.ts';
import { kafkaApis } from './catalogue.ts';
import {
  compileDecoder,
  compileEncoder,
  type Decode,
  type Encode,
  type WireVersion,
} from './compiler.ts';
import { KafkaReader } from './reader.ts';
import type { StructType } from './schema.ts';
import { KafkaWireError } from './wireError.ts';
import { KafkaWriter } from './writer.ts';

export const API_VERSIONS_KEY = 18;

export interface KafkaRequestHeader {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string | null;
  /** The API of the key, whether or not it has that version; undefined for an unknown key. */
  readonly api: KafkaApi | undefined;
  /** Where the body begins; for an unknown key, where the client id ends. */
  readonly bodyPosition: number;
}

/**
 * Reads the header of a request, also of one whose key or version is not known.
 *
 * @param position of the api key, after the frame's length.
 * @param length of the frame, without the four bytes that said it.
 * @throws KafkaWireError INVALID_REQUEST
 */
export function readRequestHeader(
  buffer: Uint8Array,
  position: number,
  length: number,
): KafkaRequestHeader {
  const reader = new KafkaReader(buffer, position, position + length);
  const apiKey = reader.int16();
  const apiVersion = reader.int16();
  const correlationId = reader.int32();
  const clientId = reader.nullableString();
  const api = kafkaApis.get(apiKey);
  if (api !== undefined && apiVersion >= api.flexibleFrom) reader.skipTags();
  return { apiKey, apiVersion, correlationId, clientId, api, bodyPosition: reader.position };
}

/**
 * Decodes the body of a request. Bytes that follow it are ignored, as Kafka does.
 *
 * @param place `position` of the body, `end` of the frame.
 * @returns an object in which bytes and records are views on `buffer`.
 * @throws KafkaWireError INVALID_REQUEST, UNSUPPORTED_VERSION
 */
export function decodeRequest<A extends KafkaApi>(
  api: A,
  version: number,
  buffer: Uint8Array,
  position: number,
  end: number,
): KafkaRequest<A> {
  const decode = decoderOf(api.request, api, version);
  return decode(new KafkaReader(buffer, position, end)) as KafkaRequest<A>;
}

const writer = new KafkaWriter();

/**
 * @returns the whole frame with its length in front, in chunks. Records are chunks of their own, not
 *   copied: they must not change before the frame is sent.
 * @throws KafkaWireError INVALID_VALUE, UNSUPPORTED_VERSION
 */
export function encodeResponse<A extends KafkaApi>(
  api: A,
  version: number,
  correlationId: number,
  value: KafkaResponse<A>,
): Uint8Array[] {
  const encode = encoderOf(api.response, api, version);
  writer.begin();
  writer.int32(0);
  writer.int32(correlationId);
  if (hasResponseTags(api, version)) writer.uvarint(0);
  encode(writer, value);
  writer.patchInt32(0, writer.byteCount - 4);
  return writer.finish();
}

/**
 * The client's side, for tests and tools.
 *
 * @returns the whole frame with its length in front, in chunks.
 */
export function encodeRequest<A extends KafkaApi>(
  api: A,
  version: number,
  header: { readonly correlationId: number; readonly clientId: string | null },
  value: KafkaRequestInput<A>,
): Uint8Array[] {
  const encode = encoderOf(api.request, api, version);
  writer.begin();
  writer.int32(0);
  writer.int16(api.key);
  writer.int16(version);
  writer.int32(header.correlationId);
  writer.nullableString(header.clientId);
  if (version >= api.flexibleFrom) writer.uvarint(0);
  encode(writer, value);
  writer.patchInt32(0, writer.byteCount - 4);
  return writer.finish();
}

/**
 * The client's side, for tests and tools.
 *
 * @param position of the correlation id, after the frame's length.
 */
export function decodeResponse<A extends KafkaApi>(
  api: A,
  version: number,
  buffer: Uint8Array,
  position: number,
  end: number,
): { readonly correlationId: number; readonly value: KafkaResponseOutput<A> } {
  const decode = decoderOf(api.response, api, version);
  const reader = new KafkaReader(buffer, position, end);
  const correlationId = reader.int32();
  if (hasResponseTags(api, version)) reader.skipTags();
  const value = decode(reader) as KafkaResponseOutput<A>;
  if (reader.position !== end) reader.fail('Bytes follow the response');
  return { correlationId, value };
}

function hasResponseTags(api: KafkaApi, version: number): boolean {
  return version >= api.flexibleFrom && api.key !== API_VERSIONS_KEY;
}

/** Compiled when first used: start-up pays for no version that nobody speaks. */
const decoders = new WeakMap<StructType, Map<number, Decode>>();
const encoders = new WeakMap<StructType, Map<number, Encode>>();

function decoderOf(type: StructType, api: KafkaApi, version: number): Decode {
  return (
    decoders.get(type)?.get(version) ?? compiled(decoders, compileDecoder, { type, api, version })
  );
}

function encoderOf(type: StructType, api: KafkaApi, version: number): Encode {
  return (
    encoders.get(type)?.get(version) ?? compiled(encoders, compileEncoder, { type, api, version })
  );
}

function compiled<Coder>(
  coders: WeakMap<StructType, Map<number, Coder>>,
  compile: (type: StructType, at: WireVersion) => Coder,
  wanted: { readonly type: StructType; readonly api: KafkaApi; readonly version: number },
): Coder {
  const { type, api, version } = wanted;
  checkVersion(api, version);
  const coder = compile(type, { version, flexible: version >= api.flexibleFrom });
  const ofType = coders.get(type) ?? new Map<number, Coder>();
  coders.set(type, ofType.set(version, coder));
  return coder;
}

function checkVersion(api: KafkaApi, version: number): void {
  const { min, max } = api.accepted;
  if (version >= min && version <= max) return;
  throw new KafkaWireError(
    'UNSUPPORTED_VERSION',
    `${api.name} has versions ${min} to ${max}, not ${version}`,
  );
}
