/** `odradek topic create|list|describe|alter|delete` */

import { Command } from 'commander';
import type { PartitionDescription, TopicDescription } from '../../client/index.ts';
import { type ClientFlags, withClient, withClientFlags } from '../clientSession.ts';
import { property, wholeNumber } from '../parse.ts';
import { formatTable } from '../table.ts';
import { UsageError } from '../usageError.ts';

const INT32_MAX = 2 ** 31 - 1;

export function topicCommand(): Command {
  return new Command('topic')
    .helpCommand(false)
    .description('Administers topics.')
    .addCommand(createCommand())
    .addCommand(listCommand())
    .addCommand(describeCommand())
    .addCommand(alterCommand())
    .addCommand(deleteCommand());
}

interface ConfigFlags {
  readonly config?: ReadonlyMap<string, string>;
  readonly property?: ReadonlyMap<string, string>;
}

interface CreateFlags extends ClientFlags, ConfigFlags {
  readonly partitions?: number;
  readonly replicationFactor?: number;
}

function createCommand(): Command {
  const partitions = wholeNumber('--partitions', { min: 1, max: INT32_MAX });
  const replicas = wholeNumber('--replication-factor', { min: 1, max: 32_767 });
  return withClientFlags(new Command('create'))
    .description('Creates a topic; it can be used when the command ends.')
    .argument('<topic>', 'name: 1 to 249 of a-z, A-Z, 0-9, dot, underscore, hyphen')
    .option(
      '--partitions <count>',
      'number of partitions (default: the cluster decides)',
      partitions,
    )
    .option('--replication-factor <count>', 'replicas (default: the cluster decides)', replicas)
    .option(
      '--config <name=value>',
      'topic configuration, such as min.insync.replicas=2; may be repeated',
      property('--config'),
    )
    .option('--property <name=value>', 'the same as --config', property('--property'))
    .action(async (topic: string, flags: CreateFlags) => {
      await withClient(flags, async ({ odradek, output }) => {
        const created = await odradek.admin().createTopic({
          topic,
          ...(flags.partitions === undefined ? {} : { partitions: flags.partitions }),
          ...(flags.replicationFactor === undefined
            ? {}
            : { replicationFactor: flags.replicationFactor }),
          configs: configsOf(flags),
        });
        if (flags.json) output.json(created);
        else output.line(`created topic "${topic}" with ${countPartitions(created.partitions)}`);
      });
    });
}

function configsOf({ config, property: properties }: ConfigFlags): Record<string, string> {
  return Object.fromEntries([...(properties ?? []), ...(config ?? [])]);
}

function listCommand(): Command {
  return withClientFlags(new Command('list'))
    .description('Lists all topics.')
    .action(async (flags: ClientFlags) => {
      await withClient(flags, async ({ odradek, output }) => {
        const topics = await odradek.admin().listTopics();
        if (flags.json) {
          for (const { topic, topicId, partitions, replicationFactor, internal } of topics) {
            output.json({ topic, topicId, partitions, replicationFactor, internal });
          }
          return;
        }
        const rows = topics.map((it) => [
          it.topic,
          it.partitions,
          it.replicationFactor,
          it.topicId,
        ]);
        const headings = ['TOPIC', 'PARTITIONS', 'REPLICAS', 'ID'];
        for (const line of formatTable(headings, rows)) output.line(line);
      });
    });
}

function describeCommand(): Command {
  return withClientFlags(new Command('describe'))
    .description('Tells where the partitions of a topic are and what they hold.')
    .argument('<topic>', 'name of the topic')
    .action(async (topic: string, flags: ClientFlags) => {
      await withClient(flags, async ({ odradek, output }) => {
        const described = await odradek.admin().describeTopic(topic);
        if (flags.json) {
          for (const partition of described.partitions) output.json(toJson(topic, partition));
          return;
        }
        for (const line of describeForPeople(described)) output.line(line);
        const configs = await odradek.admin().describeConfigs({ topic });
        for (const { name, value, source } of configs) {
          if (source === 'topic') output.line(`${name}=${value ?? '(withheld)'}`);
        }
      });
    });
}

