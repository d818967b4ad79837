/** Cases that seeds have found, each told as a story of its own: a seed changes with every draw. */

import { expect } from 'chai';
import { checkReplicas } from './cluster/replicaBytes.ts';
import { SimCluster } from './cluster/simCluster.ts';

describe('simulation: named cases', () => {
  it('raises the leader epoch of a leader that came back while there was no controller', async () => {
    // (1) the follower has a record that the leader has written and not synced; (2) the leader
    // loses power, the other broker is killed; (3) both come back, and a new controller finds the
    // leader alive; (4) the leader gives the lost record's offset to another one. In the same epoch
    // nobody could tell the two apart.
    const cluster = new SimCluster({ seed: 4, brokerCount: 2 });
    cluster.startAll();
    await cluster.until('the brokers are ready', () => cluster.areAllReady);
    const client = cluster.client('client');
    const topic = { topic: 'flights', assignments: [[1, 2]] };
    await cluster.settle('the topic is created', client.admin().createTopic(topic));
    const producer = client.producer({ acks: 1, deliveryTimeoutMs: 2000 });
    const send = (value: string) => producer.send({ topic: 'flights', partition: 0, value });
    await cluster.settle('a first record is safe', send('first'));
    const [leader, follower] = cluster.brokers;
    if (leader === undefined || follower === undefined) throw new Error('There are two brokers');
    await cluster.simulation.run({ forMs: 1000 });
    leader.node.fileSystem.inject({ operation: 'datasync', path: /flights/, delayMs: 5000 });
    const lost = send('lost with the power').catch(() => undefined);
    await cluster.until('the follower has it', () => logBytes(follower).includes('lost with'));
    leader.crash({ powerLoss: true, disk: 'loseAllUnsynced' });
    follower.crash();
    leader.start();
    follower.start();
    await cluster.until('the brokers are ready again', () => cluster.areAllReady);
    await cluster.settle('the lost record is decided', lost);
    await cluster.settle('others follow', Promise.all(['second', 'third'].map(send)));
    const inSync = async (): Promise<void> => {
      for (;;) {
        const { partitions } = await client.admin().describeTopic('flights');
        const [partition] = partitions;
        if (partition?.isr.length === 2) {
          expect(partition.leaderEpoch).to.be.greaterThan(0);
          return;
        }
        const { timers } = cluster.simulation.node('client').environment();
        await new Promise<void>((resolve) => timers.set(200, resolve));
      }
    };
    await cluster.settle('both are in sync', inSync());
    checkReplicas(cluster, 'flights');
    await cluster.settle('the client is closed', client.close());
  });
});

function logBytes(broker: { readonly node: SimCluster['brokers'][number]['node'] }): Buffer {
  const files = [...broker.node.fileSystem.snapshot()].filter(([path]) => path.endsWith('.log'));
  return Buffer.concat(files.map(([, bytes]) => bytes));
}
