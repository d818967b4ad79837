/** What a topic's settings mean to its logs. */

import type { TopicConfig } from '../config/index.ts';
import type { LogConfig } from '../log/index.ts';

export function logConfigOf(topic: TopicConfig): LogConfig {
  return {
    segmentBytes: topic.segmentBytes,
    segmentMs: topic.segmentMs,
    segmentJitterMs: topic.segmentJitterMs,
    segmentIndexBytes: topic.segmentIndexBytes,
    indexIntervalBytes: topic.indexIntervalBytes,
    retentionMs: topic.retentionMs,
    retentionBytes: topic.retentionBytes,
    cleanupPolicy: ['delete'],
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
 * has said so.
 */
export function untilKnown(defaults: LogConfig): LogConfig {
  return { ...defaults, retentionMs: -1, retentionBytes: -1 };
}
