/**
 * /brokers/topics/T/partitions/P/state: who leads the partition. The znode's version is the
 * partition epoch, and only the controller writes it.
 *
 *     {"controller_epoch":3,"leader":1,"version":1,"leader_epoch":5,"isr":[1,2]}
 */

import { topicZnode } from './topic.ts';
import { encodeJson, ZnodeFields } from './znodeFields.ts';

export interface PartitionStateNode {
  /** -1 for none. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly isr: readonly number[];
  /** Epoch of the controller that wrote it. */
  readonly controllerEpoch: number;
  /** Members that this release does not know, kept as they are. */
  readonly others: Readonly<Record<string, unknown>>;
}

const KNOWN = ['version', 'leader', 'leader_epoch', 'isr', 'controller_epoch'];

export const partitionStateZnode = {
  /** The parent of all partitions of the topic; empty. */
  partitionsPath(topic: string): string {
    return `${topicZnode.path(topic)}/partitions`;
  },

  /** The parent of the state; empty. */
  partitionPath(topic: string, partition: number): string {
    return `${this.partitionsPath(topic)}/${partition}`;
  },

  path(topic: string, partition: number): string {
    return `${this.partitionPath(topic, partition)}/state`;
  },

  encode(state: PartitionStateNode): Buffer {
    return encodeJson({
      ...state.others,
      controller_epoch: state.controllerEpoch,
      leader: state.leader,
      version: 1,
      leader_epoch: state.leaderEpoch,
      isr: state.isr,
    });
  },

  /** @throws {OdradekError} ZNODE_DAMAGED */
  decode(path: string, data: Uint8Array): PartitionStateNode {
    const fields = ZnodeFields.parse(path, data);
    return {
      leader: fields.integer('leader', -1),
      leaderEpoch: fields.integer('leader_epoch', 0),
      isr: fields.brokerIds('isr'),
      controllerEpoch: fields.integer('controller_epoch', 0),
      others: fields.others(KNOWN),
    };
  },
};
