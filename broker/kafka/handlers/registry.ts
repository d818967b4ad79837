/** From the key of an API to what answers it. */

import type { KafkaCall } from '../kafkaCall.ts';
import type { KafkaApi } from '../wire/index.ts';

export type KafkaCallHandler = (call: KafkaCall) => void | Promise<void>;
export type Registration = readonly [api: KafkaApi, handler: KafkaCallHandler];

/** The handler of one API, with the types of that API. */
export function on<A extends KafkaApi>(
  api: A,
  handler: (call: KafkaCall<A>) => void | Promise<void>,
): Registration {
  return [api, handler as unknown as KafkaCallHandler];
}
