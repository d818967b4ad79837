/**
 * Ends a process that runs on too old a Node.js, before any file is loaded that such a Node.js could
 * not even parse. Launchers import this file first.
 */

import { readFileSync } from 'node:fs';

const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const required = engines.node.replace('>=', '');

if (!atLeast(process.version.slice(1), required)) {
  process.stderr.write(
    `Odradek needs Node.js ${required} or newer; this is ${process.version} (${process.execPath})\n`,
  );
  process.exit(1);
}

/** @param {string} version @param {string} minimum dotted numbers */
function atLeast(version, minimum) {
  const have = version.split('.').map((part) => Number.parseInt(part, 10));
  const want = minimum.split('.').map((part) => Number.parseInt(part, 10));
  for (let i = 0; i < want.length; i++) {
    const difference = (have[i] || 0) - want[i];
    if (difference !== 0) return difference > 0;
  }
  return true;
}
