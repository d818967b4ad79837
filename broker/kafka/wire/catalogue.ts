/** All APIs of the Kafka listener, by key. */

import type { KafkaApi } from './api.ts';
import {
  kafkaAlterPartitionReassignments,
  kafkaDescribeCluster,
  kafkaDescribeLogDirs,
  kafkaDescribeTopicPartitions,
  kafkaElectLeaders,
  kafkaListPartitionReassignments,
} from './apis/cluster.ts';
import {
  kafkaAlterConfigs,
  kafkaDescribeConfigs,
  kafkaIncrementalAlterConfigs,
} from './apis/configs.ts';
import { kafkaConsumerGroupDescribe, kafkaConsumerGroupHeartbeat } from './apis/consumerGroups.ts';
import { kafkaOffsetCommit, kafkaOffsetDelete, kafkaOffsetFetch } from './apis/groupOffsets.ts';
import {
  kafkaDeleteGroups,
  kafkaDescribeGroups,
  kafkaHeartbeat,
  kafkaJoinGroup,
  kafkaLeaveGroup,
  kafkaListGroups,
  kafkaSyncGroup,
} from './apis/groups.ts';
import { kafkaFindCoordinator, kafkaMetadata } from './apis/metadata.ts';
import { kafkaListOffsets, kafkaOffsetForLeaderEpoch } from './apis/offsets.ts';
import { kafkaDescribeProducers, kafkaInitProducerId } from './apis/producers.ts';
import { kafkaFetch, kafkaProduce } from './apis/records.ts';
import {
  kafkaAlterClientQuotas,
  kafkaAlterUserScramCredentials,
  kafkaDescribeClientQuotas,
  kafkaDescribeUserScramCredentials,
  kafkaSaslAuthenticate,
  kafkaSaslHandshake,
} from './apis/security.ts';
import { kafkaApiVersions } from './apis/session.ts';
import {
  kafkaCreatePartitions,
  kafkaCreateTopics,
  kafkaDeleteRecords,
  kafkaDeleteTopics,
} from './apis/topics.ts';

const apis: readonly KafkaApi[] = [
  kafkaProduce,
  kafkaFetch,
  kafkaListOffsets,
  kafkaMetadata,
  kafkaOffsetCommit,
  kafkaOffsetFetch,
  kafkaFindCoordinator,
  kafkaJoinGroup,
  kafkaHeartbeat,
  kafkaLeaveGroup,
  kafkaSyncGroup,
  kafkaDescribeGroups,
  kafkaListGroups,
  kafkaSaslHandshake,
  kafkaApiVersions,
  kafkaCreateTopics,
  kafkaDeleteTopics,
  kafkaDeleteRecords,
  kafkaInitProducerId,
  kafkaOffsetForLeaderEpoch,
  kafkaDescribeConfigs,
  kafkaAlterConfigs,
  kafkaDescribeLogDirs,
  kafkaSaslAuthenticate,
  kafkaCreatePartitions,
  kafkaDeleteGroups,
  kafkaElectLeaders,
  kafkaIncrementalAlterConfigs,
  kafkaAlterPartitionReassignments,
  kafkaListPartitionReassignments,
  kafkaOffsetDelete,
  kafkaDescribeClientQuotas,
  kafkaAlterClientQuotas,
  kafkaDescribeUserScramCredentials,
  kafkaAlterUserScramCredentials,
  kafkaDescribeCluster,
  kafkaDescribeProducers,
  kafkaConsumerGroupHeartbeat,
  kafkaConsumerGroupDescribe,
  kafkaDescribeTopicPartitions,
];

/** Also those that are not advertised. */
export const kafkaApis: ReadonlyMap<number, KafkaApi> = new Map(apis.map((api) => [api.key, api]));
