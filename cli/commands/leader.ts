/** `odradek leader elect` */

import { Command } from 'commander';
import type { Admin, PartitionName, PartitionResult } from '../../client/index.ts';
import { type ClientFlags, withClient, withClientFlags } from '../clientSession.ts';
import { wholeNumber } from '../parse.ts';
import { UsageError } from '../usageError.ts';

interface ElectFlags extends ClientFlags {
  readonly preferred?: boolean;
  readonly unclean?: boolean;
  readonly topic?: string;
  readonly partition?: number;
}

const INT32_MAX = 2 ** 31 - 1;

export function leaderCommand(): Command {
  return new Command('leader')
    .helpCommand(false)
    .description('Decides who leads partitions.')
    .addCommand(electCommand());
}

function electCommand(): Command {
  return withClientFlags(new Command('elect'))
    .description('Elects leaders, of all partitions or of those of one topic.')
    .option('--preferred', 'give partitions back to the first of their replicas')
    .option(
      '--unclean',
      'let a replica that is not in sync lead a partition without leader: LOSES the records it lacks',
    )
    .option('--topic <topic>', 'only partitions of this topic')
    .option(
      '--partition <number>',
      'only this partition of the topic',
      wholeNumber('--partition', { min: 0, max: INT32_MAX }),
    )
    .action(async (flags: ElectFlags) => {
      if (Boolean(flags.preferred) === Boolean(flags.unclean)) {
        throw new UsageError('leader elect needs either --preferred or --unclean');
      }
      if (flags.partition !== undefined && flags.topic === undefined) {
        throw new UsageError('--partition needs --topic');
      }
      await withClient(flags, async ({ odradek, output }) => {
        const admin = odradek.admin();
        const partitions = await partitionsOf(admin, flags);
        const results = await admin.electLeaders({
          election: flags.unclean ? 'unclean' : 'preferred',
          ...(partitions === undefined ? {} : { partitions }),
        });
        for (const result of results) {
          if (flags.json) output.json(toJson(result));
          else output.line(forPeople(result));
        }
        if (results.length === 0) output.note('no partition needed another leader');
        if (results.some(({ error }) => !isNotNeeded(error) && error)) process.exitCode = 1;
      });
    });
}

/** @returns undefined for all of the cluster. */
async function partitionsOf(
  admin: Admin,
  { topic, partition }: ElectFlags,
): Promise<readonly PartitionName[] | undefined> {
  if (topic === undefined) return undefined;
  if (partition !== undefined) return [{ topic, partition }];
  const { partitions } = await admin.describeTopic(topic);
  return partitions.map((described) => ({ topic, partition: described.partition }));
}

function isNotNeeded(error: PartitionResult['error']): boolean {
  return error?.code === 'ELECTION_NOT_NEEDED';
}

function toJson({ topic, partition, error }: PartitionResult): Record<string, unknown> {
  const elected = error === undefined;
  if (elected || isNotNeeded(error)) return { topic, partition, elected };
  const { code, message, retriable } = error;
  return { topic, partition, elected, error: { code, message, retriable } };
}

function forPeople({ topic, partition, error }: PartitionResult): string {
  const what = `partition ${partition} of topic "${topic}"`;
  if (error === undefined) return `${what}: elected`;
  return isNotNeeded(error) ? `${what}: leader stays` : `${what}: ${error.message}`;
}
