/** All APIs of the Kafka listener, by key. */

import type { KafkaApi } from './api.ts';
import { kafkaFindCoordinator, kafkaMetadata } from './apis/metadata.ts';
import { kafkaListOffsets } from './apis/offsets.ts';
import { kafkaFetch, kafkaProduce } from './apis/records.ts';
import { kafkaApiVersions } from './apis/session.ts';

const apis: readonly KafkaApi[] = [
  kafkaProduce,
  kafkaFetch,
  kafkaListOffsets,
  kafkaMetadata,
  kafkaFindCoordinator,
  kafkaApiVersions,
];

export const kafkaApis: ReadonlyMap<number, KafkaApi> = new Map(apis.map((api) => [api.key, api]));
