export * from './clusterImage.ts';
