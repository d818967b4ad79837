export * from './simCoordinator.ts';
