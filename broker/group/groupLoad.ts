/**
 * What the records of one partition of `__consumer_offsets` add up to: the last record of a key
 * counts, and a tombstone removes it. Offsets that a transaction committed count from its marker on
 * (KIP-447); those of a transaction without one are still open.
 *
 * A record that cannot be read is named in the log and passed over: what its key held before stays.
 */

import { CorruptionError, type Logger } from '../../common/index.ts';
import {
  batchPositions,
  ProtocolError,
  RecordBatchView,
  readControlMarker,
  readRecords,
} from '../../protocol/index.ts';
import { GroupOffsets, type OffsetPlace } from './offsets/groupOffsets.ts';
import {
  type CommittedOffset,
  decodeGroupMetadataValue,
  decodeGroupRecordKey,
  decodeOffsetCommitValue,
  type OffsetCommitKey,
  type StoredGroup,
} from './records/index.ts';

/** An offset as a transaction wrote it; null where it wrote a tombstone. */
interface OpenOffset {
  readonly key: OffsetCommitKey;
  readonly committed: CommittedOffset | null;
  readonly recordOffset: number;
}

export class GroupLoad {
  readonly groups = new Map<string, StoredGroup>();
  readonly offsets = new Map<string, GroupOffsets>();
  readonly #logger: Logger;
  readonly #openByProducer = new Map<number, OpenOffset[]>();
  readonly #batch = new RecordBatchView();
  #nextOffset: number;

  constructor(startOffset: number, logger: Logger) {
    this.#nextOffset = startOffset;
    this.#logger = logger;
  }

  /** Where to read on. */
  get nextOffset(): number {
    return this.#nextOffset;
  }

  /** Takes in whole batches, in the order of the log. */
  add(batches: Uint8Array): void {
    for (const position of batchPositions(batches)) {
      const batch = this.#batch.at(batches, position);
      const { nextOffset } = batch;
      // The first batch that is read may begin before the offset that was asked for.
      if (nextOffset > this.#nextOffset) this.#addBatch(batches, position);
      this.#nextOffset = Math.max(this.#nextOffset, nextOffset);
    }
    this.#batch.release();
  }

  /** The last record is in: what transactions have left open is marked as such. */
  finish(): void {
    for (const open of this.#openByProducer.values()) {
      for (const { key } of open) this.#offsetsOf(key.groupId).holdForTransaction(key);
    }
    this.#openByProducer.clear();
  }

  #addBatch(batches: Uint8Array, position: number): void {
    const { isControl, isTransactional, producerId, baseOffset } = this.#batch;
    try {
      if (isControl) {
        this.#endTransaction(producerId, readControlMarker(batches, position).type);
        return;
      }
      for (const record of readRecords(batches, position)) {
        this.#addRecord(record, isTransactional ? producerId : undefined);
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#logger.error('Passing over a batch of groups that cannot be read', {
        baseOffset,
        error,
      });
    }
  }

  #addRecord(
    record: {
      readonly offset: number;
      readonly key: Uint8Array | null;
      readonly value: Uint8Array | null;
    },
    producerId: number | undefined,
  ): void {
    try {
      const key = decodeGroupRecordKey(record.key ?? new Uint8Array(0));
      if (key.kind === 'group') this.#addGroup(key.groupId, record.value);
      else if (key.kind === 'offset') {
        const committed = record.value === null ? null : decodeOffsetCommitValue(record.value);
        const open = { key, committed, recordOffset: record.offset };
        if (producerId === undefined) this.#addOffset(open);
        else this.#openOf(producerId).push(open);
      } else {
        this.#logger.warn('Passing over a record of groups of an unknown kind', {
          offset: record.offset,
          version: key.version,
        });
      }
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
      this.#logger.error('Passing over a record of groups that cannot be read', {
        offset: record.offset,
        error,
      });
    }
  }

  #addGroup(groupId: string, value: Uint8Array | null): void {
    if (value === null) this.groups.delete(groupId);
    else this.groups.set(groupId, decodeGroupMetadataValue(value));
  }

  #addOffset({ key, committed, recordOffset }: OpenOffset): void {
    const place: OffsetPlace = { topic: key.topic, partition: key.partition };
    if (committed !== null) this.#offsetsOf(key.groupId).put(place, { ...committed, recordOffset });
    else this.offsets.get(key.groupId)?.remove(place, recordOffset);
  }

  #endTransaction(producerId: number, type: 'abort' | 'commit' | 'unknown'): void {
    const open = this.#openByProducer.get(producerId) ?? [];
    if (type === 'unknown') return;
    this.#openByProducer.delete(producerId);
    if (type === 'commit') for (const offset of open) this.#addOffset(offset);
  }

  #offsetsOf(groupId: string): GroupOffsets {
    let offsets = this.offsets.get(groupId);
    if (offsets === undefined) {
      offsets = new GroupOffsets();
      this.offsets.set(groupId, offsets);
    }
    return offsets;
  }

  #openOf(producerId: number): OpenOffset[] {
    let open = this.#openByProducer.get(producerId);
    if (open === undefined) {
      open = [];
      this.#openByProducer.set(producerId, open);
    }
    return open;
  }
}
