/** `odradek reassign`: which brokers hold a partition. */

import { Command } from 'commander';
import type { Admin, Reassignment } from '../../client/index.ts';
import { type ClientFlags, withClient, withClientFlags } from '../clientSession.ts';
import type { Output } from '../output.ts';
import { brokerIds, wholeNumber } from '../parse.ts';
import { formatTable } from '../table.ts';
import { UsageError } from '../usageError.ts';

interface ReassignFlags extends ClientFlags {
  readonly topic?: string;
  readonly partition?: number;
  readonly replicas?: readonly number[];
  readonly list?: boolean;
  readonly cancel?: boolean;
  readonly throttle?: number;
}

const INT32_MAX = 2 ** 31 - 1;

export function reassignCommand(): Command {
  return withClientFlags(new Command('reassign'))
    .description(
      'Moves a partition to other brokers, cancels a move, or lists those under way. ' +
        'A move goes on after the command has ended.',
    )
    .option('--topic <topic>', 'topic of the partition; with --list: only its moves')
    .option(
      '--partition <number>',
      'the partition',
      wholeNumber('--partition', { min: 0, max: INT32_MAX }),
    )
    .option(
      '--replicas <id,...>',
      'brokers that are to hold it, preferred leader first',
      brokerIds('--replicas'),
    )
    .option(
      '--throttle <bytes>',
      'bytes per second that a broker sends or takes in at most for its throttled moves; it ends with ' +
        'the move. To change it, give the same --replicas again',
      wholeNumber('--throttle', { min: 1, max: Number.MAX_SAFE_INTEGER }),
    )
    .option('--list', 'list the moves under way')
    .option('--cancel', 'cancel the move of the partition')
    .action(async (flags: ReassignFlags) => {
      checkFlags(flags);
      await withClient(flags, async ({ odradek, output }) => {
        const admin = odradek.admin();
        if (flags.list) await list(admin, flags, output);
        else await move(admin, flags, output);
      });
    });
}

function checkFlags(flags: ReassignFlags): void {
  const { topic, partition, replicas, list: listing, cancel, throttle } = flags;
  const ways = [listing, cancel, replicas !== undefined].filter(Boolean).length;
  if (ways !== 1) throw new UsageError('reassign needs one of --replicas, --cancel and --list');
  if (listing && partition !== undefined) throw new UsageError('--list takes no --partition');
  if (throttle !== undefined && replicas === undefined) {
    throw new UsageError('--throttle needs --replicas');
  }
  if (!listing && (topic === undefined || partition === undefined)) {
    throw new UsageError('reassign needs --topic and --partition');
  }
}

async function list(admin: Admin, flags: ReassignFlags, output: Output): Promise<void> {
  const moves = await admin.listReassignments(
    flags.topic === undefined ? {} : { topics: [flags.topic] },
  );
  if (flags.json) {
    for (const move of moves) output.json(toJson(move));
    return;
  }
  if (moves.length === 0) {
    output.note('no partition is being moved');
    return;
  }
  const rows = moves.map((it) => [
    it.topic,
    it.partition,
    it.replicas.join(','),
    it.addingReplicas.join(',') || '-',
    it.removingReplicas.join(',') || '-',
    it.throttle || '-',
  ]);
  const headings = ['TOPIC', 'PARTITION', 'REPLICAS', 'ADDING', 'REMOVING', 'THROTTLE'];
  for (const line of formatTable(headings, rows)) output.line(line);
}

function toJson(move: Reassignment) {
  const { topic, partition, replicas, addingReplicas, removingReplicas, throttle } = move;
  return { topic, partition, replicas, addingReplicas, removingReplicas, throttle };
}

async function move(admin: Admin, flags: ReassignFlags, output: Output): Promise<void> {
  const { topic = '', partition = 0, replicas = null, throttle } = flags;
  const results = await admin.alterReassignments([
    { topic, partition, replicas, ...(throttle === undefined ? {} : { throttle }) },
  ]);
  for (const { error } of results) if (error !== undefined) throw error;
  if (flags.json) {
    if (replicas === null) output.json({ topic, partition, cancelled: true });
    else output.json({ topic, partition, replicas, throttle: throttle ?? 0 });
    return;
  }
  const what = `partition ${partition} of topic "${topic}"`;
  if (replicas === null) output.line(`cancelled the move of ${what}`);
  else output.line(`moving ${what} to ${replicas.join(',')}; --list tells how far`);
}
