import { expect } from 'chai';
import type { PartitionState } from '../../../../protocol/index.ts';
import { FOLLOWER, ReplicaPair } from './replicaPair.ts';

const RATE = 2_000;
const BATCH = 'x'.repeat(900);
const alone = { 'min.insync.replicas': '1' };
/** The follower is being added, and not in sync. */
const joining: Partial<PartitionState> = { isr: [1], addingReplicas: [2] };
const moved: Partial<PartitionState> = { ...joining, throttle: RATE };

const bothLists = {
  ...alone,
  'leader.replication.throttled.replicas': '*',
  'follower.replication.throttled.replicas': '*',
};

/** A pair whose follower lacks 20 batches. */
async function behind(
  options: {
    readonly state?: Partial<PartitionState>;
    readonly configs?: Readonly<Record<string, string>>;
    readonly settings?: string;
  } = {},
): Promise<ReplicaPair> {
  const { state = moved, configs = alone, settings = '' } = options;
  const pair = new ReplicaPair(settings);
  await pair.leader.lead(state, { configs });
  for (let count = 0; count < 20; count += 1) pair.leader.append(BATCH);
  await pair.settle();
  await pair.follower.lead(state, { configs });
  return pair;
}

/** Bytes that the follower has after each of so many seconds. */
async function seconds(pair: ReplicaPair, count: number): Promise<readonly number[]> {
  const sizes: number[] = [];
  for (let second = 0; second < count; second += 1) {
    for (let part = 0; part < 4; part += 1) {
      await pair.settle();
      pair.time.advance(10);
    }
    sizes.push(pair.follower.bytes().length);
  }
  return sizes;
}

const ratesOf = (settings: string): string =>
  `leader.replication.throttled.rate=${settings}\nfollower.replication.throttled.rate=${settings}`;

describe('A throttle of replication', () => {
  const throttled: Readonly<Record<string, Parameters<typeof behind>[0]>> = {
    'of a move': {},
    'of a broker, for the replicas that a topic names': {
      state: joining,
      configs: bothLists,
      settings: ratesOf(String(RATE)),
    },
    'of the leader alone': {
      state: joining,
      configs: { ...alone, 'leader.replication.throttled.replicas': '0:1' },
      settings: `leader.replication.throttled.rate=${RATE}`,
    },
    'that is the lower one of a move and its brokers': {
      state: { ...moved, throttle: 1_000_000 },
      settings: ratesOf(String(RATE)),
    },
  };
  for (const [what, options] of Object.entries(throttled)) {
    it(`${what} lets a replica catch up at its rate, not faster`, async () => {
      const pair = await behind(options);
      const sizes = await seconds(pair, 5);
      for (const [index, size] of sizes.entries()) {
        // A second's worth at the beginning, and one batch that could not be cut.
        expect(size).to.be.within((index + 1) * RATE * 0.7, (index + 2) * RATE + 1_000);
      }
      await seconds(pair, 6);
      expect(pair.follower.bytes()).to.deep.equal(pair.leader.bytes());
    });
  }

  it('of the follower alone lets it take a response, and ask for the next when that is paid', async () => {
    const pair = await behind({
      state: joining,
      configs: { ...alone, 'follower.replication.throttled.replicas': '0:2' },
      settings: `follower.replication.throttled.rate=${RATE}\nreplica.fetch.response.max.bytes=5000`,
    });
    const sizes = await seconds(pair, 5);
    for (const [index, size] of sizes.entries()) {
      expect(size).to.be.within(index * RATE * 0.7, (index + 2) * RATE + 5_000);
    }
    await seconds(pair, 6);
    expect(pair.follower.bytes()).to.deep.equal(pair.leader.bytes());
  });

  const unthrottled: Readonly<Record<string, Parameters<typeof behind>[0]>> = {
    'a move without one': { state: joining },
    'replicas that the lists do not name': {
      state: joining,
      configs: {
        ...alone,
        'leader.replication.throttled.replicas': '1:1,0:2',
        'follower.replication.throttled.replicas': '0:1,1:2',
      },
      settings: ratesOf('1'),
    },
    'a replica that was there before the move': {
      state: { ...moved, throttle: 1, addingReplicas: [3], replicas: [1, 2, 3] },
    },
    'a replica in sync, on either side': {
      state: { ...moved, throttle: 1, isr: [1, 2] },
    },
  };
  for (const [what, options] of Object.entries(unthrottled)) {
    it(`is none for ${what}`, async () => {
      const pair = await behind(options);
      await pair.settle();
      await pair.settle();
      expect(pair.follower.bytes()).to.deep.equal(pair.leader.bytes());
    });
  }

  it('ends for what is under way when the controller says so', async () => {
    const pair = await behind({ state: { ...moved, throttle: 10 } });
    await seconds(pair, 2);
    expect(pair.follower.bytes().length).to.be.lessThan(2_000);
    const options = { configs: alone };
    await pair.leader.lead({ ...joining, partitionEpoch: 1 }, options);
    await pair.follower.lead({ ...joining, partitionEpoch: 1 }, options);
    await pair.settle();
    await pair.settle();
    expect(pair.follower.bytes()).to.deep.equal(pair.leader.bytes());
  });

  it('never makes an acknowledgement wait for a replica that is held back', async () => {
    const pair = await behind({ state: { ...moved, throttle: 100 } });
    await seconds(pair, 1);
    pair.leader.append(BATCH);
    await pair.settle();
    const { highWatermark, log } = pair.leader.partition();
    expect(highWatermark).to.equal(log.logEndOffset);
    expect(pair.follower.partition().log.logEndOffset).to.be.lessThan(log.logEndOffset);
  });

  it('lets a replica that has caught up join, under a load above the rate for one second', async () => {
    const pair = await behind();
    await seconds(pair, 10);
    pair.leader.append(BATCH);
    await pair.settle();
    const asked = pair.leader.proposals.flatMap(({ topics }) =>
      topics.flatMap(({ partitions }) => partitions.map(({ isr }) => isr.map(({ id }) => id))),
    );
    expect(asked).to.deep.include([1, FOLLOWER]);
    // Waited for now: what comes goes to it at once, whatever the rate.
    for (let count = 0; count < 30; count += 1) pair.leader.append(BATCH);
    await pair.settle();
    await pair.settle();
    expect(pair.follower.bytes()).to.deep.equal(pair.leader.bytes());
  });
});
