/**
 * The production connector: node-zookeeper-client 1.1.3 with its defects worked around.
 *
 * | defect of the library                                    | here                                  |
 * |----------------------------------------------------------|---------------------------------------|
 * | 1 a half-open connection is never noticed                | `reconnect()`, called by the session  |
 * | 2 expiry is known only from a server's answer            | the session's own deadline            |
 * | 3 what is queued across an expiry never calls back       | nothing queues; `#abandon` rejects    |
 * | 4 version 0 in a transaction becomes "any version"       | versions are set on the operations    |
 * | 5 an unknown error code ends the process                 | `clientLibrary.ts`                    |
 * | 6 `setData(path, null)` throws                           | data is always a Buffer, checked here |
 * | 7 AUTH and SetWatches stand behind queued requests       | nothing queues, no watch survives     |
 * | 8 SetWatches is one packet; no stat on create; no IPv6   | re-reading above; own server list     |
 * | 9 the data handler recurses and copies per reply         | `FrameSplitter`                       |
 *
 * Three more were found on the way: half a frame survives into the next connection; `close` before the
 * connection stands throws or reconnects for ever; the timer of an abandoned connect destroys the
 * socket after it.
 */

import {
  type CoordinatorConnection,
  type CoordinatorConnector,
  CoordinatorError,
  type CoordinatorListener,
  type CoordinatorRead,
  type CoordinatorReadResult,
  type CoordinatorWrite,
  type CoordinatorWriteResult,
  type Environment,
  type Timer,
} from '../../common/index.ts';
import {
  checkInsides,
  type Library,
  type LibraryClient,
  type LibraryError,
  type LibraryEvent,
  type LibraryManager,
  loadLibrary,
  managerState,
} from './clientLibrary.ts';
import { type ConnectString, parseConnectString } from './connectString.ts';
import { FrameSplitter } from './frameSplitter.ts';
import {
  checkSize,
  connectionLoss,
  createMode,
  sessionExpired,
  toCoordinatorError,
  toTransaction,
  toTransactionError,
  toWatchEvent,
  toWriteResult,
  toZnodeStat,
} from './libraryTranslation.ts';

/** Between two rounds over all servers. */
const ROUND_DELAY_MS = 500;
/** How long `close` waits for the server to confirm the end of the session. */
const CLOSE_WAIT_MS = 1_000;

type ConnectorEnvironment = Pick<Environment, 'timers' | 'random'>;

/** Nothing of the client library is loaded until the first `connect`. */
export function nodeZookeeperConnector(environment: ConnectorEnvironment): CoordinatorConnector {
  return {
    connect: (options, listener) =>
      new NodeZookeeperConnection(environment, {
        target: parseConnectString(options.servers),
        sessionTimeoutMs: options.sessionTimeoutMs,
        listener,
      }),
  };
}

interface ConnectionOptions {
  readonly target: ConnectString;
  readonly sessionTimeoutMs: number;
  readonly listener: CoordinatorListener;
}

type Phase = 'loading' | 'disconnected' | 'connected' | 'expired' | 'closed';

class NodeZookeeperConnection implements CoordinatorConnection {
  readonly #environment: ConnectorEnvironment;
  readonly #listener: CoordinatorListener;
  readonly #frames = new FrameSplitter();
  /** Rejections of the calls on the wire. Invariant: empty unless connected. */
  readonly #pending = new Set<(error: CoordinatorError) => void>();
  #client: LibraryClient | undefined;
  #phase: Phase = 'loading';
  #roundTimer: Timer | undefined;
  /** What a listener threw: a fault of the program, passed on as it is. */
  #listenerFault: unknown;