function toJson(topic: string, described: PartitionDescription): Record<string, unknown> {
  const { partition, leader, leaderEpoch, replicas, isr } = described;
  const { logStartOffset, highWatermark, logEndOffset, replicaStates } = described;
  return {
    topic,
    partition,
    leader,
    leaderEpoch,
    replicas,
    isr,
    logStartOffset,
    highWatermark,
    logEndOffset,
    lags: replicaStates.map(({ broker, lag, lagMs }) => ({ broker, lag, lagMs })),
  };
}

function describeForPeople({ topic, topicId, partitions }: TopicDescription): readonly string[] {
  const rows = partitions.map((it) => [
    it.partition,
    it.leader,
    it.leaderEpoch,
    it.replicas.join(','),
    it.isr.join(','),
    it.logStartOffset,
    it.highWatermark,
    lagsForPeople(it),
    it.sizeBytes,
  ]);
  const headings = ['PARTITION', 'LEADER', 'EPOCH', 'REPLICAS', 'ISR', 'START', 'END', 'LAG'];
  return [
    `topic "${topic}", id ${topicId}, ${countPartitions(partitions.length)}`,
    ...formatTable([...headings, 'BYTES'], rows),
  ];
}

/** Of each follower `broker:offsets`; a question mark where the leader knows nothing of it. */
function lagsForPeople({ leader, replicaStates }: PartitionDescription): string {
  const followers = replicaStates.filter(({ broker }) => broker !== leader);
  if (followers.length === 0) return '-';
  return followers.map(({ broker, lag }) => `${broker}:${lag < 0 ? '?' : lag}`).join(',');
}

interface AlterFlags extends ClientFlags, ConfigFlags {
  readonly partitions?: number;
  readonly reset?: readonly string[];
}

function alterCommand(): Command {
  const partitions = wholeNumber('--partitions', { min: 2, max: INT32_MAX });
  return withClientFlags(new Command('alter'))
    .description(
      'Adds partitions to a topic, or sets configuration values; what is not named stays as it is.',
    )
    .argument('<topic>', 'name of the topic')
    .option(
      '--partitions <count>',
      'number of partitions afterwards, more than now: keys may then go elsewhere',
      partitions,
    )
    .option('--config <name=value>', 'value to set; may be repeated', property('--config'))
    .option('--property <name=value>', 'the same as --config', property('--property'))
    .option('--reset <name...>', 'values that go back to the default')
    .action(async (topic: string, flags: AlterFlags) => {
      const changes: Record<string, string | null> = configsOf(flags);
      for (const name of flags.reset ?? []) changes[name] = null;
      const altersConfig = Object.keys(changes).length > 0;
      if (!altersConfig && flags.partitions === undefined) {
        throw new UsageError(
          'topic alter needs --config name=value, --reset name or --partitions count',
        );
      }
      await withClient(flags, async ({ odradek, output }) => {
        const admin = odradek.admin();
        if (altersConfig) await admin.alterConfigs(topic, changes);
        if (flags.partitions !== undefined) {
          await admin.createPartitions({ topic, partitions: flags.partitions });
        }
        const altered = {
          ...(altersConfig ? { changes } : {}),
          ...(flags.partitions === undefined ? {} : { partitions: flags.partitions }),
        };
        if (flags.json) output.json({ topic, ...altered });
        else output.line(`altered topic "${topic}"`);
      });
    });
}

function deleteCommand(): Command {
  return withClientFlags(new Command('delete'))
    .description('Deletes a topic with all its records.')
    .argument('<topic>', 'name of the topic')
    .action(async (topic: string, flags: ClientFlags) => {
      await withClient(flags, async ({ odradek, output }) => {
        await odradek.admin().deleteTopic(topic);
        if (flags.json) output.json({ topic, deleted: true });
        else output.line(`deleted topic "${topic}"`);
      });
    });
}

function countPartitions(count: number): string {
  return count === 1 ? '1 partition' : `${count} partitions`;
}
