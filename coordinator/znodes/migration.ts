/** /migration: a Kafka cluster that moves to KRaft keeps its progress here. We only look for it. */

export const migrationPath = '/migration';
