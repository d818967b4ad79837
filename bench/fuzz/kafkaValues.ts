/** Random requests of the Kafka protocol, drawn towards the edges of what their schemas allow. */

import {
  isPresent,
  type KafkaApi,
  type StructType,
  type WireType,
} from '../../broker/kafka/wire/index.ts';
import { fuzzedBatch } from './fuzzedBatch.ts';
import type { FuzzRandom } from './fuzzRandom.ts';
import type { FuzzNames } from './schemaValues.ts';

/** Never the name of a topic, so that no fuzzed request creates, alters or deletes one. */
const IMPOSSIBLE_NAMES = ['', '.', '..', 'a/b', 'ü', 'x'.repeat(300), 'a\u0000b', '__proto__/'];
const READING_APIS = new Set([
  'Produce',
  'Fetch',
  'ListOffsets',
  'Metadata',
  'OffsetForLeaderEpoch',
  'DescribeConfigs',
  'DescribeProducers',
  'DescribeTopicPartitions',
  'DescribeLogDirs',
  'OffsetCommit',
  'OffsetFetch',
]);
const TOPIC_FIELDS = new Set(['name', 'topic', 'topics', 'resourceName']);
const GROUP_FIELDS = new Set(['groupId', 'groups', 'groupsNames', 'key', 'coordinatorKeys']);

const INTEGER_EDGES: Readonly<Record<string, readonly number[]>> = {
  int8: [-128, -1, 0, 1, 127],
  int16: [-32_768, -1, 0, 1, 32_767],
  int32: [-(2 ** 31), -1, 0, 1, 1000, 2 ** 31 - 1],
  int64: [-1, 0, 1, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER],
};
/** Waits would only pile up: they are no malformed input. */
const SHORT_WAITS: Readonly<Record<string, readonly number[]>> = {
  maxWaitMs: [-1, 0, 1, 20],
  timeoutMs: [-1, 0, 1, 20],
  rebalanceTimeoutMs: [-1, 0, 1, 20],
  sessionTimeoutMs: [-1, 0, 6000],
};
const ARRAY_LENGTH_MAX = 4;

export class KafkaValues {
  readonly #random: FuzzRandom;
  readonly #names: FuzzNames;
  #apiName = '';
  #version = 0;

  constructor(random: FuzzRandom, names: FuzzNames) {
    this.#random = random;
    this.#names = names;
  }

  /** A request of the API in that version, encodable as it is. */
  request(api: KafkaApi, version: number): unknown {
    this.#apiName = api.name;
    this.#version = version;
    return this.#struct(api.request);
  }

  #struct(type: StructType): object {
    const random = this.#random;
    const values = Object.entries(type.fields)
      .filter(([, field]) => isPresent(field, this.#version))
      .map(([name, field]) => {
        const mayBeAbsent = field.default !== undefined && random.chance(0.3);
        if (mayBeAbsent) return [name, field.default];
        if (this.#version >= field.nullableSince && random.chance(0.2)) return [name, null];
        return [name, this.#value(field.type, name)];
      });
    return Object.fromEntries(values);
  }

  #value(type: WireType, name: string): unknown {
    const random = this.#random;
    switch (type.kind) {
      case 'boolean':
        return random.chance(0.5);
      case 'float64':
        return random.pick([0, -1, 1e300, Number.NaN, Number.POSITIVE_INFINITY]);
      case 'uuid':
        return (random.chance(0.5) ? Buffer.alloc(16) : random.bytes(16)).toString('base64url');
      case 'string':
        return this.#string(name);
      case 'bytes':
        return random.bytes(random.below(40));
      case 'records':
        return fuzzedBatch(random);
      case 'array': {
        const { element } = type as WireType & { readonly element: WireType };
        const length = random.below(ARRAY_LENGTH_MAX);
        return Array.from({ length }, () => this.#value(element, name));
      }
      case 'struct':
        return this.#struct(type as StructType);
      default:
        return this.#integer(type.kind, name);
    }
  }

  #integer(kind: string, name: string): number {
    const random = this.#random;
    const waits = SHORT_WAITS[name];
    if (waits !== undefined) return random.pick(waits);
    // Most names of configurations are those of topics.
    if (name === 'resourceType' && random.chance(0.5)) return 2;
    if (random.chance(0.5)) return random.below(3);
    return random.pick(INTEGER_EDGES[kind]!);
  }

  #string(name: string): string {
    const random = this.#random;
    if (GROUP_FIELDS.has(name)) return random.pick(['', 'fuzz-group', 'fuzz-other', 'g/ü']);
    if (TOPIC_FIELDS.has(name)) {
      const mayExist = READING_APIS.has(this.#apiName) && random.chance(0.7);
      return random.pick(mayExist ? this.#names.topics : IMPOSSIBLE_NAMES);
    }
    return random.pick(['', 'a', 'range', 'consumer', 'retention.ms', ...IMPOSSIBLE_NAMES]);
  }
}
