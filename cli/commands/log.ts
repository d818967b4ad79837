/** `odradek log dump|verify`: reads the files of a broker that is not running. */

import { Command } from 'commander';
import type { DumpEntry, VerifyEntry } from '../../broker/log/index.ts';
import { OdradekError } from '../../common/index.ts';
import { formatDumpEntry, formatVerifyEntry } from '../log/entryFormat.ts';
import { Output } from '../output.ts';

interface LogFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

interface DumpFlags extends LogFlags {
  readonly records?: boolean;
}

export function logCommand(): Command {
  return new Command('log')
    .helpCommand(false)
    .description('Reads the files of a broker that is not running.')
    .addCommand(dumpCommand())
    .addCommand(verifyCommand());
}

function dumpCommand(): Command {
  return new Command('dump')
    .description('Prints what log and index files hold, entry by entry.')
    .argument('<path>', 'a .log, .index or .timeindex file, or the directory of a partition')
    .option('--records', 'also the records within the batches')
    .option('--json', 'print JSON, one document a line; keys and values in base64')
    .action((path: string, flags: DumpFlags) => runDump(path, flags));
}

function verifyCommand(): Command {
  return new Command('verify')
    .description(
      'Reads every byte: checksums, order of offsets and epochs, indexes against batches. ' +
        'Exits with 0 where all is sound, with 1 where not, naming file and position.',
    )
    .argument('<directory>', 'one of log.dirs, or the directory of a partition')
    .option('--json', 'print JSON, one document a line')
    .option('--quiet', 'print faults alone')
    .action((directory: string, flags: LogFlags) => runVerify(directory, flags));
}

async function runDump(path: string, flags: DumpFlags): Promise<void> {
  const [{ dumpLog }, fileSystem] = await load();
  const output = new Output();
  const entries = dumpLog(fileSystem, path, { records: flags.records ?? false });
  const faults = await printEntries<DumpEntry>(output, entries, (entry) =>
    flags.json ? JSON.stringify(entry, bytesAsBase64) : formatDumpEntry(entry),
  );
  if (faults > 0) throw damaged(path, faults);
}

async function runVerify(directory: string, flags: LogFlags): Promise<void> {
  const [{ verifyLog }, fileSystem] = await load();
  const output = new Output();
  const entries = verifyLog(fileSystem, directory);
  const faults = await printEntries<VerifyEntry>(output, entries, (entry) => {
    if (flags.quiet && entry.type !== 'fault') return undefined;
    return flags.json ? JSON.stringify(entry) : formatVerifyEntry(entry);
  });
  if (faults > 0) throw damaged(directory, faults);
}

async function load() {
  const [log, { NodeFileSystem }] = await Promise.all([
    import('../../broker/log/index.ts'),
    import('../../common/environment/production/index.ts'),
  ]);
  return [log, new NodeFileSystem()] as const;
}

/** @returns how many of the entries are faults. */
async function printEntries<Entry extends { readonly type: string }>(
  output: Output,
  entries: AsyncIterable<Entry>,
  format: (entry: Entry) => string | undefined,
): Promise<number> {
  let faults = 0;
  for await (const entry of entries) {
    if (output.closed.aborted) break;
    if (entry.type === 'fault') faults++;
    const text = format(entry);
    if (text !== undefined) output.line(text);
    await output.drained();
  }
  output.flush();
  return faults;
}

function damaged(path: string, faults: number): OdradekError {
  const count = faults === 1 ? 'one fault' : `${faults} faults`;
  return new OdradekError('LOG_DAMAGED', `"${path}" is damaged: ${count}, printed above`);
}

/** JSON knows no bytes; a Buffer has become `{type,data}` by the time this sees it. */
function bytesAsBase64(this: unknown, key: string, value: unknown): unknown {
  const original = (this as Readonly<Record<string, unknown>>)[key];
  if (!(original instanceof Uint8Array)) return value;
  return Buffer.from(original.buffer, original.byteOffset, original.byteLength).toString('base64');
}
