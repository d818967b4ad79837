/**
 * The first packet of a connection and its answer, which have no header.
 *
 *     request   int length | int protocolVersion | long lastZxidSeen | int timeOut
 *               | long sessionId | buffer passwd | boolean readOnly (newer clients only)
 *     response  int length | int protocolVersion | int timeOut | long sessionId | buffer passwd
 *               | boolean readOnly (where the request had it)
 *
 * A timeOut of 0 in the response says that the session is no more.
 */

import { type JuteReader, JuteWriter } from './jute.ts';
import { NO_SESSION, type SessionId } from './treeRequest.ts';
import { PASSWORD_BYTES } from './wireConstants.ts';

export interface ConnectRequest {
  /** Last transaction of which the client knows; 0 for a new client. */
  readonly lastZxidSeen: number;
  readonly timeoutMs: number;
  /** `NO_SESSION` asks for a new one. */
  readonly sessionId: SessionId;
  /** A view on the packet. */
  readonly password: Uint8Array;
  /** Whether the client knows of read-only servers, and expects the flag in the answer. */
  readonly hasReadOnlyFlag: boolean;
}

/** @throws {JuteError} */
export function decodeConnect(reader: JuteReader): ConnectRequest {
  reader.int();
  const lastZxidSeen = reader.long();
  const timeoutMs = reader.int();
  const sessionId = reader.sessionId();
  const password = reader.view() ?? new Uint8Array(0);
  return { lastZxidSeen, timeoutMs, sessionId, password, hasReadOnlyFlag: reader.remaining > 0 };
}

export function encodeConnected(
  session: {
    readonly sessionId: SessionId;
    readonly timeoutMs: number;
    readonly password: Uint8Array;
  },
  hasReadOnlyFlag: boolean,
): Uint8Array {
  const writer = new JuteWriter().int(0).int(0).int(session.timeoutMs);
  writer.sessionId(session.sessionId).buffer(session.password);
  if (hasReadOnlyFlag) writer.boolean(false);
  return writer.setUint32(0, writer.length - 4).finish();
}

/** The answer to a client whose session is gone, or who does not know its password. */
export function encodeExpired(hasReadOnlyFlag: boolean): Uint8Array {
  const password = new Uint8Array(PASSWORD_BYTES);
  return encodeConnected({ sessionId: NO_SESSION, timeoutMs: 0, password }, hasReadOnlyFlag);
}
