/** One end of a simulated connection. */

import type { SocketAddress, SocketHandler, StreamSocket } from '../../../../common/index.ts';
import { assert } from '../../../../common/index.ts';
import { systemError } from '../fileSystem/systemError.ts';
import type { SimProcess } from '../simProcess.ts';
import type { SimRandom } from '../simRandom.ts';
import type { Pipe, PipeReader, PipeWriter } from './pipe.ts';

export interface SimSocketOptions {
  readonly process: SimProcess;
  readonly hostName: string;
  readonly isHostUp: () => boolean;
  readonly whenHostUp: (run: () => void) => void;
  readonly random: SimRandom;
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly outgoing: Pipe;
  readonly incoming: Pipe;
  /** Cuts reads at arbitrary bytes. */
  readonly segments: boolean;
  /** Fills the space that the handler gives with 0xDB before a read is written into it. */
  readonly poisons: boolean;
  readonly onClosed: (socket: SimSocket) => void;
}

const WRITE_HIGH_WATER_BYTES = 64 * 1024;
/** From a call to the moment at which its effect or callback comes, at most. */
const LOOP_MS_MAX = 0.03;
const POISON = 0xdb;

export class SimSocket implements StreamSocket, PipeReader, PipeWriter {
  readonly remote: SocketAddress;
  readonly local: SocketAddress;
  readonly hostName: string;
  readonly process: SimProcess;
  readonly #options: SimSocketOptions;
  readonly #out: Pipe;
  readonly #in: Pipe;
  #handler: SocketHandler | undefined;
  #space: Uint8Array | undefined;
  #isPaused = false;
  #isReadScheduled = false;
  #isSendScheduled = false;
  #wantsDrain = false;
  #hasEnded = false;
  #finSent = false;
  #endTold = false;
  #isClosed = false;
  #closeError: Error | undefined;

  constructor(options: SimSocketOptions) {
    this.#options = options;
    this.process = options.process;
    this.hostName = options.hostName;
    this.remote = options.remote;
    this.local = options.local;
    this.#out = options.outgoing;
    this.#in = options.incoming;
    this.#out.writer = this;
    this.#in.reader = this;
  }

  get bufferedBytes(): number {
    return this.#out.queuedBytes;
  }

  get isGone(): boolean {
    return this.#isClosed || this.process.isDead;
  }

  get isHostUp(): boolean {
    return this.#options.isHostUp();
  }

  whenHostUp(run: () => void): void {
    this.#options.whenHostUp(run);
  }

