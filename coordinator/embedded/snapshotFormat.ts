/**
 * Bytes of a snapshot, `snapshot-<last zxid, 16 hex digits>`. Big-endian.
 *
 *     8 bytes "odrasnap" | i32 format version 1 | i64 last zxid
 *     i32 sessions, each: u64 id | i32 timeoutMs | buffer password
 *     i32 nodes, parents before their children, each:
 *         ustring path | buffer data | vector<ACL> | i64 czxid, mzxid, pzxid, ctimeMs, mtimeMs
 *         | i32 version, aversion, childrenCreated | u64 ephemeralOwner
 *     u32 CRC-32C of all before
 */

import { CorruptionError, crc32c } from '../../common/index.ts';
import { JuteError, JuteReader, JuteWriter } from './jute.ts';
import { encodeAcl } from './juteRequest.ts';
import { NO_SESSION, type SessionId } from './treeRequest.ts';
import type { TreeSession, TreeState } from './treeStore.ts';
import type { Znode } from './znode.ts';
import { nodeName, parentPath } from './znodePath.ts';

const MAGIC = 'odrasnap';
const FORMAT_VERSION = 1;
const CHECKSUM_BYTES = 4;

/** Takes about 1 us a node. */
export function encodeSnapshot(state: TreeState): Uint8Array {
  const writer = new JuteWriter(64 * 1024);
  writer.sessionId(Buffer.from(MAGIC).toString('hex')).int(FORMAT_VERSION).long(state.lastZxid);
  writer.vector([...state.sessions], ([id, { timeoutMs, password }]) => {
    writer.sessionId(id).int(timeoutMs).buffer(password);
  });
  writer.vector([...state.nodes], ([path, node]) => {
    writer.string(path).buffer(node.data);
    encodeAcl(node.acl, writer);
    writer.long(node.czxid).long(node.mzxid).long(node.pzxid);
    writer.long(node.ctimeMs).long(node.mtimeMs);
    writer.int(node.version).int(node.aversion).int(node.childrenCreated);
    writer.sessionId(node.ephemeralOwner);
  });
  const end = writer.length;
  return writer
    .int(0)
    .setUint32(end, crc32c(writer.finish(), 0, end))
    .finish();
}

/**
 * @param file named in the error.
 * @throws {CorruptionError} SNAPSHOT_DAMAGED. A snapshot replaces its predecessor as a whole, so
 *   no crash leaves half of one.
 */
export function decodeSnapshot(bytes: Buffer, file: string): TreeState {
  const end = bytes.length - CHECKSUM_BYTES;
  if (end < 0 || crc32c(bytes, 0, end) !== bytes.readUInt32BE(end)) {
    throw damaged(file, 'its checksum does not match');
  }
  if (bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) throw damaged(file, 'it is no snapshot');
  const reader = new JuteReader(bytes, MAGIC.length, end);
  const version = reader.int();
  if (version !== FORMAT_VERSION) throw damaged(file, `its format ${version} is not known here`);
  try {
    return readState(reader);
  } catch (error) {
    throw error instanceof JuteError ? damaged(file, error.message) : error;
  }
}

function readState(reader: JuteReader): TreeState {
  const lastZxid = reader.long();
  const ephemerals = new Map<SessionId, Set<string>>();
  const sessions = new Map<SessionId, TreeSession>();
  reader.vector(16, () => {
    const id = reader.sessionId();
    const paths = new Set<string>();
    ephemerals.set(id, paths);
    const timeoutMs = reader.int();
    const password = reader.bytes() ?? new Uint8Array(0);
    sessions.set(id, { timeoutMs, password, ephemerals: paths });
  });
  const nodes = new Map<string, Znode>();
  reader.vector(70, () => {
    const path = reader.string();
    const node = readNode(reader);
    nodes.set(path, node);
    if (path !== '/') nodes.get(parentPath(path))?.children.add(nodeName(path));
    if (node.ephemeralOwner !== NO_SESSION) ephemerals.get(node.ephemeralOwner)?.add(path);
  });
  return { lastZxid, nodes, sessions };
}

function readNode(reader: JuteReader): Znode {
  return {
    data: reader.bytes(),
    acl: reader.vector(12, () => ({
      permissions: reader.int(),
      scheme: reader.string(),
      id: reader.string(),
    })),
    czxid: reader.long(),
    mzxid: reader.long(),
    pzxid: reader.long(),
    ctimeMs: reader.long(),
    mtimeMs: reader.long(),
    version: reader.int(),
    aversion: reader.int(),
    childrenCreated: reader.int(),
    ephemeralOwner: reader.sessionId(),
    children: new Set(),
  };
}

function damaged(file: string, how: string): CorruptionError {
  return new CorruptionError(
    'SNAPSHOT_DAMAGED',
    `The coordinator's snapshot "${file}" is damaged: ${how}. ` +
      'Restore the directory from a copy; its journals alone do not reach back to the beginning.',
    { details: { file } },
  );
}
