/** What the znode tree is asked and what it answers: ZooKeeper's operations as plain data. */

/** Session id, as 16 hexadecimal digits: what ZooKeeper shows as 0x... without the prefix. */
export type SessionId = string;

/** `ephemeralOwner` of a node that is not ephemeral. */
export const NO_SESSION: SessionId = '0000000000000000';

/** Permission bits of an ACL, with ZooKeeper's values. */
export const PERMISSION = { read: 1, write: 2, create: 4, delete: 8, admin: 16, all: 31 } as const;

export interface Acl {
  /** Sum of `PERMISSION` bits. */
  readonly permissions: number;
  readonly scheme: string;
  readonly id: string;
}

/** Everybody may do everything: what ZooKeeper calls OPEN_ACL_UNSAFE. */
export const OPEN_ACL: readonly Acl[] = [
  { permissions: PERMISSION.all, scheme: 'world', id: 'anyone' },
];

/** All fields of ZooKeeper's Stat. */
export interface TreeStat {
  readonly czxid: number;
  readonly mzxid: number;
  readonly ctimeMs: number;
  readonly mtimeMs: number;
  readonly version: number;
  /** Counts children created and deleted. */
  readonly cversion: number;
  readonly aversion: number;
  readonly ephemeralOwner: SessionId;
  readonly dataLength: number;
  readonly numChildren: number;
  /** Transaction that last created or deleted a child. */
  readonly pzxid: number;
}

/** Data bytes belong to the tree once given; null is ZooKeeper's "no data". */
export interface CreateRequest {
  readonly type: 'create';
  readonly path: string;
  readonly data: Uint8Array | null;
  /** `OPEN_ACL` where absent. */
  readonly acl?: readonly Acl[];
  readonly ephemeral?: boolean;
  readonly sequential?: boolean;
}

export interface DeleteRequest {
  readonly type: 'delete';
  readonly path: string;
  /** -1 means any. */
  readonly version: number;
}

export interface SetDataRequest {
  readonly type: 'setData';
  readonly path: string;
  readonly data: Uint8Array | null;
  /** -1 means any. */
  readonly version: number;
}

export interface CheckRequest {
  readonly type: 'check';
  readonly path: string;
  /** -1 means any: the node has only to exist. */
  readonly version: number;
}

/** What a multi may hold. */
export type MultiOperation = CreateRequest | DeleteRequest | SetDataRequest | CheckRequest;

/** What changes the tree, and is therefore a transaction where it succeeds. */
export type WriteRequest =
  | MultiOperation
  | {
      readonly type: 'setAcl';
      readonly path: string;
      readonly acl: readonly Acl[];
      /** -1 means any; compared with `aversion`. */
      readonly version: number;
    }
  | { readonly type: 'multi'; readonly operations: readonly MultiOperation[] }
  /** `sessionId` of the context is ignored: the answer holds the new one. */
  | { readonly type: 'createSession'; readonly timeoutMs: number; readonly password: Uint8Array }
  /** Ends the session of the context, on request or because it expired. */
  | { readonly type: 'closeSession' };

export type ReadRequest =
  | { readonly type: 'exists'; readonly path: string; readonly watch?: boolean }
  | { readonly type: 'getData'; readonly path: string; readonly watch?: boolean }
  | { readonly type: 'getChildren'; readonly path: string; readonly watch?: boolean }
  | { readonly type: 'getAcl'; readonly path: string }
  | { readonly type: 'sync'; readonly path: string }
  | {
      /** A client that comes back names its watches and the last zxid that it has seen. */
      readonly type: 'setWatches';
      readonly relativeZxid: number;
      readonly data: readonly string[];
      readonly exists: readonly string[];
      readonly children: readonly string[];
    };

export type TreeRequest = WriteRequest | ReadRequest;

/** Result of a successful request, by its type. */
export interface TreeResults {
  readonly create: { readonly path: string; readonly stat: TreeStat };
  readonly delete: undefined;
  readonly setData: { readonly stat: TreeStat };
  readonly check: undefined;
  readonly setAcl: { readonly stat: TreeStat };
  readonly multi: readonly MultiResult[];
  readonly createSession: { readonly sessionId: SessionId };
  /** Ephemeral nodes that went with the session. */
  readonly closeSession: { readonly deletedPaths: readonly string[] };
  readonly exists: { readonly stat: TreeStat };
  /** The bytes are the tree's own: never written to. */
  readonly getData: { readonly data: Uint8Array | null; readonly stat: TreeStat };
  readonly getChildren: { readonly children: readonly string[]; readonly stat: TreeStat };
  readonly getAcl: { readonly acl: readonly Acl[]; readonly stat: TreeStat };
  readonly sync: { readonly path: string };
  readonly setWatches: undefined;
}

/** One operation's part in a multi that succeeded. */
export type MultiResult =
  | { readonly type: 'create'; readonly path: string; readonly stat: TreeStat }
  | { readonly type: 'setData'; readonly stat: TreeStat }
  | { readonly type: 'delete' }
  | { readonly type: 'check' };

export type TreeErrorCode =
  | 'RUNTIME_INCONSISTENCY'
  | 'MARSHALLING_ERROR'
  | 'UNIMPLEMENTED'
  | 'BAD_ARGUMENTS'
  | 'NO_NODE'
  | 'NO_AUTH'
  | 'BAD_VERSION'
  | 'NO_CHILDREN_FOR_EPHEMERALS'
  | 'NODE_EXISTS'
  | 'NOT_EMPTY'
  | 'SESSION_EXPIRED'
  | 'INVALID_ACL'
  | 'AUTH_FAILED';

/** A watch that has fired, and is thereby gone. */
export interface FiredWatch {
  readonly sessionId: SessionId;
  readonly type: 'created' | 'deleted' | 'dataChanged' | 'childrenChanged';
  readonly path: string;
}

interface ReplyCommon {
  /** Last transaction of the tree when the answer was made: the zxid of the reply's header. */
  readonly zxid: number;
  /** In firing order; they go out before the answer does. */
  readonly events: readonly FiredWatch[];
}

export type TreeReply<Result> =
  | (ReplyCommon & { readonly ok: true; readonly result: Result })
  | (ReplyCommon & {
      readonly ok: false;
      readonly error: TreeErrorCode;
      /**
       * Of a multi: index of the operation with `error`. ZooKeeper reports 0 for the operations
       * before it and RUNTIME_INCONSISTENCY for those after it.
       */
      readonly failedIndex?: number;
    });

export interface RequestContext {
  readonly sessionId: SessionId;
  /** Wall clock in milliseconds: becomes ctime or mtime and decides nothing. */
  readonly timeMs: number;
}

/** A successful write, as the journal keeps it and `ZnodeTree.replay` takes it. */
export interface Transaction extends RequestContext {
  readonly zxid: number;
  readonly request: WriteRequest;
}
