/** Metadata: the cluster and its topics, as the clients of one listener see them. */

import { topicNameProblem } from '../../../coordinator/index.ts';
import type { TopicImage } from '../../metadata/index.ts';
import { allowedOperations } from '../allowedOperations.ts';
import { type BrokerAddress, brokerAddresses } from '../brokerAddresses.ts';
import { isInternalTopic } from '../internalTopics.ts';
import type { KafkaCall } from '../kafkaCall.ts';
import { kafkaErrorCode } from '../kafkaErrors.ts';
import type { KafkaParts } from '../kafkaParts.ts';
import { type KafkaResponse, kafkaMetadata, ZERO_UUID } from '../wire/index.ts';
import { on, type Registration } from './registry.ts';

type MetadataCall = KafkaCall<typeof kafkaMetadata>;
type TopicResult = KafkaResponse<typeof kafkaMetadata>['topics'][number];
type Wanted = NonNullable<MetadataCall['body']['topics']>[number];

/** From here on topics may be asked for by id. */
const BY_ID_SINCE = 12;
/** Before this one, an empty list of topics stands for all. */
const NULL_IS_ALL_SINCE = 1;

export function metadataHandler(parts: KafkaParts): Registration {
  return on(kafkaMetadata, (call) => {
    const { topics } = call.body;
    const isAll = topics === null || (call.apiVersion < NULL_IS_ALL_SINCE && topics.length === 0);
    if (!isAll && call.apiVersion < BY_ID_SINCE && topics.some(isById)) {
      call.respond(refuseIds(topics));
      return;
    }
    const brokers = brokerAddresses(parts.image, call.listener);
    const view = new MetadataView(parts, call, brokers);
    call.respond({
      brokers,
      clusterId: parts.clusterId,
      controllerId: parts.image.controllerId,
      topics: isAll ? view.allTopics() : topics.map((wanted) => view.topic(wanted)),
      clusterAuthorizedOperations: allowedOperations(
        'cluster',
        call.body.includeClusterAuthorizedOperations,
      ),
    });
  });
}

function isById({ name, topicId }: Wanted): boolean {
  return name === null || topicId !== ZERO_UUID;
}

function refuseIds(topics: readonly Wanted[]): KafkaResponse<typeof kafkaMetadata> {
  const errorCode = kafkaErrorCode('INVALID_REQUEST');
  return {
    brokers: [],
    topics: topics.map(({ name }) => ({ errorCode, name: name ?? '', partitions: [] })),
  };
}

class MetadataView {
  readonly #parts: KafkaParts;
  readonly #mayCreate: boolean;
  /** What an answer says of every known topic. */
  readonly #operations: number;
  /** Brokers that clients of the listener can reach. */
  readonly #reachable: ReadonlySet<number>;
  readonly #alive: ReadonlySet<number>;

  constructor(parts: KafkaParts, call: MetadataCall, brokers: readonly BrokerAddress[]) {
    this.#parts = parts;
    this.#mayCreate = parts.config.kafka.autoCreateTopics && call.body.allowAutoTopicCreation;
    const { includeTopicAuthorizedOperations } = call.body;
    this.#operations = allowedOperations('topic', includeTopicAuthorizedOperations);
    this.#reachable = new Set(brokers.map(({ nodeId }) => nodeId));
    this.#alive = new Set(parts.image.brokers.map(({ id }) => id));
  }

  allTopics(): readonly TopicResult[] {
    const topics: TopicResult[] = [];
    for (const topic of this.#parts.image.topics.values()) {
      if (!topic.deleting) topics.push(this.#known(topic));
    }
    return topics;
  }

  topic({ name, topicId }: Wanted): TopicResult {
    const { image } = this.#parts;
    if (topicId !== ZERO_UUID) {
      const topic = image.topicById(topicId);
      if (topic !== undefined && !topic.deleting) return this.#known(topic);
      return { ...refused('UNKNOWN_TOPIC_ID', null), topicId };
    }
    const topic = image.usableTopic(name ?? '');
    if (topic !== undefined) return this.#known(topic);
    if (topicNameProblem(name ?? '') !== undefined) return refused('INVALID_TOPIC_EXCEPTION', name);
    // Nothing is known yet: who is told that the topic is gone might give it up.
    if (image.version === 0) return refused('LEADER_NOT_AVAILABLE', name);
    if (!this.#mayCreate) return refused('UNKNOWN_TOPIC_OR_PARTITION', name);
    this.#parts.topicCreation.begin(name ?? '');
    return refused('LEADER_NOT_AVAILABLE', name);
  }

  #known(topic: TopicImage): TopicResult {
    return {
      errorCode: 0,
      name: topic.name,
      topicId: topic.topicId,
      isInternal: isInternalTopic(topic.name),
      topicAuthorizedOperations: this.#operations,
      partitions: topic.partitions.map(({ index, leader, leaderEpoch, replicas, isr }) => {
        const hasLeader = this.#reachable.has(leader);
        return {
          errorCode: hasLeader ? 0 : kafkaErrorCode('LEADER_NOT_AVAILABLE'),
          partitionIndex: index,
          leaderId: hasLeader ? leader : -1,
          leaderEpoch,
          replicaNodes: replicas,
          isrNodes: isr,
          offlineReplicas: replicas.filter((id) => !this.#alive.has(id)),
        };
      }),
    };
  }
}

function refused(
  error:
    | 'UNKNOWN_TOPIC_ID'
    | 'UNKNOWN_TOPIC_OR_PARTITION'
    | 'LEADER_NOT_AVAILABLE'
    | 'INVALID_TOPIC_EXCEPTION',
  name: string | null,
): TopicResult {
  return { errorCode: kafkaErrorCode(error), name, isInternal: false, partitions: [] };
}
