/** The simulation runs what production runs: the proof is what both load. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { Odradek } from '../../client/index.ts';
import { Child } from '../harness/childProcess.ts';
import { startEmbedded } from '../harness/embedded.ts';
import { removeDirectory, temporaryDirectory } from '../harness/temporaryDirectory.ts';

const ROOT = new URL('../../', import.meta.url);
const RECORDER = new URL('./fixtures/moduleRecorder.mjs', import.meta.url).pathname;

/** What only a process of the operating system needs: the environment, and the outside. */
const ONLY_REAL = [
  /^common\/environment\/production\//,
  /^broker\/productionEnvironment\.ts$/,
  /^broker\/admin\//,
  /^broker\/logging\//,
  /^network\/(nodeTransport|nodeSocket|ownedReception)\.ts$/,
  /^coordinator\/embedded\//,
  /^coordinator\/zookeeper\/(nodeZookeeperConnector|clientLibrary|frameSplitter|library\w+)\.ts$/,
  /^cli\//,
  /^test\/simulation\/fixtures\//,
];
/** What only a simulation needs. `client/` is the workload; the znode tree is the coordinator. */
const ONLY_SIMULATED = [/^test\/simulation\//, /^client\//, /^coordinator\/embedded\//];

function startRecorded(program: string, args: readonly string[], modulesFile: string): Child {
  const main = new URL(`./fixtures/${program}`, import.meta.url).pathname;
  const flags = ['--import', 'tsx', '--import', RECORDER];
  return new Child(process.execPath, [...flags, main, ...args], {
    env: { MODULES_FILE: modulesFile },
  });
}

/** Our own modules, by path from the root. */
function loadedModules(modulesFile: string): Set<string> {
  const urls = readFileSync(modulesFile, 'utf8').split('\n');
  const own = urls.filter((url) => url.startsWith(ROOT.href) && !url.includes('/node_modules/'));
  return new Set(own.map((url) => url.slice(ROOT.href.length).replace(/\?.*$/, '')));
}

async function useRealBroker(directory: string, modulesFile: string): Promise<void> {
  const coordinator = await startEmbedded();
  const config = join(directory, 'server.properties');
  const lines = [
    'broker.id=1',
    'native.listeners=127.0.0.1:0',
    'admin.listeners=none',
    `log.dirs=${join(directory, 'log')}`,
    `zookeeper.connect=${coordinator.address}`,
  ];
  writeFileSync(config, lines.join('\n'));
  const broker = startRecorded(
    'realBroker.ts',
    ['broker', '--config', config, '--json'],
    modulesFile,
  );
  try {
    const [ready] = await broker.waitForOutput(/\{"ready":true.*\}/);
    const { brokers } = JSON.parse(ready) as { brokers: { native: string }[] };
    const client = new Odradek({ brokers: brokers.map(({ native }) => native) });
    await client.admin().createTopic({ topic: 'flights' });
    await client.producer().send({ topic: 'flights', value: 'one' });
    const consumer = client.consumer({ topic: 'flights', from: 'beginning', stopAtEnd: true });
    for await (const record of consumer) expect(record.text()).to.equal('one');
    await client.close();
    expect((await broker.stop()).code).to.equal(0);
  } finally {
    await broker.kill9();
    await coordinator.stop();
  }
}

describe('simulation: modules', function () {
  this.timeout(60_000);

  it('loads the modules of "odradek broker" and differs from it only in the environment', async () => {
    const directory = temporaryDirectory('modules');
    try {
      const realFile = join(directory, 'real');
      const simulatedFile = join(directory, 'simulated');
      await useRealBroker(directory, realFile);
      const simulated = startRecorded('simulatedBroker.ts', [], simulatedFile);
      await simulated.waitForOutput(/read one\n/);
      await simulated.exited;
      const real = loadedModules(realFile);
      const sim = loadedModules(simulatedFile);
      const beyond = (one: Set<string>, other: Set<string>, allowed: RegExp[]): string[] =>
        [...one].filter((path) => !other.has(path) && !allowed.some((rule) => rule.test(path)));
      expect(beyond(real, sim, ONLY_REAL), 'only the real broker loads').to.deep.equal([]);
      expect(beyond(sim, real, ONLY_SIMULATED), 'only the simulation loads').to.deep.equal([]);
      const shared = [...real].filter((path) => sim.has(path) && path.startsWith('broker/'));
      expect(shared.length).to.be.greaterThan(30);
    } finally {
      removeDirectory(directory);
    }
  });
});
