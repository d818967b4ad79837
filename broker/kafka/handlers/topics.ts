/** Topics made, deleted and grown. The controller decides; any broker takes the request to it. */

import { ProtocolError } from '../../../protocol/index.ts';
import { type ConfigEntry, topicEntries } from '../../api/index.ts';
import type { KafkaCall } from '../kafkaCall.ts';
import { type Failure, failureOf, kafkaCode, kafkaErrorCode } from '../kafkaErrors.ts';
import type { KafkaParts } from '../kafkaParts.ts';
import {
  type KafkaResponse,
  kafkaCreatePartitions,
  kafkaCreateTopics,
  kafkaDeleteTopics,
  ZERO_UUID,
} from '../wire/index.ts';
import { on, type Registration } from './registry.ts';

type CreateCall = KafkaCall<typeof kafkaCreateTopics>;
type TopicToCreate = CreateCall['body']['topics'][number];
type CreatedTopic = KafkaResponse<typeof kafkaCreateTopics>['topics'][number];
type DeleteCall = KafkaCall<typeof kafkaDeleteTopics>;
type GrowCall = KafkaCall<typeof kafkaCreatePartitions>;

export function topicHandlers(parts: KafkaParts): readonly Registration[] {
  return [
    on(kafkaCreateTopics, async (call) => {
      call.respond({ topics: await createTopics(parts, call) });
    }),
    on(kafkaDeleteTopics, async (call) => {
      call.respond({ responses: await deleteTopics(parts, call) });
    }),
    on(kafkaCreatePartitions, async (call) => {
      call.respond({ results: await createPartitions(parts, call) });
    }),
  ];
}

async function createTopics(parts: KafkaParts, call: CreateCall): Promise<CreatedTopic[]> {
  const { topics, timeoutMs, validateOnly } = call.body;
  return inOnce(topics, {
    nameOf: ({ name }) => name,
    refuse: ({ name }, failure) => ({ name, ...failure }),
    decide: async (once) => {
      const good: TopicToCreate[] = [];
      const refused = new Map<string, CreatedTopic>();
      for (const topic of once) {
        const problem = assignmentProblem(topic);
        if (problem === undefined) good.push(topic);
        else refused.set(topic.name, { name: topic.name, ...problem });
      }
      const answer = await parts.channel.createTopics({
        timeoutMs,
        validateOnly,
        forwarded: false,
        topics: good.map(toCreate),
      });
      const created = answer.topics.map((result, index): CreatedTopic => {
        const { name, topicId, partitionCount, replicationFactor, errorMessage } = result;
        const overrides = Object.fromEntries(
          (good[index]?.configs ?? []).map((config) => [config.name, config.value ?? '']),
        );
        return {
          name,
          topicId: topicId ?? ZERO_UUID,
          errorCode: kafkaCode(result.errorCode),
          errorMessage,
          numPartitions: partitionCount,
          replicationFactor,
          configs:
            result.errorCode === 0 ? topicEntries(parts.config, overrides).map(createdConfig) : [],
        };
      });
      const byName = new Map(created.map((topic) => [topic.name, topic]));
      return once.flatMap(({ name }) => refused.get(name) ?? byName.get(name) ?? []);
    },
  });
}

function createdConfig({ name, value, readOnly, source, sensitive }: ConfigEntry): {
  readonly name: string;
  readonly value: string | null;
  readonly readOnly: boolean;
  readonly configSource: number;
  readonly isSensitive: boolean;
} {
  return { name, value, readOnly, configSource: source, isSensitive: sensitive };
}

function toCreate(topic: TopicToCreate): {
  readonly name: string;
  readonly partitionCount: number;
  readonly replicationFactor: number;
  readonly assignments: readonly (readonly number[])[] | null;
  readonly configs: readonly { readonly name: string; readonly value: string }[];
} {
  const { name, numPartitions, replicationFactor, assignments, configs } = topic;
  const byPartition = [...assignments].sort((a, b) => a.partitionIndex - b.partitionIndex);
  return {
    name,
    partitionCount: numPartitions,
    replicationFactor,
    assignments: assignments.length === 0 ? null : byPartition.map(({ brokerIds }) => brokerIds),
    configs: configs.map((config) => ({ name: config.name, value: config.value ?? '' })),
  };
}

