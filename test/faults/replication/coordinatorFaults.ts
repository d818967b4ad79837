/** F19 and F20: ZooKeeper is restarted, and sessions end from its side. */

import { FOLLOWER_DELAY_MS, type Scenario } from './scenario.ts';

export const coordinatorFaults: readonly Scenario[] = [
  {
    id: 'F19',
    name: 'moves no leader and stops no produce while ZooKeeper is restarted',
    options: { tickMs: 200, sessionTimeoutMs: 4_000 },
    async run(world, effort) {
      const before = await world.leaderEpochs();
      const { cluster, load } = world;
      for (let round = 0; round < (effort === 'full' ? 5 : 1); round += 1) {
        load.note('kill ZooKeeper');
        await cluster.zookeeper.kill9();
        await load.progress(100);
        await cluster.zookeeper.restart();
        load.note('ZooKeeper is back');
        await load.progress(100);
        const topic = `after-${round}`;
        const admin = cluster.client().admin();
        await admin.createTopic({ topic, partitions: 3, replicationFactor: 3 });
      }
      const after = await world.leaderEpochs();
      if (after.join() !== before.join()) {
        throw new Error(`leaders were elected: epochs ${before.join()}, then ${after.join()}`);
      }
      const failures = [...load.failures];
      if (failures.length > 0) throw new Error(`produces failed: ${JSON.stringify(failures)}`);
    },
  },
  {
    id: 'F20',
    name: 'registers anew where ZooKeeper ended the sessions, of one broker and of all',
    async run(world, effort) {
      world.cluster.delayReplication(FOLLOWER_DELAY_MS);
      for (let round = 0; round < (effort === 'full' ? 5 : 1); round += 1) {
        const leader = await world.leader();
        await expire(world, [leader]);
        await expire(
          world,
          world.cluster.brokers.map(({ id }) => id),
        );
      }
    },
  },
];

async function expire(
  world: Parameters<Scenario['run']>[0],
  ids: readonly number[],
): Promise<void> {
  const { cluster, load } = world;
  const epochs = new Map<number, number>();
  for (const id of ids) epochs.set(id, (await cluster.registration(id)) ?? 0);
  load.note(`expire the sessions of ${ids.join()}`);
  await Promise.all(ids.map((id) => cluster.expireSession(id)));
  for (const [id, epoch] of epochs) await world.untilRegisteredAnew(id, epoch);
  await world.untilInSync();
  await load.progress(20);
  for (const { id, process } of cluster.brokers) {
    if (process.child.exit !== undefined) throw new Error(`broker ${id} ended:\n${process.log}`);
  }
}
