/** The APIs that open a connection. Hello is frozen for ever at version 0. */

import {
  array,
  bytes,
  defineApi,
  field,
  int8,
  int16,
  int32,
  int64,
  nullable,
  string,
  struct,
} from '../schema.ts';

export const helloApi = defineApi({
  key: 0,
  name: 'Hello',
  about: 'First request of every connection: who speaks, and what each side supports.',
  versions: { min: 0, max: 0 },
  audience: 'client',
  request: struct({
    clientSoftwareName: field(string, 'Name of the client software.'),
    clientSoftwareVersion: field(string, 'Version of the client software.'),
    clientId: field(
      nullable(string),
      'Name that the application gave itself, for logs and quotas.',
    ),
    brokerId: field(int32, 'Id of the calling broker; -1 for any other client.'),
    brokerEpoch: field(int64, 'Broker epoch of the calling broker; -1 for any other client.'),
  }),
  response: struct({
    errorCode: field(int16, 'Error code, 0 for none.'),
    errorMessage: field(nullable(string), 'What failed, for people.'),
    serverSoftwareVersion: field(string, 'Version of the broker.'),
    clusterId: field(string, 'Id of the cluster.'),
    brokerId: field(int32, 'Id of the broker that answers.'),
    inFlightMax: field(int32, 'Requests in flight above which the broker stops reading.'),
    frameBytesMax: field(
      int32,
      'Largest frame that the broker accepts, in bytes after its length field.',
    ),
    mechanisms: field(array(string), 'Authentication mechanisms that the broker offers.'),
    apis: field(
      array(
        struct({
          key: field(int16, 'API key.'),
          versionMin: field(int8, 'Lowest version that the broker takes.'),
          versionMax: field(int8, 'Highest version that the broker takes.'),
        }),
      ),
      'APIs that the broker serves on this listener.',
    ),
  }),
});

export const authenticateApi = defineApi({
  key: 1,
  name: 'Authenticate',
  about: 'One step of an authentication exchange, as often as the mechanism needs.',
  versions: { min: 0, max: 0 },
  audience: 'client',
  request: struct({
    mechanism: field(string, 'One of the mechanisms of the Hello response.'),
    bytes: field(bytes, 'Token of this step; empty for ANONYMOUS.'),
  }),
  response: struct({
    errorCode: field(int16, 'Error code, 0 for none.'),
    errorMessage: field(nullable(string), 'What failed, for people.'),
    complete: field(int8, '1 when the exchange is over and other APIs are allowed, else 0.'),
    bytes: field(bytes, 'Token for the next step.'),
    sessionLifetimeMs: field(
      int64,
      'After this time the client must authenticate again; 0 for never.',
    ),
  }),
});
