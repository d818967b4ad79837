/**
 * A bare client of ZooKeeper's protocol, for tests that look at packets: it sends what it is told,
 * in one write where asked, and shows every packet that comes back, in order.
 */

import { connect, type Socket } from 'node:net';
import { JuteReader, JuteWriter } from '../../coordinator/embedded/jute.ts';
import { waitFor } from './waitFor.ts';

export interface JutePacket {
  readonly xid: number;
  readonly zxid: number;
  readonly err: number;
  readonly body: Buffer;
}

export interface JuteSession {
  readonly sessionId: string;
  readonly password: Uint8Array;
  /** 0 where the server says that the session is gone. */
  readonly timeoutMs: number;
}

export interface JuteConnectOptions {
  readonly timeoutMs?: number;
  readonly lastZxidSeen?: number;
  readonly resume?: Pick<JuteSession, 'sessionId' | 'password'>;
}

export interface JuteRequest {
  readonly operation: number;
  readonly body?: (writer: JuteWriter) => void;
  /** Default: counted up from 1. */
  readonly xid?: number;
}

export class JuteClient {
  /** Everything that came after the connect response: answers and events alike. */
  readonly packets: JutePacket[] = [];
  session: JuteSession = { sessionId: '', password: new Uint8Array(0), timeoutMs: -1 };
  closed = false;
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #connected = false;
  #xid = 0;
  #taken = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes) => this.#onData(bytes));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.closed = true;
    });
  }

  /** A connection without a session: nothing has been sent. */
  static async dial(address: string): Promise<JuteClient> {
    const [host, port] = address.split(':');
    const socket = connect({ host: host!, port: Number(port), noDelay: true });
    const client = new JuteClient(socket);
    await new Promise((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return client;
  }

  /** A connection with a session, or with the server's refusal of it; see `session.timeoutMs`. */
  static async connect(address: string, options: JuteConnectOptions = {}): Promise<JuteClient> {
    const client = await JuteClient.dial(address);
    client.sendConnect(options);
    await waitFor(() => client.#connected || client.closed, { what: 'the connect response' });
    return client;
  }

  sendConnect({ timeoutMs = 10_000, lastZxidSeen = 0, resume }: JuteConnectOptions = {}): void {
    const writer = new JuteWriter().int(0).long(lastZxidSeen).int(timeoutMs);
    writer.sessionId(resume?.sessionId ?? '0'.repeat(16));
    writer.buffer(resume?.password ?? new Uint8Array(16)).boolean(false);
    this.sendRaw(framed(writer.finish()));
  }

  sendRaw(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Sends requests in one write. @returns their xids. */
  send(...requests: readonly JuteRequest[]): number[] {
    const xids = requests.map(({ xid }) => xid ?? ++this.#xid);
    this.sendRaw(
      Buffer.concat(
        requests.map(({ operation, body }, index) => {
          const writer = new JuteWriter().int(xids[index]!).int(operation);
          body?.(writer);
          return framed(writer.finish());
        }),
      ),
    );
    return xids;
  }

  /** Sends one request and waits for its answer; events that come before stay in `packets`. */
  async call(operation: number, body?: (writer: JuteWriter) => void): Promise<JutePacket> {
    const [xid] = this.send(body === undefined ? { operation } : { operation, body });
    return this.answerTo(xid!);
  }

  async answerTo(xid: number): Promise<JutePacket> {
    const answer = await waitFor(
      () => this.packets.find((packet) => packet.xid === xid) ?? (this.closed ? 'closed' : false),
      { what: `the answer to request ${xid}` },
    );
    if (answer === 'closed') throw new Error(`The server closed before it answered ${xid}`);
    return answer;
  }

  /** The next `count` packets, in order of arrival; those taken before do not come again. */
  async take(count: number): Promise<readonly JutePacket[]> {
    const end = this.#taken + count;
    await waitFor(() => this.packets.length >= end, { what: `${count} packets` });
    const taken = this.packets.slice(this.#taken, end);
    this.#taken = end;
    return taken;
  }

  async waitForClose(): Promise<void> {
    await waitFor(() => this.closed, { what: 'the server closes the connection' });
  }

  /** Reads what comes as text, until the server closes. To be called before anything is sent. */
  async readText(): Promise<string> {
    this.#socket.removeAllListeners('data');
    let text = '';
    this.#socket.on('data', (bytes) => {
      text += bytes.toString();
    });
    await this.waitForClose();
    return text;
  }

  /** Takes nothing more from the socket: the server's answers pile up on its side. */
  stopReading(): void {
    this.#socket.pause();
  }

  /** Drops the connection; the session lives on. */
  drop(): void {
    this.#socket.destroy();
  }

  #onData(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    while (this.#received.length >= 4) {
      const length = this.#received.readInt32BE(0);
      if (this.#received.length < 4 + length) return;
      this.#onPacket(this.#received.subarray(4, 4 + length));
      this.#received = this.#received.subarray(4 + length);
    }
  }

  #onPacket(packet: Buffer): void {
    const reader = new JuteReader(packet);
    if (this.#connected) {
      const header = { xid: reader.int(), zxid: reader.long(), err: reader.int() };
      this.packets.push({ ...header, body: packet.subarray(16) });
      return;
    }
    reader.int();
    const timeoutMs = reader.int();
    const sessionId = reader.sessionId();
    this.session = { timeoutMs, sessionId, password: reader.bytes()! };
    this.#connected = true;
  }
}

function framed(packet: Uint8Array): Buffer {
  const frame = Buffer.alloc(4 + packet.length);
  frame.writeInt32BE(packet.length);
  frame.set(packet, 4);
  return frame;
}
