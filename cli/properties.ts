/** `--property name=value` of produce and consume: Kafka's names for the options of our SDK. */

import type { ConsumerOptions, ProducerOptions } from '../client/index.ts';
import { UsageError } from './usageError.ts';

type Properties = ReadonlyMap<string, string> | undefined;

const producerNames: Readonly<Record<string, keyof ProducerOptions>> = {
  'linger.ms': 'lingerMs',
  'batch.size': 'batchBytes',
  'max.request.size': 'recordBytesMax',
  'buffer.memory': 'bufferBytes',
  'max.block.ms': 'blockMsMax',
  'delivery.timeout.ms': 'deliveryTimeoutMs',
  'request.timeout.ms': 'requestTimeoutMs',
  'max.in.flight.requests.per.connection': 'inFlightMax',
};

const consumerNames: Readonly<Record<string, keyof ConsumerOptions>> = {
  'fetch.max.bytes': 'fetchBytesMax',
  'max.partition.fetch.bytes': 'partitionBytesMax',
  'fetch.min.bytes': 'fetchBytesMin',
  'fetch.max.wait.ms': 'fetchWaitMsMax',
};

/** @throws {UsageError} for a name that is not in the table, naming those that are. */
export function producerProperties(properties: Properties): Partial<ProducerOptions> {
  return translate(properties, producerNames);
}

/** As `producerProperties`. */
export function consumerProperties(properties: Properties): Partial<ConsumerOptions> {
  return translate(properties, consumerNames);
}

function translate(
  properties: Properties,
  names: Readonly<Record<string, string>>,
): Record<string, number> {
  const options: Record<string, number> = {};
  for (const [name, text] of properties ?? []) {
    const option = names[name];
    if (option === undefined) {
      const known = Object.keys(names).join(', ');
      throw new UsageError(`--property knows no "${name}"; it knows ${known}`);
    }
    if (!/^\d+$/.test(text)) {
      throw new UsageError(`--property ${name} takes a whole number, not "${text}"`);
    }
    options[option] = Number(text);
  }
  return options;
}