/** What our own protocol cannot even say. */
function assignmentProblem(topic: TopicToCreate): Failure | undefined {
  const { numPartitions, replicationFactor, assignments, configs } = topic;
  const indexes = assignments.map(({ partitionIndex }) => partitionIndex).sort((a, b) => a - b);
  if (assignments.length > 0 && (numPartitions !== -1 || replicationFactor !== -1)) {
    return {
      errorCode: kafkaErrorCode('INVALID_REQUEST'),
      errorMessage: 'Replicas are assigned, so that the counts of both must be -1',
    };
  }
  if (indexes.some((partitionIndex, position) => partitionIndex !== position)) {
    return {
      errorCode: kafkaErrorCode('INVALID_REPLICA_ASSIGNMENT'),
      errorMessage: 'The partitions of an assignment count from 0 without gaps',
    };
  }
  const empty = configs.find(({ value }) => value === null);
  if (empty === undefined) return undefined;
  return {
    errorCode: kafkaErrorCode('INVALID_CONFIG'),
    errorMessage: `The setting "${empty.name}" has no value`,
  };
}

async function deleteTopics(
  parts: KafkaParts,
  call: DeleteCall,
): Promise<KafkaResponse<typeof kafkaDeleteTopics>['responses']> {
  const { topics, topicNames, timeoutMs } = call.body;
  const named = topicNames.map((name) => ({ name, topicId: ZERO_UUID }));
  const wanted = [...topics, ...named].map(({ name, topicId }) => {
    const known = name ?? parts.image.topicById(topicId)?.name ?? null;
    return { name: known, topicId };
  });
  const unknown = wanted.filter(({ name }) => name === null);
  const known = wanted.flatMap(({ name, topicId }) => (name === null ? [] : [{ name, topicId }]));
  const deleted = await inOnce(known, {
    nameOf: ({ name }) => name,
    refuse: (topic, failure) => ({ ...topic, ...failure }),
    decide: async (once) => {
      const names = once.map(({ name }) => name);
      const answer = await parts.channel.deleteTopics({ timeoutMs, forwarded: false, names });
      return answer.topics.map(({ name, errorCode, errorMessage }, index) => {
        const { topicId = ZERO_UUID } = once[index] ?? {};
        return { name, topicId, errorCode: kafkaCode(errorCode), errorMessage };
      });
    },
  });
  const errorCode = kafkaErrorCode('UNKNOWN_TOPIC_ID');
  return [...deleted, ...unknown.map(({ topicId }) => ({ name: null, topicId, errorCode }))];
}

async function createPartitions(
  parts: KafkaParts,
  call: GrowCall,
): Promise<KafkaResponse<typeof kafkaCreatePartitions>['results']> {
  const { topics, timeoutMs, validateOnly } = call.body;
  return inOnce(topics, {
    nameOf: ({ name }) => name,
    refuse: ({ name }, failure) => ({ name, ...failure }),
    decide: async (once) => {
      const answer = await parts.channel.createPartitions({
        timeoutMs,
        validateOnly,
        forwarded: false,
        topics: once.map(({ name, count, assignments }) => ({
          name,
          partitionCount: count,
          assignments: assignments?.map(({ brokerIds }) => brokerIds) ?? null,
        })),
      });
      return answer.topics.map(({ name, errorCode, errorMessage }) => {
        return { name, errorCode: kafkaCode(errorCode), errorMessage };
      });
    },
  });
}

/**
 * Asks for all items at once. Those that are named twice are refused, each once, as Kafka does;
 * where the way to the controller fails, that is the answer for each.
 */
async function inOnce<Item, Result>(
  items: readonly Item[],
  options: {
    readonly nameOf: (item: Item) => string;
    readonly refuse: (item: Item, failure: Failure) => Result;
    readonly decide: (once: readonly Item[]) => Promise<readonly Result[]>;
  },
): Promise<Result[]> {
  const byName = new Map<string, Item>();
  const twice = new Set<string>();
  for (const item of items) {
    const name = options.nameOf(item);
    if (byName.has(name)) twice.add(name);
    else byName.set(name, item);
  }
  const once = [...byName].flatMap(([name, item]) => (twice.has(name) ? [] : [item]));
  const doubled = failureOf(new ProtocolError('INVALID_REQUEST', 'The topic is named twice'));
  const refused = [...twice].map((name) => options.refuse(byName.get(name) as Item, doubled));
  if (once.length === 0) return refused;
  try {
    return [...(await options.decide(once)), ...refused];
  } catch (error) {
    const failure = failureOf(error);
    return [...once.map((item) => options.refuse(item, failure)), ...refused];
  }
}
