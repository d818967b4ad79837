/** `npm run bench|demo|flights|fuzz`: prepares the checkout, then runs one program of `bench/`. */

import './node.mjs';

const programs = {
  bench: '../dist/bench/main.js',
  demo: '../dist/bench/demo.js',
  flights: '../dist/bench/flights.js',
  fuzz: '../dist/bench/fuzz.js',
};

const [name, ...args] = process.argv.slice(2);
const program = programs[name];
if (program === undefined) {
  process.stderr.write(`usage: node scripts/run.mjs ${Object.keys(programs).join('|')} [ARGS]\n`);
  process.exit(2);
}
const { prepare } = await import('./prepare.mjs');
prepare();
const { main } = await import(program);
await main(args);
