/** The Kafka protocol as data and pure functions: no I/O, and no knowledge of what is asked. */

export * from './api.ts';
export * from './apis/cluster.ts';
export * from './apis/configs.ts';
export * from './apis/consumerGroups.ts';
export * from './apis/groupOffsets.ts';
export * from './apis/groups.ts';
export * from './apis/metadata.ts';
export * from './apis/offsets.ts';
export * from './apis/producers.ts';
export * from './apis/records.ts';
export * from './apis/security.ts';
export * from './apis/session.ts';
export * from './apis/topics.ts';
export * from './catalogue.ts';
export * from './codec.ts';
export type { Decoded, Encodable, RecordsInput, StructType, WireType } from './schema.ts';
export { isPresent, ZERO_UUID } from './schema.ts';
export * from './wireError.ts';
