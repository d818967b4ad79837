/**
 * The partitions of `__consumer_offsets` as a cluster keeps them, without a cluster: one log per
 * partition, a leader at an epoch, batches that are committed some time after they were appended,
 * and brokers that do not always know that they lead no more.
 */

import type { OffsetsLog } from '../../../broker/group/index.ts';
import {
  batchPositions,
  type ErrorName,
  ProtocolError,
  RecordBatchView,
  setBaseOffset,
} from '../../../protocol/index.ts';

interface Entry {
  readonly baseOffset: number;
  readonly endOffset: number;
  readonly bytes: Buffer;
  /** Told once; what happens to the batch does not depend on it. */
  settle: ((error: ErrorName | undefined) => void) | undefined;
}

interface ModelPartition {
  entries: Entry[];
  /** What every replica has: no leader loses it. */
  committedOffset: number;
  /** What of it the leader knows: a new one learns it some time after its election. */
  highWatermark: number;
  leader: number;
  epoch: number;
}

export interface ModelOptions {
  /** Runs something later: when a batch is committed, or an answer arrives. */
  readonly later: (run: () => void) => void;
  /** Runs when a new leader learns how far its followers are; default as `later`. */
  readonly afterElection?: (run: () => void) => void;
  /** Runs when the timeout of an append is over. */
  readonly after: (delayMs: number, run: () => void) => void;
}

export class OffsetsLogModel {
  readonly #options: ModelOptions;
  readonly #partitions = new Map<number, ModelPartition>();
  /** What each broker believes: `broker/partition` to the epoch at which it leads. */
  readonly #beliefs = new Map<string, number>();
  /** Errors that the next appends hear. */
  readonly refusals: ErrorName[] = [];
  /** While true nothing is committed. */
  held = false;

  constructor(options: ModelOptions) {
    this.#options = options;
  }

  /**
   * Makes the broker the leader of the partition.
   *
   * @param options.losing whether what is not committed is lost, else it stays and is committed.
   * @param options.silently whether the leader before does not hear of it.
   * @returns the new leader epoch.
   */
  elect(
    partition: number,
    broker: number,
    options: { readonly losing?: boolean; readonly silently?: boolean } = {},
  ): number {
    const found = this.#partition(partition);
    const before = found.leader;
    found.epoch += 1;
    found.leader = broker;
    if (options.losing === true) {
      found.entries = found.entries.filter(({ endOffset }) => endOffset <= found.committedOffset);
    }
    const { afterElection } = this.#options;
    if (afterElection !== undefined && before !== broker) found.highWatermark = 0;
    if (before !== broker && options.silently !== true) this.tell(partition, before);
    if (before === broker) this.#refuse(partition);
    this.#beliefs.set(`${broker}/${partition}`, found.epoch);
    this.#commitSoon(found, afterElection);
    return found.epoch;
  }

  /** The broker hears that it does not lead the partition. */
  tell(partition: number, broker: number): void {
    this.#beliefs.delete(`${broker}/${partition}`);
    this.#refuse(partition, broker);
  }

  /** The leader may not act for a while; nobody else is elected. @returns its epoch. */
  fence(partition: number): number {
    const { leader, epoch } = this.#partition(partition);
    this.tell(partition, leader);
    return epoch;
  }

  unfence(partition: number): void {
    const { leader, epoch } = this.#partition(partition);
    this.#beliefs.set(`${leader}/${partition}`, epoch);
  }

