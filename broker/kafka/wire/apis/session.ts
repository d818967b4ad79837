/** What a client asks first: which versions there are. */

import { defineKafkaApi } from '../api.ts';
import { array, boolean, field, int16, int32, int64, string, struct } from '../schema.ts';

/** @see KIP-35, KIP-511; its answer has header version 0 in every version. */
export const kafkaApiVersions = defineKafkaApi({
  key: 18,
  name: 'ApiVersions',
  versions: [0, 4],
  flexibleFrom: 3,
  request: struct({
    clientSoftwareName: field(string, { since: 3, default: '' }),
    clientSoftwareVersion: field(string, { since: 3, default: '' }),
  }),
  response: struct({
    errorCode: field(int16),
    apiKeys: field(
      array(
        struct({
          apiKey: field(int16),
          minVersion: field(int16),
          maxVersion: field(int16),
        }),
      ),
    ),
    throttleTimeMs: field(int32, { since: 1, default: 0 }),
    supportedFeatures: field(
      array(
        struct({
          name: field(string),
          minVersion: field(int16),
          maxVersion: field(int16),
        }),
      ),
      { since: 3, tag: 0, default: [] },
    ),
    finalizedFeaturesEpoch: field(int64, { since: 3, tag: 1, default: -1 }),
    finalizedFeatures: field(
      array(
        struct({
          name: field(string),
          maxVersionLevel: field(int16),
          minVersionLevel: field(int16),
        }),
      ),
      { since: 3, tag: 2, default: [] },
    ),
    zkMigrationReady: field(boolean, { since: 3, tag: 3, default: false }),
  }),
});
