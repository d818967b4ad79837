/** Who a client is, what it may consume, and what it must know to prove it. */

import { defineKafkaApi } from '../api.ts';
import {
  array,
  boolean,
  bytes,
  field,
  float64,
  int8,
  int16,
  int32,
  int64,
  string,
  struct,
} from '../schema.ts';

/** After version 0, tokens follow as frames without any header. @see KIP-43, KIP-152 */
export const kafkaSaslHandshake = defineKafkaApi({
  key: 17,
  name: 'SaslHandshake',
  versions: [0, 1],
  flexibleFrom: Number.POSITIVE_INFINITY,
  request: struct({
    mechanism: field(string),
  }),
  response: struct({
    errorCode: field(int16),
    mechanisms: field(array(string)),
  }),
});

/** @see KIP-368 for the lifetime of the session. */
export const kafkaSaslAuthenticate = defineKafkaApi({
  key: 36,
  name: 'SaslAuthenticate',
  versions: [0, 2],
  flexibleFrom: 2,
  request: struct({
    authBytes: field(bytes),
  }),
  response: struct({
    errorCode: field(int16),
    errorMessage: field(string, { nullable: 0 }),
    authBytes: field(bytes),
    sessionLifetimeMs: field(int64, { since: 1, default: 0 }),
  }),
});

/** Who has a quota; null names the default. */
const quotaEntity = struct({
  entityType: field(string),
  entityName: field(string, { nullable: 0 }),
});

/** @see KIP-546 */
export const kafkaDescribeClientQuotas = defineKafkaApi({
  key: 48,
  name: 'DescribeClientQuotas',
  versions: [0, 1],
  flexibleFrom: 1,
  request: struct({
    components: field(
      array(
        struct({
          entityType: field(string),
          /** 0 this name, 1 the default, 2 any name. */
          matchType: field(int8),
          match: field(string, { nullable: 0 }),
        }),
      ),
    ),
    strict: field(boolean),
  }),
  response: struct({
    throttleTimeMs: field(int32, { default: 0 }),
    errorCode: field(int16),
    errorMessage: field(string, { nullable: 0 }),
    entries: field(
      array(
        struct({
          entity: field(array(quotaEntity)),
          values: field(
            array(
              struct({
                key: field(string),
                value: field(float64),
              }),
            ),
          ),
        }),
      ),
      { nullable: 0 },
    ),
  }),
});

/** @see KIP-546 */
export const kafkaAlterClientQuotas = defineKafkaApi({
  key: 49,
  name: 'AlterClientQuotas',
  versions: [0, 1],
  flexibleFrom: 1,
  request: struct({
    entries: field(
      array(
        struct({
          entity: field(array(quotaEntity)),
          ops: field(
            array(
              struct({
                key: field(string),
                value: field(float64),
                remove: field(boolean),
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
    entries: field(
      array(
        struct({
          errorCode: field(int16),
          errorMessage: field(string, { nullable: 0 }),
          entity: field(array(quotaEntity)),
        }),
      ),
    ),
  }),
});

/** @see KIP-554 */
export const kafkaDescribeUserScramCredentials = defineKafkaApi({
  key: 50,
  name: 'DescribeUserScramCredentials',
  versions: [0, 0],
  flexibleFrom: 0,
  request: struct({
    users: field(array(struct({ name: field(string) })), { nullable: 0 }),
  }),
  response: struct({
    throttleTimeMs: field(int32, { default: 0 }),
    errorCode: field(int16),
    errorMessage: field(string, { nullable: 0 }),
    results: field(
      array(
        struct({
          user: field(string),
          errorCode: field(int16),
          errorMessage: field(string, { nullable: 0 }),
          credentialInfos: field(
            array(
              struct({
                mechanism: field(int8),
                iterations: field(int32),
              }),
            ),
          ),
        }),
      ),
    ),
  }),
});

/** @see KIP-554 */
export const kafkaAlterUserScramCredentials = defineKafkaApi({
  key: 51,
  name: 'AlterUserScramCredentials',
  versions: [0, 0],
  flexibleFrom: 0,
  request: struct({
    deletions: field(
      array(
        struct({
          name: field(string),
          mechanism: field(int8),
        }),
      ),
    ),
    upsertions: field(
      array(
        struct({
          name: field(string),
          mechanism: field(int8),
          iterations: field(int32),
          salt: field(bytes),
          saltedPassword: field(bytes),
        }),
      ),
    ),
  }),
  response: struct({
    throttleTimeMs: field(int32, { default: 0 }),
    results: field(
      array(
        struct({
          user: field(string),
          errorCode: field(int16),
          errorMessage: field(string, { nullable: 0 }),
        }),
      ),
    ),
  }),
});
