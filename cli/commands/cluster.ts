/** `odradek cluster describe` */

import { Command } from 'commander';
import type { ClusterDescription } from '../../client/index.ts';
import { type ClientFlags, withClient, withClientFlags } from '../clientSession.ts';
import { formatTable } from '../table.ts';

export function clusterCommand(): Command {
  return new Command('cluster')
    .helpCommand(false)
    .description('Looks at the cluster.')
    .addCommand(describeCommand());
}

function describeCommand(): Command {
  return withClientFlags(new Command('describe'))
    .description('Tells which brokers live, which one is the controller, and what they hold.')
    .action(async (flags: ClientFlags) => {
      await withClient(flags, async ({ odradek, output }) => {
        const cluster = await odradek.admin().describeCluster();
        if (flags.json) output.json(cluster);
        else for (const line of describeForPeople(cluster)) output.line(line);
      });
    });
}

function describeForPeople(cluster: ClusterDescription): readonly string[] {
  const { clusterId, controllerId, controllerEpoch, coordinatorState } = cluster;
  const rows = cluster.brokers.map((broker) => [
    broker.id,
    `${broker.host}:${broker.port}`,
    broker.rack ?? '-',
    broker.leaderCount,
    broker.replicaCount,
  ]);
  return [
    `cluster ${clusterId}, ${cluster.topicCount} topics, ${cluster.partitionCount} partitions`,
    `controller: broker ${controllerId}, epoch ${controllerEpoch}; session ${coordinatorState}`,
    ...formatTable(['BROKER', 'ADDRESS', 'RACK', 'LEADS', 'HOLDS'], rows),
  ];
}
