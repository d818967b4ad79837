/** What a client that asked the wrong broker is told (KIP-951). */

import { errorCode } from '../../protocol/index.ts';
import type { ClusterImage } from '../metadata/index.ts';
import { addressesOf, type BrokerAddress } from './brokerAddresses.ts';

const NOT_LEADER = errorCode('NOT_LEADER_OR_FOLLOWER');
const UNKNOWN_PARTITION = errorCode('UNKNOWN_TOPIC_OR_PARTITION');

export interface LeaderHint {
  readonly leaderId: number;
  readonly leaderEpoch: number;
}

/** Collects the leaders that one response names. */
export class LeaderHints {
  readonly #image: ClusterImage;
  readonly #leaders = new Set<number>();

  constructor(image: ClusterImage) {
    this.#image = image;
  }

  /** A partition that the cluster has and this broker does not hold is led elsewhere, not unknown. */
  errorFor(topic: string, index: number, code: number): number {
    if (code !== UNKNOWN_PARTITION) return code;
    const exists = this.#image.usableTopic(topic)?.partitions[index] !== undefined;
    return exists ? NOT_LEADER : code;
  }

  /** @returns null where the client asked the right broker, or no leader is known. */
  leaderFor(topic: string, index: number, code: number): LeaderHint | null {
    if (code !== NOT_LEADER) return null;
    const state = this.#image.usableTopic(topic)?.partitions[index];
    if (state === undefined || state.leader === -1) return null;
    this.#leaders.add(state.leader);
    return { leaderId: state.leader, leaderEpoch: state.leaderEpoch };
  }

  /** Addresses of all leaders that were named. */
  endpoints(listener: string): readonly BrokerAddress[] {
    return addressesOf(this.#image, listener, this.#leaders);
  }
}
