/**
 * Kafka's checkpoint format: text, one entry a line.
 *
 *     0                      version
 *     2                      number of entries
 *     flights 0 1200         topic partition offset     (offset checkpoints)
 *     flights 1 980
 *
 * A leader-epoch-checkpoint has the lines `epoch startOffset` instead.
 */

import { CorruptionError, type TopicPartition, topicPartitionKey } from '../../common/index.ts';

/** Offsets by `topic-partition`. */
export type OffsetCheckpoint = ReadonlyMap<string, number>;

export interface CheckpointEntry {
  readonly topicPartition: TopicPartition;
  readonly offset: number;
}

export function encodeOffsetCheckpoint(entries: readonly CheckpointEntry[]): Buffer {
  return encodeLines(
    entries.map((entry) => {
      const { topic, partition } = entry.topicPartition;
      return `${topic} ${partition} ${entry.offset}`;
    }),
  );
}

/** @throws {CorruptionError} CHECKPOINT_CORRUPT, naming file and line. */
export function decodeOffsetCheckpoint(path: string, content: Uint8Array): OffsetCheckpoint {
  const offsets = new Map<string, number>();
  for (const [index, line] of decodeLines(path, content).entries()) {
    const match = /^(\S+) (\d{1,10}) (\d{1,16})$/.exec(line);
    if (match === null) throw corrupt(path, index + 3, 'topic partition offset', line);
    const topicPartition = { topic: match[1]!, partition: Number(match[2]) };
    offsets.set(topicPartitionKey(topicPartition), Number(match[3]));
  }
  return offsets;
}

export interface EpochEntry {
  readonly epoch: number;
  /** First offset written in the epoch. */
  readonly startOffset: number;
}

export function encodeEpochCheckpoint(entries: readonly EpochEntry[]): Buffer {
  return encodeLines(entries.map(({ epoch, startOffset }) => `${epoch} ${startOffset}`));
}

/** @throws {CorruptionError} CHECKPOINT_CORRUPT, also where epochs or offsets do not rise. */
export function decodeEpochCheckpoint(path: string, content: Uint8Array): readonly EpochEntry[] {
  const entries: EpochEntry[] = [];
  for (const [index, line] of decodeLines(path, content).entries()) {
    const match = /^(\d{1,10}) (\d{1,16})$/.exec(line);
    if (match === null) throw corrupt(path, index + 3, 'epoch startOffset', line);
    const entry = { epoch: Number(match[1]), startOffset: Number(match[2]) };
    const last = entries.at(-1);
    if (last && (entry.epoch <= last.epoch || entry.startOffset < last.startOffset)) {
      throw corrupt(path, index + 3, `an epoch above ${last.epoch} ${last.startOffset}`, line);
    }
    entries.push(entry);
  }
  return entries;
}

function encodeLines(lines: readonly string[]): Buffer {
  return Buffer.from(`${['0', String(lines.length), ...lines].join('\n')}\n`, 'utf8');
}

function decodeLines(path: string, content: Uint8Array): readonly string[] {
  const [version, count, ...rest] = Buffer.from(content).toString('utf8').split('\n');
  if (version !== '0') throw corrupt(path, 1, 'version 0', version ?? '');
  if (rest.at(-1) === '') rest.pop();
  if (count !== String(rest.length)) throw corrupt(path, 2, `${rest.length} entries`, count ?? '');
  return rest;
}

function corrupt(path: string, line: number, expected: string, found: string): CorruptionError {
  return new CorruptionError(
    'CHECKPOINT_CORRUPT',
    `The checkpoint "${path}" is corrupt in line ${line}: expected ${expected}, ` +
      `found "${found.slice(0, 100)}"`,
    { details: { path, line, expected, found: found.slice(0, 100) } },
  );
}
