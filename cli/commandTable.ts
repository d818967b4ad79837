/** All commands. Each is loaded only when it is called, so that every one starts quickly. */

import type { Command } from 'commander';

export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

export const commandTable: readonly CommandEntry[] = [
  {
    name: 'start',
    summary: 'run a whole cluster on this machine, in the foreground',
    load: async () => (await import('./commands/start.ts')).startCommand(),
  },
  {
    name: 'broker',
    summary: 'run one broker',
    load: async () => (await import('./commands/broker.ts')).brokerCommand(),
  },
  {
    name: 'coordinator',
    summary: 'run the embedded coordinator: a single ZooKeeper for one machine',
    load: async () => (await import('./commands/coordinator.ts')).coordinatorCommand(),
  },
  {
    name: 'topic',
    summary: 'create, list, describe, alter and delete topics',
    load: async () => (await import('./commands/topic.ts')).topicCommand(),
  },
  {
    name: 'produce',
    summary: 'send records: one a line, from stdin',
    load: async () => (await import('./commands/produce.ts')).produceCommand(),
  },
  {
    name: 'consume',
    summary: 'read records: one a line, to stdout',
    load: async () => (await import('./commands/consume.ts')).consumeCommand(),
  },
  {
    name: 'cluster',
    summary: 'describe the cluster, tell whether it is healthy',
    load: async () => (await import('./commands/cluster.ts')).clusterCommand(),
  },
  {
    name: 'reassign',
    summary: 'move a partition to other brokers',
    load: async () => (await import('./commands/reassign.ts')).reassignCommand(),
  },
  {
    name: 'leader',
    summary: 'elect leaders',
    load: async () => (await import('./commands/leader.ts')).leaderCommand(),
  },
  {
    name: 'log',
    summary: 'look into a log directory of a broker that is not running',
    load: async () => (await import('./commands/log.ts')).logCommand(),
  },
  {
    name: 'version',
    summary: 'print the version',
    load: async () => (await import('./commands/version.ts')).versionCommand(),
  },
];
