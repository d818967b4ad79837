/**
 * One direction of a connection: bytes leave the writer's queue, travel in order, and gather in
 * the reader's kernel until it reads. Cut links delay them; nothing is ever lost, swapped or
 * doubled in between, as TCP promises while the connection stands.
 */

import type { ScheduledEvent, Scheduler } from '../scheduler.ts';
import type { Links } from './links.ts';

type Segment = Buffer | 'fin' | 'reset';

/** What stands at the reading end. */
export interface PipeReader {
  /** Gone: the process is dead or has destroyed its socket. */
  readonly isGone: boolean;
  /** False while the host has no power. */
  readonly isHostUp: boolean;
  whenHostUp(run: () => void): void;
  onArrived(): void;
  onReset(code: string): void;
  /** Bytes came for a connection that this side no longer knows. */
  refuse(): void;
}

export interface PipeWriter {
  /** The window has room again. */
  onRoom(): void;
  onTimeout(): void;
}

interface QueuedWrite {
  chunks: readonly Uint8Array[];
  chunkIndex: number;
  chunkOffset: number;
  readonly onWritten: (() => void) | undefined;
}

export interface PipeOptions {
  readonly scheduler: Scheduler;
  readonly links: Links;
  readonly from: string;
  readonly to: string;
  /** Bytes under way and unread, at most: send and receive buffer together. */
  readonly windowBytes: number;
  /** The writer's connection fails when the head of the line could not travel for so long. */
  readonly timeoutMs: number;
}

export class Pipe {
  readonly #options: PipeOptions;
  reader: PipeReader | undefined;
  writer: PipeWriter | undefined;
  readonly #queue: QueuedWrite[] = [];
  #queuedBytes = 0;
  #unacknowledgedBytes = 0;
  #readWhileCutBytes = 0;
  readonly #travelling: Segment[] = [];
  #lastArrivalMs = 0;
  #isStalled = false;
  #timeout: ScheduledEvent | undefined;
  readonly #arrived: Buffer[] = [];
  #arrivedBytes = 0;
  #finArrived = false;

  constructor(options: PipeOptions) {
    this.#options = options;
  }

  /** Bytes that the writer's operating system has not taken yet. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Bytes that wait to be read. */
  get arrivedBytes(): number {
    return this.#arrivedBytes;
  }

  /** Nothing more will come, and everything that came was read. */
  get isAtEnd(): boolean {
    return this.#finArrived && this.#arrivedBytes === 0;
  }

  enqueue(chunks: readonly Uint8Array[], onWritten: (() => void) | undefined): void {
    this.#queue.push({ chunks, chunkIndex: 0, chunkOffset: 0, onWritten });
    for (const chunk of chunks) this.#queuedBytes += chunk.length;
  }

  /**
   * Takes what the window allows from the writer's queue: the bytes as they are NOW, so that a
   * chunk changed before its `onWritten` is found out.
   *
   * @returns the callbacks of the writes that left completely.
   */
  transmit(): (() => void)[] {
    const parts: Uint8Array[] = [];
    const written: (() => void)[] = [];
    let room = this.#options.windowBytes - this.#unacknowledgedBytes;
    while (this.#queue.length > 0) {
      const write = this.#queue[0] as QueuedWrite;
      const chunk = write.chunks[write.chunkIndex];
      if (chunk === undefined) {
        if (write.onWritten !== undefined) written.push(write.onWritten);
        this.#queue.shift();
        continue;
      }
      if (room === 0) break;
      const part = chunk.subarray(write.chunkOffset, write.chunkOffset + room);
      parts.push(part);
      room -= part.length;
      write.chunkOffset += part.length;
      if (write.chunkOffset < chunk.length) break;
      write.chunkIndex += 1;
      write.chunkOffset = 0;
    }
    const segment = Buffer.concat(parts);
    this.#queuedBytes -= segment.length;
    this.#unacknowledgedBytes += segment.length;
    if (segment.length > 0) this.#send(segment);
    return written;
  }

  /** The writer will write no more; everything queued must have been transmitted. */
  sendFin(): void {
    this.#send('fin');
  }

  sendReset(): void {
    this.#send('reset');
  }

  /** Nothing is queued, sent or read any more; what travels still arrives. */
  dropQueue(): void {
    this.#queue.length = 0;
    this.#queuedBytes = 0;
  }

  /** Moves up to `target.length` arrived bytes into `target`. @returns how many. */
  read(target: Uint8Array): number {
    let count = 0;
    while (count < target.length) {
      const first = this.#arrived[0];
      if (first === undefined) break;
      const part = first.subarray(0, target.length - count);
      target.set(part, count);
      count += part.length;
      if (part.length === first.length) this.#arrived.shift();
      else this.#arrived[0] = first.subarray(part.length);
    }
    this.#arrivedBytes -= count;
    this.#acknowledge(count);
    return count;
  }

  /** An acknowledgement travels the other way, and not at all while that way is cut. */
  #acknowledge(count: number): void {
    const { links, from, to } = this.#options;
    this.#readWhileCutBytes += count;
    if (!links.isCut(to, from)) this.#flushAcknowledgements();
    else links.whenHealed(to, from, () => this.#flushAcknowledgements());
  }

  #flushAcknowledgements(): void {
    if (this.#readWhileCutBytes === 0) return;
    this.#unacknowledgedBytes -= this.#readWhileCutBytes;
    this.#readWhileCutBytes = 0;
    this.writer?.onRoom();
  }

  #send(segment: Segment): void {
    this.#travelling.push(segment);
    if (!this.#isStalled) this.#scheduleArrival();
  }

  #scheduleArrival(): void {
    const { scheduler, links } = this.#options;
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, scheduler.nowMs + links.sampleMs());
    scheduler.at(this.#lastArrivalMs, 'network: arrive', () => this.#arriveNext());
  }

  #arriveNext(): void {
    const segment = this.#travelling[0];
    if (segment === undefined || this.#isStalled || this.reader === undefined) return;
    const { scheduler, links, from, to } = this.#options;
    if (links.isCut(from, to) || !this.reader.isHostUp) {
      this.#stall();
      return;
    }
    this.#travelling.shift();
    if (segment === 'reset') {
      this.reader.onReset('ECONNRESET');
    } else if (this.reader.isGone) {
      if (segment !== 'fin') this.reader.refuse();
    } else if (segment === 'fin') {
      this.#finArrived = true;
      this.reader.onArrived();
    } else {
      scheduler.trace.addBytes(segment);
      this.#arrived.push(segment);
      this.#arrivedBytes += segment.length;
      this.reader.onArrived();
    }
  }

  /** The head of the line is lost and sent again and again until the way is free or time is up. */
  #stall(): void {
    const { scheduler, links, from, to, timeoutMs } = this.#options;
    this.#isStalled = true;
    if (links.isCut(from, to)) links.whenHealed(from, to, () => this.#resume());
    else this.reader?.whenHostUp(() => this.#resume());
    this.#timeout = scheduler.after(timeoutMs, 'network: timeout', () => this.writer?.onTimeout());
  }

  /** The way is free again, or the other host is up again: should that not be so, it stalls anew. */
  #resume(): void {
    if (!this.#isStalled) return;
    this.#isStalled = false;
    this.#timeout?.cancel();
    for (const _ of this.#travelling) this.#scheduleArrival();
  }
}
