/**
 * /brokers/topics/T/partitions/P/state: who leads the partition. The znode's version is the
 * partition epoch, and only the controller writes it.
 *
 *     {"controller_epoch":3,"leader":1,"version":1,"leader_epoch":5,"isr":[1],
 *      "odradek_elr":[{"id":2,"brokerEpoch":4294967358}]}
 *
 * Kafka 3.9 reads the state without our keys, and drops them when it writes: the safe direction.
 * As Kafka does, `leader_recovery_state` is written, as 1, only while it is other than 0 (KIP-704).
 */

import { topicZnode } from './topic.ts';
import { encodeJson, ZnodeFields } from './znodeFields.ts';

/** A replica, in one registration of its broker. */
export interface ReplicaRegistration {
  readonly id: number;
  readonly brokerEpoch: number;
}

export interface PartitionStateNode {
  /** -1 for none. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly isr: readonly number[];
  /** Epoch of the controller that wrote it. */
  readonly controllerEpoch: number;
  /**
   * Eligible leader replicas (KIP-966): outside of the ISR, with every committed record, as long as
   * what they had in that registration is still on their disks. Absent for none.
   */
  readonly elr?: readonly ReplicaRegistration[];
  /**
   * Registrations in which the members of the ISR got in sync. Whoever has registered anew since may
   * have lost its unsynced tail, and a leader among them may not go on in its epoch. Example: (1) A
   * leads, and its follower has a record that A has not synced; (2) A restarts without it while the
   * controller dies; (3) the next controller sees A alive and leading, and leaves it; (4) A gives
   * the offset to another record in the same epoch, and nobody can tell the two logs apart.
   */
  readonly isrEpochs?: readonly ReplicaRegistration[];
  /**
   * The leader came by an unclean election, and has not asked for another ISR since (KIP-704).
   * Absent otherwise.
   */
  readonly recovering?: true;
  /** Members that this release does not know, kept as they are. */
  readonly others: Readonly<Record<string, unknown>>;
}

const ELR_KEY = 'odradek_elr';
const ISR_EPOCHS_KEY = 'odradek_isr_epochs';
const RECOVERY_KEY = 'leader_recovery_state';
const RECOVERED = 0;
const RECOVERING = 1;
const KNOWN = [
  'version',
  'leader',
  'leader_epoch',
  'isr',
  'controller_epoch',
  RECOVERY_KEY,
  ELR_KEY,
  ISR_EPOCHS_KEY,
];

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
      ...(state.recovering ? { [RECOVERY_KEY]: RECOVERING } : {}),
      ...encodeRegistrations(ELR_KEY, state.elr),
      ...encodeRegistrations(ISR_EPOCHS_KEY, state.isrEpochs),
    });
  },

  /** @throws {OdradekError} ZNODE_DAMAGED */
  decode(path: string, data: Uint8Array): PartitionStateNode {
    const fields = ZnodeFields.parse(path, data);
    const elr = decodeRegistrations(fields, ELR_KEY);
    const isrEpochs = decodeRegistrations(fields, ISR_EPOCHS_KEY);
    return {
      leader: fields.integer('leader', -1),
      leaderEpoch: fields.integer('leader_epoch', 0),
      isr: fields.brokerIds('isr'),
      controllerEpoch: fields.integer('controller_epoch', 0),
      ...(elr.length === 0 ? {} : { elr }),
      ...(isrEpochs.length === 0 ? {} : { isrEpochs }),
      ...(isRecovering(fields) ? { recovering: true } : {}),
      others: fields.others(KNOWN),
    };
  },
};

function isRecovering(fields: ZnodeFields): boolean {
  if (!fields.has(RECOVERY_KEY)) return false;
  return fields.oneOf(RECOVERY_KEY, [RECOVERED, RECOVERING]) === RECOVERING;
}

function encodeRegistrations(
  key: string,
  registrations: readonly ReplicaRegistration[] | undefined,
): Readonly<Record<string, unknown>> {
  if (registrations === undefined || registrations.length === 0) return {};
  return { [key]: registrations.map(({ id, brokerEpoch }) => ({ id, brokerEpoch })) };
}

function decodeRegistrations(fields: ZnodeFields, key: string): readonly ReplicaRegistration[] {
  if (!fields.has(key)) return [];
  return fields.objects(key).map((each) => ({
    id: each.integer('id', 0),
    brokerEpoch: each.integer('brokerEpoch', -1),
  }));
}
