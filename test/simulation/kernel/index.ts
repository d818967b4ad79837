/** The simulated environment: see README.md one folder up. */

export * from './coordinator/index.ts';
export type { EventOwner } from './eventQueue.ts';
export * from './fileSystem/index.ts';
export * from './network/index.ts';
export * from './scheduler.ts';
export * from './simClock.ts';
export * from './simHost.ts';
export * from './simNode.ts';
export * from './simOffload.ts';
export * from './simProcess.ts';
export * from './simRandom.ts';
export * from './simTimers.ts';
export * from './simulation.ts';
export * from './traceHash.ts';
