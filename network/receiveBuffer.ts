/**
 * The contiguous buffer into which a socket reads and in which frames are decoded in place.
 *
 *      0            readPosition        writePosition            capacity
 *      | consumed   | received, not yet consumed | free: the next read goes here |
 *
 * Bytes move only when a frame that is not yet complete would run past the end. With nothing left
 * over, the next read starts at 0 again, in memory that is still in the processor's cache.
 */

import { assert } from '../common/index.ts';
import { ReceiveMemory } from './receiveMemory.ts';

/** Below this much room what is left over moves to the start: each read is a system call. */
const SPACE_BYTES_MIN = 2048;
const SPARE_BYTES = 16;
/** Turns of the reaper for which a buffer must be too large before it shrinks. */
const OVERSIZED_TURNS = 3;

export class ReceiveBuffer {
  readonly #memory: ReceiveMemory;
  readonly #initialBytes: number;
  readonly #steadyBytes: number;
  #bytes: Buffer;
  #readPosition = 0;
  #writePosition = 0;
  /** Most bytes that stood in the buffer since the last turn of the reaper. */
  #usedBytesMax = 0;
  #oversizedTurns = 0;
  #wantsGrowth = false;
  readonly #spare = Buffer.alloc(SPARE_BYTES);
  #isSpareGiven = false;
  #released = false;

  constructor(
    memory: ReceiveMemory,
    options: { readonly initialBytes: number; readonly steadyBytes: number },
  ) {
    this.#memory = memory;
    this.#initialBytes = ReceiveMemory.capacityFor(options.initialBytes);
    this.#steadyBytes = ReceiveMemory.capacityFor(options.steadyBytes);
    this.#bytes = memory.acquire(this.#initialBytes);
  }

  /** The whole buffer; frames are decoded from it at `readPosition`. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  get readPosition(): number {
    return this.#readPosition;
  }

  /** Exclusive end of what was received. */
  get end(): number {
    return this.#writePosition;
  }

  get availableBytes(): number {
    return this.#writePosition - this.#readPosition;
  }

  get capacity(): number {
    return this.#bytes.length;
  }

  /**
   * Free space for the next read: never empty, since an empty one kills a socket with ENOBUFS. A full
   * buffer belongs to a connection that is stopped until frames are consumed or memory is granted;
   * should one more read come all the same, a few spare bytes take it and the buffer grows.
   */
  space(): Buffer {
    this.#isSpareGiven = this.#writePosition === this.#bytes.length;
    return this.#isSpareGiven ? this.#spare : this.#bytes.subarray(this.#writePosition);
  }

  /** `byteCount` bytes were read into the space last given. */
  received(byteCount: number): void {
    if (this.#isSpareGiven) {
      this.#replace(this.availableBytes + this.#spare.length);
      this.#bytes.set(this.#spare.subarray(0, byteCount), this.#writePosition);
    }
    this.#writePosition += byteCount;
    assert(this.#writePosition <= this.#bytes.length, 'A read stays within the space given', {
      byteCount,
      capacity: this.#bytes.length,
    });
    if (this.#writePosition > this.#usedBytesMax) this.#usedBytesMax = this.#writePosition;
    // A read that filled all space says that more is waiting: fewer, larger reads cost less.
    if (this.#writePosition === this.#bytes.length) this.#wantsGrowth = true;
  }

  /** `byteCount` bytes from `readPosition` on are dealt with. */
  consume(byteCount: number): void {
    this.#readPosition += byteCount;
    assert(this.#readPosition <= this.#writePosition, 'Only received bytes are consumed');
  }

  /** Forgets all that was received. */
  discard(): void {
    this.#readPosition = 0;
    this.#writePosition = 0;
  }

  /**
   * Prepares for the next read, after everything complete was consumed and nobody looks at it any
   * more: moves or grows so that a frame of `frameBytes`, at `readPosition`, will fit.
   *
   * @param frameBytes of the frame that is not yet complete; 0 where its length is not known.
   * @returns bytes of memory to wait for, when the cap of the listener does not allow to grow; 0
   *   when the buffer is ready.
   */
  prepare(frameBytes: number): number {
    if (this.#readPosition === this.#writePosition) {
      this.discard();
      if (this.#memory.isScarce) this.shrinkFully();
    }
    const neededBytes = Math.max(frameBytes, this.availableBytes + 1);
    if (neededBytes > this.#bytes.length) {
      const capacity = ReceiveMemory.capacityFor(neededBytes);
      if (!this.#memory.hasRoomFor(capacity, this.#bytes.length)) {
        return capacity - this.#bytes.length;
      }
      this.#replace(capacity);
    } else if (this.#wantsGrowth) {
      this.#growForTraffic();
    }
    this.#wantsGrowth = false;
    const roomBytes = this.#bytes.length - this.#writePosition;
    const remainingBytes = neededBytes - this.availableBytes;
    const isCramped = roomBytes < SPACE_BYTES_MIN && this.#readPosition > 0;
    if (roomBytes < remainingBytes || isCramped) this.#moveToStart();
    return 0;
  }

  /** Grows for a frame after `prepare` told to wait and the memory was granted. */
  growTo(frameBytes: number): void {
    if (frameBytes > this.#bytes.length) this.#replace(frameBytes);
  }

  /**
   * One turn of the reaper: whether the buffer has been too large for its traffic for some turns.
   * The caller then stops the socket, calls `shrink` and lets it read again.
   */
  isOversized(): boolean {
    const wanted = this.#wantedCapacity();
    this.#usedBytesMax = this.#writePosition;
    this.#oversizedTurns = wanted * 2 <= this.#bytes.length ? this.#oversizedTurns + 1 : 0;
    return this.#oversizedTurns >= OVERSIZED_TURNS;
  }

  shrink(): void {
    this.#oversizedTurns = 0;
    const capacity = this.#wantedCapacity();
    if (capacity < this.#bytes.length) this.#replace(capacity);
  }

  /** Keeps no more than the initial size, where what was received fits. As `shrink`. */
  shrinkFully(): void {
    const capacity = ReceiveMemory.capacityFor(
      Math.max(this.#initialBytes, this.availableBytes + 1),
    );
    if (capacity < this.#bytes.length) this.#replace(capacity);
  }

  /** Gives the memory back. Nothing else may be called afterwards. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#memory.release(this.#bytes);
  }

  #wantedCapacity(): number {
    const usedBytes = Math.max(this.#usedBytesMax, this.#writePosition);
    return Math.max(this.#initialBytes, ReceiveMemory.capacityFor(usedBytes * 2));
  }

  #growForTraffic(): void {
    const capacity = this.#bytes.length * 2;
    if (capacity > this.#steadyBytes) return;
    if (this.#memory.hasRoomFor(capacity, this.#bytes.length)) this.#replace(capacity);
  }

  #moveToStart(): void {
    this.#bytes.copyWithin(0, this.#readPosition, this.#writePosition);
    this.#writePosition -= this.#readPosition;
    this.#readPosition = 0;
  }

  #replace(bytes: number): void {
    const old = this.#bytes;
    const next = this.#memory.acquire(bytes);
    old.copy(next, 0, this.#readPosition, this.#writePosition);
    this.#writePosition -= this.#readPosition;
    this.#readPosition = 0;
    this.#bytes = next;
    this.#memory.release(old);
  }
}
