/** `import 'odradek'`: the public SDK. Loads nothing of a broker. */

export type { ClientEnvironment, Logger } from '../common/index.ts';
export { CorruptionError, OdradekError } from '../common/index.ts';
export { ProtocolError } from '../protocol/errors.ts';
export type * from './admin/admin.ts';
export type * from './callOptions.ts';
export type * from './consumer/consumedRecord.ts';
export type * from './consumer/consumer.ts';
export type * from './consumer/startPosition.ts';
export * from './errors.ts';
export * from './odradek.ts';
export * from './producer/partitioner.ts';
export type * from './producer/producer.ts';
export type * from './producer/producerRecord.ts';
export type * from './serialization/format.ts';