  /** Lets go of what `held` kept. */
  release(): void {
    this.held = false;
    for (const partition of this.#partitions.values()) this.#commitSoon(partition);
  }

  /** All committed batches of the partition, in order. */
  batches(partition: number): readonly Buffer[] {
    const { entries, committedOffset } = this.#partition(partition);
    return entries
      .filter(({ endOffset }) => endOffset <= committedOffset)
      .map(({ bytes }) => bytes);
  }

  /** Puts a batch into the log as it is, for records that another program wrote. */
  plant(partition: number, batch: Uint8Array): void {
    const found = this.#partition(partition);
    this.#push(found, batch);
    found.committedOffset = endOf(found);
    found.highWatermark = endOf(found);
  }

  /** The log as one broker sees it. */
  viewOf(broker: number): OffsetsLog {
    const leads = (partition: number, epoch: number): boolean =>
      this.#beliefs.get(`${broker}/${partition}`) === epoch;
    const led = (partition: number, epoch: number): ModelPartition => {
      if (!leads(partition, epoch)) throw new ProtocolError('NOT_LEADER_OR_FOLLOWER');
      return this.#partition(partition);
    };
    return {
      leads,
      bounds: (partition, leaderEpoch) => ({
        startOffset: 0,
        endOffset: endOf(led(partition, leaderEpoch)),
      }),
      read: async (partition, offset, { leaderEpoch, maxBytes }) => {
        const found = led(partition, leaderEpoch);
        await new Promise<void>((resolve) => this.#options.later(resolve));
        const { highWatermark } = found;
        const readable = found.entries.filter(
          (entry) => entry.endOffset > offset && entry.endOffset <= highWatermark,
        );
        let sizeBytes = 0;
        const taken = readable.filter(({ bytes }) => {
          sizeBytes += bytes.length;
          return sizeBytes <= maxBytes || sizeBytes === bytes.length;
        });
        return { batches: Buffer.concat(taken.map(({ bytes }) => bytes)), highWatermark };
      },
      append: (partition, batch, { leaderEpoch, timeoutMs }) =>
        new Promise((resolve, reject) => {
          const found = led(partition, leaderEpoch);
          const refusal = this.refusals.shift();
          if (refusal !== undefined) throw new ProtocolError(refusal);
          // Who was deposed writes to a log of its own, which nobody replicates.
          const isLeader = found.leader === broker && found.epoch === leaderEpoch;
          const entry = isLeader ? this.#push(found, batch) : this.#orphan(batch);
          const settle = (error: ErrorName | undefined): void => {
            entry.settle = undefined;
            if (error === undefined) resolve(entry.baseOffset);
            else reject(new ProtocolError(error));
          };
          entry.settle = settle;
          this.#owners.set(entry, broker);
          this.#options.after(timeoutMs, () => entry.settle?.('REQUEST_TIMED_OUT'));
          if (isLeader) this.#commitSoon(found);
          else this.#orphans.push({ partition, entry });
        }),
    };
  }

  readonly #owners = new WeakMap<Entry, number>();
  #orphans: { readonly partition: number; readonly entry: Entry }[] = [];

  #commitSoon(partition: ModelPartition, when = this.#options.later): void {
    const end = endOf(partition);
    const { epoch } = partition;
    when(() => {
      if (this.held || partition.epoch !== epoch) return;
      partition.highWatermark = Math.max(partition.highWatermark, end);
      partition.committedOffset = Math.max(partition.committedOffset, end);
      for (const entry of partition.entries) {
        if (entry.endOffset <= partition.highWatermark) entry.settle?.(undefined);
      }
    });
  }

  /** Ends the waits of appends: of one broker, or of all. */
  #refuse(partition: number, broker?: number): void {
    const mine = (entry: Entry): boolean =>
      broker === undefined || this.#owners.get(entry) === broker;
    for (const entry of this.#partition(partition).entries) {
      if (mine(entry)) entry.settle?.('NOT_LEADER_OR_FOLLOWER');
    }
    const orphans = this.#orphans.filter((it) => it.partition === partition && mine(it.entry));
    for (const { entry } of orphans) entry.settle?.('NOT_LEADER_OR_FOLLOWER');
    this.#orphans = this.#orphans.filter(({ entry }) => entry.settle !== undefined);
  }

  #push(partition: ModelPartition, batch: Uint8Array): Entry {
    const bytes = Buffer.from(batch);
    const [position = 0] = [...batchPositions(bytes)];
    const baseOffset = endOf(partition);
    setBaseOffset(bytes, position, baseOffset);
    const endOffset = new RecordBatchView().at(bytes, position).nextOffset;
    const entry: Entry = { baseOffset, endOffset, bytes, settle: undefined };
    partition.entries.push(entry);
    return entry;
  }

  #orphan(batch: Uint8Array): Entry {
    return { baseOffset: -1, endOffset: -1, bytes: Buffer.from(batch), settle: undefined };
  }

  #partition(index: number): ModelPartition {
    let found = this.#partitions.get(index);
    if (found === undefined) {
      found = { entries: [], committedOffset: 0, highWatermark: 0, leader: -1, epoch: -1 };
      this.#partitions.set(index, found);
    }
    return found;
  }
}

function endOf({ entries }: ModelPartition): number {
  return entries.at(-1)?.endOffset ?? 0;
}
