/** Pushes metadata over connections of its own, one to each live broker's native endpoint. */

import type { BrokerId, Environment } from '../../common/index.ts';
import type { Membership } from '../membership/membership.ts';
import type { MetadataPusher } from './controller.ts';

export declare function networkPusher(
  environment: Pick<Environment, 'clock' | 'timers' | 'random' | 'transport'>,
  options: {
    readonly brokerId: BrokerId;
    readonly membership: Membership;
    readonly timeoutMs?: number;
  },
): MetadataPusher;
