/** Configurations of topics and brokers. */

import { defineKafkaApi } from '../api.ts';
import { array, boolean, field, int8, int16, int32, string, struct } from '../schema.ts';

/** @see KIP-133, KIP-226 for synonyms, KIP-569 for types and documentation. */
export const kafkaDescribeConfigs = defineKafkaApi({
  key: 32,
  name: 'DescribeConfigs',
  versions: [1, 4],
  flexibleFrom: 4,
  request: struct({
    resources: field(
      array(
        struct({
          resourceType: field(int8),
          resourceName: field(string),
          configurationKeys: field(array(string), { nullable: 0 }),
        }),
      ),
    ),
    includeSynonyms: field(boolean, { since: 1, default: false }),
    includeDocumentation: field(boolean, { since: 3, default: false }),
  }),
  response: struct({
    throttleTimeMs: field(int32, { default: 0 }),
    results: field(
      array(
        struct({
          errorCode: field(int16),
          errorMessage: field(string, { nullable: 0 }),
          resourceType: field(int8),
          resourceName: field(string),
          configs: field(
            array(
              struct({
                name: field(string),
                value: field(string, { nullable: 0 }),
                readOnly: field(boolean),
                configSource: field(int8, { since: 1, default: -1 }),
                isSensitive: field(boolean),
                synonyms: field(
                  array(
                    struct({
                      name: field(string),
                      value: field(string, { nullable: 0 }),
                      source: field(int8),
                    }),
                  ),
                  { since: 1, default: [] },
                ),
                configType: field(int8, { since: 3, default: 0 }),
                documentation: field(string, { since: 3, nullable: 0, default: null }),
              }),
            ),
          ),
        }),
      ),
    ),
  }),
});

/** What became of one resource; the same in both ways to alter. */
const alteredResource = struct({
  errorCode: field(int16),
  errorMessage: field(string, { nullable: 0 }),
  resourceType: field(int8),
  resourceName: field(string),
});

/** Replaces all values of a resource. */
export const kafkaAlterConfigs = defineKafkaApi({
  key: 33,
  name: 'AlterConfigs',
  versions: [0, 2],
  flexibleFrom: 2,
  request: struct({
    resources: field(
      array(
        struct({
          resourceType: field(int8),
          resourceName: field(string),
          configs: field(
            array(
              struct({
                name: field(string),
                value: field(string, { nullable: 0 }),
              }),
            ),
          ),
        }),
      ),
    ),
    validateOnly: field(boolean),
  }),
  response: struct({
    throttleTimeMs: field(int32, { default: 0 }),
    responses: field(array(alteredResource)),
  }),
});

/** Changes single values. @see KIP-339 */
export const kafkaIncrementalAlterConfigs = defineKafkaApi({
  key: 44,
  name: 'IncrementalAlterConfigs',
  versions: [0, 1],
  flexibleFrom: 1,
  request: struct({
    resources: field(
      array(
        struct({
          resourceType: field(int8),
          resourceName: field(string),
          configs: field(
            array(
              struct({
                name: field(string),
                /** 0 set, 1 delete, 2 append, 3 subtract. */
                configOperation: field(int8),
                value: field(string, { nullable: 0 }),
              }),
            ),
          ),
        }),
      ),
    ),
    validateOnly: field(boolean),
  }),
  response: struct({
    throttleTimeMs: field(int32, { default: 0 }),
    responses: field(array(alteredResource)),
  }),
});
