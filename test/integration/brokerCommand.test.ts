import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { Child } from '../harness/childProcess.ts';
import { type EmbeddedServer, startEmbedded } from '../harness/embedded.ts';
import { freePort } from '../harness/freePort.ts';
import { odradek, odradekBin, type StartedJson } from '../harness/odradek.ts';
import { removeDirectory, temporaryDirectory } from '../harness/temporaryDirectory.ts';

describe('odradek broker', function () {
  this.timeout(60_000);
  let coordinator: EmbeddedServer;
  let directory: string;

  before(async () => {
    coordinator = await startEmbedded();
  });
  after(() => coordinator.stop());
  beforeEach(() => {
    directory = temporaryDirectory('broker');
  });
  afterEach(() => removeDirectory(directory));

  function writeConfig(lines: Readonly<Record<string, string>> = {}): string {
    const properties = {
      'broker.id': '1',
      'log.dirs': join(directory, 'data'),
      'native.listeners': '127.0.0.1:0',
      'admin.listeners': '127.0.0.1:0',
      'zookeeper.connect': coordinator.address,
      ...lines,
    };
    mkdirSync(directory, { recursive: true });
    const file = join(directory, 'server.properties');
    const text = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`);
    writeFileSync(file, text.join(''));
    return file;
  }

  it('prints its address and, last of all, ready; SIGTERM ends it cleanly', async () => {
    const child = new Child(process.execPath, [odradekBin, 'broker', '--config', writeConfig()]);
    await child.waitForOutput(/^ready$/m);
    expect(child.stdout).to.match(
      /^broker 1 of cluster \S{22}: 127\.0\.0\.1:\d+, admin http:\/\/127\.0\.0\.1:\d+\nready\n$/,
    );
    expect(child.stderr).to.contain('Ready');
    child.signal('SIGTERM');
    expect(await child.exited).to.deep.equal({ code: 0, signal: null });
    expect(existsSync(join(directory, 'data/.kafka_cleanshutdown'))).to.equal(true);
  });

  it('prints one JSON document instead, and logs as JSON where asked', async () => {
    const file = writeConfig({ 'admin.listeners': 'none' });
    const flags = ['--json', '--log-format', 'json', '--override', 'broker.id=7'];
    const args = [odradekBin, 'broker', '--config', file, ...flags];
    const child = new Child(process.execPath, args);
    const [line] = await child.waitForOutput(/^\{.*\}\n/);
    const started = JSON.parse(line) as StartedJson;
    expect(Object.keys(started).join()).to.equal('ready,clusterId,dir,coordinator,brokers');
    expect(started.coordinator).to.deep.equal({ address: coordinator.address, pid: null });
    expect(started.brokers[0]).to.include({ id: 7, pid: child.pid, admin: null, config: file });
    const levels = child.stderr
      .trim()
      .split('\n')
      .map((text) => (JSON.parse(text) as { readonly level: string }).level);
    expect(levels).to.include('info');
    expect(await child.stop()).to.include({ code: 0 });
    expect(child.stdout).to.equal(line);
  });

  it('takes two signals close together for one', async () => {
    const child = new Child(process.execPath, [odradekBin, 'broker', '--config', writeConfig()]);
    await child.waitForOutput(/^ready$/m);
    child.signal('SIGTERM');
    child.signal('SIGINT');
    expect(await child.exited).to.deep.equal({ code: 0, signal: null });
    expect(existsSync(join(directory, 'data/.kafka_cleanshutdown'))).to.equal(true);
  });

  const refusals: readonly (readonly [key: string, value: string, message: RegExp])[] = [
    ['broker.id', 'one', /Invalid value "one" of "broker\.id"/],
    ['listeners', 'PLAINTEXT://:9092', /"listeners" is reachable from other machines/],
    ['native.listeners', '0.0.0.0:0', /reachable from other machines/],
    ['log.retention.ms', '-5', /Invalid value "-5" of "log\.retention\.ms"/],
  ];
  for (const [key, value, message] of refusals) {
    it(`refuses ${key}=${value} by name`, async () => {
      const file = writeConfig({ [key]: value });
      const { code, stdout, stderr } = await odradek(['broker', '--config', file, '--json']);
      expect({ code, stdout }).to.deep.equal({ code: 1, stdout: '' });
      const { error } = JSON.parse(stderr) as { readonly error: { readonly message: string } };
      expect(error).to.include({ code: 'INVALID_CONFIG', retriable: false });
      expect(error.message).to.match(message);
    });
  }

  it('says which file it cannot read', async () => {
    const file = join(directory, 'absent.properties');
    const { code, stderr } = await odradek(['broker', '--config', file]);
    expect({ code, stderr }).to.deep.equal({
      code: 1,
      stderr: `cannot read the configuration "${file}": there is no such file\n`,
    });
    expect(await odradek(['broker'])).to.include({ code: 2 });
  });

  it('gives up where no coordinator answers, and says where it looked', async () => {
    const address = `127.0.0.1:${await freePort()}`;
    const file = writeConfig({
      'zookeeper.connect': address,
      'zookeeper.connection.timeout.ms': '500',
    });
    const { code, stderr } = await odradek(['broker', '--config', file, '--log-level', 'error']);
    expect(code).to.equal(1);
    expect(stderr).to.contain(`No answer within 500 ms from ZooKeeper at "${address}"`);
  });
});
