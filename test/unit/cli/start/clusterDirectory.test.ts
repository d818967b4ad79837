import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { parseProperties } from '../../../../broker/index.ts';
import { ClusterDirectory, setProperties } from '../../../../cli/start/clusterDirectory.ts';
import { removeDirectory, temporaryDirectory } from '../../../harness/temporaryDirectory.ts';

const settings = {
  native: '127.0.0.1:9192',
  kafka: '127.0.0.1:9092',
  admin: '127.0.0.1:9292',
  zookeeperConnect: '127.0.0.1:2181',
  brokerCount: 3,
};

describe('the directory of a started cluster', () => {
  let path: string;
  beforeEach(() => {
    path = temporaryDirectory('cluster');
  });
  afterEach(() => removeDirectory(path));

  it('gets a server.properties that a broker can read, and keeps itself out of git', () => {
    const directory = new ClusterDirectory(join(path, 'new'));
    directory.create();
    directory.writeConfig(2, settings);
    const text = readFileSync(directory.configPath(2), 'utf8');
    expect(Object.fromEntries(parseProperties(text))).to.deep.equal({
      'broker.id': '2',
      'native.listeners': '127.0.0.1:9192',
      listeners: 'PLAINTEXT://127.0.0.1:9092',
      'admin.listeners': '127.0.0.1:9292',
      'log.dirs': join(path, 'new/broker-2/data'),
      'zookeeper.connect': '127.0.0.1:2181',
      'default.replication.factor': '3',
      'min.insync.replicas': '2',
      'offsets.topic.replication.factor': '3',
      'group.initial.rebalance.delay.ms': '0',
    });
    expect(readFileSync(join(path, 'new/.gitignore'), 'utf8')).to.equal('*\n');
  });

  it('replicates three times from three brokers on, else as often as there are brokers', () => {
    const directory = new ClusterDirectory(path);
    const written = [1, 2, 3, 5].map((brokerCount) => {
      directory.writeConfig(1, { ...settings, brokerCount });
      const text = readFileSync(directory.configPath(1), 'utf8');
      const properties = new Map(parseProperties(text));
      return [properties.get('default.replication.factor'), properties.get('min.insync.replicas')];
    });
    expect(written).to.deep.equal([
      ['1', '1'],
      ['2', '1'],
      ['3', '2'],
      ['3', '2'],
    ]);
  });

  it('keeps every line that is not of start', () => {
    const directory = new ClusterDirectory(path);
    const file = directory.configPath(1);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, '# mine\nlog.retention.ms=5\nnative.listeners: 127.0.0.1:1\n');
    directory.writeConfig(1, settings);
    const lines = readFileSync(file, 'utf8').split('\n');
    expect(lines.slice(0, 3)).to.deep.equal([
      '# mine',
      'log.retention.ms=5',
      'native.listeners=127.0.0.1:9192',
    ]);
  });

  it('leaves a file alone in which nothing changes', () => {
    const directory = new ClusterDirectory(path);
    directory.writeConfig(1, settings);
    const before = statSync(directory.configPath(1), { bigint: true }).mtimeNs;
    directory.writeConfig(1, settings);
    expect(statSync(directory.configPath(1), { bigint: true }).mtimeNs).to.equal(before);
  });

  it('does not take a commented line or a longer key for its own', () => {
    const text = '#broker.id=9\nbroker.id.x=8\n';
    expect(setProperties(text, [['broker.id', '1']])).to.equal(`${text}broker.id=1\n`);
  });
});
