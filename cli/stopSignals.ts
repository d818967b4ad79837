/**
 * Signals that ask a process to stop. npm and the terminal both pass ctrl-C on, so signals that
 * follow the first one closely are the same wish; one that comes later is impatience.
 */

/** Signals within this time of the first count as the same one, in milliseconds. */
const SAME_SIGNAL_MS = 500;

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface StopHandlers {
  /** Called once, on the first signal. */
  readonly onStop: (signal: string) => void;
  /** Called on a later signal: end at once. */
  readonly onAbort: (signal: string) => void;
}

/** @returns a function that stops listening, after which a signal has its default effect again. */
export function listenForStop(handlers: StopHandlers): () => void {
  let firstMs: number | undefined;
  const listener = (signal: string): void => {
    const nowMs = performance.now();
    if (firstMs === undefined) {
      firstMs = nowMs;
      handlers.onStop(signal);
    } else if (nowMs - firstMs > SAME_SIGNAL_MS) {
      handlers.onAbort(signal);
    }
  };
  for (const signal of signals) process.on(signal, listener);
  return () => {
    for (const signal of signals) process.off(signal, listener);
  };
}
