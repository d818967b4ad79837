/**
 * A scripted ZooKeeper: a TCP server that speaks just enough of the client protocol to misbehave in
 * a chosen way. Everything is big-endian and every frame starts with its length.
 *
 *     connect request   int version, long zxid, int timeout, long session, buffer password
 *     connect response  int version, int timeout (0: expired), long session, buffer password
 *     request           int xid, int type, body        reply   int xid, long zxid, int error, body
 */

import { createServer, type Server, type Socket } from 'node:net';

export const opCode = {
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  ping: 11,
  getChildren2: 12,
  check: 13,
  multi: 14,
  setWatches: 101,
  closeSession: -11,
} as const;

export interface FakeRequest {
  readonly connection: FakeConnection;
  readonly xid: number;
  readonly type: number;
  readonly body: Buffer;
}

export interface FakeScript {
  /** What the handshake answers. Default: the session that was asked for, or a new one. */
  onConnect?: (connection: FakeConnection) => 'accept' | 'expired' | 'silent';
  /** @returns the body of the answer, an error code, or undefined for silence. */
  onRequest?: (request: FakeRequest) => Buffer | number | undefined;
}

export class FakeConnection {
  readonly socket: Socket;
  readonly index: number;
  /** Types of the requests, in order, without pings. */
  readonly received: number[] = [];
  askedSession = '';
  #rest = Buffer.alloc(0);

  constructor(socket: Socket, index: number) {
    this.socket = socket;
    this.index = index;
  }

  frames(chunk: Buffer): Buffer[] {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const frames: Buffer[] = [];
    while (this.#rest.length >= 4 && this.#rest.length >= 4 + this.#rest.readInt32BE(0)) {
      const end = 4 + this.#rest.readInt32BE(0);
      frames.push(this.#rest.subarray(4, end));
      this.#rest = this.#rest.subarray(end);
    }
    return frames;
  }

  send(...parts: readonly Buffer[]): void {
    this.socket.write(frame(...parts));
  }

  /** A one-shot watch fires. */
  notify(type: number, path: string): void {
    this.send(int(-1), long(-1), int(0), int(type), int(3), text(path));
  }
}

export class FakeZookeeper {
  readonly connections: FakeConnection[] = [];
  readonly script: FakeScript;
  readonly #server: Server;
  #nextSession = 1;
  #zxid = 0;
  sessionTimeoutMs = 3_000;

  private constructor(script: FakeScript) {
    this.script = script;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  static async start(script: FakeScript = {}, host = '127.0.0.1'): Promise<FakeZookeeper> {
    const fake = new FakeZookeeper(script);
    await new Promise<void>((resolve, reject) => {
      fake.#server.once('error', reject);
      fake.#server.listen(0, host, resolve);
    });
    return fake;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  get last(): FakeConnection {
    const connection = this.connections.at(-1);
    if (connection === undefined) throw new Error('Nobody has connected');
    return connection;
  }

  async stop(): Promise<void> {
    for (const { socket } of this.connections) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(socket: Socket): void {
    const connection = new FakeConnection(socket, this.connections.length);
    this.connections.push(connection);
    let shaken = false;
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      for (const body of connection.frames(chunk)) {
        if (shaken) this.#serve(connection, body);
        else {
          shaken = true;
          this.#shake(connection, body);
        }
      }
    });
  }

  #shake(connection: FakeConnection, request: Buffer): void {
    const asked = request.subarray(16, 24).toString('hex');
    connection.askedSession = asked;
    const verdict = this.script.onConnect?.(connection) ?? 'accept';
    if (verdict === 'silent') return;
    const isNew = asked === '0000000000000000';
    const session = isNew ? long(this.#nextSession++) : Buffer.from(asked, 'hex');
    const timeout = verdict === 'expired' ? 0 : this.sessionTimeoutMs;
    connection.send(int(0), int(timeout), session, bytes(Buffer.alloc(16)));
    if (verdict === 'expired') connection.socket.end();
  }

  #serve(connection: FakeConnection, frameBody: Buffer): void {
    const xid = frameBody.readInt32BE(0);
    const type = frameBody.readInt32BE(4);
    this.#zxid += 1;
    if (type === opCode.ping) {
      connection.send(int(-2), long(this.#zxid), int(0));
      return;
    }
    connection.received.push(type);
    if (type === opCode.closeSession) {
      connection.send(int(xid), long(this.#zxid), int(0));
      connection.socket.end();
      return;
    }
    const request = { connection, xid, type, body: frameBody.subarray(8) };
    const answer = this.script.onRequest === undefined ? stat() : this.script.onRequest(request);
    if (answer === undefined) return;
    connection.send(...reply(xid, this.#zxid, answer));
  }
}

export function reply(xid: number, zxid: number, answer: Buffer | number): Buffer[] {
  return typeof answer === 'number'
    ? [int(xid), long(zxid), int(answer)]
    : [int(xid), long(zxid), int(0), answer];
}

export function frame(...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([int(body.length), body]);
}

export function int(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32BE(value);
  return buffer;
}

export function long(value: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigInt64BE(BigInt(value));
  return buffer;
}

export function bytes(value: Buffer): Buffer {
  return Buffer.concat([int(value.length), value]);
}

export function text(value: string): Buffer {
  return bytes(Buffer.from(value));
}

/** A stat: czxid, mzxid, ctime, mtime, three versions, owner, two counts, pzxid. */
export function stat(options: { version?: number; owner?: string } = {}): Buffer {
  return Buffer.concat([
    long(7),
    long(8),
    long(0),
    long(0),
    int(options.version ?? 0),
    int(0),
    int(0),
    Buffer.from(options.owner ?? '0000000000000000', 'hex'),
    int(1),
    int(0),
    long(7),
  ]);
}

/** The answer to a multi that went well, of checks only. */
export function multiOfChecks(count: number): Buffer {
  const each = Buffer.concat([int(opCode.check), Buffer.from([0]), int(-1)]);
  const end = Buffer.concat([int(-1), Buffer.from([1]), int(-1)]);
  return Buffer.concat([...Array.from({ length: count }, () => each), end]);
}

/** The answer to a multi of which one operation failed. */
export function failedMulti(errors: readonly number[]): Buffer {
  const each = errors.map((error) =>
    Buffer.concat([int(-1), Buffer.from([0]), int(error), int(error)]),
  );
  return Buffer.concat([...each, int(-1), Buffer.from([1]), int(-1)]);
}
