/**
 * `npm start`: prepares the checkout, then is `odradek start`, in this very process: npm's shell
 * replaced itself with us (`exec`), so a signal to npm reaches the starter with nothing between.
 */

import './node.mjs';

const { prepare } = await import('./prepare.mjs');
prepare();
const { main } = await import('../dist/cli/main.js');
await main(['start', ...process.argv.slice(2)]);
