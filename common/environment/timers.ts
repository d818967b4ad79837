/** Callbacks at a later time, and the end of the present turn of the event loop. */

export interface Timer {
  /** Safe to call twice, and after the callback ran. */
  cancel(): void;
}

export interface TimerOptions {
  /** False where a process with nothing else to do may exit without waiting. Default true. */
  readonly keepsProcessAlive?: boolean;
}

export interface Timers {
  /** Calls back once, no sooner than `delayMs` from now by the monotonic clock. */
  set(delayMs: number, callback: () => void, options?: TimerOptions): Timer;
  /** Calls back once, after the I/O callbacks of the present turn and before new ones. */
  afterTurn(callback: () => void): void;
}
