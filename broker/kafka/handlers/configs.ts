/** Settings of topics and of this broker: described and altered. */

import { topicNameProblem } from '../../../coordinator/index.ts';
import { ProtocolError } from '../../../protocol/index.ts';
import { brokerEntries, type ConfigEntry, topicEntries } from '../../api/index.ts';
import {
  brokerConfigDefinitions,
  formatConfigValue,
  topicConfigDefinitions,
} from '../../config/index.ts';
import type { KafkaCall } from '../kafkaCall.ts';
import { type Failure, failureOf, kafkaCode } from '../kafkaErrors.ts';
import type { KafkaParts } from '../kafkaParts.ts';
import {
  type KafkaResponse,
  kafkaAlterConfigs,
  kafkaDescribeConfigs,
  kafkaIncrementalAlterConfigs,
} from '../wire/index.ts';
import { on, type Registration } from './registry.ts';

const TOPIC = 2;
const BROKER = 4;
const FROM_TOPIC = 1;
const FROM_FILE = 4;
const FROM_DEFAULT = 5;
const SET = 0;
const DELETE = 1;
const APPEND = 2;
const SUBTRACT = 3;

/** Numbers of Kafka's types of settings. */
const typeNumbers: Readonly<Record<string, number>> = {
  boolean: 1,
  string: 2,
  int: 3,
  long: 5,
  double: 6,
  list: 7,
};

const topicDefinitions = new Map(topicConfigDefinitions.map((it) => [it.name, it]));
const brokerDefinitions = new Map(brokerConfigDefinitions.map((it) => [it.name, it]));

type DescribeCall = KafkaCall<typeof kafkaDescribeConfigs>;
type Described = KafkaResponse<typeof kafkaDescribeConfigs>['results'][number];
type DescribedConfig = Described['configs'][number];
type Altered = KafkaResponse<typeof kafkaAlterConfigs>['responses'][number];
type Resource = { readonly resourceType: number; readonly resourceName: string };
type IncrementalCall = KafkaCall<typeof kafkaIncrementalAlterConfigs>;
type Operation = IncrementalCall['body']['resources'][number]['configs'][number];
type Change = { readonly name: string; readonly value: string | null };

export function configHandlers(parts: KafkaParts): readonly Registration[] {
  return [
    on(kafkaDescribeConfigs, (call) => {
      const results = call.body.resources.map((wanted) => describe(parts, call, wanted));
      call.respond({ results });
    }),
    on(kafkaAlterConfigs, async (call) => {
      const { resources, validateOnly } = call.body;
      const responses = await alter(parts, resources, validateOnly, ({ resourceName, configs }) => {
        refuseNulls(configs);
        const overrides = parts.image.usableTopic(resourceName)?.configs ?? {};
        const given = new Set(configs.map(({ name }) => name));
        // All values are replaced: what is not given goes back to its default.
        const gone = Object.keys(overrides).filter((name) => !given.has(name));
        return [...configs, ...gone.map((name) => ({ name, value: null }))];
      });
      call.respond({ responses });
    }),
    on(kafkaIncrementalAlterConfigs, async (call) => {
      const { resources, validateOnly } = call.body;
      const responses = await alter(parts, resources, validateOnly, ({ resourceName, configs }) => {
        refuseNulls(configs.filter(({ configOperation }) => configOperation !== DELETE));
        refuseRepeats(configs);
        return configs.map((operation) => changeOf(parts, resourceName, operation));
      });
      call.respond({ responses });
    }),
  ];
}

function describe(
  parts: KafkaParts,
  call: DescribeCall,
  wanted: DescribeCall['body']['resources'][number],
): Described {
  const { resourceType, resourceName } = wanted;
  const resource = { resourceType, resourceName };
  try {
    const keys = wanted.configurationKeys;
    const configs = entriesOf(parts, resource)
      .filter(({ name }) => keys === null || keys.length === 0 || keys.includes(name))
      .map((entry) => describedConfig(parts, call, resourceType, entry));
    return { errorCode: 0, errorMessage: null, ...resource, configs };
  } catch (error) {
    return { ...failureOf(error), ...resource, configs: [] };
  }
}

function entriesOf(
  { image, config }: KafkaParts,
  { resourceType, resourceName }: Resource,
): readonly ConfigEntry[] {
  if (resourceType === TOPIC) {
    const topic = image.usableTopic(resourceName);
    if (topic !== undefined) return topicEntries(config, topic.configs);
    const problem = topicNameProblem(resourceName);
    if (problem !== undefined) throw new ProtocolError('INVALID_TOPIC_EXCEPTION', problem);
    throw new ProtocolError('UNKNOWN_TOPIC_OR_PARTITION');
  }
  if (resourceType === BROKER) {
    // The settings that all brokers share: none is kept in the cluster.
    if (resourceName === '') return [];
    if (resourceName === String(config.brokerId)) return brokerEntries(config);
    throw new ProtocolError(
      'INVALID_REQUEST',
      `Broker ${config.brokerId} describes only itself, not "${resourceName}"`,
    );
  }
  throw new ProtocolError('INVALID_REQUEST', `No settings have resource type ${resourceType}`);
}

