/** The records of `__consumer_offsets`, byte for byte as Kafka 3.9 writes and reads them. */

export * from './groupMetadataRecord.ts';
export * from './groupRecordKey.ts';
export * from './offsetCommitRecord.ts';
export { RecordReader } from './recordReader.ts';