  start(handler: SocketHandler): void {
    assert(this.#handler === undefined, 'A socket is started once');
    this.#handler = handler;
    if (this.#isClosed) {
      this.#tellClosed();
      return;
    }
    this.#takeSpace();
    this.#scheduleRead();
  }

  write(chunks: readonly Uint8Array[], onWritten?: () => void): boolean {
    if (this.#isClosed || this.#hasEnded) return false;
    this.#out.enqueue(chunks, onWritten);
    this.#scheduleSend();
    this.#wantsDrain = this.#out.queuedBytes >= WRITE_HIGH_WATER_BYTES;
    return !this.#wantsDrain;
  }

  pause(): void {
    this.#isPaused = true;
  }

  /** The handler may have changed its memory meanwhile, so it is asked for space anew. */
  resume(): void {
    if (this.#isPaused) this.#space = undefined;
    this.#isPaused = false;
    this.#scheduleRead();
  }

  end(): void {
    if (this.#isClosed || this.#hasEnded) return;
    this.#hasEnded = true;
    this.#scheduleSend();
  }

  destroy(error?: Error): void {
    if (this.#isClosed) return;
    const unread = this.#in.arrivedBytes > 0;
    // What was written stood in the kernel already, as far as there was room for it.
    this.#out.transmit();
    this.#close(error);
    if (unread) this.#out.sendReset();
    else if (!this.#finSent) this.#out.sendFin();
  }

  setKeepsProcessAlive(): void {}

  // ---- from the network ----

  onArrived(): void {
    this.#scheduleRead();
  }

  onRoom(): void {
    if (this.#out.queuedBytes > 0 || this.#hasEnded) this.#scheduleSend();
  }

  onTimeout(): void {
    if (!this.isGone) this.#close(systemError('ETIMEDOUT', 'read', this.#peerText()));
  }

  onReset(code: string): void {
    if (!this.isGone) this.#close(systemError(code, 'read', this.#peerText()));
  }

  refuse(): void {
    this.#out.sendReset();
  }

  /** The process was killed: its kernel says good-bye, or (power loss) nobody does. */
  processDied(hasPower: boolean): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#out.dropQueue();
    if (hasPower) {
      if (this.#in.arrivedBytes > 0) this.#out.sendReset();
      else if (!this.#finSent) this.#out.sendFin();
    }
    this.#options.onClosed(this);
  }

  // ---- within ----

  #soon(label: string, run: () => void): void {
    this.process.after(this.#options.random.unit() * LOOP_MS_MAX, label, run);
  }

  #scheduleSend(): void {
    if (this.#isSendScheduled || this.#finSent) return;
    this.#isSendScheduled = true;
    this.#soon('socket: send', () => {
      this.#isSendScheduled = false;
      this.#send();
    });
  }

  #send(): void {
    if (this.#isClosed) return;
    const written = this.#out.transmit();
    const isEmpty = this.#out.queuedBytes === 0;
    if (isEmpty && this.#hasEnded && !this.#finSent) {
      this.#finSent = true;
      this.#out.sendFin();
    }
    if (isEmpty && this.#wantsDrain) {
      this.#wantsDrain = false;
      this.#soon('socket: drain', () => {
        if (!this.#isClosed) this.#handler?.onDrain();
      });
    }
    for (const callback of written) callback();
    this.#closeIfDone();
  }

  #scheduleRead(): void {
    if (this.#isReadScheduled || this.#isClosed || this.#handler === undefined) return;
    if (this.#in.arrivedBytes === 0 && (!this.#in.isAtEnd || this.#endTold)) return;
    if (this.#isPaused) return;
    this.#isReadScheduled = true;
    this.#soon('socket: read', () => {
      this.#isReadScheduled = false;
      this.#read();
    });
  }

  #read(): void {
    if (this.#isClosed || this.#isPaused) return;
    if (this.#in.arrivedBytes > 0) {
      this.#takeSpace();
      const space = this.#space as Uint8Array;
      if (this.#options.poisons) space.fill(POISON);
      const count = this.#in.read(space.subarray(0, this.#segmentBytes(space.length)));
      this.#space = undefined;
      this.#handler?.onReceived(count);
      if (!this.#isClosed && !this.#isPaused) this.#takeSpace();
      this.#scheduleRead();
    } else if (this.#in.isAtEnd && !this.#endTold) {
      this.#endTold = true;
      this.#handler?.onEnd();
      this.#closeIfDone();
    }
  }

  #takeSpace(): void {
    if (this.#space !== undefined) return;
    this.#space = this.#handler?.receiveSpace();
    assert(this.#space !== undefined && this.#space.length > 0, 'There is space for a read');
  }

  #segmentBytes(spaceBytes: number): number {
    const available = Math.min(spaceBytes, this.#in.arrivedBytes);
    const { random, segments } = this.#options;
    if (!segments || random.chance(0.6)) return available;
    return 1 + random.below(random.chance(0.5) ? available : Math.min(available, 32));
  }

  #closeIfDone(): void {
    if (this.#finSent && this.#endTold && !this.#isClosed) this.#close(undefined);
  }

  #close(error: Error | undefined): void {
    this.#isClosed = true;
    this.#closeError = error;
    this.#out.dropQueue();
    this.#options.onClosed(this);
    if (this.#handler !== undefined) this.#tellClosed();
  }

  #tellClosed(): void {
    this.#soon('socket: close', () => this.#handler?.onClose(this.#closeError));
  }

  #peerText(): string {
    return `${this.remote.host}:${this.remote.port}`;
  }
}
