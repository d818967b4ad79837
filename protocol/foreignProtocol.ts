/** Tells who speaks from the first bytes of a connection, so that a wrong port gets a useful answer. */

export type SpokenProtocol = 'native' | 'kafka' | 'http' | 'tls' | 'unknown';

/** Enough bytes for `recogniseProtocol` to decide. */
export const RECOGNITION_BYTES = 5;

const HTTP_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'CONNECT', 'PRI'];
const HTTP_STARTS = new Set(HTTP_METHODS.map((method) => `${method} `.slice(0, 4)));
const TLS_HANDSHAKE = 0x16;
const TLS_MAJOR_VERSION = 0x03;
const FRAME_KIND_MAX = 3;

/**
 * The protocol of a connection by its first frame.
 *
 * HTTP and TLS are looked for first: read as a length, their first bytes are 369 MB and more, which
 * no frame has. Then byte 4 decides: in our frame it is the kind, 1 to 3; in a Kafka request it is
 * the high byte of an API key below 256, so 0.
 *
 * @param bytes from `position` at least RECOGNITION_BYTES; with fewer the answer is 'unknown'.
 */
export function recogniseProtocol(bytes: Uint8Array, position = 0): SpokenProtocol {
  if (bytes.length - position < RECOGNITION_BYTES) return 'unknown';
  const first = bytes[position]!;
  if (first === TLS_HANDSHAKE && bytes[position + 1] === TLS_MAJOR_VERSION) return 'tls';
  const start = String.fromCharCode(
    first,
    bytes[position + 1]!,
    bytes[position + 2]!,
    bytes[position + 3]!,
  );
  if (HTTP_STARTS.has(start)) return 'http';
  const kind = bytes[position + 4]!;
  if (kind === 0) return first < 0x80 ? 'kafka' : 'unknown';
  return kind <= FRAME_KIND_MAX ? 'native' : 'unknown';
}
