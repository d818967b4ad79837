/** The world as it is: what `broker/`, `client/` and `cli/` are given outside of simulation. */

export * from './clock.ts';
export * from './fileSystem.ts';
export * from './host.ts';
export * from './offload.ts';
export * from './random.ts';
export * from './timers.ts';
