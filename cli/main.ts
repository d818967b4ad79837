/** The command line `odradek`: finds the subcommand and runs it. */

import { Command } from 'commander';

/** @param args what follows `odradek` on the command line. */
export async function main(args: readonly string[]): Promise<void> {
  const program = new Command('odradek');
  program.command('version').action(() => {
    process.stdout.write('odradek\n');
  });
  await program.parseAsync([...args], { from: 'user' });
}