  constructor(environment: ConnectorEnvironment, options: ConnectionOptions) {
    this.#environment = environment;
    this.#listener = options.listener;
    void loadLibrary().then((library) => this.#begin(library, options));
  }

  read(operation: CoordinatorRead): Promise<CoordinatorReadResult> {
    const { path } = operation;
    const watcher = operation.watch === true ? this.#onWatch : undefined;
    return this.#call<CoordinatorReadResult>(path, (client, settle) => {
      switch (operation.type) {
        case 'exists':
          client.exists(path, watcher, (error, stat) =>
            settle(error, () => (stat ? { stat: toZnodeStat(stat) } : {})),
          );
          break;
        case 'getData':
          client.getData(path, watcher, (error, data, stat) =>
            settle(error, () => ({ data: data ?? Buffer.alloc(0), stat: toZnodeStat(stat) })),
          );
          break;
        case 'getChildren':
          client.getChildren(path, watcher, (error, children, stat) =>
            settle(error, () => ({ children: children ?? [], stat: toZnodeStat(stat) })),
          );
          break;
      }
    });
  }

  write(operation: CoordinatorWrite): Promise<CoordinatorWriteResult> {
    const { path } = operation;
    return this.#call<CoordinatorWriteResult>(path, (client, settle) => {
      checkSize([operation]);
      switch (operation.type) {
        case 'create':
          client.create(path, asBuffer(operation.data), createMode(operation), (error, created) =>
            settle(error, () => ({ path: created })),
          );
          break;
        case 'setData':
          client.setData(path, asBuffer(operation.data), operation.version, (error, stat) =>
            settle(error, () => ({ stat: toZnodeStat(stat) })),
          );
          break;
        case 'delete':
          client.remove(path, operation.version, (error) => settle(error, () => ({})));
          break;
        case 'check':
          throw new CoordinatorError('INVALID_ARGUMENTS', 'A check stands only within a multi');
      }
    });
  }

  multi(operations: readonly CoordinatorWrite[]): Promise<readonly CoordinatorWriteResult[]> {
    const path = operations[0]?.path ?? '';
    return this.#call<readonly CoordinatorWriteResult[]>(path, (client, settle) => {
      checkSize(operations);
      toTransaction(client, operations).commit((error, results) => {
        if (error && results) settle(toTransactionError(operations, results), () => []);
        else settle(error, () => (results ?? []).map(toWriteResult));
      });
    });
  }

  reconnect(): void {
    if (this.#phase !== 'connected' && this.#phase !== 'disconnected') return;
    // With an error, since only then the library cancels the timer of an unfinished connect, which
    // would otherwise destroy the socket after this one.
    this.#manager?.socket?.destroy(new Error('Given up: the server does not answer'));
  }

  async close(): Promise<void> {
    if (this.#phase === 'closed') return;
    const wasConnected = this.#phase === 'connected';
    this.#phase = 'closed';
    this.#roundTimer?.cancel();
    this.#abandon(sessionExpired());
    const { socket } = this.#manager ?? {};
    if (wasConnected && socket !== undefined) await this.#endSession(socket);
    this.#manager?.setState(managerState.closing);
    socket?.destroy();
  }

  get #manager(): LibraryManager | undefined {
    return this.#client?.connectionManager;
  }

  #begin(library: Library, options: ConnectionOptions): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'disconnected';
    const client = library.createClient(`placeholder:1${options.target.chroot}`, {
      sessionTimeout: options.sessionTimeoutMs,
      retries: 0,
    });
    checkInsides(client);
    this.#client = client;
    const manager = client.connectionManager;
    manager.servers = this.#shuffled(options.target.servers);
    manager.updateTimeout(options.sessionTimeoutMs);
    manager.findNextServer = (callback) => this.#nextServer(manager, callback);
    this.#splitFrames(manager);
    manager.on('state', (state) => this.#onState(manager, state));
    client.connect();
  }

  /** Replaces the library's: its timer cannot be cancelled, so a closed client would come back. */
  #nextServer(
    manager: LibraryManager,
    callback: (server: { host: string; port: number }) => void,
  ): void {
    const roundDone = manager.serverAttempts === manager.servers.length;
    if (roundDone) manager.serverAttempts = 0;
    const delayMs = roundDone ? ROUND_DELAY_MS * (0.5 + this.#environment.random.unit() / 2) : 0;
    this.#roundTimer = this.#environment.timers.set(delayMs, () => {
      const server = manager.servers[manager.nextServerIndex++ % manager.servers.length];
      manager.serverAttempts += 1;
      if (server !== undefined) callback(server);
    });
  }

  /** Gives the library one whole frame at a time, and survives what it cannot decode. */
  #splitFrames(manager: LibraryManager): void {
    const onFrame = manager.onSocketData;
    manager.onSocketData = (chunk) => {
      const frames = this.#frames.push(chunk);
      if (frames === undefined) {
        manager.socket?.destroy();
        return;
      }
      for (const frame of frames) {
        try {
          onFrame.call(manager, frame);
        } catch (error) {
          if (error === this.#listenerFault) throw error;
          manager.socket?.destroy();
          return;
        }
      }
    };
  }

  #onState(manager: LibraryManager, state: number): void {
    if (this.#phase === 'closed' || this.#phase === 'expired') return;
    switch (state) {
      case managerState.connected:
        this.#phase = 'connected';
        this.#tell(() =>
          this.#listener.onConnected({
            sessionId: manager.getSessionId().toString('hex'),
            negotiatedTimeoutMs: manager.getSessionTimeout(),
          }),
        );
        break;
      case managerState.disconnected:
        this.#onDisconnected(manager);
        break;
      case managerState.sessionExpired:
      case managerState.authenticationFailed:
        this.#phase = 'expired';
        this.#abandon(sessionExpired());
        manager.socket?.destroy();
        this.#tell(() => this.#listener.onExpired());
        break;
      default:
        break;
    }
  }

  #onDisconnected(manager: LibraryManager): void {
    this.#frames.reset();
    manager.pendingBuffer = null;
    // The library would set all watches again in one packet of any size; the session reads again.
    Object.assign(manager.watcherManager, {
      dataWatchers: {},
      childWatchers: {},
      existenceWatchers: {},
    });
    const wasConnected = this.#phase === 'connected';
    this.#phase = 'disconnected';
    this.#abandon(connectionLoss());
    if (wasConnected) this.#tell(() => this.#listener.onDisconnected());
  }

  readonly #onWatch = (event: LibraryEvent): void => {
    const known = toWatchEvent(event);
    if (known !== undefined && this.#phase === 'connected') {
      this.#tell(() => this.#listener.onWatchEvent(known));
    }
  };

  /** Runs one call of the library, as a promise that settles when the connection ends, too. */
  #call<Result>(
    path: string,
    start: (
      client: LibraryClient,
      settle: (error: Error | null | undefined, result: () => Result) => void,
    ) => void,
  ): Promise<Result> {
    const client = this.#client;
    if (client === undefined || this.#phase !== 'connected') {
      const dead = this.#phase === 'expired' || this.#phase === 'closed';
      return Promise.reject(dead ? sessionExpired() : connectionLoss());
    }
    return new Promise<Result>((resolve, reject) => {
      this.#pending.add(reject);
      try {
        start(client, (error, result) => {
          if (!this.#pending.delete(reject)) return;
          if (error) reject(toCoordinatorError(error as LibraryError, path));
          else resolve(result());
        });
      } catch (error) {
        this.#pending.delete(reject);
        reject(toCoordinatorError(error as LibraryError, path));
      }
    });
  }

  #abandon(error: CoordinatorError): void {
    const rejections = [...this.#pending];
    this.#pending.clear();
    for (const reject of rejections) reject(error);
  }

  #tell(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#listenerFault = error;
      throw error;
    }
  }

  #endSession(socket: NonNullable<LibraryManager['socket']>): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#environment.timers.set(CLOSE_WAIT_MS, resolve);
      socket.once('close', () => {
        timer.cancel();
        resolve();
      });
      this.#client?.close();
    });
  }

  #shuffled(servers: ConnectString['servers']): { host: string; port: number }[] {
    const left = servers.map(({ host, port }) => ({ host, port }));
    const shuffled: { host: string; port: number }[] = [];
    while (left.length > 0) {
      shuffled.push(...left.splice(this.#environment.random.below(left.length), 1));
    }
    return shuffled;
  }
}

function asBuffer(data: Uint8Array): Buffer {
  return Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
