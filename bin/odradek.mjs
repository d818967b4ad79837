#!/usr/bin/env node
/**
 * The command `odradek`. Runs what was built; in a fresh checkout it builds first. A changed source
 * is built by `npm start`, `npm test` and `npm run build`, not by this: commands start quickly.
 */

import { existsSync } from 'node:fs';

if (!existsSync(new URL('../dist/cli/main.js', import.meta.url))) {
  if (!existsSync(new URL('../tsconfig.build.json', import.meta.url))) {
    process.stderr.write('This installation of odradek lacks its dist/ folder: install it anew\n');
    process.exit(1);
  }
  await import('../scripts/node.mjs');
  const { prepare } = await import('../scripts/prepare.mjs');
  prepare();
}
const { main } = await import('../dist/cli/main.js');
await main(process.argv.slice(2));
