/** The listener for clients of Apache Kafka. */

export { KafkaDispatcher, type KafkaDispatcherOptions } from './kafkaDispatcher.ts';
export { type KafkaHandler, KafkaProtocol } from './kafkaFraming.ts';
export type { KafkaParts } from './kafkaParts.ts';
export { TopicCreation } from './topicCreation.ts';
export * from './wire/index.ts';
