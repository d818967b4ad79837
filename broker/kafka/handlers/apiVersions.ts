/** ApiVersions: what this listener has. */

import { kafkaErrorCode } from '../kafkaErrors.ts';
import { type KafkaApi, kafkaApiVersions } from '../wire/index.ts';
import { on, type Registration } from './registry.ts';

/** First version in which the client says what it is. */
const SOFTWARE_SINCE = 3;
const SOFTWARE = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;

/** @param apis served by the listener; asked for when the first client comes. */
export function apiVersionsHandler(apis: () => Iterable<KafkaApi>): Registration {
  return on(kafkaApiVersions, (call) => {
    const { clientSoftwareName, clientSoftwareVersion } = call.body;
    const isNamed = SOFTWARE.test(clientSoftwareName) && SOFTWARE.test(clientSoftwareVersion);
    if (call.apiVersion >= SOFTWARE_SINCE && !isNamed) {
      call.respond({ errorCode: kafkaErrorCode('INVALID_REQUEST'), apiKeys: [] });
      return;
    }
    const apiKeys = [...apis()]
      .flatMap(({ key, advertised }) =>
        advertised === null
          ? []
          : [{ apiKey: key, minVersion: advertised.min, maxVersion: advertised.max }],
      )
      .sort((left, right) => left.apiKey - right.apiKey);
    call.respond({ errorCode: 0, apiKeys });
  });
}
