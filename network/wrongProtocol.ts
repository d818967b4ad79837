/** What to tell whoever speaks another protocol to a native listener. */

import type { SpokenProtocol } from '../protocol/index.ts';

/** Configured where the operating system chooses. */
const ANY_PORT = 0;

export interface PortHints {
  readonly kafkaPortHint?: number | undefined;
  readonly adminPortHint?: number | undefined;
}

/** One sentence for the log, naming the right port where it is known. */
export function wrongProtocolMessage(protocol: SpokenProtocol, hints: PortHints): string {
  const port = (hint: number | undefined, what: string): string => {
    if (hint === undefined) return `; this broker has no ${what}`;
    return hint === ANY_PORT ? `; the ${what} is on another` : `; the ${what} is on port ${hint}`;
  };
  switch (protocol) {
    case 'kafka':
      return `A client speaks the Kafka protocol to the native listener${port(hints.kafkaPortHint, 'Kafka listener')}`;
    case 'http':
      return `A client speaks HTTP to the native listener${port(hints.adminPortHint, 'admin REST endpoint')}`;
    case 'tls':
      return 'A client speaks TLS to the native listener, which is plain text';
    default:
      return 'A client speaks an unknown protocol to the native listener';
  }
}

/** What that protocol allows to answer before the connection is closed; undefined for nothing. */
export function wrongProtocolAnswer(
  protocol: SpokenProtocol,
  hints: PortHints,
): Uint8Array | undefined {
  if (protocol !== 'http') return undefined;
  const text = `${wrongProtocolMessage(protocol, hints)}.\n`;
  return Buffer.from(
    'HTTP/1.1 400 Bad Request\r\n' +
      'Content-Type: text/plain; charset=utf-8\r\n' +
      `Content-Length: ${Buffer.byteLength(text)}\r\n` +
      `Connection: close\r\n\r\n${text}`,
  );
}
