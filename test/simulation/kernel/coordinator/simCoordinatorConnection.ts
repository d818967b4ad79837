/**
 * One raw connection, with both of its halves: what the client's library knows, and what travels.
 *
 * A cut link is not noticed by itself, as with node-zookeeper-client: requests stay without an
 * answer until somebody calls `reconnect()`. A reset, a stop of the ensemble and an expiry are.
 */

import {
  type CoordinatorConnection,
  CoordinatorError,
  type CoordinatorListener,
  type CoordinatorRead,
  type CoordinatorReadResult,
  type CoordinatorWrite,
  type CoordinatorWriteResult,
  type WatchEvent,
} from '../../../../common/index.ts';
import type {
  MultiResult,
  TreeReply,
  TreeRequest,
} from '../../../../coordinator/embedded/index.ts';
import type { SimProcess } from '../simProcess.ts';
import { Lane } from './lane.ts';
import { COORDINATOR_HOST, type SimCoordinator, type WriteMoment } from './simCoordinator.ts';
import {
  Chroot,
  toCoordinatorError,
  toReadResult,
  toTreeOperation,
  toTreeRead,
  toWriteResult,
} from './translation.ts';

export interface SimCoordinatorConnectionOptions {
  readonly servers: string;
  readonly sessionTimeoutMs: number;
  readonly listener: CoordinatorListener;
  readonly process: SimProcess;
  readonly hostName: string;
}

/** How long a client waits before it tries again, on average. */
const RETRY_MS_MEAN = 500;
/** How long `close` waits for the server to confirm the end of the session. */
const CLOSE_WAIT_MS = 1000;

/** One socket's life: what travels on it is void once another has taken its place. */
interface Channel {
  readonly toServer: Lane;
  readonly toClient: Lane;
  /** Rejections of the requests without an answer. */
  readonly unanswered: Set<(error: CoordinatorError) => void>;
}

export class SimCoordinatorConnection implements CoordinatorConnection {
  readonly process: SimProcess;
  readonly hostName: string;
  readonly #coordinator: SimCoordinator;
  readonly #listener: CoordinatorListener;
  readonly #chroot: Chroot;
  readonly #askedTimeoutMs: number;
  #timeoutMs: number;
  #sessionId: string | undefined;
  #channel: Channel | undefined;
  /**
   * The socket before: what was sent on it may still be applied, after its sender was told of the
   * loss, until the session moves to a new socket.
   */
  #forsaken: Channel | undefined;
  #phase: 'connecting' | 'connected' | 'expired' | 'closed' = 'connecting';

  constructor(coordinator: SimCoordinator, options: SimCoordinatorConnectionOptions) {
    this.#coordinator = coordinator;
    this.process = options.process;
    this.hostName = options.hostName;
    this.#listener = options.listener;
    this.#chroot = new Chroot(options.servers);
    this.#askedTimeoutMs = options.sessionTimeoutMs;
    this.#timeoutMs = options.sessionTimeoutMs;
    this.#tryToConnect();
  }

  /** The session that the server last granted. */
  get sessionId(): string | undefined {
    return this.#sessionId;
  }

