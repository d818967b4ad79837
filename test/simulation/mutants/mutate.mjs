/** Loaded with `--import` before tsx: changes the source of one module while it is loaded. */

import { register } from 'node:module';

const { url, find, replace } = JSON.parse(process.env.SIM_MUTANT ?? '{}');
const hooks = `
  export async function load(url, context, nextLoad) {
    const loaded = await nextLoad(url, context);
    if (url.replace(/\\?.*$/, '') !== ${JSON.stringify(url)}) return loaded;
    const source = loaded.source.toString();
    if (!source.includes(${JSON.stringify(find)})) throw new Error('The mutant does not fit');
    const mutated = source.replace(${JSON.stringify(find)}, () => ${JSON.stringify(replace)});
    return { ...loaded, source: mutated };
  }
`;

register(`data:text/javascript,${encodeURIComponent(hooks)}`);
