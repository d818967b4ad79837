/**
 * What takes a controller several writes, with the real driver over a simulated ZooKeeper. The
 * followers' part is played by the test: it asks for an ISR as their leader would.
 */

import { expect } from 'chai';
import { errorCode, type PartitionState } from '../../../protocol/index.ts';
import { type CrashMoment, WriteCounter } from './support/countingConnector.ts';
import { createRequest, deleteRequest, SimCluster } from './support/simCluster.ts';

const moments: readonly CrashMoment[] = ['before', 'after'];
const common = { timeoutMs: 20_000, forwarded: false };

/** A cluster in which leaders find every live replica in sync, as soon as they hear of it. */
class Cluster extends SimCluster {
  readonly counters = new Map<number, WriteCounter>();

  constructor(seed = 1) {
    const counters = new Map<number, WriteCounter>();
    super({
      seed,
      wrap: (environment, id) => {
        const counter = new WriteCounter();
        counters.set(id, counter);
        return { ...environment, coordinator: counter.wrap(environment.coordinator) };
      },
    });
    this.counters = counters;
  }

  async create(name: string, assignments: readonly (readonly number[])[]): Promise<void> {
    const { controller } = await this.controller();
    const request = createRequest(name);
    const [topic] = request.topics;
    if (topic === undefined) throw new Error('A request names a topic');
    const counts = { partitionCount: -1, replicationFactor: -1 };
    const topics = [{ ...topic, ...counts, assignments }];
    const created = await this.settle(controller.createTopics({ ...request, topics }));
    expect(created.topics[0]?.errorCode).to.equal(0);
  }

  /** The partition as the active controller has told its own broker. */
  partition(name: string, index = 0): PartitionState | undefined {
    const active = [...this.brokers.values()].find(({ controller }) => controller.active);
    return this.fakes.get(active?.id ?? -1).topics.get(name)?.partitions[index];
  }

  /** What the leaders ask for: every live replica is in sync. */
  catchUp(name: string): void {
    const active = [...this.brokers.values()].find(({ controller }) => controller.active);
    const topic = this.fakes.get(active?.id ?? -1).topics.get(name);
    if (active === undefined || topic === undefined) return;
    for (const state of topic.partitions) {
      const leader = this.brokers.get(state.leader);
      const joined = state.replicas.filter((id) => this.brokers.has(id));
      if (leader === undefined || joined.every((id) => state.isr.includes(id))) continue;
      const isr = joined.map((id) => ({ id, epoch: this.epochOf(id) }));
      const { index, leaderEpoch, partitionEpoch } = state;
      // A controller that dies meanwhile never answers.
      active.controller
        .alterPartition({
          brokerId: state.leader,
          brokerEpoch: this.epochOf(state.leader),
          topics: [
            { topicId: topic.topicId, partitions: [{ index, leaderEpoch, partitionEpoch, isr }] },
          ],
        })
        .catch(() => undefined);
    }
  }

  /** Lets the leaders go on until it is so. */
  async untilWith(name: string, condition: () => boolean, what: string): Promise<void> {
    for (let round = 0; round < 400; round++) {
      if (condition()) return;
      this.catchUp(name);
      await this.pass(100);
    }
    throw new Error(`In vain: ${what}: ${JSON.stringify(this.partition(name))}`);
  }

  epochOf(id: number): number {
    return this.brokers.get(id)?.membership.brokerEpoch ?? -1;
  }
}

async function clusterOf(ids: readonly number[], seed = 1): Promise<Cluster> {
  const cluster = new Cluster(seed);
  for (const id of ids) await cluster.start(id);
  await cluster.controller();
  return cluster;
}

