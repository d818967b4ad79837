/** `odradek cluster describe|health` */

import { Command } from 'commander';
import type { ClusterDescription, ClusterHealth, PartitionName } from '../../client/index.ts';
import { CannotTellError } from '../cannotTellError.ts';
import { type ClientFlags, withClient, withClientFlags } from '../clientSession.ts';
import { formatTable } from '../table.ts';

/** Partitions that a line of `cluster health` names. */
const NAMED_MAX = 20;

export function clusterCommand(): Command {
  return new Command('cluster')
    .helpCommand(false)
    .description('Looks at the cluster.')
    .addCommand(describeCommand())
    .addCommand(healthCommand());
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

function healthCommand(): Command {
  return withClientFlags(new Command('health'))
    .description(
      'Counts partitions that are under-replicated, offline or without leader, and asks every broker ' +
        'whether it answers. Exit code: 0 healthy, 1 not healthy, 3 cannot tell.',
    )
    .action(async (flags: ClientFlags) => {
      try {
        await withClient(flags, async ({ odradek, output }) => {
          const health = await odradek.admin().describeHealth();
          if (health.coordinatorState !== 'proven') {
            throw new CannotTellError(
              'COORDINATOR_UNAVAILABLE',
              `the asked broker's session is ${health.coordinatorState}: what it knows may be old`,
            );
          }
          if (flags.json) output.json(toJson(health));
          else for (const line of healthForPeople(health)) output.line(line);
          for (const { id, host, port, reason } of health.unreachable) {
            output.note(
              `broker ${id} at ${host}:${port} is registered, but does not answer: ${reason}`,
            );
          }
          if (!health.healthy) process.exitCode = 1;
        });
      } catch (error) {
        throw CannotTellError.from(error);
      }
    });
}

function toJson({ healthy, underReplicated, offline, leaderless }: ClusterHealth) {
  return {
    healthy,
    underReplicated: underReplicated.length,
    offline: offline.length,
    leaderless: leaderless.length,
  };
}

function healthForPeople(health: ClusterHealth): readonly string[] {
  const { healthy, underReplicated, offline, leaderless } = health;
  const line = (what: string, partitions: readonly PartitionName[]): readonly string[] =>
    partitions.length === 0 ? [] : [`${what}: ${partitions.length} (${named(partitions)})`];
  return [
    healthy ? 'healthy' : 'not healthy',
    ...line('under-replicated', underReplicated),
    ...line('offline', offline),
    ...line('without leader', leaderless),
  ];
}

function named(partitions: readonly PartitionName[]): string {
  const names = partitions
    .slice(0, NAMED_MAX)
    .map(({ topic, partition }) => `${topic}-${partition}`);
  return partitions.length > NAMED_MAX ? `${names.join(', ')}, ...` : names.join(', ');
}
