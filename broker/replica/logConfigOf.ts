/** What a topic's settings mean to its logs. */

import type { TopicConfig } from '../config/index.ts';
import type { LogConfig } from '../log/index.ts';

const policies = ['delete', 'compact'] as const;

export function logConfigOf(topic: TopicConfig): LogConfig {
  return {
    segmentBytes: topic.segmentBytes,
    segmentMs: topic.segmentMs,
    segmentJitterMs: topic.segmentJitterMs,
    segmentIndexBytes: topic.segmentIndexBytes,
    indexIntervalBytes: topic.indexIntervalBytes,
    retentionMs: topic.retentionMs,
    retentionBytes: topic.retentionBytes,
    cleanupPolicy: policies.filter((policy) => topic.cleanupPolicy.includes(policy)),
    minCleanableDirtyRatio: topic.minCleanableDirtyRatio,
    minCompactionLagMs: topic.minCompactionLagMs,
    maxCompactionLagMs: topic.maxCompactionLagMs,
    deleteRetentionMs: topic.deleteRetentionMs,
    flushMessages: topic.flushMessages,
    flushMs: topic.flushMs,
    maxMessageBytes: topic.maxMessageBytes,
    messageTimestampType:
      topic.messageTimestampType === 'LogAppendTime' ? 'LogAppendTime' : 'CreateTime',
    timestampBeforeMaxMs: topic.messageTimestampBeforeMaxMs,
    timestampAfterMaxMs: topic.messageTimestampAfterMaxMs,
    fileDeleteDelayMs: topic.fileDeleteDelayMs,
  };
}

/**
 * For a log whose topic is not known yet: nothing is removed from it. Were the defaults used, the
 * retention check could take records of a topic that keeps them for ever, before the controller
 * has said so; and compaction records without a key of a topic that is not compacted.
 */
export function untilKnown(defaults: LogConfig): LogConfig {
  return { ...defaults, cleanupPolicy: ['delete'], retentionMs: -1, retentionBytes: -1 };
}