describe('A reassignment', () => {
  const request = {
    ...common,
    topics: [{ name: 't', partitions: [{ index: 0, replicas: [3, 2], throttle: 5_000 }] }],
  };

  for (const moment of moments) {
    it(`ends although its controller is killed (${moment} any of its writes)`, async () => {
      let step = 1;
      for (; step < 20; step++) {
        const cluster = await clusterOf([1, 2, 3, 4], step);
        await cluster.create('t', [[1, 2]]);
        const { id, controller } = await cluster.controller();
        const counter = cluster.counters.get(id) as WriteCounter;
        let died = false;
        counter.crashAt = counter.count + step;
        counter.moment = moment;
        counter.crash = () => {
          died = true;
          cluster.kill(id);
        };
        void controller.alterReassignments(request).catch(() => undefined);
        const isDone = (): boolean =>
          JSON.stringify(cluster.partition('t')?.replicas) === '[3,2]' &&
          [2, 3].every((each) => cluster.partition('t')?.isr.includes(each)) &&
          cluster.partition('t')?.removingReplicas.length === 0;
        for (let round = 0; round < 100 && !died && !isDone(); round++) {
          cluster.catchUp('t');
          await cluster.pass(50);
        }
        if (!died) break;
        await cluster.until(
          () => [...cluster.brokers.values()].some(({ controller: next }) => next.active),
          'the next takes over',
        );
        await cluster.start(id);
        const next = await cluster.controller();
        // Killed before it was begun: then it is asked for again.
        const begun = (cluster.json('/brokers/topics/t') as { adding_replicas: object })
          .adding_replicas;
        if (Object.keys(begun).length === 0 && !isDone()) {
          await cluster.settle(next.controller.alterReassignments(request));
        }
        await cluster.untilWith('t', isDone, `the move ends after write ${step} (${moment})`);
        expect(cluster.json('/brokers/topics/t')).to.deep.include({
          partitions: { 0: [3, 2] },
          adding_replicas: {},
          removing_replicas: {},
        });
        expect(cluster.json('/brokers/topics/t')).not.to.have.property('odradek');
        expect(cluster.partition('t')?.throttle).to.equal(0);
        expect(cluster.partition('t')?.isr).to.have.members([2, 3]);
      }
      expect(step).to.be.within(5, 19);
    });
  }

  it('can be listed and cancelled while the new replica is not in sync, also by the next controller', async () => {
    const cluster = await clusterOf([1, 2, 3]);
    await cluster.create('t', [[1, 2]]);
    const first = await cluster.controller();
    await cluster.settle(first.controller.alterReassignments(request));
    await cluster.pass(1_000);
    expect(cluster.partition('t')?.throttle).to.equal(5_000);
    cluster.kill(first.id);
    await cluster.until(
      () => [...cluster.brokers.values()].some(({ controller: next }) => next.active),
      'the next takes over',
    );
    await cluster.start(first.id);
    const { controller } = await cluster.controller();
    await cluster.pass(1_000);
    expect(cluster.partition('t')?.throttle).to.equal(5_000);
    const listed = await cluster.settle(controller.listReassignments({ topics: null }));
    expect(listed.topics[0]?.partitions[0]).to.deep.include({
      addingReplicas: [3],
      removingReplicas: [1],
    });
    const cancelled = await cluster.settle(
      controller.alterReassignments({
        ...common,
        topics: [{ name: 't', partitions: [{ index: 0, replicas: null, throttle: 0 }] }],
      }),
    );
    expect(cancelled.topics[0]?.partitions[0]?.errorCode).to.equal(0);
    await cluster.until(
      () => cluster.partition('t')?.replicas.length === 2,
      'the new replica is gone',
    );
    expect(cluster.partition('t')).to.deep.include({ replicas: [1, 2], throttle: 0 });
    expect(cluster.json('/brokers/topics/t')).to.deep.include({ partitions: { 0: [1, 2] } });
    const none = await cluster.settle(controller.listReassignments({ topics: ['t'] }));
    expect(none.topics).to.deep.equal([]);
  });
});

describe('More partitions', () => {
  for (const moment of moments) {
    it(`stand whole although their controller is killed (${moment} any write)`, async () => {
      let step = 1;
      for (; step < 20; step++) {
        const cluster = await clusterOf([1, 2], step);
        await cluster.create('t', [[1, 2]]);
        const { id, controller } = await cluster.controller();
        const counter = cluster.counters.get(id) as WriteCounter;
        let died = false;
        let answered = false;
        counter.crashAt = counter.count + step;
        counter.moment = moment;
        counter.crash = () => {
          died = true;
          cluster.kill(id);
        };
        const topics = [{ name: 't', partitionCount: 4, assignments: null }];
        void controller.createPartitions({ ...common, validateOnly: false, topics }).then(
          () => {
            answered = true;
          },
          () => undefined,
        );
        await cluster.until(() => died || answered, 'it dies or answers');
        if (!died) break;
        await cluster.until(
          () => [...cluster.brokers.values()].some(({ controller: next }) => next.active),
          'the next takes over',
        );
        await cluster.start(id);
        await cluster.controller();
        const written = Object.keys(
          (cluster.json('/brokers/topics/t') as { partitions: object }).partitions,
        ).length;
        expect(written).to.be.oneOf([1, 4]);
        await cluster.until(
          () =>
            Array.from({ length: written }, (_, index) => cluster.partition('t', index)).every(
              (state) => (state?.leader ?? -1) > 0,
            ),
          `all partitions are led after write ${step}`,
        );
      }
      expect(step).to.be.within(3, 19);
    });
  }
});

