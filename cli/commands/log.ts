/** `odradek log dump|verify`: reads log directories offline. */

import { Command } from 'commander';

export function logCommand(): Command {
  return new Command('log')
    .helpCommand(false)
    .description('Reads the files of a broker that is not running.');
}
