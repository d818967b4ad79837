import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';

const repository = fileURLToPath(new URL('../../..', import.meta.url));

/** Records what is loaded, from the loader's own thread. */
const program = `
import { register } from 'node:module';
import { MessageChannel } from 'node:worker_threads';
const { port1, port2 } = new MessageChannel();
const urls = [];
port1.on('message', (url) => urls.push(url));
port1.unref();
register('data:text/javascript,' + encodeURIComponent(
  'let port; export async function initialize(data) { port = data; }' +
  'export async function load(url, context, next) { port.postMessage(url); return next(url, context); }'
), { data: port2, transferList: [port2] });
await import('./client/index.ts');
await new Promise((resolve) => setTimeout(resolve, 50));
console.log(JSON.stringify(urls));
process.exit(0);
`;

describe("import 'odradek'", () => {
  it('loads nothing of the broker, the coordinator or the programs around them', async () => {
    const args = ['--import', 'tsx', '--input-type=module', '--eval', program];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: repository });
    const loaded = (JSON.parse(stdout) as string[])
      .filter((url) => url.startsWith('file:'))
      .map((url) => fileURLToPath(url).slice(repository.length));
    expect(loaded).to.include('client/odradek.ts');
    const foreign = loaded.filter((path) => /^(broker|coordinator|cli|bench|test)\//.test(path));
    expect(foreign).to.deep.equal([]);
    const heavy = loaded.filter((path) =>
      /node_modules\/(fastify|winston|prom-client|node-zoo)/.test(path),
    );
    expect(heavy).to.deep.equal([]);
  });
});
