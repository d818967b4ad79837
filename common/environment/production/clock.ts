/** The clocks of this machine. */

import type { TimestampMs } from '../../ids.ts';
import type { Clock } from '../clock.ts';

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now() as TimestampMs,
};
