/**
 * One client's connection: packets in, packets out, in order. What they mean is the service's
 * business; what is here keeps one client from harming the others: packet size, and how much may
 * wait to be answered.
 */

import type { SocketHandler, StreamSocket } from '../../common/index.ts';
import { LENGTH_BYTES, PacketReader } from './packetReader.ts';
import type { SessionId } from './treeRequest.ts';

export interface ClientLinkHandler {
  /** A whole packet, as a view that is valid during the call. */
  onPacket(link: ClientLink, packet: Buffer): void;
  /** The answer to a four-letter word, or undefined where the four letters are none. */
  answerWord(word: string): string | undefined;
  onClosed(link: ClientLink): void;
}

export interface ClientLinkOptions {
  readonly packetBytesMax: number;
  /** Called when the link has packets to send: `send` them at the end of the turn. */
  readonly onDirty: (link: ClientLink) => void;
  readonly nowMs: number;
}

/** Requests, and bytes of answers, that may be under way before no more requests are taken. */
const UNANSWERED_MAX = 1000;
const UNSENT_BYTES_MAX = 4 * 1024 * 1024;

export class ClientLink implements SocketHandler {
  readonly connectedMs: number;
  /** Set when the connect request was granted. */
  session: { readonly id: SessionId; readonly timeoutMs: number } | undefined;
  /** A first packet has been read: four-letter words are over. */
  #begun = false;
  readonly #socket: StreamSocket;
  readonly #handler: ClientLinkHandler;
  readonly #options: ClientLinkOptions;
  readonly #reader = new PacketReader();
  #unanswered = 0;
  /** Bytes of packets that are made but not given to the socket yet. */
  #announcedBytes = 0;
  #paused = false;
  #state: 'open' | 'ending' | 'closed' = 'open';
  #outgoing: Uint8Array[] = [];

  constructor(socket: StreamSocket, handler: ClientLinkHandler, options: ClientLinkOptions) {
    this.#socket = socket;
    this.#handler = handler;
    this.#options = options;
    this.connectedMs = options.nowMs;
    socket.start(this);
  }

  get remote(): string {
    return `${this.#socket.remote.host}:${this.#socket.remote.port}`;
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** A request was taken that will be answered later: counts against what may be under way. */
  expectAnswer(): void {
    this.#unanswered += 1;
  }

  /** A packet was made that will be queued later: its bytes count too. */
  announce(byteCount: number): void {
    this.#announcedBytes += byteCount;
  }

  /** Queues an announced packet behind those queued before. */
  queue(packet: Uint8Array, options: { readonly answers: boolean }): void {
    if (options.answers) this.#unanswered -= 1;
    if (this.#state !== 'open') return;
    if (this.#outgoing.length === 0) this.#options.onDirty(this);
    this.#outgoing.push(packet);
  }

  /** Sends what is queued, in one write. */
  send(): void {
    if (this.#outgoing.length === 0 || this.#state !== 'open') return;
    const packets = this.#outgoing;
    this.#outgoing = [];
    for (const packet of packets) this.#announcedBytes -= packet.length;
    this.#socket.write(packets);
    this.#goOn();
  }

  /** Sends what is queued, then closes. */
  end(): void {
    this.send();
    if (this.#state !== 'open') return;
    this.#state = 'ending';
    this.#socket.end();
  }

  /** Closes at once; what is queued is lost. */
  destroy(): void {
    if (this.#state === 'open') this.#state = 'ending';
    this.#socket.destroy();
  }

  receiveSpace(): Uint8Array {
    return this.#reader.space();
  }

  onReceived(byteCount: number): void {
    this.#reader.received(byteCount);
    if (this.#begun || !this.#answeredWord()) this.#takePackets();
    // Nothing that comes after the end is looked at.
    if (this.#state !== 'open') this.#reader.discard();
    this.#reader.makeSpace();
  }

  onDrain(): void {
    this.#goOn();
  }

  onEnd(): void {
    this.end();
  }

  onClose(): void {
    this.#state = 'closed';
    this.#outgoing = [];
    this.#handler.onClosed(this);
  }

  #takePackets(): void {
    while (this.#state === 'open') {
      if (this.#isFull()) {
        this.#paused = true;
        this.#socket.pause();
        return;
      }
      const length = this.#reader.announcedBytes;
      if (length === undefined) return;
      // As ZooKeeper does: who sends such a length speaks another protocol or means harm.
      if (length < 0 || length > this.#options.packetBytesMax) {
        this.destroy();
        return;
      }
      const packet = this.#reader.take();
      if (packet === undefined) return;
      this.#begun = true;
      this.#handler.onPacket(this, packet);
    }
  }

  /** `ruok` and the like, sent instead of a first packet. */
  #answeredWord(): boolean {
    const announced = this.#reader.announcedBytes;
    if (announced === undefined) return false;
    const word = Buffer.alloc(LENGTH_BYTES);
    word.writeInt32BE(announced);
    const answer = this.#handler.answerWord(word.toString('latin1'));
    if (answer === undefined) return false;
    const packet = Buffer.from(answer);
    this.announce(packet.length);
    this.queue(packet, { answers: false });
    this.end();
    return true;
  }

  #isFull(): boolean {
    const unsentBytes = this.#announcedBytes + this.#socket.bufferedBytes;
    return this.#unanswered >= UNANSWERED_MAX || unsentBytes >= UNSENT_BYTES_MAX;
  }

  /** Takes up what was left in the buffer when there was no room for its answers, then reads on. */
  #goOn(): void {
    if (!this.#paused || this.#state !== 'open' || this.#isFull()) return;
    this.#paused = false;
    this.#takePackets();
    if (!this.#paused) this.#socket.resume();
  }
}
