/**
 * `npm run bench|demo|flights|fuzz|check-history|faults|simulate`: prepares the checkout, then runs one
 * program. Those of `bench/` are compiled with the product; those of `test/` run from their sources.
 */

import './node.mjs';

const compiledPrograms = {
  bench: '../dist/bench/main.js',
  demo: '../dist/bench/demo.js',
  flights: '../dist/bench/flights.js',
  fuzz: '../dist/bench/fuzz.js',
};

const sourcePrograms = {
  'check-history': '../test/checker/main.ts',
  faults: '../test/faults/main.ts',
  simulate: '../test/simulation/simulate/main.ts',
};

/** Those that run the product as processes, over a real ZooKeeper. */
const clusterPrograms = ['faults'];

const [name, ...args] = process.argv.slice(2);
const compiled = compiledPrograms[name];
const source = sourcePrograms[name];
if (compiled === undefined && source === undefined) {
  const names = Object.keys({ ...compiledPrograms, ...sourcePrograms }).join('|');
  process.stderr.write(`usage: node scripts/run.mjs ${names} [ARGS]\n`);
  process.exit(2);
}
const { prepare, prepareDependencies } = await import('./prepare.mjs');
if (compiled !== undefined) {
  prepare();
} else {
  if (clusterPrograms.includes(name)) {
    prepare();
    const { ensureDebianPackages } = await import('./packages.mjs');
    ensureDebianPackages();
  } else prepareDependencies();
  const { register } = await import('tsx/esm/api');
  register();
}
const { main } = await import(compiled ?? source);
await main(args);
