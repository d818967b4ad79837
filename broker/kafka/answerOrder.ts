/**
 * Answers of one connection, let out in the order of the requests.
 *
 * Kafka's clients match answers by position: one that overtakes another makes them drop the
 * connection. Requests are served as they come, so an answer that is ready early waits here.
 */

import type { FramingLink } from '../../network/index.ts';

/** Where the answer to one request will stand. */
export interface AnswerSlot {
  /** @param onSent called once: when the bytes have been taken, or never will be. */
  fill(chunks: readonly Uint8Array[], onSent?: () => void): void;
  /** There is no answer. */
  skip(): void;
}

interface Slot {
  chunks: readonly Uint8Array[] | undefined;
  onSent: (() => void) | undefined;
  byteCount: number;
}

export class AnswerOrder {
  readonly #link: Pick<FramingLink, 'send'>;
  readonly #slots: Slot[] = [];
  #parkedBytes = 0;
  #closed = false;

  constructor(link: Pick<FramingLink, 'send'>) {
    this.#link = link;
  }

  /** Bytes of answers that wait for an earlier one. */
  get parkedBytes(): number {
    return this.#parkedBytes;
  }

  open(): AnswerSlot {
    const slot: Slot = { chunks: undefined, onSent: undefined, byteCount: 0 };
    this.#slots.push(slot);
    return {
      fill: (chunks, onSent) => this.#fill(slot, chunks, onSent),
      skip: () => this.#fill(slot, [], undefined),
    };
  }

  /** The connection is gone: whoever waits for bytes to leave hears that it is over. */
  close(): void {
    this.#closed = true;
    for (const { onSent } of this.#slots.splice(0)) onSent?.();
    this.#parkedBytes = 0;
  }

  #fill(slot: Slot, chunks: readonly Uint8Array[], onSent: (() => void) | undefined): void {
    if (this.#closed) {
      onSent?.();
      return;
    }
    slot.chunks = chunks;
    slot.onSent = onSent;
    for (const chunk of chunks) slot.byteCount += chunk.length;
    this.#parkedBytes += slot.byteCount;
    if (this.#slots[0] === slot) this.#letOut();
  }

  #letOut(): void {
    let count = 0;
    for (const slot of this.#slots) {
      if (slot.chunks === undefined) break;
      count += 1;
    }
    // Taken out first: sending may close the connection, and that ends what is still in the list.
    for (const { chunks = [], onSent, byteCount } of this.#slots.splice(0, count)) {
      this.#parkedBytes -= byteCount;
      if (chunks.length > 0) this.#link.send(chunks, onSent);
      else onSent?.();
    }
  }
}
