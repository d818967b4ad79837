/** `npm run build`: installs and builds what has changed. */

import './node.mjs';

const { prepare } = await import('./prepare.mjs');
prepare();
