/** InitProducerId: the id under which the broker recognises repeated batches (KIP-98). */

import { failureOf, kafkaErrorCode, NO_TRANSACTIONS } from '../kafkaErrors.ts';
import type { KafkaParts } from '../kafkaParts.ts';
import { kafkaInitProducerId } from '../wire/index.ts';
import { on, type Registration } from './registry.ts';

export function initProducerIdHandler(parts: KafkaParts): Registration {
  return on(kafkaInitProducerId, async (call) => {
    const { transactionalId } = call.body;
    if (transactionalId !== null) {
      const isEmpty = transactionalId === '';
      const errorCode = isEmpty ? kafkaErrorCode('INVALID_REQUEST') : NO_TRANSACTIONS;
      call.respond({ errorCode, producerId: -1, producerEpoch: -1 });
      return;
    }
    try {
      const producerId = await parts.allocateProducerId();
      call.respond({ errorCode: 0, producerId, producerEpoch: 0 });
    } catch (error) {
      const { errorCode } = failureOf(error);
      call.respond({ errorCode, producerId: -1, producerEpoch: -1 });
    }
  });
}
