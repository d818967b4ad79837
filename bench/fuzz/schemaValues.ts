/** Random values that fit a schema, drawn towards the edges of what it allows. */

import type { ArraySchema, NullableSchema, Schema, StructSchema } from '../../protocol/index.ts';
import { fuzzedBatch } from './fuzzedBatch.ts';
import type { FuzzRandom } from './fuzzRandom.ts';

/** Names that exist, may exist, and never may. */
export interface FuzzNames {
  /** Topics that produce, fetch and the like aim at. */
  readonly topics: readonly string[];
}

/** Never the name of a topic, so that no fuzzed request creates, alters or deletes one. */
const IMPOSSIBLE_NAMES = ['', '.', '..', 'a/b', 'ü', 'x'.repeat(300), 'a\u0000b', '__proto__/'];
const CHANGING_APIS = new Set(['CreateTopics', 'DeleteTopics', 'AlterConfigs']);

const INTEGER_EDGES: Readonly<Record<string, readonly number[]>> = {
  int8: [-128, -1, 0, 1, 127],
  int16: [-32_768, -1, 0, 1, 32_767],
  int32: [-(2 ** 31), -1, 0, 1, 1000, 2 ** 31 - 1],
  int64: [-1, 0, 1, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER],
};
const ARRAY_LENGTH_MAX = 4;

export class SchemaValues {
  readonly #random: FuzzRandom;
  readonly #names: FuzzNames;
  #apiName = '';

  constructor(random: FuzzRandom, names: FuzzNames) {
    this.#random = random;
    this.#names = names;
  }

  /** A request of the API, encodable as it is. */
  request(api: { readonly name: string; readonly request: Schema<unknown> }): unknown {
    this.#apiName = api.name;
    return this.#value(api.request, '');
  }

  #value(schema: Schema<unknown>, name: string): unknown {
    const random = this.#random;
    switch (schema.kind) {
      case 'boolean':
        return random.chance(0.5);
      case 'int8':
      case 'int16':
      case 'int32':
      case 'int64':
        return this.#integer(schema.kind, name);
      case 'string':
        return this.#string(name);
      case 'bytes':
        // Tokens: a refused one ends the connection, so most are none.
        return random.bytes(random.chance(0.05) ? random.below(40) : 0);
      case 'records':
        return fuzzedBatch(random);
      case 'nullable':
        return random.chance(0.3)
          ? null
          : this.#value((schema as NullableSchema<unknown>).inner, name);
      case 'array':
        return this.#array(schema as ArraySchema<unknown>, name);
      case 'struct':
        return Object.fromEntries(
          Object.entries((schema as StructSchema<unknown>).fields).map(([key, field]) => [
            key,
            this.#value(field.schema, key),
          ]),
        );
      default:
        return null;
    }
  }

  #integer(kind: string, name: string): number {
    // Long polls would only pile up: they are no malformed input.
    if (name === 'maxWaitMs') return this.#random.pick([-1, 0, 1, 20]);
    if (this.#random.chance(0.5)) return this.#random.below(3);
    return this.#random.pick(INTEGER_EDGES[kind]!);
  }

  #string(name: string): string {
    const random = this.#random;
    if (CHANGING_APIS.has(this.#apiName)) return random.pick(IMPOSSIBLE_NAMES);
    if (name === 'name' || name === 'topics') {
      return random.pick(random.chance(0.7) ? this.#names.topics : IMPOSSIBLE_NAMES);
    }
    if (name === 'mechanism' && random.chance(0.95)) return 'ANONYMOUS';
    return random.pick(['', 'a', 'retention.ms', 'ANONYMOUS', ...IMPOSSIBLE_NAMES]);
  }

  #array(schema: ArraySchema<unknown>, name: string): unknown[] {
    const length = this.#random.below(ARRAY_LENGTH_MAX);
    return Array.from({ length }, () => this.#value(schema.element, name));
  }
}
