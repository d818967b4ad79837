/** Numbers of ZooKeeper's client protocol. */

import type { FiredWatch, TreeErrorCode } from './treeRequest.ts';

/** Operation codes of requests that this server serves. */
export const OPERATION = {
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  getAcl: 6,
  setAcl: 7,
  getChildren: 8,
  sync: 9,
  ping: 11,
  getChildren2: 12,
  check: 13,
  multi: 14,
  create2: 15,
  auth: 100,
  setWatches: 101,
  createSession: -10,
  closeSession: -11,
  /** Of a result in a multi that failed. */
  error: -1,
} as const;

/** Xids that answer no request of the application. */
export const XID = { notification: -1, ping: -2, auth: -4, setWatches: -8 } as const;

export const ERROR_NUMBER: Readonly<Record<TreeErrorCode, number>> = {
  RUNTIME_INCONSISTENCY: -2,
  MARSHALLING_ERROR: -5,
  UNIMPLEMENTED: -6,
  BAD_ARGUMENTS: -8,
  NO_NODE: -101,
  NO_AUTH: -102,
  BAD_VERSION: -103,
  NO_CHILDREN_FOR_EPHEMERALS: -108,
  NODE_EXISTS: -110,
  NOT_EMPTY: -111,
  SESSION_EXPIRED: -112,
  INVALID_ACL: -114,
  AUTH_FAILED: -115,
};

export const EVENT_NUMBER: Readonly<Record<FiredWatch['type'], number>> = {
  created: 1,
  deleted: 2,
  dataChanged: 3,
  childrenChanged: 4,
};

/** State in a watch event: SyncConnected. */
export const EVENT_STATE_CONNECTED = 3;

/** ZooKeeper's default of jute.maxbuffer: the largest packet that is accepted. */
export const PACKET_BYTES_MAX = 0xfffff;

export const PASSWORD_BYTES = 16;
