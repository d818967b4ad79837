/** `npm run check`: types, format, lint. Runs all of them, then exits 1 where one has failed. */

import './node.mjs';
import { spawnSync } from 'node:child_process';

const { prepareDependencies, root } = await import('./prepare.mjs');
prepareDependencies();

const checks = [
  { name: 'types', command: ['node_modules/.bin/tsc', '-p', 'tsconfig.json'] },
  {
    name: 'format and lint',
    command: ['node_modules/.bin/biome', 'check', '--assist-enabled=false'],
  },
  { name: 'lint with types', command: ['node_modules/.bin/oxlint', '--type-aware'] },
];

let failed = 0;
for (const { name, command } of checks) {
  const [program, ...args] = command;
  const { status } = spawnSync(program, args, { cwd: root, stdio: ['ignore', 1, 2] });
  if (status !== 0) failed++;
  process.stdout.write(`${name}: ${status === 0 ? 'ok' : 'FAILED'}\n`);
}
process.exitCode = failed === 0 ? 0 : 1;
