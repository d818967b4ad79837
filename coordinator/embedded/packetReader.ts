/** The receive buffer of a connection: whole packets out of whatever the socket delivers. */

export const LENGTH_BYTES = 4;
const CAPACITY_BYTES_MIN = 16 * 1024;

export class PacketReader {
  #buffer = Buffer.allocUnsafeSlow(CAPACITY_BYTES_MIN);
  /** Where the first byte stands that no packet has taken yet, and where the received ones end. */
  #start = 0;
  #end = 0;

  /** Free space, at least one byte. */
  space(): Uint8Array {
    return this.#buffer.subarray(this.#end);
  }

  received(byteCount: number): void {
    this.#end += byteCount;
  }

  /** The first four bytes as a number, before the packet itself is whole. */
  get announcedBytes(): number | undefined {
    if (this.#end - this.#start < LENGTH_BYTES) return undefined;
    return this.#buffer.readInt32BE(this.#start);
  }

  /**
   * Takes the next packet, without its length.
   *
   * @returns a view that is valid until `makeSpace`, or undefined while the packet is not whole.
   */
  take(): Buffer | undefined {
    const length = this.announcedBytes;
    if (length === undefined || this.#end - this.#start < LENGTH_BYTES + length) return undefined;
    const first = this.#start + LENGTH_BYTES;
    this.#start = first + length;
    return this.#buffer.subarray(first, this.#start);
  }

  /** Drops everything received. */
  discard(): void {
    this.#start = this.#end;
  }

  /** Makes room for the rest of the packet that is coming in, or for the next one. */
  makeSpace(): void {
    const waiting = this.#end - this.#start;
    const needed = Math.max(LENGTH_BYTES + (this.announcedBytes ?? 0), waiting + 1);
    const idle = waiting === 0 && this.#buffer.length > CAPACITY_BYTES_MIN;
    const target =
      needed > this.#buffer.length || idle
        ? Buffer.allocUnsafeSlow(Math.max(needed, CAPACITY_BYTES_MIN))
        : this.#buffer;
    this.#buffer.copy(target, 0, this.#start, this.#end);
    this.#buffer = target;
    this.#start = 0;
    this.#end = waiting;
  }
}
