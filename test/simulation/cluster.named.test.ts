/** Cases that seeds have found, each told as a story of its own: a seed changes with every draw. */

import { expect } from 'chai';
import { checkReplicas } from './cluster/replicaBytes.ts';
import { SimCluster } from './cluster/simCluster.ts';
import { Story, TOPIC } from './cluster/story.ts';

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

  it('keeps what is committed when a follower has an epoch that its new leader never had', async () => {
    // Seeds 7 and 8. (1) Broker 2 leads and alone has a record, then broker 3 does, in the next epoch;
    // (2) broker 3 dies, broker 2 is elected and writes nothing; (3) broker 3 comes back without its
    // high watermark and asks where its epoch ends. "Nobody knows" would make it cut everything.
    const properties = ['replica.high.watermark.checkpoint.interval.ms=600000'];
    const story = new Story({ brokerCount: 3, controller: 1, replicas: [3, 2], properties });
    const { cluster } = story;
    await story.begin();
    const producer = story.producer('all');
    const first = Promise.all(['a', 'b', 'c'].map((value) => story.send(producer, value)));
    await cluster.settle('three records are committed', first);
    cluster.simulation.coordinator.expireSessions('broker-3');
    await story.untilLeads(2);
    await story.untilInSync([2, 3]);
    story.cut(2, 3);
    const other = story.send(story.producer(1), 'of broker 2 alone');
    await cluster.settle('broker 2 alone has one', other);
    const preferred = story.client.admin().electLeaders({ election: 'preferred' });
    await cluster.settle('broker 3 is elected', preferred);
    await story.untilLeads(3);
    const alone = story.send(story.producer(1), 'of broker 3 alone').catch(() => undefined);
    await cluster.until('it is on its disk', () => story.replica(3)?.log.durableOffset === 4);
    // What the client sends again must not give broker 2 something to tell.
    cluster.simulation.network.cut('client', 'broker-2');
    story.kill(3);
    await story.untilLeads(2);
    expect(story.replica(2)?.log.latestEpoch).to.equal(1);
    story.heal(2, 3);
    story.broker(3).start();
    await cluster.until('broker 3 is cut back', () => {
      const { logEndOffset } = story.replica(3)?.log ?? {};
      expect(logEndOffset ?? 3, 'offsets that broker 3 keeps').to.be.at.least(3);
      return logEndOffset === 3;
    });
    cluster.simulation.network.heal('client', 'broker-2');
    await cluster.settle('the other record is decided', alone);
    await story.end();
  });

  it('lets a follower join that caught up while the proposal of another one was open', async () => {
    // Seed 155. (1) Broker 2 has caught up, its leader proposes it; (2) before the answer broker 3
    // has caught up, too; (3) nothing is written any more. Who looks again?
    const story = new Story({ brokerCount: 4, controller: 4, replicas: [1, 2, 3] });
    const { cluster } = story;
    const { network } = cluster.simulation;
    await story.begin();
    const producer = story.producer('all');
    await cluster.settle('a record is committed', story.send(producer, 'a'));
    for (const id of [2, 3]) story.kill(id);
    await story.untilInSync([1]);
    await cluster.settle('they miss one', story.send(producer, 'b'));
    story.cut(1, 3);
    story.broker(3).start();
    await cluster.until('broker 3 is ready', () => story.broker(3).isReady);
    story.broker(2).start();
    await cluster.until('broker 2 is proposed', () => story.replica(1)?.isProposing === true);
    network.cut('broker-4', 'coordinator');
    story.heal(1, 3);
    await cluster.until('broker 3 has everything', () => story.replica(3)?.log.durableOffset === 2);
    await cluster.simulation.run({ forMs: 1000 });
    expect([story.isr, story.replica(1)?.isProposing]).to.deep.equal([[1], true]);
    network.heal('broker-4', 'coordinator');
    await story.untilInSync([1, 2, 3], 20_000);
    await story.end();
  });

  it('proposes again what a deposed controller has refused', async () => {
    // Seed 764. (1) A controller is deposed and does not know; the next one drops broker 2 from the
    // in-sync replicas; (2) broker 2 is back, and its leader proposes it to the old controller, which
    // refuses what is based on a state that it has never seen; (3) the state is as new as can be:
    // waiting for a newer one the leader would never propose again.
    const story = new Story({ brokerCount: 4, controller: 4, replicas: [1, 2, 3] });
    const { cluster } = story;
    const { network, coordinator } = cluster.simulation;
    await story.begin();
    const producer = story.producer('all');
    await cluster.settle('a record is committed', story.send(producer, 'a'));
    for (const id of [1, 4]) network.cut(`broker-${id}`, 'coordinator');
    coordinator.expireSessions('broker-4');
    await cluster.until(
      'there is another controller',
      () => coordinator.data('/controller') !== undefined,
    );
    story.kill(2);
    await story.untilInSync([1, 3]);
    story.broker(2).start();
    await cluster.until('broker 2 is proposed', () => story.replica(1)?.isProposing === true);
    await cluster.simulation.run({ forMs: 100 });
    for (const id of [1, 4]) network.heal(`broker-${id}`, 'coordinator');
    await story.untilInSync([1, 2, 3], 20_000);
    await story.end();
  });

  it('refuses for a moment what is sent to a leader that is still cutting its log', async () => {
    // Seed 148. (1) Broker 1 leads and alone has a record; (2) broker 2 is elected, and broker 1 begins
    // to cut that record; (3) before its disk is done broker 2 dies, broker 1 leads, and a record
    // comes in.
    const story = new Story({ brokerCount: 3, controller: 3, replicas: [2, 1] });
    const { cluster } = story;
    await story.begin();
    const producer = story.producer(1);
    await cluster.settle('a record stands', story.send(story.producer('all'), 'a'));
    cluster.simulation.coordinator.expireSessions('broker-2');
    await story.untilLeads(1);
    await story.untilInSync([1, 2]);
    story.cut(1, 2);
    await cluster.settle('broker 1 alone has one', story.send(producer, 'of broker 1 alone'));
    const preferred = story.client.admin().electLeaders({ election: 'preferred' });
    await cluster.settle('broker 2 is elected', preferred);
    await story.untilLeads(2);
    const slow = { path: /flights/, delayMs: 1000, times: 5 } as const;
    story.broker(1).node.fileSystem.inject({ operation: ['datasync', 'resize'], ...slow });
    story.heal(1, 2);
    await cluster.until('it is being cut', () => story.replica(1)?.log.isTruncating === true);
    story.kill(2);
    await story.untilLeads(1);
    expect(story.replica(1)?.log.isTruncating).to.equal(true);
    await cluster.settle('another record is taken', story.send(producer, 'b'));
    expect(await story.readAll()).to.deep.equal(['a', 'b']);
    story.broker(2).start();
    await story.end();
  });

  it('lets nobody lead in an epoch in which it has lost something', async () => {
    // Seed 9. (1) The leader loses a record with its power that its follower has; (2) it registers anew,
    // and the new epoch cannot be written for a while; (3) told of the old state, it would lead in
    // the old epoch and give the offset to another record: `OneLeaderPerEpoch`.
    const story = new Story({ brokerCount: 3, controller: 2, replicas: [1] });
    const { cluster } = story;
    const { coordinator } = cluster.simulation;
    await story.begin();
    const producer = story.producer(1);
    await cluster.settle('a record stands', story.send(producer, 'a'));
    const slow = { operation: 'datasync', path: /flights/, delayMs: 5000 } as const;
    story.broker(1).node.fileSystem.inject(slow);
    const lost = story.send(producer, 'lost with the power');
    await cluster.until('it is written', () => story.replica(1)?.log.writtenOffset === 2);
    story.broker(1).crash({ powerLoss: true, disk: 'loseAllUnsynced' });
    for (let count = 0; count < 5; count += 1) {
      coordinator.loseNext({ path: `/brokers/topics/${TOPIC}`, applied: false });
    }
    story.broker(1).start();
    await story.untilLeads(1);
    await cluster.settle('what was sent is taken after all', lost);
    expect(story.replica(1)?.leaderEpoch).to.be.greaterThan(0);
    expect(await story.readAll()).to.deep.equal(['a', 'lost with the power']);
    await story.end();
  });

  it('tells a producer that nobody knows, whose record waited while its partition moved', async () => {
    // Seed 971. (1) A record waits for the leader's disk; (2) the partition moves to another broker,
    // with the record; (3) "unknown partition" would mean that it was not written: it is sent again,
    // and stands twice without a word.
    const story = new Story({ brokerCount: 2, replicas: [1] });
    const { cluster } = story;
    await story.begin();
    const producer = story.client.producer({ acks: 1, idempotent: false });
    await cluster.settle('a record stands', story.send(producer, 'a'));
    const slow = { operation: 'datasync', path: /flights/, delayMs: 4000 } as const;
    story.broker(1).node.fileSystem.inject(slow);
    const waiting = story.send(producer, 'waits');
    await cluster.until('it is written', () => story.replica(1)?.log.writtenOffset === 2);
    const move = { topic: TOPIC, partition: 0, replicas: [2] };
    const moved = story.client.admin().alterReassignments([move]);
    await cluster.settle('the move has begun', moved);
    await story.untilLeads(2);
    const { possiblyDuplicated } = await cluster.settle('it is decided', waiting);
    const copies = (await story.readAll()).filter((value) => value === 'waits').length;
    expect(copies === 1 || possiblyDuplicated).to.equal(true);
  });
});

function logBytes(broker: { readonly node: SimCluster['brokers'][number]['node'] }): Buffer {
  const files = [...broker.node.fileSystem.snapshot()].filter(([path]) => path.endsWith('.log'));
  return Buffer.concat(files.map(([, bytes]) => bytes));
}
