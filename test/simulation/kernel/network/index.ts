export type { LatencyOptions } from './links.ts';
export * from './simNetwork.ts';
