/**
 * Which record batches a log takes: everything that can be said without decompressing one, but for
 * logs that are compacted.
 */

import { assert, type TopicPartition, topicPartitionKey } from '../../common/index.ts';
import { ProtocolError, RecordBatchView, RecordCursor, verifyBatch } from '../../protocol/index.ts';
import { type LogConfig, UNLIMITED } from './logConfig.ts';
import type { AppendOptions } from './partitionLogTypes.ts';

export interface AdmissionOptions {
  readonly topicPartition: TopicPartition;
  readonly config: LogConfig;
  readonly origin: AppendOptions['origin'];
  readonly nowMs: number;
}

const view = new RecordBatchView();
const cursor = new RecordCursor();

/**
 * @param batch exactly one batch.
 * @throws {ProtocolError} naming the partition and the value that is wrong.
 */
export function refuseBadBatch(batch: Uint8Array, options: AdmissionOptions): void {
  const { config, origin } = options;
  const name = topicPartitionKey(options.topicPartition);
  const fault = verifyBatch(batch, 0, {
    origin: origin === 'client' ? 'client' : 'log',
    end: batch.length,
    bytesMax: config.maxMessageBytes,
  });
  if (fault !== undefined) throw new ProtocolError(fault.error, `"${name}": ${fault.message}`);
  if (batch.length > config.segmentBytes) {
    throw new ProtocolError(
      'RECORD_LIST_TOO_LARGE',
      `"${name}": a record batch of ${batch.length} bytes does not fit a segment of ` +
        `${config.segmentBytes} bytes; raise segment.bytes or send smaller batches`,
    );
  }
  const { sizeBytes, baseTimestamp, maxTimestamp } = view.at(batch, 0);
  view.release();
  assert(sizeBytes === batch.length, 'One batch is appended at a time', { sizeBytes });
  if (origin !== 'client') return;
  refuseBadTimestamps(name, { ...options, baseTimestamp, maxTimestamp });
  if (config.cleanupPolicy.includes('compact')) refuseMissingKeys(batch, name);
}

/** The only rule for which a batch is opened: a record without a key could never be superseded. */
function refuseMissingKeys(batch: Uint8Array, name: string): void {
  try {
    cursor.open(batch, 0);
    while (cursor.next()) {
      if (cursor.hasKey) continue;
      throw new ProtocolError(
        'INVALID_RECORD',
        `"${name}" is compacted: a record without a key is not taken`,
      );
    }
  } finally {
    cursor.release();
  }
}

/**
 * @param batch one batch as the leader has it.
 * @throws {ProtocolError} CORRUPT_MESSAGE and the like; INVALID_RECORD where it does not follow.
 */
export function refuseStrayBatch(
  batch: Uint8Array,
  log: Pick<AdmissionOptions, 'topicPartition' | 'config'> & {
    readonly logEndOffset: number;
    readonly latestEpoch: number;
  },
): void {
  const name = topicPartitionKey(log.topicPartition);
  const fault = verifyBatch(batch, 0, { origin: 'log', end: batch.length });
  if (fault !== undefined) throw new ProtocolError(fault.error, `"${name}": ${fault.message}`);
  const { baseOffset, partitionLeaderEpoch } = view.at(batch, 0);
  view.release();
  // Compaction leaves holes, and only that.
  const mayHaveGaps = log.config.cleanupPolicy.includes('compact');
  const follows = mayHaveGaps ? baseOffset >= log.logEndOffset : baseOffset === log.logEndOffset;
  if (follows && partitionLeaderEpoch >= log.latestEpoch) return;
  throw new ProtocolError(
    'INVALID_RECORD',
    `"${name}": a batch at offset ${baseOffset} of epoch ${partitionLeaderEpoch} does not ` +
      `follow offset ${log.logEndOffset} of epoch ${log.latestEpoch}`,
  );
}

/** The header must do: it names the first and the greatest timestamp of the records. */
function refuseBadTimestamps(
  name: string,
  batch: AdmissionOptions & { readonly baseTimestamp: number; readonly maxTimestamp: number },
): void {
  const { config, nowMs, baseTimestamp, maxTimestamp } = batch;
  const { timestampBeforeMaxMs, timestampAfterMaxMs } = config;
  if (config.messageTimestampType !== 'CreateTime') return;
  if (timestampBeforeMaxMs === UNLIMITED && timestampAfterMaxMs === UNLIMITED) return;
  const isTooOld = baseTimestamp >= 0 && nowMs - baseTimestamp > timestampBeforeMaxMs;
  const isTooNew = maxTimestamp - nowMs > timestampAfterMaxMs;
  if (!isTooOld && !isTooNew) return;
  throw new ProtocolError(
    'INVALID_TIMESTAMP',
    `"${name}": timestamps ${baseTimestamp} to ${maxTimestamp} are too far from now, ${nowMs}; ` +
      `the topic allows ${timestampBeforeMaxMs} ms before and ${timestampAfterMaxMs} ms after`,
  );
}
