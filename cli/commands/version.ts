/** `odradek version` */

import { Command } from 'commander';
import { packageVersion } from '../packageInfo.ts';

export function versionCommand(): Command {
  return new Command('version')
    .description('Prints the version of Odradek and of Node.js.')
    .option('--json', 'print one JSON document')
    .action((options: { readonly json?: boolean }) => {
      const version = packageVersion();
      const text = options.json
        ? JSON.stringify({ version, node: process.version })
        : `odradek ${version} (Node.js ${process.version})`;
      process.stdout.write(`${text}\n`);
    });
}
