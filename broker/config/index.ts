export * from './brokerConfig.ts';
export { ConfigError, formatConfigValue, parseConfigValue } from './definition.ts';
export type { GroupConfig, KafkaConfig, KafkaListener } from './kafkaConfig.ts';
export type { LogCleanerConfig } from './logCleanerConfig.ts';
export * from './properties.ts';
export * from './socketAddress.ts';
export * from './topicConfig.ts';
