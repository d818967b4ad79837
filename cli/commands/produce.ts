/** `odradek produce TOPIC`: one record a line, from stdin. */

import { Command } from 'commander';
import type { Compression, ProducerOptions } from '../../client/index.ts';
import { type ClientFlags, withClient, withClientFlags } from '../clientSession.ts';
import { oneOf, property, wholeNumber } from '../parse.ts';
import { fieldKey, type LineParser, separatedKey, valueOnly } from '../produce/lineRecord.ts';
import { produceLines } from '../produce/produceLines.ts';
import { producerProperties } from '../properties.ts';
import { UsageError } from '../usageError.ts';

interface ProduceFlags extends ClientFlags {
  readonly keySeparator?: string;
  readonly keyField?: string;
  readonly partition?: number;
  readonly acks?: 'all' | '1' | '0';
  readonly compression?: Compression;
  readonly property?: ReadonlyMap<string, string>;
}

const INT32_MAX = 2 ** 31 - 1;
const acksWords = ['all', '1', '0'] as const;
const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;

export function produceCommand(): Command {
  const partition = wholeNumber('--partition', { min: 0, max: INT32_MAX });
  return withClientFlags(new Command('produce'))
    .description(
      'Sends each line of stdin as a record. Exits with 1 if any record failed or if its fate is ' +
        'unknown. With --json prints a document per acknowledged record, as they are acknowledged.',
    )
    .argument('<topic>', 'name of the topic, which must exist')
    .option('--key-separator <text>', 'what stands before the first one in a line is the key')
    .option('--key-field <name>', 'lines are JSON objects, and this field is the key')
    .option('--partition <number>', 'send everything to this partition', partition)
    .option('--acks <who>', 'who must have a record: all, 1, 0', oneOf('--acks', acksWords), 'all')
    .option(
      '--compression <codec>',
      `one of ${codecs.join(', ')}`,
      oneOf('--compression', codecs),
      'none',
    )
    .option('--property <name=value>', 'producer option; may be repeated', property('--property'))
    .action(async (topic: string, flags: ProduceFlags) => {
      const parse = lineParser(flags);
      const options = producerOptions(flags);
      await withClient(flags, async (session) => {
        await produceLines(session, {
          topic,
          parse,
          options,
          partition: flags.partition,
          json: flags.json ?? false,
          quiet: flags.quiet ?? false,
        });
      });
    });
}

function lineParser({ keySeparator, keyField }: ProduceFlags): LineParser {
  if (keySeparator !== undefined && keyField !== undefined) {
    throw new UsageError('--key-separator and --key-field exclude each other');
  }
  if (keySeparator === '') throw new UsageError('--key-separator must not be empty');
  if (keySeparator !== undefined) return separatedKey(keySeparator);
  return keyField === undefined ? valueOnly : fieldKey(keyField);
}

function producerOptions(flags: ProduceFlags): ProducerOptions {
  const acks = flags.acks === '0' ? 0 : flags.acks === '1' ? 1 : 'all';
  const compression = flags.compression ?? 'none';
  return { acks, compression, ...producerProperties(flags.property) };
}
