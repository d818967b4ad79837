/** Between the client library's values and ours. */

import {
  assert,
  CoordinatorError,
  type CoordinatorErrorCode,
  type CoordinatorWrite,
  type CoordinatorWriteResult,
  type WatchEvent,
  type ZnodeStat,
} from '../../common/index.ts';
import type {
  LibraryClient,
  LibraryError,
  LibraryEvent,
  LibraryResult,
  LibraryStat,
  LibraryTransaction,
} from './clientLibrary.ts';

/** ZooKeeper closes the connection on a larger request (`jute.maxbuffer`), for every retry anew. */
const REQUEST_BYTES_MAX = 1024 * 1024 - 1;
/** Path lengths, ACL and headers of one operation, rounded up. */
const OPERATION_OVERHEAD_BYTES = 96;

const ERROR_RESULT = -1;

const codesByNumber: ReadonlyMap<number, CoordinatorErrorCode> = new Map([
  [-2, 'RUNTIME_INCONSISTENCY'],
  [-4, 'CONNECTION_LOSS'],
  [-8, 'INVALID_ARGUMENTS'],
  [-101, 'NO_NODE'],
  [-102, 'NO_AUTH'],
  [-103, 'BAD_VERSION'],
  [-108, 'NO_CHILDREN_FOR_EPHEMERALS'],
  [-110, 'NODE_EXISTS'],
  [-111, 'NOT_EMPTY'],
  [-112, 'SESSION_EXPIRED'],
  // The session lives on at another server; this connection is of no use.
  [-118, 'CONNECTION_LOSS'],
]);

const eventTypes: ReadonlyMap<number, WatchEvent['type']> = new Map([
  [1, 'created'],
  [2, 'deleted'],
  [3, 'dataChanged'],
  [4, 'childrenChanged'],
]);

export function connectionLoss(): CoordinatorError {
  return new CoordinatorError('CONNECTION_LOSS', 'The connection to ZooKeeper is lost');
}

export function sessionExpired(): CoordinatorError {
  return new CoordinatorError('SESSION_EXPIRED', 'The ZooKeeper session is over');
}

export function toCoordinatorError(error: LibraryError | Error, path: string): CoordinatorError {
  if (error instanceof CoordinatorError) return error;
  const number = 'code' in error && typeof error.code === 'number' ? error.code : undefined;
  if (number === undefined) {
    return new CoordinatorError(
      'INVALID_ARGUMENTS',
      `ZooKeeper request for "${path}": ${error.message}`,
      {
        cause: error,
      },
    );
  }
  const code = codesByNumber.get(number) ?? 'OTHER';
  return new CoordinatorError(code, `ZooKeeper answered ${code} (${number}) for "${path}"`);
}

/** Of a multi of which one operation could not be done. */
export function toTransactionError(
  operations: readonly CoordinatorWrite[],
  results: readonly LibraryResult[],
): CoordinatorError {
  const failedIndex = results.findIndex(({ type, err }) => type === ERROR_RESULT && err !== 0);
  const number = results[failedIndex]?.err ?? 0;
  const code = codesByNumber.get(number) ?? 'OTHER';
  const operation = operations[failedIndex];
  return new CoordinatorError(
    code,
    `ZooKeeper answered ${code} (${number}) to ${operation?.type} "${operation?.path}", ` +
      `operation ${failedIndex} of a multi of ${operations.length}`,
    { failedIndex },
  );
}

export function toTransaction(
  client: LibraryClient,
  operations: readonly CoordinatorWrite[],
): LibraryTransaction {
  const transaction = client.transaction();
  for (const operation of operations) {
    const { path } = operation;
    if (operation.type === 'create') {
      transaction.create(path, Buffer.from(operation.data), createMode(operation));
      continue;
    }
    if (operation.type === 'setData') transaction.setData(path, Buffer.from(operation.data));
    else if (operation.type === 'delete') transaction.remove(path);
    else transaction.check(path);
    // The library's own parameter turns 0 into "any version", which would make the first election
    // of a controller, a compare-and-set at version 0, an election of everybody.
    const last = transaction.ops.at(-1);
    assert(last !== undefined, 'node-zookeeper-client keeps its operations elsewhere');
    last.version = operation.version;
  }
  return transaction;
}

/** @throws {CoordinatorError} INVALID_ARGUMENTS where ZooKeeper would hang up. */
export function checkSize(operations: readonly CoordinatorWrite[]): void {
  const byteCount = operations.reduce(
    (sum, operation) =>
      sum +
      OPERATION_OVERHEAD_BYTES +
      Buffer.byteLength(operation.path) +
      ('data' in operation ? operation.data.length : 0),
    0,
  );
  if (byteCount > REQUEST_BYTES_MAX) {
    throw new CoordinatorError(
      'INVALID_ARGUMENTS',
      `A request of ${byteCount} bytes for "${operations[0]?.path}" is above ZooKeeper's bound of ` +
        `${REQUEST_BYTES_MAX}`,
    );
  }
}

export function createMode(operation: { ephemeral?: boolean; sequential?: boolean }): number {
  return (operation.ephemeral === true ? 1 : 0) + (operation.sequential === true ? 2 : 0);
}

export function toWriteResult(result: LibraryResult): CoordinatorWriteResult {
  return {
    ...(result.path === undefined ? {} : { path: result.path }),
    ...(result.stat === undefined ? {} : { stat: toZnodeStat(result.stat) }),
  };
}

export function toZnodeStat(stat: LibraryStat): ZnodeStat {
  return {
    czxid: Number(stat.czxid.readBigInt64BE()),
    mzxid: Number(stat.mzxid.readBigInt64BE()),
    version: stat.version,
    cversion: stat.cversion,
    ephemeralOwner: stat.ephemeralOwner.toString('hex'),
    dataLength: stat.dataLength,
    numChildren: stat.numChildren,
  };
}

/** @returns undefined for a kind of event that we have not asked for. */
export function toWatchEvent(event: LibraryEvent): WatchEvent | undefined {
  const type = eventTypes.get(event.type);
  return type === undefined ? undefined : { type, path: event.path };
}
