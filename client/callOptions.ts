/** What every call of the SDK takes last. */

export interface CallOptions {
  /** Ends the wait with `ABORTED`. What was already sent to a broker may still happen. */
  readonly signal?: AbortSignal;
  /** Ends the wait with `TIMED_OUT`, in milliseconds. Default: see each call. */
  readonly timeoutMs?: number;
}
