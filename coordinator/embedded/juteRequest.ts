/**
 * Requests as bytes: decoded from clients' packets, and written to and read from the journal, which
 * keeps each transaction in the form in which a client sends it.
 *
 *     create, create2      ustring path | buffer data | vector<ACL> | int flags
 *     delete, check        ustring path | int version
 *     setData              ustring path | buffer data | int version
 *     setAcl               ustring path | vector<ACL> | int version
 *     exists, getData, getChildren, getChildren2      ustring path | boolean watch
 *     getAcl, sync         ustring path
 *     setWatches           long relativeZxid | vector<ustring> data | ... exists | ... children
 *     multi                { int operation | boolean done | int err | body }*, the last with done
 *     createSession        int timeoutMs | buffer password          (in the journal only)
 *     closeSession         nothing
 *     ACL                  int permissions | ustring scheme | ustring id
 */

import { unreachable } from '../../common/index.ts';
import { JuteError, type JuteReader, type JuteWriter } from './jute.ts';
import { refuse } from './refusal.ts';
import {
  type Acl,
  type CreateRequest,
  type MultiOperation,
  OPEN_ACL,
  type ReadRequest,
  type TreeRequest,
  type WriteRequest,
} from './treeRequest.ts';
import { OPERATION } from './wireConstants.ts';

/** Bits of the `flags` of a create. */
const EPHEMERAL = 1;
const SEQUENTIAL = 2;
/** Containers and nodes with a time to live, which ZooKeeper knows and this server does not. */
const FLAGS_UNSUPPORTED = [4, 5, 6];

/**
 * Decodes the body of a request. Data is copied, so the packet's buffer may be used again.
 *
 * @throws {JuteError} when the bytes are not what the operation calls for.
 * @throws {Refusal} UNIMPLEMENTED or BAD_ARGUMENTS for an operation or a flag unknown here.
 */
export function decodeRequest(operation: number, reader: JuteReader): TreeRequest {
  switch (operation) {
    case OPERATION.exists:
      return decodeWatched('exists', reader);
    case OPERATION.getData:
      return decodeWatched('getData', reader);
    case OPERATION.getChildren:
    case OPERATION.getChildren2:
      return decodeWatched('getChildren', reader);
    case OPERATION.getAcl:
      return { type: 'getAcl', path: reader.string() };
    case OPERATION.setAcl:
      return {
        type: 'setAcl',
        path: reader.string(),
        acl: decodeAcl(reader),
        version: reader.int(),
      };
    case OPERATION.sync:
      return { type: 'sync', path: reader.string() };
    case OPERATION.setWatches:
      return decodeSetWatches(reader);
    case OPERATION.closeSession:
      return { type: 'closeSession' };
    case OPERATION.createSession: {
      const timeoutMs = reader.int();
      return { type: 'createSession', timeoutMs, password: reader.bytes() ?? new Uint8Array(0) };
    }
    case OPERATION.multi:
      return { type: 'multi', operations: decodeMulti(reader) };
    default:
      return decodeOperation(operation, reader) ?? refuse('UNIMPLEMENTED');
  }
}

/** What may also stand in a multi. */
function decodeOperation(operation: number, reader: JuteReader): MultiOperation | undefined {
  switch (operation) {
    case OPERATION.create:
    case OPERATION.create2:
      return decodeCreate(reader);
    case OPERATION.delete:
      return { type: 'delete', path: reader.string(), version: reader.int() };
    case OPERATION.setData: {
      const path = reader.string();
      return { type: 'setData', path, data: reader.bytes(), version: reader.int() };
    }
    case OPERATION.check:
      return { type: 'check', path: reader.string(), version: reader.int() };
    default:
      return undefined;
  }
}

function decodeCreate(reader: JuteReader): CreateRequest {
  const path = reader.string();
  const data = reader.bytes();
  const acl = decodeAcl(reader);
  const flags = reader.int();
  if (FLAGS_UNSUPPORTED.includes(flags)) refuse('UNIMPLEMENTED');
  if (flags < 0 || flags > (EPHEMERAL | SEQUENTIAL)) refuse('BAD_ARGUMENTS');
  const ephemeral = (flags & EPHEMERAL) !== 0;
  return { type: 'create', path, data, acl, ephemeral, sequential: (flags & SEQUENTIAL) !== 0 };
}

function decodeWatched(
  type: 'exists' | 'getData' | 'getChildren',
  reader: JuteReader,
): ReadRequest {
  return { type, path: reader.string(), watch: reader.boolean() };
}

function decodeSetWatches(reader: JuteReader): ReadRequest {
  const relativeZxid = reader.long();
  const paths = () => reader.vector(4, () => reader.string());
  return { type: 'setWatches', relativeZxid, data: paths(), exists: paths(), children: paths() };
}

/** A create2 in a multi is a create, in ZooKeeper too: its result has no stat. */
function decodeMulti(reader: JuteReader): MultiOperation[] {
  const operations: MultiOperation[] = [];
  for (;;) {
    const code = reader.int();
    const done = reader.boolean();
    reader.int();
    if (done) return operations;
    const operation = decodeOperation(code, reader);
    if (operation === undefined) throw new JuteError(`A multi cannot hold operation ${code}`);
    operations.push(operation);
  }
}

function decodeAcl(reader: JuteReader): Acl[] {
  return reader.vector(12, () => ({
    permissions: reader.int(),
    scheme: reader.string(),
    id: reader.string(),
  }));
}

/** Operation code under which `encodeWrite` writes the request. */
export function operationCode(request: WriteRequest): number {
  return OPERATION[request.type];
}

/** The inverse of `decodeRequest` for writes. */
export function encodeWrite(request: WriteRequest, writer: JuteWriter): void {
  switch (request.type) {
    case 'create': {
      const { ephemeral = false, sequential = false } = request;
      writer.string(request.path).buffer(request.data);
      encodeAcl(request.acl ?? OPEN_ACL, writer);
      writer.int((ephemeral ? EPHEMERAL : 0) | (sequential ? SEQUENTIAL : 0));
      return;
    }
    case 'delete':
    case 'check':
      writer.string(request.path).int(request.version);
      return;
    case 'setData':
      writer.string(request.path).buffer(request.data).int(request.version);
      return;
    case 'setAcl':
      writer.string(request.path);
      encodeAcl(request.acl, writer);
      writer.int(request.version);
      return;
    case 'multi':
      for (const operation of request.operations) {
        writer.int(operationCode(operation)).boolean(false).int(-1);
        encodeWrite(operation, writer);
      }
      writer.int(-1).boolean(true).int(-1);
      return;
    case 'createSession':
      writer.int(request.timeoutMs).buffer(request.password);
      return;
    case 'closeSession':
      return;
    default:
      unreachable(request);
  }
}

export function encodeAcl(acl: readonly Acl[], writer: JuteWriter): void {
  writer.vector(acl, ({ permissions, scheme, id }) => {
    writer.int(permissions).string(scheme).string(id);
  });
}
