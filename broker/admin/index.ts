export * from './adminServer.ts';
export type * from './backend.ts';
export { cleanerFamilies } from './cleanerFamilies.ts';
export type * from './metricFamily.ts';
export { probeFamilies } from './probeFamilies.ts';
