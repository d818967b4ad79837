/**
 * A session with ZooKeeper that keeps its promises: every call settles by its deadline, nothing is
 * lost across an expiry, what is watched is read again whenever it may have changed, and the broker
 * knows whether its registration is proven.
 *
 * It stands above the raw connection (`CoordinatorConnection`), does no I/O of its own and takes
 * clock and timers from the environment, so that simulation runs this very class.
 */

import type {
  CoordinatorWrite,
  CoordinatorWriteResult,
  Environment,
  Logger,
  ZnodeStat,
} from '../../common/index.ts';

export type CoordinatorEnvironment = Pick<Environment, 'clock' | 'timers' | 'coordinator'>;

/**
 * What the broker knows of its session.
 *
 * `proven`: a write was answered within the deadline. `unproven`: the deadline passed without an
 * answer, or nothing is registered yet; ISR changes and administration wait, data goes on.
 * `fenced`: ZooKeeper said expired, or a higher epoch was seen; the broker must register anew.
 */
export type CoordinatorState = 'proven' | 'unproven' | 'fenced';

export interface CoordinatorSessionOptions {
  /** `zookeeper.connect`: `host:port,host:port/chroot`. */
  readonly servers: string;
  /** Asked for, in milliseconds; the server grants something near it. */
  readonly sessionTimeoutMs: number;
  /** After this time a call rejects with CONNECTION_LOSS. Default: `sessionTimeoutMs`. */
  readonly requestTimeoutMs?: number;
  /** Requests on the wire at a time. Default 100. */
  readonly outstandingMax?: number;
}

/** Content of a znode, with its stat. */
export interface ZnodeContent {
  readonly data: Buffer;
  readonly stat: ZnodeStat;
}

/** Names of the children, sorted, with the stat of the parent. */
export interface ZnodeChildren {
  readonly names: readonly string[];
  readonly stat: ZnodeStat;
}

export interface Watch {
  /** No call of the listener comes after this. Idempotent. */
  close(): void;
}

export declare class CoordinatorSession {
  constructor(
    environment: CoordinatorEnvironment,
    options: CoordinatorSessionOptions,
    logger: Logger,
  );

  readonly state: CoordinatorState;
  /** 16 hexadecimal digits; undefined until the first connection, and between two sessions. */
  readonly sessionId: string | undefined;
  readonly connected: boolean;
  /** Granted by the server; what was asked for until then. */
  readonly negotiatedTimeoutMs: number;

  /** Begins to connect, and keeps trying for ever. Call once. */
  start(): void;

  /** @returns undefined where the znode is absent. Retried until the deadline. */
  getData(path: string): Promise<ZnodeContent | undefined>;
  /** @returns undefined where the znode is absent. */
  exists(path: string): Promise<ZnodeStat | undefined>;
  /** @returns undefined where the znode is absent. */
  getChildren(path: string): Promise<ZnodeChildren | undefined>;
  /**
   * One write. @throws {CoordinatorError} CONNECTION_LOSS means that the outcome is unknown: read
   * again and compare before trying again.
   */
  write(operation: CoordinatorWrite): Promise<CoordinatorWriteResult>;
  /** All or nothing; otherwise as `write`. @throws {CoordinatorError} with `failedIndex`. */
  multi(operations: readonly CoordinatorWrite[]): Promise<readonly CoordinatorWriteResult[]>;
  /** Creates `path` and its parents as empty persistent znodes, where absent. */
  ensurePath(path: string): Promise<void>;

  /**
   * Calls `listener` with the present content, and again after each change; intermediate contents
   * may be skipped, the last one never. `undefined` stands for an absent znode. Lives on across
   * lost connections and expired sessions, until closed.
   */
  watchData(path: string, listener: (content: ZnodeContent | undefined) => void): Watch;
  /** As `watchData`, for the names of the children. */
  watchChildren(path: string, listener: (children: ZnodeChildren | undefined) => void): Watch;

  /**
   * From now on the session is proven by writes that check this znode, our registration. The first
   * answer makes the state `proven`. @see Membership, which calls this.
   */
  proveBy(registrationPath: string): void;
  /** Something newer than us was seen. Ends with the next `proveBy`. */
  fence(reason: string): void;

  /** Called with every change of `state`. @returns the function that takes the listener off. */
  onStateChange(listener: (state: CoordinatorState, reason: string) => void): () => void;
  /** Called whenever a new session stands (first connection, after expiry), before re-reading. */
  onNewSession(listener: (sessionId: string) => void): () => void;

  /** Ends the session: ephemeral znodes go. Pending calls reject with SESSION_EXPIRED. Idempotent. */
  close(): Promise<void>;
}