  read(operation: CoordinatorRead): Promise<CoordinatorReadResult> {
    const request = toTreeRead(operation, this.#chroot);
    return this.#call(request, [], (reply) => toReadResult(operation, reply));
  }

  write(operation: CoordinatorWrite): Promise<CoordinatorWriteResult> {
    if (operation.type === 'check') {
      const message = 'A check stands only within a multi';
      return Promise.reject(new CoordinatorError('INVALID_ARGUMENTS', message));
    }
    const request = toTreeOperation(operation, this.#chroot);
    return this.#call(request, [operation.path], (reply) => {
      if (!reply.ok) throw toCoordinatorError(reply, operation.path);
      return toWriteResult(operation, reply.result as MultiResult, this.#chroot);
    });
  }

  multi(operations: readonly CoordinatorWrite[]): Promise<readonly CoordinatorWriteResult[]> {
    const request: TreeRequest = {
      type: 'multi',
      operations: operations.map((operation) => toTreeOperation(operation, this.#chroot)),
    };
    const paths = operations.map(({ path }) => path);
    return this.#call(request, paths, (reply) => {
      if (!reply.ok) throw toCoordinatorError(reply, paths[reply.failedIndex ?? 0] ?? '');
      const results = reply.result as readonly MultiResult[];
      return operations.map((operation, index) =>
        toWriteResult(operation, results[index], this.#chroot),
      );
    });
  }

  reconnect(): void {
    if (this.#phase !== 'connected') return;
    this.process.after(0, 'coordinator: reconnect', () => this.#lost());
  }

  async close(): Promise<void> {
    if (this.#phase === 'closed') return;
    const wasConnected = this.#phase === 'connected';
    const channel = this.#channel;
    const sessionId = this.#sessionId;
    this.#phase = 'closed';
    if (channel !== undefined) rejectUnanswered(channel, 'SESSION_EXPIRED');
    if (wasConnected && channel !== undefined && sessionId !== undefined) {
      await new Promise<void>((resolve) => {
        this.process.after(CLOSE_WAIT_MS, 'coordinator: close unanswered', resolve);
        channel.toServer.send(() => {
          this.#coordinator.endSession(sessionId);
          channel.toClient.send(resolve);
        });
      });
    }
    channel?.toServer.close();
    channel?.toClient.close();
    this.#coordinator.forget(this);
  }

  // ---- from the server ----

  /** The server's end of the socket is gone; the client is told when the news can reach it. */
  dropped(): void {
    const channel = this.#channel;
    if (channel === undefined) return;
    if (this.#sessionId !== undefined) this.#coordinator.dropWatches(this.#sessionId);
    channel.toServer.close();
    channel.toClient.send(() => this.#lost());
  }

  tellWatch(event: WatchEvent): void {
    const channel = this.#channel;
    if (channel === undefined || this.process.isDead) return;
    channel.toClient.send(() => {
      if (this.#phase !== 'connected') return;
      this.#listener.onWatchEvent({ ...event, path: this.#chroot.strip(event.path) });
    });
  }

  // ---- within ----

  #call<Result>(
    request: TreeRequest,
    writtenPaths: readonly string[],
    decode: (reply: TreeReply<unknown>) => Result,
  ): Promise<Result> {
    const channel = this.#channel;
    if (this.#phase === 'expired' || this.#phase === 'closed') {
      return Promise.reject(new CoordinatorError('SESSION_EXPIRED', 'The session is over'));
    }
    if (this.#phase !== 'connected' || channel === undefined) {
      return Promise.reject(new CoordinatorError('CONNECTION_LOSS', 'There is no connection'));
    }
    return new Promise((resolve, reject) => {
      channel.unanswered.add(reject);
      const answer = (reply: TreeReply<unknown>): void => {
        channel.unanswered.delete(reject);
        try {
          resolve(decode(reply));
        } catch (error) {
          reject(error);
        }
      };
      channel.toServer.send(() => this.#serve(channel, request, writtenPaths, answer));
    });
  }

  /** At the server: applies the request, unless it or its answer is to be lost. */
  #serve(
    channel: Channel,
    request: TreeRequest,
    writtenPaths: readonly string[],
    answer: (reply: TreeReply<unknown>) => void,
  ): void {
    const coordinator = this.#coordinator;
    const isWrite = writtenPaths.length > 0;
    const tell = (when: WriteMoment['when']): void => {
      if (isWrite) coordinator.onWrite?.({ host: this.hostName, paths: writtenPaths, when });
    };
    tell('decide');
    const fate = isWrite ? coordinator.fateOf(this.hostName, writtenPaths) : 'answered';
    if (fate === 'lost') {
      this.dropped();
      return;
    }
    tell('before');
    const reply = coordinator.apply(request, this.#sessionId ?? '');
    tell('after');
    if (fate === 'applied') this.dropped();
    else channel.toClient.send(() => answer(reply));
  }

  #tryToConnect(): void {
    const { random, network } = this.#coordinator;
    this.process.after(
      random.exponential(2) + network.links.sampleMs(),
      'coordinator: connect',
      () => {
        if (this.#phase !== 'connecting') return;
        if (!this.#coordinator.isReachable(this.hostName)) {
          this.process.after(random.exponential(RETRY_MS_MEAN), 'coordinator: again', () =>
            this.#tryToConnect(),
          );
          return;
        }
        this.#handshake();
      },
    );
  }

  /** The server has the client's request to connect. */
  #handshake(): void {
    const session = this.#coordinator.openSession(this.#sessionId, this.#askedTimeoutMs);
    this.#forsaken?.toServer.close();
    const channel = this.#openChannel();
    if (session === undefined) {
      channel.toClient.send(() => this.#expired(channel));
      return;
    }
    this.#sessionId = session.sessionId;
    this.#timeoutMs = session.negotiatedTimeoutMs;
    channel.toClient.send(() => {
      if (this.#phase !== 'connecting') return;
      this.#phase = 'connected';
      this.#schedulePing(channel);
      this.#listener.onConnected(session);
    });
  }

  #expired(channel: Channel): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'expired';
    this.#channel = undefined;
    rejectUnanswered(channel, 'SESSION_EXPIRED');
    this.#coordinator.forget(this);
    this.#listener.onExpired();
  }

  /** The client sees its socket gone, by a reset or by its own hand. */
  #lost(): void {
    const channel = this.#channel;
    if (channel === undefined || this.#phase === 'closed') return;
    const wasConnected = this.#phase === 'connected';
    this.#channel = undefined;
    this.#phase = 'connecting';
    if (this.#sessionId !== undefined) this.#coordinator.dropWatches(this.#sessionId);
    channel.toClient.close();
    this.#forsaken = channel;
    rejectUnanswered(channel, 'CONNECTION_LOSS');
    if (wasConnected) this.#listener.onDisconnected();
    this.#tryToConnect();
  }

  /** Pings keep the session alive as long as the process runs and the way to the server is free. */
  #schedulePing(channel: Channel): void {
    this.process.after(this.#timeoutMs / 3, 'coordinator: ping', () => {
      if (this.#channel !== channel || this.#phase !== 'connected') return;
      channel.toServer.send(() => this.#coordinator.touch(this.#sessionId ?? ''));
      this.#schedulePing(channel);
    });
  }

  #openChannel(): Channel {
    const { scheduler, network } = this.#coordinator;
    const common = { scheduler, links: network.links };
    this.#channel = {
      toServer: new Lane({
        ...common,
        from: this.hostName,
        to: COORDINATOR_HOST,
        label: 'coordinator: request',
        receiver: undefined,
      }),
      toClient: new Lane({
        ...common,
        from: COORDINATOR_HOST,
        to: this.hostName,
        label: 'coordinator: answer',
        receiver: this.process,
      }),
      unanswered: new Set(),
    };
    return this.#channel;
  }
}

function rejectUnanswered(channel: Channel, code: 'CONNECTION_LOSS' | 'SESSION_EXPIRED'): void {
  const rejections = [...channel.unanswered];
  channel.unanswered.clear();
  for (const reject of rejections) reject(new CoordinatorError(code, 'The connection was lost'));
}
