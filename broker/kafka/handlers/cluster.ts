/** DescribeCluster and DescribeLogDirs. */

import { allowedOperations } from '../allowedOperations.ts';
import { brokerAddresses } from '../brokerAddresses.ts';
import type { KafkaCall } from '../kafkaCall.ts';
import { kafkaErrorCode } from '../kafkaErrors.ts';
import type { KafkaParts } from '../kafkaParts.ts';
import { type KafkaResponse, kafkaDescribeCluster, kafkaDescribeLogDirs } from '../wire/index.ts';
import { on, type Registration } from './registry.ts';

type LogDirsCall = KafkaCall<typeof kafkaDescribeLogDirs>;
type LogDir = KafkaResponse<typeof kafkaDescribeLogDirs>['results'][number];

const BROKERS = 1;

export function clusterHandlers(parts: KafkaParts): readonly Registration[] {
  return [
    on(kafkaDescribeCluster, (call) => {
      const { clusterId, image } = parts;
      const { endpointType } = call.body;
      if (endpointType !== BROKERS) {
        const errorMessage = 'There are no endpoints of controllers: ZooKeeper coordinates';
        const errorCode = kafkaErrorCode('UNSUPPORTED_VERSION');
        call.respond({ errorCode, errorMessage, endpointType, clusterId, brokers: [] });
        return;
      }
      const brokers = brokerAddresses(image, call.listener).map(({ nodeId, ...address }) => {
        return { brokerId: nodeId, ...address };
      });
      call.respond({
        errorCode: 0,
        clusterId,
        controllerId: image.controllerId,
        brokers,
        clusterAuthorizedOperations: allowedOperations(
          'cluster',
          call.body.includeClusterAuthorizedOperations,
        ),
      });
    }),
    on(kafkaDescribeLogDirs, (call) => call.respond({ results: logDirs(parts, call) })),
  ];
}

function logDirs({ logManager, replicas }: KafkaParts, call: LogDirsCall): readonly LogDir[] {
  const wanted = call.body.topics;
  const isWanted = (topic: string, index: number): boolean =>
    wanted === null || wanted.some((it) => it.topic === topic && it.partitions.includes(index));
  return logManager.directories().map(({ path, online }): LogDir => {
    if (!online) {
      return { errorCode: kafkaErrorCode('KAFKA_STORAGE_ERROR'), logDir: path, topics: [] };
    }
    const byTopic = new Map<string, { readonly name: string; readonly partitions: Held[] }>();
    for (const partition of replicas.partitions.values()) {
      const { topic, index, log } = partition;
      if (!isWanted(topic, index) || !log.directory.startsWith(`${path}/`)) continue;
      const entry = byTopic.get(topic) ?? { name: topic, partitions: [] };
      byTopic.set(topic, entry);
      const offsetLag = Math.max(0, partition.highWatermark - log.logEndOffset);
      entry.partitions.push({
        partitionIndex: index,
        partitionSize: log.sizeBytes,
        offsetLag,
        isFutureKey: false,
      });
    }
    return { errorCode: 0, logDir: path, topics: [...byTopic.values()] };
  });
}

type Held = LogDir['topics'][number]['partitions'][number];
