/** F07-F09: processes that stand still, longer than their session and shorter. */

import { waitFor } from '../../harness/waitFor.ts';
import type { FaultWorld } from './faultWorld.ts';
import { FOLLOWER_DELAY_MS, type Scenario } from './scenario.ts';

export const pauses: readonly Scenario[] = [
  {
    id: 'F07',
    name: 'fences a leader that stood still for longer than its session',
    async run(world, effort) {
      world.cluster.delayReplication(FOLLOWER_DELAY_MS);
      for (let round = 0; round < (effort === 'full' ? 5 : 1); round += 1) {
        const leader = await world.leader();
        await pausePastSession(world, leader, () => world.untilLeadsNothing(leader));
      }
    },
  },
  {
    id: 'F08',
    name: 'obeys no controller that stood still for longer than its session',
    async run(world, effort) {
      for (let round = 0; round < (effort === 'full' ? 5 : 1); round += 1) {
        const { cluster } = world;
        const old = await cluster.controller();
        await pausePastSession(world, old, async () => {
          await waitFor(async () => (await cluster.controller()) !== old, {
            what: 'another controller',
            timeoutMs: 30_000,
          });
        });
        if ((await cluster.controller()) === old) throw new Error('the old controller is back');
        const topic = `after-${round}`;
        await cluster.client().admin().createTopic({ topic, partitions: 3, replicationFactor: 3 });
      }
    },
  },
  {
    id: 'F09',
    name: 'moves no leader when a leader stands still for shorter than its session',
    options: { tickMs: 200, sessionTimeoutMs: 4_000, properties: longLag() },
    async run(world, effort) {
      const before = await world.leaderEpochs();
      const { process } = world.cluster.broker(await world.leader());
      for (let round = 0; round < (effort === 'full' ? 20 : 3); round += 1) {
        process.pause();
        await passes(1_200);
        process.resume();
        await world.load.progress(10);
      }
      const after = await world.leaderEpochs();
      if (after.join() !== before.join()) {
        throw new Error(`leaders were elected: epochs ${before.join()}, then ${after.join()}`);
      }
    },
  },
];

/** Stops a process until it is gone for the others, then lets it wake. */
async function pausePastSession(
  world: FaultWorld,
  id: number,
  noticed: () => Promise<void>,
): Promise<void> {
  const { cluster, load } = world;
  const { process } = cluster.broker(id);
  const epoch = await cluster.registration(id);
  load.note(`pause broker ${id}`);
  process.pause();
  await world.untilGone(id);
  await noticed();
  await load.progress(20);
  load.note(`resume broker ${id}`);
  process.resume();
  await world.untilRegisteredAnew(id, epoch ?? 0);
  await world.untilInSync();
  if (process.child.exit !== undefined) throw new Error(`broker ${id} ended:\n${process.log}`);
}

function longLag(): Readonly<Record<string, string>> {
  return { 'replica.lag.time.max.ms': '10000' };
}

/** The fault is that time passes. */
async function passes(milliseconds: number): Promise<void> {
  const untilMs = performance.now() + milliseconds;
  await waitFor(() => performance.now() >= untilMs, {
    what: 'time passes',
    timeoutMs: milliseconds + 10_000,
  });
}
