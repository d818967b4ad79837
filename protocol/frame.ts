/**
 * The frame: every message of the native protocol, in both directions.
 *
 *      0                   4      5            6         8               12             16
 *     +-------------------+------+------------+---------+---------------+--------------+------+
 *     | length u32        | kind | apiVersion | apiKey  | correlationId | bodyLength   | body |
 *     | bytes after this  | u8   | u8         | u16     | u32           | u32          |      |
 *     +-------------------+------+------------+---------+---------------+--------------+------+
 *     | attachments: length - 12 - bodyLength bytes, the `records` fields in their order      |
 *     +---------------------------------------------------------------------------------------+
 *
 * All numbers are big-endian. `kind` is 1 for a request, 2 for a response, 3 for an error: the
 * request could not be decoded or served at all, and the body is `frameErrorSchema`. A response
 * repeats apiVersion, apiKey and correlationId of its request.
 *
 * `kind` is never 0: byte 4 of a Kafka request is the high byte of its API key, which is always 0,
 * so the first five bytes tell the two protocols apart (see foreignProtocol.ts).
 */

import { readUint16, readUint32, writeInt16, writeInt32 } from './bytes.ts';
import { encodeBody } from './codec.ts';
import { ProtocolError } from './errors.ts';
import { field, int16, type StructSchema, string, struct } from './schema.ts';

export const FRAME_HEADER_BYTES = 16;
/** Header bytes that `length` counts. */
const COUNTED_HEADER_BYTES = 12;

export const FRAME_KIND_REQUEST = 1;
export const FRAME_KIND_RESPONSE = 2;
export const FRAME_KIND_ERROR = 3;
export type FrameKind =
  | typeof FRAME_KIND_REQUEST
  | typeof FRAME_KIND_RESPONSE
  | typeof FRAME_KIND_ERROR;

/** Body of a frame of kind 3, the same at every version of every API. */
export const frameErrorSchema = struct({
  errorCode: field(int16, 'Error code, never 0.'),
  message: field(string, 'What failed, for people.'),
});

export interface FrameAddress {
  readonly kind: FrameKind;
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
}

export interface FrameHeader extends FrameAddress {
  /** Bytes of the whole frame, the length field included. */
  readonly frameBytes: number;
  readonly bodyBytes: number;
  readonly attachmentsBytes: number;
}

export interface FrameLimits {
  /** Largest value of the length field that is taken. */
  readonly frameBytesMax: number;
  /**
   * Largest body. A body costs several times its length once decoded, so this caps memory where
   * frameBytesMax caps mostly records.
   */
  readonly bodyBytesMax: number;
}

export const DEFAULT_FRAME_LIMITS: FrameLimits = {
  frameBytesMax: 100 * 1024 * 1024,
  bodyBytesMax: 16 * 1024 * 1024,
};

/**
 * Encodes one frame. The records in `value` are passed through as they are, so the chunks stay
 * valid only as long as those views do.
 *
 * @param schema the API's request or response, or `frameErrorSchema` for kind 3.
 * @returns header and body in the first chunk, then the attachments, uncopied, in field order.
 * @throws ProtocolError INVALID_REQUEST when a string or count exceeds what the wire carries.
 */
export function encodeFrame<T>(
  address: FrameAddress,
  schema: StructSchema<T>,
  value: T,
): Uint8Array[] {
  const chunks = encodeBody(schema, address.apiVersion, value, FRAME_HEADER_BYTES);
  const head = chunks[0]!;
  const bodyBytes = head.length - FRAME_HEADER_BYTES;
  let length = COUNTED_HEADER_BYTES + bodyBytes;
  for (let i = 1; i < chunks.length; i += 1) length += chunks[i]!.length;
  writeInt32(head, 0, length);
  head[4] = address.kind;
  head[5] = address.apiVersion;
  writeInt16(head, 6, address.apiKey);
  writeInt32(head, 8, address.correlationId);
  writeInt32(head, 12, bodyBytes);
  return chunks;
}

/**
 * Length of the frame that begins at `position`, so that a connection knows how much to wait for.
 *
 * @returns bytes of the whole frame with its length field; undefined while fewer than 4 bytes stand
 *   between `position` and `end`.
 * @throws ProtocolError FRAME_TOO_LARGE, or INVALID_REQUEST when it is shorter than a header.
 */
export function frameBytesAt(
  bytes: Uint8Array,
  position: number,
  options: { readonly end: number; readonly limits: FrameLimits },
): number | undefined {
  if (options.end - position < 4) return undefined;
  const length = readUint32(bytes, position);
  if (length > options.limits.frameBytesMax) {
    throw new ProtocolError(
      'FRAME_TOO_LARGE',
      `A frame of ${length} bytes is larger than the ${options.limits.frameBytesMax} accepted`,
    );
  }
  if (length < COUNTED_HEADER_BYTES) {
    throw new ProtocolError(
      'INVALID_REQUEST',
      `A frame of ${length} bytes is shorter than its header of ${COUNTED_HEADER_BYTES}`,
    );
  }
  return length + 4;
}

/**
 * Reads and checks a header. Nothing is allocated for the frame before these checks have passed.
 *
 * @param position where the length field begins; at least 16 bytes must follow.
 * @throws ProtocolError FRAME_TOO_LARGE or INVALID_REQUEST. After either the stream cannot be
 *   trusted any more: answer if you can and close the connection.
 */
export function readFrameHeader(
  bytes: Uint8Array,
  position: number,
  limits: FrameLimits = DEFAULT_FRAME_LIMITS,
): FrameHeader {
  if (bytes.length - position < FRAME_HEADER_BYTES) {
    throw new ProtocolError('INVALID_REQUEST', 'A frame header is cut short');
  }
  const frameBytes = frameBytesAt(bytes, position, { end: bytes.length, limits })!;
  const kind = bytes[position + 4]!;
  if (kind !== FRAME_KIND_REQUEST && kind !== FRAME_KIND_RESPONSE && kind !== FRAME_KIND_ERROR) {
    throw new ProtocolError('INVALID_REQUEST', `A frame of unknown kind ${kind}`);
  }
  const bodyBytes = readUint32(bytes, position + 12);
  if (bodyBytes > frameBytes - FRAME_HEADER_BYTES) {
    throw new ProtocolError(
      'INVALID_REQUEST',
      `A body of ${bodyBytes} bytes does not fit into its frame of ${frameBytes}`,
    );
  }
  if (bodyBytes > limits.bodyBytesMax) {
    throw new ProtocolError(
      'FRAME_TOO_LARGE',
      `A body of ${bodyBytes} bytes is larger than the ${limits.bodyBytesMax} accepted`,
    );
  }
  return {
    kind,
    apiVersion: bytes[position + 5]!,
    apiKey: readUint16(bytes, position + 6),
    correlationId: readUint32(bytes, position + 8),
    frameBytes,
    bodyBytes,
    attachmentsBytes: frameBytes - FRAME_HEADER_BYTES - bodyBytes,
  };
}
