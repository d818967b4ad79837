/**
 * node-zookeeper-client as we use it, insides included, and the repair of what can only be repaired
 * once for the whole process. The insides are pinned by an exact version and checked when loaded, so
 * that an upgrade that moves them fails at start instead of in an outage.
 */

import { assert } from '../../common/index.ts';

export interface LibraryStat {
  readonly czxid: Buffer;
  readonly mzxid: Buffer;
  readonly version: number;
  readonly cversion: number;
  readonly ephemeralOwner: Buffer;
  readonly dataLength: number;
  readonly numChildren: number;
}

export interface LibraryError extends Error {
  readonly code: number;
}

export interface LibraryEvent {
  readonly type: number;
  readonly path: string;
}

/** One result of a transaction: `type` -1 is an error, and then `err` is 0 for "would have done". */
export interface LibraryResult {
  readonly type: number;
  readonly err?: number;
  readonly path?: string;
  readonly stat?: LibraryStat;
}

export interface LibraryTransaction {
  /** The operations so far; the library writes them to the wire as they stand here. */
  readonly ops: { version?: number }[];
  create(path: string, data: Buffer, mode: number): this;
  setData(path: string, data: Buffer): this;
  check(path: string): this;
  remove(path: string): this;
  commit(done: (error: LibraryError | null | undefined, results?: LibraryResult[]) => void): void;
}

/** The library's object behind the client: socket, queues, watches. */
export interface LibraryManager {
  servers: { host: string; port: number }[];
  nextServerIndex: number;
  serverAttempts: number;
  state: number;
  socket?: { destroy(error?: Error): void; once(event: 'close', listener: () => void): void };
  pendingBuffer: Buffer | null;
  readonly watcherManager: {
    dataWatchers: object;
    childWatchers: object;
    existenceWatchers: object;
  };
  findNextServer(callback: (server: { host: string; port: number }) => void): void;
  onSocketData(frame: Buffer): void;
  updateTimeout(sessionTimeoutMs: number): void;
  setState(state: number): void;
  on(event: 'state', listener: (state: number) => void): void;
  getSessionId(): Buffer;
  getSessionTimeout(): number;
}

type Done<T extends unknown[]> = (error: LibraryError | null | undefined, ...results: T) => void;
type Watcher = (event: LibraryEvent) => void;

export interface LibraryClient {
  readonly connectionManager: LibraryManager;
  connect(): void;
  close(): void;
  create(path: string, data: Buffer, mode: number, done: Done<[string]>): void;
  setData(path: string, data: Buffer, version: number, done: Done<[LibraryStat]>): void;
  remove(path: string, version: number, done: Done<[]>): void;
  exists(path: string, watcher: Watcher | undefined, done: Done<[LibraryStat | null]>): void;
  getData(
    path: string,
    watcher: Watcher | undefined,
    done: Done<[Buffer | undefined, LibraryStat]>,
  ): void;
  getChildren(
    path: string,
    watcher: Watcher | undefined,
    done: Done<[string[], LibraryStat]>,
  ): void;
  transaction(): LibraryTransaction;
}

export interface Library {
  createClient(
    servers: string,
    options: { sessionTimeout: number; retries: number },
  ): LibraryClient;
  readonly Exception: { create(code: number, path?: string): LibraryError };
}

/** Values of `LibraryManager.state`. */
export const managerState = {
  disconnected: 0,
  connecting: 1,
  connected: 2,
  closing: -1,
  closed: -2,
  sessionExpired: -3,
  authenticationFailed: -4,
} as const;

let loading: Promise<Library> | undefined;

/** Loads the library when first called, and repairs it. */
export function loadLibrary(): Promise<Library> {
  loading ??= import('node-zookeeper-client').then((module) => {
    const library = (module as unknown as { default: Library }).default;
    surviveUnknownErrorCodes(library);
    return library;
  });
  return loading;
}

/** Fails where an upgrade has moved what we replace or set: better at start than in an outage. */
export function checkInsides({ connectionManager: manager }: LibraryClient): void {
  const functions = { find: manager.findNextServer, data: manager.onSocketData };
  for (const [name, value] of Object.entries(functions)) {
    assert(typeof value === 'function', 'node-zookeeper-client has moved a function', { name });
  }
  const watchers = Object.values(manager.watcherManager);
  const sound =
    Array.isArray(manager.servers) && manager.pendingBuffer === null && watchers.length === 3;
  assert(sound, 'node-zookeeper-client keeps its servers or watches elsewhere');
}

/**
 * The library throws, within the handler of its socket, for every error code that it does not know
 * (-118 session moved, -122, -124, -125, -127 throttled, ...), which ends the process.
 */
function surviveUnknownErrorCodes(library: Library): void {
  const known = library.Exception.create;
  assert(typeof known === 'function', 'node-zookeeper-client has moved Exception.create');
  library.Exception.create = (code, path) => {
    try {
      return known(code, path);
    } catch {
      const error = new Error(`ZooKeeper answered with the unknown error code ${code}`);
      return Object.assign(error, { code, getCode: () => code });
    }
  };
}
