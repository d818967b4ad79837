/**
 * Removes offsets and groups: tombstones first, on every in-sync replica, then what is in memory.
 * A group that could not be removed is there again as it was.
 */

import type { ErrorName } from '../../../protocol/index.ts';
import { commitError } from '../appendErrors.ts';
import type { ClassicGroup } from '../classic/classicGroup.ts';
import type { GroupContext } from '../groupContext.ts';
import type { GroupEntry } from '../groupEntry.ts';
import type { DeleteOffsetsRequest, DeleteOffsetsResponse } from '../groupMessages.ts';
import { tombstoneBatches } from '../groupRecords.ts';
import type { Leadership } from '../leadership.ts';
import { encodeGroupMetadataKey, encodeOffsetCommitKey } from '../records/index.ts';
import type { ExpiryRule, OffsetPlace } from './groupOffsets.ts';

const NO_TOPICS: ReadonlySet<string> = new Set();

export class OffsetRemoval {
  readonly #context: GroupContext;
  readonly #leadership: Leadership;

  constructor(context: GroupContext, leadership: Leadership) {
    this.#context = context;
    this.#leadership = leadership;
  }

  /** Removes these offsets of the group. */
  async remove(entry: GroupEntry, places: readonly OffsetPlace[]): Promise<ErrorName> {
    const { groupId, offsets } = entry;
    const nowMs = this.#context.environment.clock.wallMs();
    const keys = places.map((place) => encodeOffsetCommitKey({ groupId, ...place }));
    let removed = 0;
    for (const { batch, count } of tombstoneBatches(keys, nowMs)) {
      const { error, baseOffset } = await this.#leadership.append(batch);
      if (error !== 'NONE') return commitError(error);
      for (const place of places.slice(removed, removed + count)) offsets.remove(place, baseOffset);
      removed += count;
    }
    return 'NONE';
  }

  /** Removes an empty group with all its offsets. Nobody joins and nothing is committed meanwhile. */
  async removeGroup(entry: GroupEntry): Promise<ErrorName> {
    const { classic, groupId } = entry;
    classic.beginRemoval();
    let error = await this.remove(entry, entry.offsets.places());
    // A group that only kept offsets has no record of its own.
    if (error === 'NONE' && classic.generationId > 0) {
      const nowMs = this.#context.environment.clock.wallMs();
      for (const { batch } of tombstoneBatches([encodeGroupMetadataKey(groupId)], nowMs)) {
        const appended = await this.#leadership.append(batch);
        if (appended.error !== 'NONE') error = commitError(appended.error);
      }
    }
    if (error !== 'NONE') classic.cancelRemoval();
    return error;
  }

  /** Removes offsets that an operator names, but for those of topics that are being consumed. */
  async removeOffsets(
    entry: GroupEntry,
    request: DeleteOffsetsRequest,
  ): Promise<DeleteOffsetsResponse> {
    const { classic } = entry;
    if (classic.state === 'Dead') return { error: 'GROUP_ID_NOT_FOUND', topics: [] };
    if (classic.state !== 'Empty' && !classic.isConsumerGroup) {
      return { error: 'NON_EMPTY_GROUP', topics: [] };
    }
    const faults = new Map(
      request.topics.map(({ name }) => [name, this.#faultOf(classic, name)] as const),
    );
    const places = request.topics
      .filter(({ name }) => faults.get(name) === 'NONE')
      .flatMap(({ name, partitions }) =>
        partitions.map((partition) => ({ topic: name, partition })),
      );
    const outcome = await this.remove(entry, places.filter(isKeptIn(entry)));
    if (outcome !== 'NONE') return { error: outcome, topics: [] };
    return {
      error: 'NONE',
      topics: request.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map((partition) => ({
          partition,
          error: faults.get(name) ?? 'NONE',
        })),
      })),
    };
  }

  /** Removes what has outlived its time. */
  async removeExpired(entry: GroupEntry): Promise<void> {
    const rule = this.#expiryRule(entry.classic);
    if (rule === undefined) return;
    const places = entry.offsets.expired(rule);
    if (places.length === 0) return;
    const error = await this.remove(entry, places);
    this.#context.logger.info('Offsets have expired', {
      group: entry.groupId,
      offsets: places.length,
      error,
    });
  }

  #faultOf(classic: ClassicGroup, topic: string): ErrorName {
    if (!this.#context.topicExists(topic)) return 'UNKNOWN_TOPIC_OR_PARTITION';
    if (classic.state === 'Empty') return 'NONE';
    // Where nobody can tell what the members subscribe to, everything counts as in use.
    const isConsumed = classic.subscribedTopics?.has(topic) ?? true;
    return isConsumed ? 'GROUP_SUBSCRIBED_TO_TOPIC' : 'NONE';
  }

  /** @returns undefined where nothing of the group expires now. */
  #expiryRule(classic: ClassicGroup): ExpiryRule | undefined {
    const rule = {
      nowMs: this.#context.environment.clock.wallMs(),
      retentionMs: this.#context.options.offsetsRetentionMs,
      sinceMs: undefined,
      subscribedTopics: NO_TOPICS,
    };
    if (classic.protocolType === undefined) return rule;
    if (classic.state === 'Empty') {
      const sinceMs = classic.stateTimestampMs;
      return { ...rule, sinceMs: sinceMs < 0 ? undefined : sinceMs };
    }
    const { subscribedTopics } = classic;
    if (classic.state !== 'Stable' || subscribedTopics === undefined) return undefined;
    return { ...rule, subscribedTopics };
  }
}

function isKeptIn({ offsets }: GroupEntry): (place: OffsetPlace) => boolean {
  return ({ topic, partition }) =>
    offsets.get(topic, partition) !== undefined || offsets.isUnstable(topic, partition);
}
