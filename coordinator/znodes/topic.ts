/**
 * /brokers/topics/T: a topic's id and which brokers hold each partition, preferred leader first.
 *
 *     {"version":3,"topic_id":"Zm9vYmFyYmF6cXV4cXV1eA","partitions":{"0":[1,2],"1":[2,3]},
 *      "adding_replicas":{},"removing_replicas":{}}
 *
 * What Kafka's keys cannot say of a reassignment stands under ours, and goes with it:
 *
 *     "odradek":{"originalReplicas":{"0":[1,2,3]},"throttles":{"0":1000000}}
 */

import type { Random, TopicId } from '../../common/index.ts';
import { damagedZnode, encodeJson, ZnodeFields } from './znodeFields.ts';

export interface TopicAssignment {
  /** Undefined in a topic that a Kafka before 2.8 made. */
  readonly topicId: TopicId | undefined;
  /** Replicas by partition, 0 up without gaps. */
  readonly replicas: readonly (readonly number[])[];
  /** Of reassignments in progress, by partition: those of `replicas` that are new ... */
  readonly addingReplicas: Readonly<Record<string, readonly number[]>>;
  /** ... and those that will go. */
  readonly removingReplicas: Readonly<Record<string, readonly number[]>>;
  /**
   * Of reassignments in progress, where it is not `replicas` without the new ones: the replicas from
   * before, preferred leader first. A cancellation goes back to them.
   */
  readonly originalReplicas?: Readonly<Record<string, readonly number[]>>;
  /** Of reassignments in progress: bytes per second for the new replicas, where they are limited. */
  readonly throttles?: Readonly<Record<string, number>>;
}

const OWN_KEY = 'odradek';

export const topicsPath = '/brokers/topics';

export const topicZnode = {
  path(topic: string): string {
    return `${topicsPath}/${topic}`;
  },

  encode(assignment: TopicAssignment): Buffer {
    return encodeJson({
      version: assignment.topicId === undefined ? 2 : 3,
      ...(assignment.topicId === undefined ? {} : { topic_id: assignment.topicId }),
      partitions: Object.fromEntries(assignment.replicas.map((ids, index) => [index, ids])),
      adding_replicas: assignment.addingReplicas,
      removing_replicas: assignment.removingReplicas,
      ...encodeOwn(assignment),
    });
  },

  /** @throws {OdradekError} ZNODE_DAMAGED */
  decode(topic: string, data: Uint8Array): TopicAssignment {
    const path = this.path(topic);
    const fields = ZnodeFields.parse(path, data);
    fields.version([1, 2, 3]);
    const partitions = fields.object('partitions');
    const count = partitions.names.length;
    const replicas: (readonly number[])[] = [];
    for (let index = 0; index < count; index++) {
      const ids = partitions.brokerIds(String(index));
      if (ids.length === 0) throw damagedZnode(path, `partition ${index} has no replicas`);
      replicas.push(ids);
    }
    const id = fields.optionalString('topic_id');
    if (id !== undefined && !isTopicId(id)) {
      throw damagedZnode(path, `"topic_id" is "${id.slice(0, 60)}", which is no topic id`);
    }
    return {
      topicId: id as TopicId | undefined,
      replicas,
      addingReplicas: byPartition(fields, 'adding_replicas'),
      removingReplicas: byPartition(fields, 'removing_replicas'),
      ...decodeOwn(fields),
    };
  },
};

type Own = Pick<TopicAssignment, 'originalReplicas' | 'throttles'>;

function encodeOwn({ originalReplicas = {}, throttles = {} }: Own): Record<string, unknown> {
  const own = {
    ...(Object.keys(originalReplicas).length === 0 ? {} : { originalReplicas }),
    ...(Object.keys(throttles).length === 0 ? {} : { throttles }),
  };
  return Object.keys(own).length === 0 ? {} : { [OWN_KEY]: own };
}

function decodeOwn(fields: ZnodeFields): Own {
  const own = fields.optionalObject(OWN_KEY);
  if (own === undefined) return {};
  const throttles = own.optionalObject('throttles');
  return {
    originalReplicas: byPartition(own, 'originalReplicas'),
    throttles: Object.fromEntries(
      (throttles?.names ?? []).map((key) => [key, throttles?.integer(key, 1) ?? 0]),
    ),
  };
}

function byPartition(fields: ZnodeFields, name: string): Record<string, readonly number[]> {
  const lists = fields.optionalObject(name);
  return Object.fromEntries((lists?.names ?? []).map((key) => [key, lists?.brokerIds(key) ?? []]));
}

/** Ids that Kafka keeps for itself: "no id", and the topic of its own metadata. */
const RESERVED_TOPIC_IDS: readonly string[] = ['AAAAAAAAAAAAAAAAAAAAAA', 'AAAAAAAAAAAAAAAAAAAAAQ'];

/**
 * A fresh topic id: a random (version 4) UUID in 22 characters. Never one that starts with a
 * hyphen, which command lines would take for an option.
 */
export function generateTopicId(random: Random): TopicId {
  for (;;) {
    const bytes = random.bytes(16);
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
    const id = bytes.toString('base64url');
    if (!id.startsWith('-')) return id as TopicId;
  }
}

function isTopicId(text: string): boolean {
  return /^[A-Za-z0-9_-]{22}$/.test(text) && !RESERVED_TOPIC_IDS.includes(text);
}
