/** DescribeConfigs: every setting of topics and of the asked broker, with where it comes from. */

import type { ServerRequest } from '../../network/index.ts';
import {
  type describeConfigsApi,
  errorCode,
  type RequestOf,
  type ResponseOf,
} from '../../protocol/index.ts';
import { type BrokerConfig, describeBrokerConfig, describeTopicConfig } from '../config/index.ts';
import type { ClusterImage } from '../metadata/index.ts';

type ResourceResult = ResponseOf<typeof describeConfigsApi>['resources'][number];
export type ConfigEntry = ResourceResult['entries'][number];

const TOPIC = 2;
const BROKER = 4;
const FROM_TOPIC = 1;
const FROM_FILE = 4;
const FROM_DEFAULT = 5;

export function handleDescribeConfigs(
  request: ServerRequest,
  image: ClusterImage,
  config: BrokerConfig,
): void {
  const body = request.body as RequestOf<typeof describeConfigsApi>;
  const resources = body.resources.map(({ type, name }): ResourceResult => {
    if (type === TOPIC) return describeTopic(image, config, name);
    if (type === BROKER && name === String(config.brokerId)) {
      return { type, name, errorCode: 0, errorMessage: null, entries: brokerEntries(config) };
    }
    const what =
      type === BROKER ? `Broker ${config.brokerId} describes only itself` : 'Unknown type';
    return refused(type, name, 'INVALID_REQUEST', `${what}: asked for type ${type}, "${name}"`);
  });
  request.respond({ resources });
}

/** The settings in force for a topic, in the order of the documentation. */
export function topicEntries(
  config: BrokerConfig,
  overrides: Readonly<Record<string, string>>,
): readonly ConfigEntry[] {
  return [...describeTopicConfig(config.topicDefaults, overrides)].map(
    ({ definition, value, overridden }) => ({
      name: definition.name,
      value,
      source: overridden ? FROM_TOPIC : fromBroker(config, definition.brokerKey),
      readOnly: false,
      sensitive: false,
      documentation: definition.about,
    }),
  );
}

function describeTopic(image: ClusterImage, config: BrokerConfig, name: string): ResourceResult {
  const topic = image.usableTopic(name);
  if (topic === undefined) return refused(TOPIC, name, 'UNKNOWN_TOPIC_OR_PARTITION', null);
  const entries = topicEntries(config, topic.configs);
  return { type: TOPIC, name, errorCode: 0, errorMessage: null, entries };
}

/** The settings in force for this broker, in alphabetical order. */
export function brokerEntries(config: BrokerConfig): readonly ConfigEntry[] {
  return [...describeBrokerConfig(config)].map(({ definition, value, given }) => ({
    name: definition.name,
    value,
    source: given ? FROM_FILE : FROM_DEFAULT,
    readOnly: true,
    sensitive: definition.sensitive ?? false,
    documentation: definition.about,
  }));
}

function fromBroker(config: BrokerConfig, key: string | undefined): number {
  return key !== undefined && config.given.has(key) ? FROM_FILE : FROM_DEFAULT;
}

function refused(
  type: number,
  name: string,
  error: 'INVALID_REQUEST' | 'UNKNOWN_TOPIC_OR_PARTITION',
  errorMessage: string | null,
): ResourceResult {
  return { type, name, errorCode: errorCode(error), errorMessage, entries: [] };
}
