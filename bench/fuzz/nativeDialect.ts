/** The native protocol: Hello and Authenticate first, then any request of the catalogue. */

import { ClientConnection, type NetworkEnvironment } from '../../network/index.ts';
import {
  authenticateApi,
  encodeFrame,
  FRAME_KIND_REQUEST,
  helloApi,
  metadataApi,
} from '../../protocol/index.ts';
import { FrameMaker } from './frameMaker.ts';
import type { FuzzDialect } from './fuzzDialect.ts';
import { type FuzzNames, SchemaValues } from './schemaValues.ts';

const GOOD_CALL_TIMEOUT_MS = 30_000;

export function nativeDialect(environment: NetworkEnvironment, names: FuzzNames): FuzzDialect {
  return {
    // One in ten begins with a spoiled frame instead of Hello.
    opening: (random) =>
      random.chance(0.1) ? Buffer.alloc(0) : openingFrames(random.chance(0.05) ? 1 : -1),
    maker: (random) => new FrameMaker(random, new SchemaValues(random, names)),
    connectGood: async (address) => {
      const connection = await ClientConnection.connect(environment, address, {
        software: { name: 'fuzz-good', version: '1' },
        timeoutMs: GOOD_CALL_TIMEOUT_MS,
      });
      return {
        call: async () => {
          const options = { timeoutMs: GOOD_CALL_TIMEOUT_MS };
          await connection.call(metadataApi, { topics: [] }, options);
        },
        close: () => connection.close(),
      };
    },
  };
}

function openingFrames(brokerId: number): Buffer {
  const hello = encodeFrame(
    { kind: FRAME_KIND_REQUEST, apiKey: helloApi.key, apiVersion: 0, correlationId: 1 },
    helloApi.request,
    {
      clientSoftwareName: 'fuzz',
      clientSoftwareVersion: '1',
      clientId: null,
      brokerId,
      brokerEpoch: -1,
    },
  );
  const authenticate = encodeFrame(
    { kind: FRAME_KIND_REQUEST, apiKey: authenticateApi.key, apiVersion: 0, correlationId: 2 },
    authenticateApi.request,
    { mechanism: 'ANONYMOUS', bytes: new Uint8Array(0) },
  );
  return Buffer.concat([...hello, ...authenticate]);
}
