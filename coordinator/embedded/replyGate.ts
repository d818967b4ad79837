/**
 * Holds answers back until everything that they tell of is on disk.
 *
 * Example of what it prevents: A creates a node; B reads it and acts; the machine loses power before
 * the journal was synced; after the restart the node never existed. So reads wait as well, behind
 * the transactions that they may have seen, and so do watch events. One queue for all keeps every
 * client's order.
 */

import type { ClientLink } from './clientLink.ts';

interface Held {
  readonly link: ClientLink;
  readonly packet: Uint8Array;
  readonly answers: boolean;
  readonly thenEnd: boolean;
  /** The last transaction of which the packet may tell. */
  readonly zxid: number;
}

export class ReplyGate {
  readonly #held: Held[] = [];
  #durableZxid: number;

  constructor(durableZxid: number) {
    this.#durableZxid = durableZxid;
  }

  get heldCount(): number {
    return this.#held.length;
  }

  /**
   * Passes a packet on, now or when `zxid` is durable.
   *
   * @param options.answers whether it answers a request; events do not.
   * @param options.thenEnd closes the link behind it.
   */
  pass(
    link: ClientLink,
    packet: Uint8Array,
    options: { readonly zxid: number; readonly answers: boolean; readonly thenEnd?: boolean },
  ): void {
    const { zxid, answers, thenEnd = false } = options;
    const held: Held = { link, packet, answers, thenEnd, zxid };
    link.announce(packet.length);
    if (zxid <= this.#durableZxid && this.#held.length === 0) release(held);
    else this.#held.push(held);
  }

  /** Transactions up to `zxid` are on disk. */
  onDurable(zxid: number): void {
    this.#durableZxid = zxid;
    let count = 0;
    while (count < this.#held.length && this.#held[count]!.zxid <= zxid) count += 1;
    for (const held of this.#held.splice(0, count)) release(held);
  }
}

function release({ link, packet, answers, thenEnd }: Held): void {
  link.queue(packet, { answers });
  if (thenEnd) link.end();
}
