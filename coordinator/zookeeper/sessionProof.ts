/**
 * When a broker may believe that its registration stands. Pure: times come in, the state comes out.
 *
 * Only an answered write proves it. A ZooKeeper server that is cut from its leader goes on answering
 * reads and pings for syncLimit ticks, while the leader expires the session:
 *
 *     1. broker 1, connected to server C, leads a partition; C is cut from the leader A
 *     2. C answers broker 1's pings; A hears nothing, expires the session, deletes the znode
 *     3. broker 2 leads the partition; broker 1, trusting its pings, would still believe it does
 *
 * Nothing that was acknowledged depends on this clock; it only shortens how long we are wrong.
 */

/** @see CoordinatorSession.state */
export type CoordinatorState = 'proven' | 'unproven' | 'fenced';

/** ZooKeeper's usual tick. The server rounds expiry up to its tick, so one tick is held back. */
const TICK_MS_MAX = 2_000;

export class SessionProof {
  #state: CoordinatorState = 'unproven';
  /** Send time of the last answered proof, on the monotonic clock. */
  #provenMs = Number.NEGATIVE_INFINITY;
  #timeoutMs: number;

  /** @param timeoutMs negotiated session timeout; what was asked for until then. */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** The state at `nowMs`: proven turns into unproven when the deadline passes, timer or none. */
  stateAt(nowMs: number): CoordinatorState {
    return this.#state === 'proven' && nowMs >= this.deadlineMs ? 'unproven' : this.#state;
  }

  /** Until then a proven session stays so. */
  get deadlineMs(): number {
    // The least timeout that a server grants is two of its ticks.
    return this.#provenMs + this.#timeoutMs - Math.min(TICK_MS_MAX, this.#timeoutMs / 2);
  }

  /** A server granted this timeout. */
  negotiated(timeoutMs: number): void {
    this.#timeoutMs = timeoutMs;
  }

  /**
   * A write that checks our registration was answered.
   *
   * @param sentMs when it was sent, not when the answer came: in between the session may have ended.
   */
  answered(sentMs: number): void {
    this.#provenMs = Math.max(this.#provenMs, sentMs);
    if (this.#state === 'unproven') this.#state = 'proven';
  }

  /** Something newer than us was seen, or the session is over. */
  fence(): void {
    this.#state = 'fenced';
    this.#provenMs = Number.NEGATIVE_INFINITY;
  }

  /** A fresh registration stands; the next answered proof counts again. */
  registered(): void {
    this.#state = 'unproven';
    this.#provenMs = Number.NEGATIVE_INFINITY;
  }

  /** Writes the passing of the deadline down. */
  expireProof(nowMs: number): void {
    this.#state = this.stateAt(nowMs);
  }
}
