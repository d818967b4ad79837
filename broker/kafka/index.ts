/** The listener for clients of Apache Kafka. */

export * from './wire/index.ts';
