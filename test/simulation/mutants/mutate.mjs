/** Loaded with `--import` before tsx: changes sources while they are loaded (`SIM_PATCHES`). */

import { register } from 'node:module';

const patches = JSON.parse(process.env.SIM_PATCHES ?? '[]');
const hooks = `
  const patches = ${JSON.stringify(patches)};
  export async function load(url, context, nextLoad) {
    const loaded = await nextLoad(url, context);
    const own = patches.filter((patch) => patch.url === url.replace(/\\?.*$/, ''));
    if (own.length === 0) return loaded;
    let source = loaded.source.toString();
    for (const { find, replace } of own) {
      if (source.split(find).length !== 2) throw new Error('The mutant does not fit: ' + find);
      source = source.replace(find, () => replace);
    }
    return { ...loaded, source };
  }
`;

register(`data:text/javascript,${encodeURIComponent(hooks)}`);
