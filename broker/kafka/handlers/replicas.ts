/** Where replicas are and which of them leads: reassignments and elections, by the controller. */

import type { KafkaCall } from '../kafkaCall.ts';
import { failureOf, kafkaCode } from '../kafkaErrors.ts';
import type { KafkaParts } from '../kafkaParts.ts';
import {
  kafkaAlterPartitionReassignments,
  kafkaElectLeaders,
  kafkaListPartitionReassignments,
} from '../wire/index.ts';
import { on, type Registration } from './registry.ts';

export function replicaHandlers(parts: KafkaParts): readonly Registration[] {
  return [
    on(kafkaElectLeaders, (call) => electLeaders(parts, call)),
    on(kafkaAlterPartitionReassignments, (call) => alterReassignments(parts, call)),
    on(kafkaListPartitionReassignments, (call) => listReassignments(parts, call)),
  ];
}

async function electLeaders(
  { channel }: KafkaParts,
  call: KafkaCall<typeof kafkaElectLeaders>,
): Promise<void> {
  const { electionType, topicPartitions, timeoutMs } = call.body;
  try {
    const answer = await channel.electLeaders({
      electionType,
      timeoutMs,
      forwarded: false,
      topics:
        topicPartitions?.map(({ topic, partitions }) => ({ name: topic, partitions })) ?? null,
    });
    const replicaElectionResults = answer.topics.map(({ name, partitions }) => ({
      topic: name,
      partitionResult: partitions.map(({ index, errorCode, errorMessage }) => {
        return { partitionId: index, errorCode: kafkaCode(errorCode), errorMessage };
      }),
    }));
    call.respond({ errorCode: 0, replicaElectionResults });
  } catch (error) {
    const failure = failureOf(error);
    const replicaElectionResults = (topicPartitions ?? []).map(({ topic, partitions }) => ({
      topic,
      partitionResult: partitions.map((partitionId) => ({ partitionId, ...failure })),
    }));
    call.respond({ errorCode: failure.errorCode, replicaElectionResults });
  }
}

async function alterReassignments(
  { channel }: KafkaParts,
  call: KafkaCall<typeof kafkaAlterPartitionReassignments>,
): Promise<void> {
  const { topics, timeoutMs, allowReplicationFactorChange } = call.body;
  try {
    const answer = await channel.alterReassignments({
      timeoutMs,
      forwarded: false,
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, replicas }) => {
          return { index: partitionIndex, replicas, throttle: 0 };
        }),
      })),
    });
    const responses = answer.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ index, errorCode, errorMessage }) => {
        return { partitionIndex: index, errorCode: kafkaCode(errorCode), errorMessage };
      }),
    }));
    call.respond({ allowReplicationFactorChange, errorCode: 0, errorMessage: null, responses });
  } catch (error) {
    call.respond({ allowReplicationFactorChange, ...failureOf(error), responses: [] });
  }
}

async function listReassignments(
  { channel }: KafkaParts,
  call: KafkaCall<typeof kafkaListPartitionReassignments>,
): Promise<void> {
  const wanted = call.body.topics;
  try {
    const answer = await channel.listReassignments(
      { topics: wanted?.map(({ name }) => name) ?? null },
      { forwarded: false },
    );
    const topics = answer.topics.flatMap(({ name, partitions }) => {
      const indexes = wanted?.find((topic) => topic.name === name)?.partitionIndexes;
      const found = partitions
        .filter(({ index }) => indexes === undefined || indexes.includes(index))
        .map(({ index, ...replicas }) => ({ partitionIndex: index, ...replicas }));
      return found.length === 0 ? [] : [{ name, partitions: found }];
    });
    call.respond({ errorCode: 0, errorMessage: null, topics });
  } catch (error) {
    call.respond({ ...failureOf(error), topics: [] });
  }
}
