/**
 * When sessions expire, by a clock that the caller shows it. Deadlines are rounded up to the next
 * tick, as ZooKeeper's are: sessions expire in batches, and a beat that comes just late still
 * counts until the tick is over.
 */

import type { SessionId } from './treeRequest.ts';

export class SessionDeadlines {
  readonly #tickMs: number;
  readonly #deadlineMs = new Map<SessionId, number>();

  /** @param tickMs above 0. */
  constructor(tickMs: number) {
    this.#tickMs = tickMs;
  }

  /**
   * The session was heard of: it lives for another `timeoutMs` at least.
   *
   * @param nowMs the monotonic clock.
   */
  touch(sessionId: SessionId, nowMs: number, timeoutMs: number): void {
    const deadlineMs = (Math.floor((nowMs + timeoutMs) / this.#tickMs) + 1) * this.#tickMs;
    this.#deadlineMs.set(sessionId, deadlineMs);
  }

  /** The session was closed. */
  forget(sessionId: SessionId): void {
    this.#deadlineMs.delete(sessionId);
  }

  /** Sessions whose time is over, oldest deadline first. They stay until `forget`. */
  expired(nowMs: number): readonly SessionId[] {
    return [...this.#deadlineMs]
      .filter(([, deadlineMs]) => deadlineMs <= nowMs)
      .sort(([, one], [, other]) => one - other)
      .map(([sessionId]) => sessionId);
  }

  /** Earliest deadline, or undefined when there is no session. */
  get nextMs(): number | undefined {
    let next: number | undefined;
    for (const deadlineMs of this.#deadlineMs.values()) {
      if (next === undefined || deadlineMs < next) next = deadlineMs;
    }
    return next;
  }
}

/** What the server grants: what was asked for, but from 2 to 20 ticks, as ZooKeeper does. */
export function negotiateTimeoutMs(askedMs: number, tickMs: number): number {
  return Math.min(Math.max(askedMs, 2 * tickMs), 20 * tickMs);
}
