/**
 * Takes frames from a client's socket. A frame that fits into the small shared buffer is copied out
 * of it; a larger one gets memory of its own as soon as its header is here, and the socket reads the
 * rest of it straight to where it stays. Whoever has done with a response before asking for the next
 * one may have that memory used again: fresh memory costs more than reading into it.
 */

import {
  FRAME_HEADER_BYTES,
  type FrameHeader,
  type FrameLimits,
  readFrameHeader,
} from '../protocol/index.ts';

/** Frames up to this size are copied; a system call more per frame would cost as much. */
const SHARED_BYTES = 64 * 1024;
/** Memory that is kept for the next large frame; larger memory is rare and goes. */
const SPARE_BYTES_MAX = 16 * 1024 * 1024;

export interface ReceivedFrame {
  readonly header: FrameHeader;
  /** Valid only during the callback, for frames without attachments. */
  readonly body: Uint8Array;
  /** The receiver's own; with `reusesMemory` until the next response begins to arrive. */
  readonly attachments: Uint8Array;
}

const NOTHING = new Uint8Array(0);

export class ResponseReader {
  readonly #limits: FrameLimits;
  readonly #onFrame: (frame: ReceivedFrame) => void;
  readonly #shared = Buffer.allocUnsafeSlow(SHARED_BYTES);
  #readPosition = 0;
  #writePosition = 0;
  /** The large frame that is being received, if any. */
  #large: { readonly header: FrameHeader; readonly bytes: Buffer; filled: number } | undefined;
  readonly #reusesMemory: boolean;
  /** Memory of the last large frame. */
  #spare: Buffer = Buffer.alloc(0);

  /** @param onFrame called for each frame, in order; may throw what `received` then throws. */
  constructor(
    options: { readonly frameBytesMax: number; readonly reusesMemory: boolean },
    onFrame: (frame: ReceivedFrame) => void,
  ) {
    const { frameBytesMax } = options;
    this.#reusesMemory = options.reusesMemory;
    this.#limits = { frameBytesMax, bodyBytesMax: frameBytesMax };
    this.#onFrame = onFrame;
  }

  /** Where the next read goes. */
  space(): Uint8Array {
    if (this.#large !== undefined) return this.#large.bytes.subarray(this.#large.filled);
    return this.#shared.subarray(this.#writePosition);
  }

  /**
   * `byteCount` bytes were read into the space last given.
   *
   * @throws ProtocolError FRAME_TOO_LARGE or INVALID_REQUEST: the stream cannot be trusted any more.
   */
  received(byteCount: number): void {
    const large = this.#large;
    if (large === undefined) {
      this.#writePosition += byteCount;
      this.#readFrames();
      return;
    }
    large.filled += byteCount;
    if (large.filled < large.bytes.length) return;
    this.#large = undefined;
    const bodyEnd = FRAME_HEADER_BYTES + large.header.bodyBytes;
    this.#onFrame({
      header: large.header,
      body: large.bytes.subarray(FRAME_HEADER_BYTES, bodyEnd),
      attachments: large.bytes.subarray(bodyEnd),
    });
  }

  #readFrames(): void {
    const shared = this.#shared;
    while (this.#writePosition - this.#readPosition >= FRAME_HEADER_BYTES) {
      const header = readFrameHeader(shared, this.#readPosition, this.#limits);
      const availableBytes = this.#writePosition - this.#readPosition;
      if (availableBytes < header.frameBytes) {
        if (header.frameBytes > SHARED_BYTES) this.#beginLarge(header);
        break;
      }
      const position = this.#readPosition;
      const bodyEnd = position + FRAME_HEADER_BYTES + header.bodyBytes;
      this.#readPosition += header.frameBytes;
      this.#onFrame({
        header,
        body: shared.subarray(position + FRAME_HEADER_BYTES, bodyEnd),
        attachments:
          header.attachmentsBytes === 0 ? NOTHING : copy(shared, bodyEnd, this.#readPosition),
      });
    }
    this.#moveToStart();
  }

  #beginLarge(header: FrameHeader): void {
    const bytes = this.#memory(header.frameBytes);
    const filled = this.#shared.copy(bytes, 0, this.#readPosition, this.#writePosition);
    this.#readPosition = this.#writePosition;
    this.#large = { header, bytes, filled };
  }

  #memory(byteCount: number): Buffer {
    if (!this.#reusesMemory || byteCount > SPARE_BYTES_MAX)
      return Buffer.allocUnsafeSlow(byteCount);
    if (this.#spare.length < byteCount) {
      const capacity = Math.min(2 ** Math.ceil(Math.log2(byteCount)), SPARE_BYTES_MAX);
      this.#spare = Buffer.allocUnsafeSlow(capacity);
    }
    return this.#spare.subarray(0, byteCount);
  }

  /** What is left over is the beginning of a frame that fits, so room for its rest follows. */
  #moveToStart(): void {
    if (this.#readPosition === this.#writePosition) this.#writePosition = 0;
    else if (this.#readPosition > 0) {
      this.#shared.copyWithin(0, this.#readPosition, this.#writePosition);
      this.#writePosition -= this.#readPosition;
    }
    this.#readPosition = 0;
  }
}

function copy(bytes: Buffer, start: number, end: number): Uint8Array {
  return Buffer.from(bytes.subarray(start, end));
}
