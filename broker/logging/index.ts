export * from './winstonLogger.ts';
