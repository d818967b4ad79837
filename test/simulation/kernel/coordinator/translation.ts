/** Between the operations of the raw connection and those of the znode tree. */

import {
  CoordinatorError,
  type CoordinatorErrorCode,
  type CoordinatorRead,
  type CoordinatorReadResult,
  type CoordinatorWrite,
  type CoordinatorWriteResult,
  type ZnodeStat,
} from '../../../../common/index.ts';
import type {
  MultiOperation,
  MultiResult,
  TreeErrorCode,
  TreeReply,
  TreeRequest,
  TreeStat,
} from '../../../../coordinator/embedded/index.ts';

/** `/chroot` of `host:port/chroot`, or nothing. */
export class Chroot {
  readonly #prefix: string;

  constructor(servers: string) {
    const slash = servers.indexOf('/');
    this.#prefix = slash < 0 ? '' : servers.slice(slash).replace(/\/$/, '');
  }

  add(path: string): string {
    return path === '/' && this.#prefix !== '' ? this.#prefix : this.#prefix + path;
  }

  strip(path: string): string {
    return path.slice(this.#prefix.length) || '/';
  }
}

export function toTreeOperation(write: CoordinatorWrite, chroot: Chroot): MultiOperation {
  const path = chroot.add(write.path);
  return 'data' in write ? { ...write, path, data: Buffer.from(write.data) } : { ...write, path };
}

export function toTreeRead(read: CoordinatorRead, chroot: Chroot): TreeRequest {
  return { ...read, path: chroot.add(read.path) };
}

export function toReadResult(
  read: CoordinatorRead,
  reply: TreeReply<unknown>,
): CoordinatorReadResult {
  if (!reply.ok) {
    if (read.type === 'exists' && reply.error === 'NO_NODE') return {};
    throw toCoordinatorError(reply, read.path);
  }
  const result = reply.result as {
    readonly stat: TreeStat;
    readonly data?: Uint8Array | null;
    readonly children?: readonly string[];
  };
  return {
    stat: toZnodeStat(result.stat),
    ...(read.type === 'getData' ? { data: Buffer.from(result.data ?? []) } : {}),
    ...(result.children === undefined ? {} : { children: result.children }),
  };
}

export function toWriteResult(
  write: CoordinatorWrite,
  result: MultiResult | { path?: string; stat?: TreeStat } | undefined,
  chroot: Chroot,
): CoordinatorWriteResult {
  switch (write.type) {
    case 'create':
      return { path: chroot.strip((result as { path: string }).path) };
    case 'setData':
      return { stat: toZnodeStat((result as { stat: TreeStat }).stat) };
    case 'delete':
    case 'check':
      return {};
  }
}

export function toCoordinatorError(
  reply: { readonly error: TreeErrorCode; readonly failedIndex?: number },
  path: string,
): CoordinatorError {
  const { error, failedIndex } = reply;
  return new CoordinatorError(codeOf(error), `${error} at "${path}" (simulated)`, {
    ...(failedIndex === undefined ? {} : { failedIndex }),
  });
}

function codeOf(error: TreeErrorCode): CoordinatorErrorCode {
  switch (error) {
    case 'NO_NODE':
    case 'NODE_EXISTS':
    case 'BAD_VERSION':
    case 'NOT_EMPTY':
    case 'NO_CHILDREN_FOR_EPHEMERALS':
    case 'NO_AUTH':
    case 'SESSION_EXPIRED':
    case 'RUNTIME_INCONSISTENCY':
      return error;
    case 'BAD_ARGUMENTS':
      return 'INVALID_ARGUMENTS';
    default:
      return 'OTHER';
  }
}

function toZnodeStat(stat: TreeStat): ZnodeStat {
  const { czxid, mzxid, version, cversion, ephemeralOwner, dataLength, numChildren } = stat;
  return { czxid, mzxid, version, cversion, ephemeralOwner, dataLength, numChildren };
}
