/**
 * The raw connection to ZooKeeper: operations in, results and events out, nothing remembered.
 *
 * This is the line at which simulation replaces the real thing. Queues, deadlines, re-watching and
 * fencing are ours and live above it, in `coordinator/zookeeper/`.
 */

export type CoordinatorErrorCode =
  | 'CONNECTION_LOSS' /** Unknown outcome: the operation may have been applied. */
  | 'SESSION_EXPIRED'
  | 'NO_NODE'
  | 'NODE_EXISTS'
  | 'BAD_VERSION'
  | 'NOT_EMPTY'
  | 'NO_CHILDREN_FOR_EPHEMERALS'
  | 'INVALID_ARGUMENTS'
  | 'NO_AUTH'
  | 'RUNTIME_INCONSISTENCY' /** An operation of a multi that was not tried, since another failed. */
  | 'OTHER'; /** Anything else; the message tells. */

export interface ZnodeStat {
  /** Transaction that created the node; of a broker's node, its broker epoch. */
  readonly czxid: number;
  readonly mzxid: number;
  /** Version of the data: counts the setData calls from 0. */
  readonly version: number;
  readonly cversion: number;
  /** Session that owns an ephemeral node, as 16 hexadecimal digits; all zeros otherwise. */
  readonly ephemeralOwner: string;
  readonly dataLength: number;
  readonly numChildren: number;
}

/** `version` -1 means any; 0 means 0. */
export type CoordinatorWrite =
  | {
      readonly type: 'create';
      readonly path: string;
      readonly data: Uint8Array;
      readonly ephemeral?: boolean;
      readonly sequential?: boolean;
    }
  | {
      readonly type: 'setData';
      readonly path: string;
      readonly data: Uint8Array;
      readonly version: number;
    }
  | { readonly type: 'delete'; readonly path: string; readonly version: number }
  /** Only within a multi. */
  | { readonly type: 'check'; readonly path: string; readonly version: number };

export type CoordinatorRead =
  /** Resolves with `stat` undefined where the node is absent; a watch then waits for creation. */
  | { readonly type: 'exists'; readonly path: string; readonly watch?: boolean }
  | { readonly type: 'getData'; readonly path: string; readonly watch?: boolean }
  | { readonly type: 'getChildren'; readonly path: string; readonly watch?: boolean };

export interface CoordinatorWriteResult {
  /** Of a create: the path, with its sequence number. */
  readonly path?: string;
  /** Of a setData. */
  readonly stat?: ZnodeStat;
}

export interface CoordinatorReadResult {
  readonly stat?: ZnodeStat;
  readonly data?: Buffer;
  /** Names, not paths; unordered. */
  readonly children?: readonly string[];
}

export interface WatchEvent {
  readonly type: 'created' | 'deleted' | 'dataChanged' | 'childrenChanged';
  readonly path: string;
}

export interface CoordinatorListener {
  /** A session stands: new or resumed. `negotiatedTimeoutMs` is what the server granted. */
  onConnected(session: { readonly sessionId: string; readonly negotiatedTimeoutMs: number }): void;
  /** The connection is gone; the session may or may not live on. */
  onDisconnected(): void;
  /** The server said so. The connection object is dead: make another. */
  onExpired(): void;
  /** One-shot, as ZooKeeper's watches are. */
  onWatchEvent(event: WatchEvent): void;
}

export interface CoordinatorConnection {
  read(operation: CoordinatorRead): Promise<CoordinatorReadResult>;
  write(operation: CoordinatorWrite): Promise<CoordinatorWriteResult>;
  /**
   * All or nothing.
   *
   * @throws {CoordinatorError} with `failedIndex`, the first operation that could not be done.
   */
  multi(operations: readonly CoordinatorWrite[]): Promise<readonly CoordinatorWriteResult[]>;
  /** Drops the socket, so that another server of the ensemble is tried. The session lives on. */
  reconnect(): void;
  /** Ends the session (its ephemeral nodes go) where the server can be reached. Idempotent. */
  close(): Promise<void>;
}

export interface CoordinatorConnector {
  /**
   * Begins to connect and keeps trying for ever. Requests of the connection settle with
   * CONNECTION_LOSS while there is none: nothing is queued here.
   */
  connect(
    options: {
      /** `host:port,host:port/chroot`, as `zookeeper.connect`. */
      readonly servers: string;
      readonly sessionTimeoutMs: number;
    },
    listener: CoordinatorListener,
  ): CoordinatorConnection;
}
