/**
 * How much of its log a follower must give up, given where its leader says that the logs part.
 *
 * The rule of KIP-101 and KIP-279: never by the high watermark, which may be behind or ahead of
 * what is committed, but by leader epochs, step by step until both logs agree on the epoch that
 * they end with. Example of why one step is not enough: the follower's last epoch is 5, the
 * leader's largest epoch at or below it is 3, ending at 10. If the follower knows epoch 4 but not
 * 3 beyond offset 8, cutting at 10 would keep records of epoch 4 that the leader never had; it cuts
 * at the end of its own largest epoch below the leader's answer, and asks again.
 */

import { leaderEpoch } from '../../common/index.ts';
import type { PartitionLog } from '../log/index.ts';

export interface LeaderAnswer {
  /** -1 where the leader knows no epoch at or below the follower's last one. */
  readonly divergingEpoch: number;
  /** End of that epoch, or of the whole log, at the leader. */
  readonly divergingEndOffset: number;
  readonly logStartOffset: number;
}

export type Truncation =
  /** Remove what is at or above the offset. */
  | { readonly kind: 'truncate'; readonly offset: number }
  /** Remove everything, and begin anew at the offset. */
  | { readonly kind: 'reset'; readonly offset: number };

type Log = Pick<PartitionLog, 'logStartOffset' | 'logEndOffset' | 'endOffsetFor'>;

export function truncationOffset(log: Log, leader: LeaderAnswer): Truncation {
  if (leader.divergingEpoch !== -1) return byEpoch(log, leader);
  if (log.logEndOffset < leader.logStartOffset) {
    return { kind: 'reset', offset: leader.logStartOffset };
  }
  if (leader.divergingEndOffset !== -1 && leader.divergingEndOffset < log.logEndOffset) {
    return truncateTo(log, leader.divergingEndOffset);
  }
  // Within the leader's bounds after all: they have moved since. The next fetch will tell.
  return truncateTo(log, log.logEndOffset);
}

function byEpoch(log: Log, leader: LeaderAnswer): Truncation {
  const own = log.endOffsetFor(leaderEpoch(leader.divergingEpoch));
  if (own === undefined) return truncateTo(log, leader.divergingEndOffset);
  if (own.epoch !== leader.divergingEpoch) return truncateTo(log, own.endOffset);
  return truncateTo(log, Math.min(own.endOffset, leader.divergingEndOffset));
}

function truncateTo(log: Log, offset: number): Truncation {
  const within = Math.min(offset, log.logEndOffset);
  if (within >= log.logStartOffset) return { kind: 'truncate', offset: within };
  return { kind: 'reset', offset };
}