function describedConfig(
  parts: KafkaParts,
  call: DescribeCall,
  resourceType: number,
  entry: ConfigEntry,
): DescribedConfig {
  const { name, value, readOnly, source, sensitive, documentation } = entry;
  const definitions = resourceType === TOPIC ? topicDefinitions : brokerDefinitions;
  const { includeSynonyms, includeDocumentation } = call.body;
  return {
    name,
    value,
    readOnly,
    configSource: source,
    isSensitive: sensitive,
    synonyms: includeSynonyms ? synonymsOf(parts, resourceType, entry) : [],
    configType: typeNumbers[definitions.get(name)?.type.name ?? ''] ?? 0,
    documentation: includeDocumentation ? documentation : null,
  };
}

/** Where the value could come from, the one in force first. */
function synonymsOf(
  { config }: KafkaParts,
  resourceType: number,
  { name, value, source }: ConfigEntry,
): DescribedConfig['synonyms'] {
  if (resourceType !== TOPIC) return [{ name, value, source }];
  const key = topicDefinitions.get(name)?.brokerKey ?? name;
  const own = source === FROM_TOPIC ? [{ name, value, source }] : [];
  const given = config.given.get(key);
  const fromFile = given === undefined ? [] : [{ name: key, value: given, source: FROM_FILE }];
  const standard = brokerDefinitions.get(key)?.defaultValue;
  if (standard === undefined) return [...own, ...fromFile];
  const fromDefault = { name: key, value: formatConfigValue(standard), source: FROM_DEFAULT };
  return [...own, ...fromFile, fromDefault];
}

/** Alters topics, all in one request to the controller. */
async function alter<R extends Resource>(
  parts: KafkaParts,
  resources: readonly R[],
  validateOnly: boolean,
  changesOf: (resource: R) => readonly Change[],
): Promise<readonly Altered[]> {
  const failures = new Map<R, Failure>();
  const topics: { readonly name: string; readonly changes: readonly Change[] }[] = [];
  for (const resource of resources) {
    try {
      refuseUnalterable(resource, resources);
      topics.push({ name: resource.resourceName, changes: changesOf(resource) });
    } catch (error) {
      failures.set(resource, failureOf(error));
    }
  }
  const outcome = topics.length === 0 ? new Map() : await ask(parts, topics, validateOnly);
  return resources.map((resource) => {
    const { resourceType, resourceName } = resource;
    const failure: Failure = failures.get(resource) ?? outcome.get(resourceName);
    return { ...failure, resourceType, resourceName };
  });
}

async function ask(
  { channel }: KafkaParts,
  topics: Parameters<KafkaParts['channel']['alterConfigs']>[0]['topics'],
  validateOnly: boolean,
): Promise<ReadonlyMap<string, Failure>> {
  try {
    const answer = await channel.alterConfigs({ validateOnly, forwarded: false, topics });
    return new Map(
      answer.topics.map(({ name, errorCode, errorMessage }) => [
        name,
        { errorCode: kafkaCode(errorCode), errorMessage },
      ]),
    );
  } catch (error) {
    const failure = failureOf(error);
    return new Map(topics.map(({ name }) => [name, failure]));
  }
}

function refuseUnalterable(resource: Resource, all: readonly Resource[]): void {
  const { resourceType, resourceName } = resource;
  if (resourceType === BROKER) {
    throw new ProtocolError(
      'INVALID_REQUEST',
      'Settings of a broker stand in its server.properties and change by a restart',
    );
  }
  if (resourceType !== TOPIC) {
    throw new ProtocolError('INVALID_REQUEST', `No settings have resource type ${resourceType}`);
  }
  const same = all.filter((it) => it.resourceType === TOPIC && it.resourceName === resourceName);
  if (same.length > 1) {
    throw new ProtocolError('INVALID_REQUEST', `The topic "${resourceName}" is named twice`);
  }
}

function refuseNulls(configs: readonly Change[]): void {
  const empty = configs.find(({ value }) => value === null);
  if (empty === undefined) return;
  throw new ProtocolError('INVALID_REQUEST', `Null value not supported for: ${empty.name}`);
}

function refuseRepeats(configs: readonly Change[]): void {
  const names = new Set(configs.map(({ name }) => name));
  if (names.size === configs.length) return;
  throw new ProtocolError('INVALID_REQUEST', 'A setting is changed twice in one request');
}

function changeOf({ image, config }: KafkaParts, topic: string, operation: Operation): Change {
  const { name, configOperation, value } = operation;
  if (configOperation === DELETE) return { name, value: null };
  if (configOperation === SET || value === null) return { name, value };
  const isList = topicDefinitions.get(name)?.type.name === 'list';
  const isKnown = configOperation === APPEND || configOperation === SUBTRACT;
  if (!isKnown) throw new ProtocolError('INVALID_REQUEST', `No operation ${configOperation}`);
  if (!isList) throw new ProtocolError('INVALID_CONFIG', `"${name}" is not a list`);
  const overrides = image.usableTopic(topic)?.configs ?? {};
  const entry = topicEntries(config, overrides).find((it) => it.name === name);
  const present = (entry?.value ?? '').split(',').filter((text) => text !== '');
  const given = value.split(',').map((text) => text.trim());
  const next =
    configOperation === APPEND
      ? [...present, ...given.filter((text) => !present.includes(text))]
      : present.filter((text) => !given.includes(text));
  return { name, value: next.join(',') };
}
