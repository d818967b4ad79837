/** Topics that belong to the cluster itself: clients do not write to them. */

import { OFFSETS_TOPIC } from '../group/index.ts';

const internal: ReadonlySet<string> = new Set([OFFSETS_TOPIC, '__transaction_state']);

export function isInternalTopic(name: string): boolean {
  return internal.has(name);
}
