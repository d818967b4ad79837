/** F10 and F11: a leader that is cut off, from its followers or from ZooKeeper; clients reach it. */

import { waitFor } from '../../harness/waitFor.ts';
import { FOLLOWER_DELAY_MS, type Scenario } from './scenario.ts';

export const cuts: readonly Scenario[] = [
  {
    id: 'F10',
    name: 'acknowledges nothing at a leader that is cut off from its followers',
    async run(world, effort) {
      const { cluster, load } = world;
      for (let round = 0; round < (effort === 'full' ? 5 : 1); round += 1) {
        const leader = await world.leader();
        load.note(`cut broker ${leader} from the other brokers`);
        const cut = cluster.cutFromBrokers(leader);
        await stands(() => load.acknowledgedOf(0), 2_500);
        load.note('heal');
        cut.lift();
        await load.progress(20);
      }
    },
  },
  {
    id: 'F11',
    name: 'follows a new leader when the old one is cut off from ZooKeeper alone',
    async run(world, effort) {
      const { cluster, load } = world;
      cluster.delayReplication(FOLLOWER_DELAY_MS);
      for (let round = 0; round < (effort === 'full' ? 5 : 1); round += 1) {
        const leader = await world.leader();
        const epoch = await cluster.registration(leader);
        load.note(`cut broker ${leader} from ZooKeeper`);
        const cut = cluster.cutFromZooKeeper(leader);
        await world.untilLeadsNothing(leader);
        // With the cut still there: producers and the reader find the new leaders.
        await load.progress(50);
        await world.untilRead();
        load.note('heal');
        cut.lift();
        await world.untilRegisteredAnew(leader, epoch ?? 0);
        await world.untilInSync();
      }
    },
  },
];

/**
 * Answers that are on their way may still come; then the count must not move.
 *
 * @throws where it does.
 */
async function stands(count: () => number, milliseconds: number): Promise<void> {
  const settledMs = performance.now() + 1_000;
  await waitFor(() => performance.now() >= settledMs, { what: 'answers on their way' });
  const before = count();
  const untilMs = performance.now() + milliseconds;
  await waitFor(() => performance.now() >= untilMs || count() !== before, {
    what: 'the cut lasts',
    timeoutMs: milliseconds + 10_000,
  });
  if (count() !== before) {
    throw new Error(`${count() - before} records were acknowledged with one replica in reach`);
  }
}
