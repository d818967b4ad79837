/** FindCoordinator: the broker that leads the partition in which a group keeps its offsets. */

import { type ErrorName, errorCatalogue } from '../../../protocol/index.ts';
import { OFFSETS_TOPIC } from '../../group/index.ts';
import { type BrokerAddress, brokerAddresses } from '../brokerAddresses.ts';
import { kafkaErrorCode } from '../kafkaErrors.ts';
import type { KafkaParts } from '../kafkaParts.ts';
import { type KafkaResponse, kafkaFindCoordinator } from '../wire/index.ts';
import { on, type Registration } from './registry.ts';

type Response = KafkaResponse<typeof kafkaFindCoordinator>;
type Coordinator = NonNullable<Response['coordinators']>[number];

const GROUP = 0;
const TRANSACTION = 1;
/** From here on several keys are asked for at once, and answered one by one (KIP-699). */
const BATCHED_SINCE = 4;

export function findCoordinatorHandler(parts: KafkaParts): Registration {
  return on(kafkaFindCoordinator, (call) => {
    const { key, keyType, coordinatorKeys } = call.body;
    const find = (wanted: string): Coordinator => {
      const found = coordinatorOf(parts, { listener: call.listener, key: wanted, keyType });
      if (typeof found === 'string') return refused(wanted, found);
      const { nodeId, host, port } = found;
      return { key: wanted, nodeId, host, port, errorCode: 0, errorMessage: null };
    };
    if (call.apiVersion >= BATCHED_SINCE) {
      call.respond({ coordinators: coordinatorKeys.map(find) });
      return;
    }
    const { errorCode, errorMessage, nodeId, host, port } = find(key);
    call.respond({ errorCode, errorMessage, nodeId, host, port });
  });
}

function coordinatorOf(
  { image, groups, topicCreation }: KafkaParts,
  wanted: { readonly listener: string; readonly key: string; readonly keyType: number },
): BrokerAddress | ErrorName {
  if (wanted.keyType === TRANSACTION) return 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED';
  if (wanted.keyType !== GROUP) return 'INVALID_REQUEST';
  if (image.version === 0) return 'COORDINATOR_NOT_AVAILABLE';
  const topic = image.usableTopic(OFFSETS_TOPIC);
  if (topic === undefined) {
    topicCreation.begin(OFFSETS_TOPIC);
    return 'COORDINATOR_NOT_AVAILABLE';
  }
  const leader = topic.partitions[groups.partitionFor(wanted.key)]?.leader ?? -1;
  const address = brokerAddresses(image, wanted.listener).find(({ nodeId }) => nodeId === leader);
  return address ?? 'COORDINATOR_NOT_AVAILABLE';
}

function refused(key: string, error: ErrorName): Coordinator {
  const errorMessage = errorCatalogue[error].message;
  return { key, nodeId: -1, host: '', port: -1, errorCode: kafkaErrorCode(error), errorMessage };
}
