/** `odradek consume TOPIC`: one record a line, to stdout. */

import { Command } from 'commander';
import type { Consumer, StartPosition } from '../../client/index.ts';
import {
  type ClientFlags,
  type ClientSession,
  withClient,
  withClientFlags,
} from '../clientSession.ts';
import { formatValue, jsonFormat, type RecordFormat } from '../consume/recordFormat.ts';
import { parseStartPosition } from '../consume/startPosition.ts';
import { property, wholeNumber } from '../parse.ts';
import { Progress } from '../progress.ts';
import { consumerProperties } from '../properties.ts';
import { listenForStop } from '../stopSignals.ts';
import { UsageError } from '../usageError.ts';

interface ConsumeFlags extends ClientFlags {
  readonly partition?: number;
  readonly offset?: StartPosition;
  readonly fromBeginning?: boolean;
  readonly count?: number;
  readonly exit?: boolean;
  readonly base64?: boolean;
  readonly property?: ReadonlyMap<string, string>;
}

const INT32_MAX = 2 ** 31 - 1;

export function consumeCommand(): Command {
  const partition = wholeNumber('--partition', { min: 0, max: INT32_MAX });
  return withClientFlags(new Command('consume'))
    .description(
      'Prints records: the value alone, or with --json ' +
        '{"topic","partition","offset","timestamp","key","value","headers"}. ' +
        'Without a start position it waits at the end for new records.',
    )
    .argument('<topic>', 'name of the topic')
    .option('--partition <number>', 'read this partition alone', partition)
    .option(
      '--offset <position>',
      'where to begin: beginning, end, an offset, @milliseconds since 1970 or @ISO-date',
      parseStartPosition,
    )
    .option('--from-beginning', 'the same as --offset beginning')
    .option('--count <records>', 'end after so many records', wholeNumber('--count', { min: 1 }))
    .option('--exit', 'end where the topic ended when the command began')
    .option('--base64', 'with --json: key, value and headers in base64 instead of UTF-8')
    .option('--property <name=value>', 'consumer option; may be repeated', property('--property'))
    .action(async (topic: string, flags: ConsumeFlags) => {
      const from = startPosition(flags);
      const format = recordFormat(flags);
      const options = consumerProperties(flags.property);
      await withClient(flags, async (session) => {
        const consumer = session.odradek.consumer({
          ...options,
          topic,
          from: from ?? 'end',
          stopAtEnd: flags.exit ?? false,
          ...(flags.partition === undefined ? {} : { partitions: [flags.partition] }),
        });
        await consumer.ready();
        if (from === undefined && !flags.exit) {
          session.output.note(
            `waiting at the end of "${topic}" for new records; --from-beginning reads what it holds`,
          );
        }
        await printRecords(consumer, session, { ...flags, format });
      });
    });
}

function startPosition({ offset, fromBeginning }: ConsumeFlags): StartPosition | undefined {
  if (offset !== undefined && fromBeginning) {
    throw new UsageError('--offset and --from-beginning exclude each other');
  }
  return fromBeginning ? 'beginning' : offset;
}

/** Ends at the end, after `--count` records, on a signal, or when nobody reads any more. */
async function printRecords(
  consumer: Consumer,
  { output }: ClientSession,
  flags: ConsumeFlags & { readonly format: RecordFormat },
): Promise<void> {
  const { format } = flags;
  const enabled = !flags.quiet && process.stdout.isTTY !== true;
  const progress = new Progress('consuming', { enabled });
  const close = (): void => void consumer.close();
  const stopListening = listenForStop({ onStop: close, onAbort: () => process.exit(1) });
  output.closed.addEventListener('abort', close);
  const countMax = flags.count ?? Number.POSITIVE_INFINITY;
  let count = 0;
  try {
    for await (const batch of consumer.batches()) {
      for (const record of batch) {
        output.write(format(record));
        if (++count >= countMax) return;
      }
      progress.update({ done: count });
      await output.drained();
      if (output.closed.aborted) return;
    }
  } catch (error) {
    if (!output.closed.aborted) throw error;
  } finally {
    progress.end();
    stopListening();
    await consumer.close();
    await output.drained();
  }
}

function recordFormat({ json, base64 }: ConsumeFlags): RecordFormat {
  if (json) return jsonFormat(base64 ? 'base64' : 'utf8');
  if (base64) throw new UsageError('--base64 goes with --json');
  return formatValue;
}
