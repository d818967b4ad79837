/** Two clocks that are never mixed: one for durations and deadlines, one for what people read. */

import type { TimestampMs } from '../ids.ts';

export interface Clock {
  /** Milliseconds, with fractions, since an arbitrary start. Never goes back, never jumps. */
  monotonicMs(): number;
  /** Wall clock in whole milliseconds. May jump either way; protects nothing. */
  wallMs(): TimestampMs;
}
