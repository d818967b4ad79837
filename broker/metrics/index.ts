export * from './brokerProbe.ts';
