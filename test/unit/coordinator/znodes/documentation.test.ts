import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { brokerId, controllerEpoch, type TopicId } from '../../../../common/index.ts';
import {
  brokerIdsPath,
  brokerRegistrationZnode,
  clusterIdZnode,
  controllerEpochZnode,
  controllerZnode,
  deleteTopicsPath,
  deleteTopicZnode,
  migrationPath,
  partitionStateZnode,
  producerIdBlockZnode,
  topicConfigsPath,
  topicConfigZnode,
  topicsPath,
  topicZnode,
} from '../../../../coordinator/znodes/index.ts';

const text = readFileSync(join(import.meta.dirname, '../../../../docs/zookeeper.md'), 'utf8');

/** The example below the heading of a path. */
function example(path: string): string {
  const section = text.split('\n### ').find((part) => part.startsWith(`\`${path}\``));
  const code = /```(?:json|text)\n(?<code>[^`]*)```/.exec(section ?? '')?.groups?.['code'];
  expect(code, `an example of ${path}`).to.be.a('string');
  return code ?? '';
}

/** What the code writes there, for the values of the examples. */
const written: Readonly<Record<string, Buffer>> = {
  [brokerRegistrationZnode.path(1)]: brokerRegistrationZnode.encode({
    odradek: {
      native: [{ host: '10.0.0.1', port: 9192 }],
      admin: [{ host: '10.0.0.1', port: 9292 }],
      directoryId: 'xtzWWN4bTjitpL3kfd9s5g',
    },
    kafkaEndpoints: [],
    securityProtocols: {},
    rack: 'rack-1',
    registeredMs: 1_700_000_000_000,
  }),
  [controllerZnode.path]: controllerZnode.encode({
    brokerId: brokerId(1),
    electedMs: 1_700_000_000_000,
    kraftControllerEpoch: -1,
  }),
  [controllerEpochZnode.path]: controllerEpochZnode.encode(controllerEpoch(7)),
  [producerIdBlockZnode.path]: producerIdBlockZnode.encode({
    brokerId: 1,
    firstId: 0,
    lastId: 999,
  }),
  [clusterIdZnode.path]: clusterIdZnode.encode('vLhtCUuNQqCmUvP2mFUJCw'),
  [topicZnode.path('orders')]: topicZnode.encode({
    topicId: 'Zm9vYmFyYmF6cXV4cXV1eA' as TopicId,
    replicas: [[1], [2]],
    addingReplicas: {},
    removingReplicas: {},
  }),
  [partitionStateZnode.path('orders', 0)]: partitionStateZnode.encode({
    leader: 1,
    leaderEpoch: 0,
    isr: [1],
    controllerEpoch: 7,
    others: {},
  }),
  [topicConfigZnode.path('orders')]: topicConfigZnode.encode(
    new Map([['retention.ms', '3600000']]),
  ),
};

describe('docs/zookeeper.md', () => {
  for (const [path, data] of Object.entries(written)) {
    it(`shows "${path}" as it is written`, () => {
      expect(JSON.parse(example(path))).to.deep.equal(JSON.parse(data.toString('utf8')));
    });
  }

  it('lists every code with which the coordinator refuses to join', () => {
    const folder = join(import.meta.dirname, '../../../../coordinator');
    const sources = ['membership', 'znodes', 'zookeeper'].flatMap((name) =>
      readdirSync(join(folder, name)).map((file) => readFileSync(join(folder, name, file), 'utf8')),
    );
    const thrown = sources.flatMap((source) =>
      [...source.matchAll(/new OdradekError\(\s*'(?<code>\w+)'/g)].map((m) => m.groups?.['code']),
    );
    const listed = [...text.matchAll(/^\| (?<code>[A-Z_]+) \|/gm)].map((m) => m.groups?.['code']);
    expect(listed.sort()).to.deep.equal([...new Set(thrown)].sort());
  });

  it('has a section for each znode with data, and names the others', () => {
    const sections = [...text.matchAll(/^### `(?<path>[^`]+)`/gm)].map(
      (match) => match.groups?.['path'],
    );
    expect(sections.sort()).to.deep.equal(
      [...Object.keys(written), deleteTopicZnode.path('orders')].sort(),
    );
    for (const path of [
      brokerIdsPath,
      topicsPath,
      topicConfigsPath,
      deleteTopicsPath,
      migrationPath,
    ]) {
      expect(text).to.include(`\`${path}\``);
    }
  });
});
