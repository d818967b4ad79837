/** Parts of the command line that demo and benchmark use too. */

export { binPath, packageRoot, packageVersion } from './packageInfo.ts';
export { brokerAddresses } from './parse.ts';
export { Progress } from './progress.ts';
export { ChildProcess } from './start/childProcess.ts';
export { ClusterDirectory } from './start/clusterDirectory.ts';
export { type RunningBroker, type RunningCluster, Starter } from './start/starter.ts';
export type { BrokerReady } from './start/supervision.ts';
export { listenForStop } from './stopSignals.ts';
