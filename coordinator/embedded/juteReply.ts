/**
 * Answers and watch events as packets: `int length | int xid | long zxid | int err | body`.
 * A refused request has no body.
 *
 *     create                  ustring path
 *     create2                 ustring path | Stat
 *     exists, setData, setAcl Stat
 *     getData                 buffer data | Stat
 *     getAcl                  vector<ACL> | Stat
 *     getChildren             vector<ustring>
 *     getChildren2            vector<ustring> | Stat
 *     sync                    ustring path
 *     multi                   { int operation | boolean done | int err | result }*
 *     watch event             int type | int state | ustring path
 *     Stat      long czxid, mzxid, ctime, mtime | int version, cversion, aversion
 *               | long ephemeralOwner | int dataLength, numChildren | long pzxid
 */

import { unreachable } from '../../common/index.ts';
import { JuteWriter } from './jute.ts';
import { encodeAcl } from './juteRequest.ts';
import type {
  FiredWatch,
  MultiResult,
  TreeReply,
  TreeRequest,
  TreeResults,
  TreeStat,
} from './treeRequest.ts';
import {
  ERROR_NUMBER,
  EVENT_NUMBER,
  EVENT_STATE_CONNECTED,
  OPERATION,
  XID,
} from './wireConstants.ts';

/** A request as the client sent it: decides the form of its answer. */
export interface WireRequest {
  readonly xid: number;
  readonly operation: number;
  readonly request: TreeRequest;
}

/** A packet with a header and nothing else: pings, refusals, and answers without a body. */
export function encodeHeader(header: {
  readonly xid: number;
  readonly zxid: number;
  /** A number of `ERROR_NUMBER`, or 0. */
  readonly err: number;
}): Uint8Array {
  return finishPacket(beginPacket(header));
}

export function encodeWatchEvent({ type, path }: FiredWatch): Uint8Array {
  const writer = beginPacket({ xid: XID.notification, zxid: -1, err: 0 });
  writer.int(EVENT_NUMBER[type]).int(EVENT_STATE_CONNECTED).string(path);
  return finishPacket(writer);
}

/** The answer to a request that reached the tree. */
export function encodeReply(
  wire: WireRequest,
  reply: TreeReply<TreeResults[TreeRequest['type']]>,
): Uint8Array {
  const { xid, request } = wire;
  const { zxid } = reply;
  if (reply.ok) {
    const writer = beginPacket({ xid, zxid, err: 0 });
    encodeResult(wire, reply.result, writer);
    return finishPacket(writer);
  }
  const err = ERROR_NUMBER[reply.error];
  if (reply.failedIndex === undefined || request.type !== 'multi') {
    return encodeHeader({ xid, zxid, err });
  }
  // A multi that was refused is itself in order: its parts say which of them failed, and how.
  const writer = beginPacket({ xid, zxid, err: 0 });
  for (const index of request.operations.keys()) {
    encodeMultiError(errOfPart(index, reply.failedIndex, err), writer);
  }
  endMulti(writer);
  return finishPacket(writer);
}

function errOfPart(index: number, failedIndex: number, err: number): number {
  if (index < failedIndex) return 0;
  return index === failedIndex ? err : ERROR_NUMBER.RUNTIME_INCONSISTENCY;
}

function encodeResult(
  { operation, request }: WireRequest,
  result: TreeResults[TreeRequest['type']],
  writer: JuteWriter,
): void {
  switch (request.type) {
    case 'create': {
      const { path, stat } = result as TreeResults['create'];
      writer.string(path);
      if (operation === OPERATION.create2) encodeStat(stat, writer);
      return;
    }
    case 'exists':
    case 'setData':
    case 'setAcl':
      encodeStat((result as TreeResults['exists']).stat, writer);
      return;
    case 'getData': {
      const { data, stat } = result as TreeResults['getData'];
      encodeStat(stat, writer.buffer(data));
      return;
    }
    case 'getChildren': {
      const { children, stat } = result as TreeResults['getChildren'];
      writer.vector(children, (child) => writer.string(child));
      if (operation === OPERATION.getChildren2) encodeStat(stat, writer);
      return;
    }
    case 'getAcl': {
      const { acl, stat } = result as TreeResults['getAcl'];
      encodeAcl(acl, writer);
      encodeStat(stat, writer);
      return;
    }
    case 'sync':
      writer.string(request.path);
      return;
    case 'multi':
      encodeMulti(result as TreeResults['multi'], writer);
      return;
    case 'delete':
    case 'check':
    case 'setWatches':
    case 'createSession':
    case 'closeSession':
      return;
    default:
      unreachable(request);
  }
}

function encodeMulti(results: readonly MultiResult[], writer: JuteWriter): void {
  for (const result of results) {
    writer.int(OPERATION[result.type]).boolean(false).int(0);
    if (result.type === 'create') writer.string(result.path);
    if (result.type === 'setData') encodeStat(result.stat, writer);
  }
  endMulti(writer);
}

function encodeMultiError(err: number, writer: JuteWriter): void {
  writer.int(OPERATION.error).boolean(false).int(err).int(err);
}

function endMulti(writer: JuteWriter): void {
  writer.int(-1).boolean(true).int(-1);
}

function encodeStat(stat: TreeStat, writer: JuteWriter): void {
  writer.long(stat.czxid).long(stat.mzxid).long(stat.ctimeMs).long(stat.mtimeMs);
  writer.int(stat.version).int(stat.cversion).int(stat.aversion);
  writer.sessionId(stat.ephemeralOwner).int(stat.dataLength).int(stat.numChildren);
  writer.long(stat.pzxid);
}

function beginPacket({ xid, zxid, err }: { xid: number; zxid: number; err: number }): JuteWriter {
  return new JuteWriter().int(0).int(xid).long(zxid).int(err);
}

function finishPacket(writer: JuteWriter): Uint8Array {
  return writer.setUint32(0, writer.length - 4).finish();
}
