/**
 * How V8's heap for new objects grows. While modules load, nearly every object survives, which makes
 * V8 enlarge that heap to 16 MiB and never give it back: an idle broker then holds 90 MB of memory
 * instead of 77. So it is kept at its first size until the server serves, and may grow for traffic.
 */

import { setFlagsFromString } from 'node:v8';

/** V8 multiplies the size by this; its own default is 2. */
const FLAG = '--semi-space-growth-factor';

export function keepYoungGenerationSmall(): void {
  setFlagsFromString(`${FLAG}=1`);
}

export function letYoungGenerationGrow(): void {
  setFlagsFromString(`${FLAG}=2`);
}
