/**
 * The memory of all receive buffers of a listener: a cap, a pool of buffers for reuse, and a queue
 * of connections that wait for room.
 *
 * A frame's whole buffer is granted at once or not at all. Example of what goes wrong otherwise,
 * with a cap of 8 MiB: (1) two connections each announce a frame of 6 MiB and grow step by step;
 * (2) both reach 4 MiB; (3) neither can grow further, neither frame ever completes. Granted whole,
 * the first completes and gives its memory to the second.
 */

const SIZE_BYTES_MIN = 4096;
/** Free buffers kept for reuse; page faults on fresh memory cost more than reading into it. */
const POOL_BYTES_MAX = 32 * 1024 * 1024;

interface Waiter {
  readonly bytes: number;
  readonly onGranted: () => void;
}

export class ReceiveMemory {
  readonly #bytesMax: number;
  /** Invariant: capacity of all buffers that were acquired and not released. */
  #heldBytes = 0;
  #pooledBytes = 0;
  /** Free buffers by capacity, a power of two. */
  readonly #pool = new Map<number, Buffer[]>();
  /** In the order of asking: a large wish is not starved by small ones behind it. */
  readonly #waiters = new Set<Waiter>();

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Somebody waits for memory: whoever holds some without need gives it back. */
  get isScarce(): boolean {
    return this.#waiters.size > 0;
  }

  /** Capacity that a buffer for `bytes` has: the next power of two. */
  static capacityFor(bytes: number): number {
    return 2 ** Math.ceil(Math.log2(Math.max(bytes, SIZE_BYTES_MIN)));
  }

  /** Whether a buffer of `capacity` may replace one of `replacedBytes` without passing the cap. */
  hasRoomFor(capacity: number, replacedBytes: number): boolean {
    return this.#waiters.size === 0 && this.#fits(capacity, replacedBytes);
  }

  /** Takes a buffer, past the cap too: who calls has asked, or needs a page to live at all. */
  acquire(bytes: number): Buffer {
    const capacity = ReceiveMemory.capacityFor(bytes);
    this.#heldBytes += capacity;
    const pooled = this.#pool.get(capacity)?.pop();
    if (pooled === undefined) return Buffer.allocUnsafeSlow(capacity);
    this.#pooledBytes -= capacity;
    return pooled;
  }

  /** Gives a buffer back. Nobody may read or write it afterwards. */
  release(buffer: Buffer): void {
    const capacity = buffer.length;
    this.#heldBytes -= capacity;
    if (this.#pooledBytes + capacity <= POOL_BYTES_MAX) {
      const free = this.#pool.get(capacity);
      if (free === undefined) this.#pool.set(capacity, [buffer]);
      else free.push(buffer);
      this.#pooledBytes += capacity;
    }
    this.#grantWaiters();
  }

  /**
   * Calls back, from within a later `release`, when `bytes` more fit under the cap.
   *
   * @returns takes the wish back; safe to call twice and after the grant.
   */
  wait(bytes: number, onGranted: () => void): () => void {
    const waiter: Waiter = { bytes, onGranted };
    this.#waiters.add(waiter);
    return () => {
      if (this.#waiters.delete(waiter)) this.#grantWaiters();
    };
  }

  #fits(capacity: number, replacedBytes: number): boolean {
    return this.#heldBytes + capacity - replacedBytes <= this.#bytesMax;
  }

  #grantWaiters(): void {
    for (const waiter of this.#waiters) {
      if (!this.#fits(waiter.bytes, 0)) return;
      this.#waiters.delete(waiter);
      waiter.onGranted();
    }
  }
}