describe('A broker about to stop', () => {
  it('leads nothing any more that another can lead, also under the next controller', async () => {
    const cluster = await clusterOf([1, 2, 3]);
    await cluster.create('t', [
      [1, 2],
      [2, 1],
      [3, 1],
      [1, 3],
    ]);
    const { id, controller } = await cluster.controller();
    const stopping = id === 3 ? 1 : 3;
    const asked = { brokerId: stopping, brokerEpoch: cluster.epochOf(stopping) };
    const answer = await cluster.settle(controller.controlledShutdown(asked));
    expect(answer).to.deep.equal({ errorCode: 0, remaining: 0 });
    for (const index of [0, 1, 2, 3]) {
      const state = cluster.partition('t', index);
      expect(state?.leader).not.to.equal(stopping);
      expect(state?.isr).not.to.include(stopping);
    }
    const stale = await cluster.settle(
      controller.controlledShutdown({ ...asked, brokerEpoch: asked.brokerEpoch - 1 }),
    );
    expect(stale.errorCode).to.equal(errorCode('STALE_BROKER_EPOCH'));
    cluster.kill(stopping);
    await cluster.start(stopping);
    await cluster.controller();
    await cluster.untilWith(
      't',
      () => cluster.partition('t', 0)?.isr.length === 2,
      'registered anew it joins again',
    );
  });
});

describe('A topic with several replicas', () => {
  it('is deleted when the broker that was missing has removed its files', async () => {
    const cluster = await clusterOf([1, 2, 3]);
    await cluster.create('t', [
      [1, 2, 3],
      [2, 3, 1],
    ]);
    const { id, controller } = await cluster.controller();
    const missing = id === 3 ? 2 : 3;
    const topicId = cluster.fakes.get(id).topics.get('t')?.topicId ?? '';
    cluster.kill(missing);
    await cluster.pass(15_000);
    const late = await cluster.settle(controller.deleteTopics(deleteRequest('t', 1_000)));
    expect(late.topics[0]?.errorCode).to.equal(errorCode('REQUEST_TIMED_OUT'));
    expect(cluster.paths('/brokers/topics/t')).not.to.deep.equal([]);
    await cluster.start(missing);
    await cluster.until(() => cluster.paths('/brokers/topics/t').length === 0, 'it is gone');
    expect(cluster.fakes.get(missing).removedFiles.has(topicId)).to.equal(true);
    await cluster.until(() => cluster.paths('/admin/delete_topics/').length === 0, 'unmarked');
  });
});

describe('Preferred leaders', () => {
  it('lead again some seconds after their broker is back', async () => {
    const cluster = new Cluster();
    for (const id of [1, 2, 3]) await cluster.start(id, { autoLeaderRebalance: true });
    await cluster.create('t', [
      [1, 2, 3],
      [2, 3, 1],
      [3, 1, 2],
    ]);
    const { id } = await cluster.controller();
    const victim = id === 3 ? 2 : 3;
    const led = victim - 1;
    cluster.kill(victim);
    await cluster.until(
      () => ![victim, -1].includes(cluster.partition('t', led)?.leader ?? -1),
      'another leads',
    );
    await cluster.start(victim, { autoLeaderRebalance: true });
    await cluster.controller();
    await cluster.untilWith('t', () => cluster.partition('t', led)?.isr.length === 3, 'in sync');
    await cluster.until(
      () => cluster.partition('t', led)?.leader === victim,
      'it leads again',
      400_000,
    );
  });
});
