/** The znodes that an Apache Kafka 3.9.2 left in ZooKeeper, byte for byte. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  brokerRegistrationZnode,
  clusterIdZnode,
  controllerEpochZnode,
  controllerZnode,
  partitionStateZnode,
  topicConfigZnode,
  topicZnode,
} from '../../../../coordinator/znodes/index.ts';
import { SimCluster } from '../support/simCluster.ts';

const goldenOf = (name: string): Readonly<Record<string, string>> =>
  JSON.parse(readFileSync(join(import.meta.dirname, '../../../golden/znodes', name), 'utf8'));

const golden = goldenOf('kafka-3.9.2.json');
/** As its encoder writes the state after an unclean election. */
const recovering = goldenOf('kafka-3.9.2-recovering.json');

const bytes = (path: string): Buffer => Buffer.from(golden[path] ?? '');
const json = (data: Buffer): unknown => JSON.parse(data.toString('utf8'));

const topic = topicZnode.path('orders');
const state = partitionStateZnode.path('orders', 0);
const config = topicConfigZnode.path('orders');

describe("Kafka 3.9.2's znodes", () => {
  it('are read, and written again as they were', () => {
    const assignment = topicZnode.decode('orders', bytes(topic));
    expect(assignment.replicas).to.deep.equal([[1], [1]]);
    expect(json(topicZnode.encode(assignment))).to.deep.equal(json(bytes(topic)));

    const leader = partitionStateZnode.decode(state, bytes(state));
    expect(leader).to.deep.include({ leader: 1, leaderEpoch: 0, isr: [1], controllerEpoch: 1 });
    expect(json(partitionStateZnode.encode(leader))).to.deep.equal(json(bytes(state)));

    const configs = topicConfigZnode.decode('orders', bytes(config));
    expect([...configs]).to.deep.equal([['retention.ms', '3600000']]);
    expect(json(topicConfigZnode.encode(configs))).to.deep.equal(json(bytes(config)));

    const controller = controllerZnode.decode(bytes(controllerZnode.path));
    expect(json(controllerZnode.encode(controller))).to.deep.equal(
      json(bytes(controllerZnode.path)),
    );

    const epoch = controllerEpochZnode.decode(bytes(controllerEpochZnode.path));
    expect(controllerEpochZnode.encode(epoch)).to.deep.equal(bytes(controllerEpochZnode.path));

    const id = clusterIdZnode.decode(bytes(clusterIdZnode.path));
    expect(json(clusterIdZnode.encode(id))).to.deep.equal(json(bytes(clusterIdZnode.path)));
  });

  it('tell of a leader that is recovering, and are written so', () => {
    const data = Buffer.from(recovering[state] ?? '');
    const leader = partitionStateZnode.decode(state, data);
    expect(leader).to.deep.include({ leader: 2, recovering: true, others: {} });
    expect(json(partitionStateZnode.encode(leader))).to.deep.equal(json(data));
    expect(partitionStateZnode.decode(state, bytes(state))).not.to.have.property('recovering');
  });

  it('show a broker of Kafka as one', () => {
    const path = brokerRegistrationZnode.path(1);
    const registration = brokerRegistrationZnode.decode(path, bytes(path));
    expect(registration.odradek).to.equal(undefined);
    expect(registration.rack).to.equal('r1');
    expect(registration.kafkaEndpoints).to.have.lengthOf(1);
    expect(json(brokerRegistrationZnode.encode(registration))).to.deep.equal(json(bytes(path)));
  });

  it('of a stopped cluster become ours: topics, leaders and configuration', async () => {
    const cluster = new SimCluster();
    const node = cluster.simulation.node('operator');
    const raw = node.environment().coordinator.connect(
      { servers: 'coordinator:2181', sessionTimeoutMs: 6_000 },
      {
        onConnected: () => undefined,
        onDisconnected: () => undefined,
        onExpired: () => undefined,
        onWatchEvent: () => undefined,
      },
    );
    await cluster.pass(100);
    const left = Object.keys(golden).filter((path) => {
      return path !== controllerZnode.path && path !== brokerRegistrationZnode.path(1);
    });
    const paths = new Set(left.flatMap((path) => ancestors(path)));
    for (const path of [...paths].sort()) {
      await cluster.settle(raw.write({ type: 'create', path, data: bytes(path) }));
    }
    await cluster.start(1);
    const { controller, membership } = await cluster.controller();
    expect(membership.clusterId).to.equal(clusterIdZnode.decode(bytes(clusterIdZnode.path)));
    expect(controller.seen.epoch).to.equal(2);
    // The state of partition 1 is not among the golden ones: it is made.
    await cluster.until(
      () =>
        cluster.fakes
          .get(1)
          .topics.get('orders')
          ?.partitions.every((p) => p.leader === 1) ?? false,
      'all is led',
    );
    const seen = cluster.fakes.get(1).topics.get('orders');
    expect(seen?.topicId).to.equal(topicZnode.decode('orders', bytes(topic)).topicId);
    expect(seen?.configs).to.deep.equal([{ name: 'retention.ms', value: '3600000' }]);
  });
});

/** The path and all above it. */
function ancestors(path: string): string[] {
  const parts = path.split('/').slice(1);
  return parts.map((_part, index) => `/${parts.slice(0, index + 1).join('/')}`);
}
