/**
 * A TCP proxy that makes a bad network: bytes are delayed, slowed down, held back for good or in one
 * direction, connections are reset, refused, or left half open.
 *
 * What is held back is not lost: it goes on when the fault is lifted, as TCP sends again after a cut.
 * The end of a connection is held back too, so a peer behind a cut does not learn of a crash.
 */

import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export type Direction = 'toServer' | 'toClient';

/** What happens to the bytes of a connection. */
export interface Impairment {
  /** Default: both. */
  readonly direction?: Direction;
  /** Nothing passes. */
  readonly stalled?: boolean;
  /** Each piece arrives this much later. */
  readonly delayMs?: number;
  readonly bytesPerSecond?: number;
}

export type Selection = (connection: ProxiedConnection) => boolean;

/** A fault in force. */
export interface Fault {
  /** Idempotent. */
  lift(): void;
}

interface Rule {
  readonly selects: Selection;
  readonly impairment: Impairment;
}

/** The pieces on their way in one direction; a string is the way in which the sender ended. */
type Piece = { readonly content: Buffer | 'end' | 'reset'; readonly arrivedMs: number };

const OPENING_BYTES_MAX = 4_096;
const QUEUED_BYTES_MAX = 1024 ** 2;
const POLL_MS = 5;

export class TcpProxy {
  /** `host:port` to which new connections go. Until it is set, they are refused. */
  target: string | undefined;
  /** New connections are reset. */
  refusing = false;
  readonly #server: Server;
  readonly #connections = new Set<ProxiedConnection>();
  readonly #rules = new Set<Rule>();

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (client) => this.#accept(client));
  }

  /** @param target may be set later. */
  static async start(target?: string): Promise<TcpProxy> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    const proxy = new TcpProxy(server);
    proxy.target = target;
    return proxy;
  }

  /** `127.0.0.1:port`. */
  get address(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('The proxy is closed');
    return `127.0.0.1:${address.port}`;
  }

  /** Those that are open on at least one side. */
  get connections(): ReadonlySet<ProxiedConnection> {
    return this.#connections;
  }

  /** Puts a fault on the connections that `selects` says, also on later ones, until it is lifted. */
  impair(impairment: Impairment, selects: Selection = () => true): Fault {
    const rule = { selects, impairment };
    this.#rules.add(rule);
    return { lift: () => void this.#rules.delete(rule) };
  }

  /** Resets connections (RST, both sides), now and once. */
  reset(selects: Selection = () => true): void {
    for (const connection of this.#connections) if (selects(connection)) connection.reset();
  }

  /**
   * Ends the server's side of connections; the client's side stays open and hears nothing, as after
   * a crash of the host. They are reset when the fault is lifted.
   */
  halfOpen(selects: Selection = () => true): Fault {
    const chosen = [...this.#connections].filter(selects);
    for (const connection of chosen) connection.loseServer();
    return {
      lift: () => {
        for (const connection of chosen) connection.reset();
      },
    };
  }

  /** Lifts all faults of `impair`; what was held back goes on. */
  heal(): void {
    this.#rules.clear();
    this.refusing = false;
  }

  async close(): Promise<void> {
    this.reset();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(client: Socket): void {
    const { target } = this;
    if (this.refusing || target === undefined) {
      client.on('error', () => undefined);
      resetSocket(client);
      return;
    }
    const connection = new ProxiedConnection(client, {
      target,
      impairments: (one, direction) => this.#impairments(one, direction),
      onClosed: () => this.#connections.delete(connection),
    });
    this.#connections.add(connection);
  }

  #impairments(connection: ProxiedConnection, direction: Direction): readonly Impairment[] {
    return [...this.#rules]
      .filter(({ impairment }) => (impairment.direction ?? direction) === direction)
      .filter(({ selects }) => selects(connection))
      .map(({ impairment }) => impairment);
  }
}

interface ConnectionParts {
  readonly target: string;
  readonly impairments: (
    connection: ProxiedConnection,
    direction: Direction,
  ) => readonly Impairment[];
  readonly onClosed: () => void;
}

export class ProxiedConnection {
  /** The first bytes of the client, by which it can be known. */
  opening: Buffer = Buffer.alloc(0);
  /** The first bytes of the server. */
  answer: Buffer = Buffer.alloc(0);
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #parts: ConnectionParts;
  #serverLost = false;

  constructor(client: Socket, parts: ConnectionParts) {
    this.#client = client;
    this.#parts = parts;
    const [host, port] = parts.target.split(':');
    this.#server = connect({
      host: host!,
      port: Number(port),
      noDelay: true,
      allowHalfOpen: true,
    });
    this.#pipe(client, this.#server, 'toServer');
    this.#pipe(this.#server, client, 'toClient');
    for (const socket of [client, this.#server]) {
      socket.on('error', () => undefined);
      socket.once('close', () => {
        if (client.destroyed && this.#server.destroyed) parts.onClosed();
      });
    }
  }

  reset(): void {
    resetSocket(this.#client);
    resetSocket(this.#server);
  }

  loseServer(): void {
    this.#serverLost = true;
    resetSocket(this.#server);
  }

  #pipe(from: Socket, to: Socket, direction: Direction): void {
    const queue: Piece[] = [];
    let queuedBytes = 0;
    let pumping = false;
    const push = (content: Piece['content']): void => {
      queue.push({ content, arrivedMs: performance.now() });
      if (pumping) return;
      pumping = true;
      void pump();
    };
    const pump = async (): Promise<void> => {
      for (let piece = queue[0]; piece !== undefined; piece = queue[0]) {
        if (to.destroyed) break;
        await this.#passage(piece, direction);
        queue.shift();
        if (typeof piece.content === 'string') this.#end(to, piece.content);
        else {
          queuedBytes -= piece.content.length;
          to.write(piece.content);
          if (queuedBytes < QUEUED_BYTES_MAX && from.isPaused()) from.resume();
        }
      }
      pumping = false;
    };
    from.on('data', (bytes: Buffer) => {
      this.#remember(bytes, direction);
      queuedBytes += bytes.length;
      if (queuedBytes >= QUEUED_BYTES_MAX) from.pause();
      push(bytes);
    });
    from.once('end', () => push('end'));
    from.once('error', () => push('reset'));
  }

  /** Waits until a piece may go on. */
  async #passage({ content, arrivedMs }: Piece, direction: Direction): Promise<void> {
    for (;;) {
      const impairments = this.#parts.impairments(this, direction);
      if (impairments.length === 0) return;
      const lateMs = Math.max(...impairments.map(({ delayMs = 0 }) => delayMs));
      const stalled = impairments.some((impairment) => impairment.stalled === true);
      if (!stalled && performance.now() >= arrivedMs + lateMs) {
        const rate = Math.min(...impairments.map((one) => one.bytesPerSecond ?? Infinity));
        const sizeBytes = typeof content === 'string' ? 0 : content.length;
        if (Number.isFinite(rate)) await delay((sizeBytes / rate) * 1_000);
        return;
      }
      if (this.#client.destroyed && this.#server.destroyed) return;
      await delay(POLL_MS);
    }
  }

  #end(to: Socket, way: 'end' | 'reset'): void {
    if (this.#serverLost) return;
    if (way === 'end') to.end();
    else resetSocket(to);
  }

  #remember(bytes: Buffer, direction: Direction): void {
    const name = direction === 'toServer' ? 'opening' : 'answer';
    const room = OPENING_BYTES_MAX - this[name].length;
    if (room > 0) this[name] = Buffer.concat([this[name], bytes.subarray(0, room)]);
  }
}

/**
 * Ends a connection by RST. One whose end is on its way already is closed instead: there Node 20
 * refuses the reset (EINVAL), never closes the handle, and the process spins for ever when it exits.
 */
function resetSocket(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}
