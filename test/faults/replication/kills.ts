/** F01-F04 and F06: processes that are killed, one or all, and stopped in turn. */

import { waitFor } from '../../harness/waitFor.ts';
import type { FaultWorld } from './faultWorld.ts';
import { FOLLOWER_DELAY_MS, type Scenario } from './scenario.ts';

export const kills: readonly Scenario[] = [
  {
    id: 'F01',
    name: 'loses nothing when the leader is killed again and again',
    async run(world, effort) {
      world.cluster.delayReplication(FOLLOWER_DELAY_MS);
      for (let round = 0; round < (effort === 'full' ? 20 : 2); round += 1) {
        const leader = await world.leader();
        await killAndRestart(world, leader, () => world.untilLeadsNothing(leader));
      }
    },
  },
  {
    id: 'F02',
    name: 'loses nothing when a follower is killed again and again',
    async run(world, effort) {
      for (let round = 0; round < (effort === 'full' ? 20 : 2); round += 1) {
        const leader = await world.leader();
        const [follower] = world.cluster.others(leader);
        await killAndRestart(world, follower!.id, () => world.untilGone(follower!.id));
      }
    },
  },
  {
    id: 'F03',
    name: 'has topics whole or not at all when the controller is killed while it makes them',
    async run(world, effort) {
      for (let round = 0; round < (effort === 'full' ? 10 : 1); round += 1) {
        await killControllerAtWork(world, round);
      }
    },
  },
  {
    id: 'F04',
    name: 'has every acknowledged record when all brokers are killed at once',
    async run(world, effort) {
      for (let round = 0; round < (effort === 'full' ? 5 : 1); round += 1) {
        const { brokers } = world.cluster;
        world.load.note('kill all');
        await Promise.all(brokers.map(({ process }) => process.kill9()));
        await Promise.all(
          [...brokers].sort(() => Math.random() - 0.5).map(({ process }) => process.start()),
        );
        await world.untilInSync();
        await world.load.progress(20);
      }
    },
  },
  {
    id: 'F06',
    name: 'fails no produce when brokers are restarted one by one',
    async run(world, effort) {
      for (let round = 0; round < (effort === 'full' ? 3 : 1); round += 1) {
        for (const { id, process } of world.cluster.brokers) {
          world.load.note(`restart broker ${id}`);
          const { code } = await process.stop();
          if (code !== 0) throw new Error(`broker ${id} ended with ${code}:\n${process.log}`);
          await world.load.progress(10);
          await process.start();
          await world.untilInSync();
        }
      }
      const failures = [...world.load.failures];
      if (failures.length > 0) throw new Error(`produces failed: ${JSON.stringify(failures)}`);
    },
  },
];

async function killAndRestart(
  world: FaultWorld,
  id: number,
  noticed: () => Promise<void>,
): Promise<void> {
  const { process } = world.cluster.broker(id);
  world.load.note(`kill broker ${id}`);
  await process.kill9();
  await noticed();
  await world.load.progress(20);
  await process.start();
  await world.untilInSync();
  await world.load.progress(20);
}

/** Topics asked for while the controller dies exist as a whole, or not at all. */
async function killControllerAtWork(world: FaultWorld, round: number): Promise<void> {
  const { cluster } = world;
  const controller = await cluster.controller();
  const admin = cluster.client().admin();
  const names = Array.from({ length: 20 }, (_, number) => `made-${round}-${number}`);
  const created = new Set<string>();
  const asked = names.map((topic) =>
    admin
      .createTopic({ topic, partitions: 4, replicationFactor: 3 }, { timeoutMs: 15_000 })
      .then(() => created.add(topic))
      .catch(() => undefined),
  );
  await waitFor(() => created.size > 0, { what: 'a first topic is created', intervalMs: 1 });
  world.load.note(`kill controller ${controller}`);
  await cluster.broker(controller).process.kill9();
  await waitFor(async () => (await cluster.controller()) !== controller, {
    what: 'another controller',
    timeoutMs: 30_000,
  });
  await world.load.progress(20);
  await cluster.broker(controller).process.start();
  await Promise.all(asked);
  await world.untilInSync();
  const listed = new Set((await admin.listTopics()).map(({ topic }) => topic));
  const missing = [...created].filter((topic) => !listed.has(topic));
  if (missing.length > 0) throw new Error(`topics that were created are gone: ${missing.join()}`);
  for (const topic of names.filter((name) => listed.has(name))) {
    for (let partition = 0; partition < 4; partition += 1) {
      await cluster.untilPartition(
        { topic, partition },
        ({ leader, isr }) => leader !== -1 && isr.length > 0,
        { what: 'a leader' },
      );
    }
  }
}
