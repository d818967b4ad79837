import { expect } from 'chai';
import { type CrashMoment, WriteCounter } from './support/countingConnector.ts';
import { createRequest, deleteRequest, SimCluster } from './support/simCluster.ts';

/** A cluster of two whose first controller dies at a chosen write of a chosen request. */
class DoomedCluster {
  readonly cluster: SimCluster;
  readonly #counters = new Map<number, WriteCounter>();

  constructor(seed: number) {
    this.cluster = new SimCluster({
      seed,
      wrap: (environment, id) => {
        const counter = new WriteCounter();
        this.#counters.set(id, counter);
        return { ...environment, coordinator: counter.wrap(environment.coordinator) };
      },
    });
  }

  counter(id: number): WriteCounter {
    const counter = this.#counters.get(id);
    if (counter === undefined) throw new Error(`Broker ${id} was never started`);
    return counter;
  }

  async start(): Promise<void> {
    await this.cluster.start(1);
    await this.cluster.start(2);
    await this.cluster.controller();
  }

  /** @returns whether the broker died: there may be fewer writes than that. */
  async killAtWrite(
    step: number,
    moment: CrashMoment,
    request: (controllerId: number) => Promise<unknown>,
  ): Promise<boolean> {
    const { id } = await this.cluster.controller();
    const counter = this.counter(id);
    counter.crashAt = counter.count + step;
    counter.moment = moment;
    let died = false;
    counter.crash = () => {
      died = true;
      this.cluster.kill(id);
    };
    let answered = false;
    const done = request(id).then(
      () => {
        answered = true;
      },
      () => {
        answered = true;
      },
    );
    void done;
    await this.cluster.until(() => died || answered, 'the controller dies or answers');
    counter.crashAt = 0;
    return died;
  }

  /** The dead broker comes back once another has taken over. */
  async recover(): Promise<void> {
    const { cluster } = this;
    await cluster.until(
      () => [...cluster.brokers.values()].some(({ controller }) => controller.active),
      'the other takes over',
    );
    for (const id of [1, 2]) if (!cluster.brokers.has(id)) await cluster.start(id);
    await cluster.controller();
  }
}

const moments: readonly CrashMoment[] = ['before', 'after'];

describe('A controller killed at any write', () => {
  for (const moment of moments) {
    it(`of a creation (${moment} the write) leaves no topic or a whole one`, async () => {
      let step = 1;
      for (; step < 50; step++) {
        const doomed = new DoomedCluster(step);
        const { cluster } = doomed;
        await doomed.start();
        const died = await doomed.killAtWrite(step, moment, async (id) =>
          cluster.brokers.get(id)?.controller.createTopics(createRequest('t', { partitions: 5 })),
        );
        if (!died) break;
        await doomed.recover();
        const survivor = await cluster.controller();
        const exists = cluster.paths('/brokers/topics/t').length > 0;
        if (exists) {
          await cluster.until(
            () =>
              (cluster.fakes.get(survivor.id).topics.get('t')?.partitions ?? []).filter(
                ({ leader }) => leader > 0,
              ).length === 5,
            `the topic is whole after write ${step}`,
          );
          expect(cluster.paths('/config/topics/t')).to.have.lengthOf(1);
        }
        const again = await cluster.settle(
          survivor.controller.createTopics(createRequest('t', { partitions: 5 })),
        );
        expect(again.topics[0]?.errorCode).to.equal(exists ? 36 : 0);
      }
      expect(step).to.be.within(3, 49);
    });

    it(`of a deletion (${moment} the write) leaves it to the next, which ends it`, async () => {
      let step = 1;
      for (; step < 50; step++) {
        const doomed = new DoomedCluster(step);
        const { cluster } = doomed;
        await doomed.start();
        const first = await cluster.controller();
        await cluster.settle(first.controller.createTopics(createRequest('t', { partitions: 5 })));
        const died = await doomed.killAtWrite(step, moment, async (id) =>
          cluster.brokers.get(id)?.controller.deleteTopics(deleteRequest('t')),
        );
        if (!died) break;
        const marked = cluster.paths('/admin/delete_topics/t').length > 0;
        await doomed.recover();
        const survivor = await cluster.controller();
        if (!marked) {
          // Killed before the first write, or after the last: nothing, or everything, was done.
          if (cluster.paths('/brokers/topics/t').length === 0) continue;
          await cluster.settle(survivor.controller.deleteTopics(deleteRequest('t')));
        }
        await cluster.until(
          () =>
            cluster.paths('/brokers/topics/t').length === 0 &&
            cluster.paths('/config/topics/t').length === 0 &&
            cluster.paths('/admin/delete_topics/t').length === 0,
          `everything is gone after write ${step}`,
        );
        await cluster.pass(1_000);
        const again = await cluster.settle(
          survivor.controller.createTopics(createRequest('t', { partitions: 5 })),
        );
        expect(again.topics[0]?.errorCode).to.equal(0);
      }
      expect(step).to.be.within(3, 49);
    });
  }

  for (const applied of [true, false]) {
    const what = applied ? 'was applied but not answered' : 'never arrived';
    it(`finishes creation and deletion when any one write ${what}`, async () => {
      for (const skip of [0, 1, 2, 3, 4, 5]) {
        const cluster = new SimCluster({ seed: skip + 1 });
        await cluster.start(1);
        const { controller } = await cluster.controller();
        for (const path of ['/config/topics/t', '/brokers/topics/t', '/admin/delete_topics/t']) {
          cluster.simulation.coordinator.loseNext({ path, applied, skip });
        }
        const created = await cluster.settle(controller.createTopics(createRequest('t')));
        expect(created.topics[0]?.errorCode).to.equal(0);
        const deleted = await cluster.settle(controller.deleteTopics(deleteRequest('t')));
        expect(deleted.topics[0]?.errorCode).to.equal(0);
        expect(cluster.paths('/brokers/topics/')).to.deep.equal([]);
        expect(controller.active).to.equal(true);
      }
    });

    it(`is elected exactly once when the electing multi ${what}`, async () => {
      const cluster = new SimCluster();
      cluster.simulation.coordinator.loseNext({ path: '/controller', applied, skip: 1 });
      await cluster.start(1);
      const { controller } = await cluster.controller();
      expect(controller.seen.id).to.equal(1);
      await cluster.pass(5_000);
      expect(controller.seen.epoch).to.equal(1);
    });
  }
});
