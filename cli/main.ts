/**
 * The command line `odradek`: finds the subcommand, loads its file alone, runs it, and turns what
 * went wrong into a line on stderr and an exit code: 0, 1 failed, 2 called wrongly.
 */

import { Command, CommanderError } from 'commander';
import { commandTable } from './commandTable.ts';
import { exitCodeOf, reportFailure } from './failure.ts';
import { packageVersion } from './packageInfo.ts';
import { UsageError } from './usageError.ts';

/**
 * Runs one command. Sets `process.exitCode`; never throws.
 *
 * @param args what follows `odradek` on the command line.
 */
export async function main(args: readonly string[]): Promise<void> {
  const json = args.includes('--json');
  let complaint = '';
  try {
    const program = await createProgram(args.find((arg) => !arg.startsWith('-')));
    takeOver(program, (text) => {
      complaint += text;
    });
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return;
      if (json) reportFailure(new UsageError(firstLine(complaint)), { json });
      else process.stderr.write(complaint);
      process.exitCode = 2;
      return;
    }
    reportFailure(error, { json });
    process.exitCode = exitCodeOf(error);
  }
}

/**
 * The program with one command loaded, the others by name only; with all of them for 'all', from
 * which docs/cli.md is made.
 */
export async function createProgram(wanted: string | undefined): Promise<Command> {
  const program = new Command('odradek')
    .description('An event streaming platform: brokers, topics, and the way in and out')
    .helpCommand(false)
    .version(packageVersion(), '--version', 'print the version')
    .showHelpAfterError('(odradek --help tells more)');
  for (const { name, summary, load } of commandTable) {
    if (wanted === name || wanted === 'all') program.addCommand((await load()).summary(summary));
    else program.command(name).description(summary);
  }
  return program;
}

/** Commander would end the process by itself, with 1 where the command line is wrong. */
function takeOver(command: Command, complain: (text: string) => void): void {
  command.exitOverride().configureOutput({ writeErr: complain });
  for (const child of command.commands) takeOver(child, complain);
}

function firstLine(text: string): string {
  return (text.split('\n')[0] ?? '').replace(/^error: /, '');
}
